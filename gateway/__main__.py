"""``python -m gateway`` is ``forecourt``."""

from gateway.cli import main

if __name__ == "__main__":
    main()
