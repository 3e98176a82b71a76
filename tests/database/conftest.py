"""The directories of `tests.directory`, on which our databases are tried."""

from tests.directory.conftest import asked, directory, engine

__all__ = ["asked", "directory", "engine"]
