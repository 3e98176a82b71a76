"""Asking the directory's database one question with one statement."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.database import database_errors, for_reading

BACKEND = "directory"

Row = tuple[Any, ...]

T = TypeVar("T")
Key = TypeVar("Key")


class Reader:
    """Reads outside any transaction block: each question is one statement, so there is nothing to keep together."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reads = for_reading(engine)

    async def read(self, statement: Executable, **parameters: Any) -> Sequence[Row]:
        """Return the rows; asks once more when the connection turns out to be one that the database has closed.

        Raises:
            BackendUnavailable: The database does not answer.
        """
        async with database_errors(BACKEND):
            try:
                return await self._ask(statement, parameters)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                return await self._ask(statement, parameters)

    async def read_of(self, ids: Sequence[str], statement: Executable, **parameters: Any) -> Sequence[Row]:
        """Return the rows for the ids, which the statement takes as `ids`; for no ids, none without asking.

        Raises:
            BackendUnavailable: The database does not answer.
        """
        return await self.read(statement, ids=ids, **parameters) if ids else []

    async def _ask(self, statement: Executable, parameters: Mapping[str, Any]) -> Sequence[Row]:
        async with self._reads.connect() as connection:
            return (await connection.execute(statement, parameters)).all()


def parallel(ids: Iterable[Key], found: Mapping[Key, T]) -> list[T | None]:
    """Return what was found for each id, in the order of the ids."""
    return [found.get(id) for id in ids]


def gathered(owners: Iterable[Key], entries: Iterable[tuple[Key, T]]) -> list[list[T]]:
    """Return the entries of each owner, in the order in which they come, parallel to the owners."""
    lists: dict[Key, list[T]] = {}
    for owner, entry in entries:
        lists.setdefault(owner, []).append(entry)
    return [lists.get(owner, []) for owner in owners]
