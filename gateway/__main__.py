"""``python -m gateway`` is ``forecourt``."""

from gateway.cli.main import main

if __name__ == "__main__":
    main()
