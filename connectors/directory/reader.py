"""Answering one query of the directory with one statement."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import bindparam

from connectors.database.columns import UtcDateTime
from connectors.database.engine import AsyncEngine
from connectors.database.lists import Listing, counts
from connectors.database.reader import Reader, parallel
from connectors.database.record_rows import Rows
from connectors.pages import Page

BACKEND = "directory"

NOW = bindparam("now", type_=UtcDateTime)

R = TypeVar("R")
E = TypeVar("E", bound=StrEnum)


class DirectoryReader(Reader):
    """Reads outside any transaction block: each query is one statement, so there is nothing to keep together."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine, BACKEND)

    @property
    def database(self) -> str:
        """Return which kind of database is asked, ``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    async def records(self, rows: Rows[R], keys: Sequence[str]) -> list[R | None]:
        """Return the records with these keys."""
        found = await self.read_of(keys, rows.with_keys)
        return parallel(keys, {row[0]: rows.record(row) for row in found})

    async def pages(
        self, listing: Listing[R], owners: Sequence[str], first: int, after: str | None, **values: Any
    ) -> list[Page[R]]:
        """Return a page of each owner's list.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        statement = listing.page(self.database, after=after is not None)
        found = await self.read_of(list(dict.fromkeys(owners)), statement, **listing.bounds(first, after), **values)
        return listing.pages(owners, found, first, after)

    async def page(self, listing: Listing[R], first: int, after: str | None, **values: Any) -> Page[R]:
        """Return a page of a list that has no owners.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        statement = listing.page(self.database, after=after is not None)
        found = await self.read(statement, **listing.bounds(first, after), **values)
        return listing.whole_page(found, first, after)

    async def firsts(self, listing: Listing[R], owners: Sequence[str], limit: int, **values: Any) -> list[list[R]]:
        """Return the first `limit` entries of each owner's list."""
        wanted = list(dict.fromkeys(owners))
        found = await self.read_of(wanted, listing.page(self.database), limit=limit, **values)
        return listing.of_each(owners, listing.records(found))

    async def counts(self, listing: Listing[R], owners: Sequence[str], **values: Any) -> list[int]:
        """Return how long each owner's list is."""
        return counts(owners, await self.read_of(owners, listing.count, **values))

    async def count(self, listing: Listing[R], **values: Any) -> int:
        """Return how long a list is that has no owners."""
        return int((await self.read(listing.count, **values))[0][0])


def chosen(values: Sequence[E] | None, every: type[E]) -> Sequence[E]:
    """Return the values that a filter names; None names every value that there is."""
    return tuple(every) if values is None else values
