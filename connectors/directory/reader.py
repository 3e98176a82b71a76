"""Answering one query of the directory with one statement."""

from connectors.database.engine import AsyncEngine
from connectors.database.reader import Reader

BACKEND = "directory"


class DirectoryReader(Reader):
    """Reads outside any transaction block: each query is one statement, so there is nothing to keep together."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine, BACKEND)

    @property
    def database(self) -> str:
        """Return which kind of database is asked, ``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name
