"""Long lists, of each of many owners or whole: their pages, how long they are, and the cursors into them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, ColumnElement, Select, bindparam, func, select, true, tuple_
from sqlalchemy.sql.selectable import FromClause

from connectors.database.columns import UtcDateTime
from connectors.database.dialects import listed, one_of
from connectors.database.reader import Row, gathered
from connectors.database.record_rows import Rows
from connectors.errors import InvalidCursor
from connectors.pages import Page, cursor, position

R = TypeVar("R")


class Listing(Generic[R]):
    """The rows that fulfil some conditions, newest first, or by `order`, whose last column is the key of the rows.

    With an `owner`, the column that says whose a row is, each owner has a list; `owner_of` returns whose a record is
    where the column has another name. `name` stands in the cursors. `source` joins what the conditions and the order
    need; with `further` columns, `record` makes the record of all that is read, to which those of the order are added.
    """

    def __init__(
        self,
        name: str,
        rows: Rows[R],
        *where: ColumnElement[bool],
        owner: Column[Any] | None = None,
        owner_of: Callable[[R], Any] | None = None,
        order: Sequence[Column[Any]] = (),
        ascending: bool = False,
        source: FromClause | None = None,
        further: Sequence[ColumnElement[Any]] = (),
        record: Callable[[Row], R] | None = None,
    ) -> None:
        self.name = name
        self._owner = owner
        self._owner_of = owner_of or (attrgetter(owner.name) if owner is not None else None)
        self._where = where
        self._order = tuple(order) or (rows.table.c.id,)
        self._ascending = ascending
        self._source = rows.source if source is None else source
        read = [*rows.columns, *further]
        added = [column for column in self._order if not any(column is one for one in read)]
        self._columns = [*read, *added]
        self._record = record or (rows.record if not added else lambda row: rows.record(row[: len(read)]))
        self._key_at = [next(i for i, one in enumerate(self._columns) if one is column) for column in self._order]
        self._pages: dict[tuple[str, bool], Select[Any]] = {}
        length = select(func.count()) if owner is None else select(owner, func.count()).group_by(owner)
        of_owners = [] if owner is None else [one_of(owner, "ids")]
        self.count: Select[Any] = length.select_from(self._source).where(*of_owners, *where)

    def page(self, database: str, *, after: bool = False) -> Select[Any]:
        """Return the statement that selects the first `limit` rows, of each owner in `ids` if there are owners.

        With `after`, those that come after a position, which `bounds` gives. No owner may come twice. The limit applies
        in the index, owner by owner; row_number() would first read the whole history of each.
        """
        if (database, after) not in self._pages:
            self._pages[database, after] = self._page(database, after)
        return self._pages[database, after]

    def bounds(self, first: int, after: str | None) -> dict[str, Any]:
        """Return the values that `page` takes for a page, one row more than it shows.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        if first < 0:
            raise ValueError(f"first is {first}; a page has no negative length.")
        bounds: dict[str, Any] = {"limit": first + 1}
        if after is None:
            return bounds
        keys = position(self.name, after, len(self._order))
        try:
            return bounds | {f"after_{index}": _read(keys[index], column) for index, column in enumerate(self._order)}
        except ValueError as error:
            raise InvalidCursor(f"{after!r} is not a cursor of {self.name}.") from error

    def records(self, rows: Sequence[Row]) -> list[R]:
        """Return the records of rows that were read with `page`."""
        return list(map(self._record, rows))

    def of_each(self, owners: Sequence[str], records: Sequence[R]) -> list[list[R]]:
        """Return the records of each owner."""
        assert self._owner_of is not None
        owner_of = self._owner_of
        return gathered(owners, ((owner_of(record), record) for record in records))

    def pages(self, owners: Sequence[str], rows: Sequence[Row], first: int, after: str | None) -> list[Page[R]]:
        """Return the page of each owner from the rows that were read for all."""
        records = self.records(rows)
        cursor_of = self._cursors(rows)
        return [
            Page(found[:first], len(found) > first, after is not None, cursor_of)
            for found in self.of_each(owners, records)
        ]

    def whole_page(self, rows: Sequence[Row], first: int, after: str | None) -> Page[R]:
        """Return the page of the list that has no owners."""
        records = self.records(rows)
        return Page(records[:first], len(records) > first, after is not None, self._cursors(rows))

    def _cursors(self, rows: Sequence[Row]) -> Callable[[Any], str]:
        read = {row[self._key_at[-1]]: row for row in rows}
        return lambda record: cursor(self.name, *(_written(read[record.id][index]) for index in self._key_at))

    def _page(self, database: str, after: bool) -> Select[Any]:
        keys = [bindparam(f"after_{index}", type_=column.type) for index, column in enumerate(self._order)]
        here, there = (self._order[0], keys[0]) if len(keys) == 1 else (tuple_(*self._order), tuple_(*keys))
        where = [*self._where, *([here > there if self._ascending else here < there] if after else [])]
        order = self._sorted(self._order)
        read = select(*self._columns)
        if self._owner is None:
            return read.select_from(self._source).where(*where).order_by(*order).limit(bindparam("limit"))
        asked = listed(database, "ids")
        where.append(self._owner == asked.c.value)

        def first(found: Select[Any]) -> Select[Any]:
            found = found.select_from(self._source).where(*where)
            return found.order_by(*order).limit(bindparam("limit")).correlate(asked)

        if database == "postgresql":
            page = first(read).lateral("page")
            columns = list(page.c)
            order = self._sorted([columns[index] for index in self._key_at])
            return select(*columns).select_from(asked.join(page, true())).order_by(*order)
        key = self._order[-1]  # SQLite has no LATERAL
        return read.select_from(asked.join(self._source, key.in_(first(select(key))))).order_by(*order)

    def _sorted(self, columns: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        return list(columns) if self._ascending else [column.desc() for column in columns]


def first_of_each(
    columns: Sequence[ColumnElement[Any]],
    owner: Sequence[ColumnElement[Any]],
    order: Sequence[ColumnElement[Any]],
    *where: ColumnElement[bool],
) -> Select[Any]:
    """Return the statement that selects the first `limit` rows of each owner, who may be known by several columns."""
    number = func.row_number().over(partition_by=owner, order_by=order).label("number")
    numbered = select(*columns, number).where(*where).subquery("numbered")
    shown = [numbered.c[str(column.key)] for column in columns]
    return select(*shown).where(numbered.c.number <= bindparam("limit")).order_by(numbered.c.number)


def counts(owners: Sequence[str], rows: Sequence[Row]) -> list[int]:
    """Return the number of each owner, from rows of an owner and a number."""
    found = {row[0]: row[1] for row in rows}
    return [found.get(owner, 0) for owner in owners]


def _written(value: str | datetime) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _read(text: str, column: Column[Any]) -> str | datetime:
    if not isinstance(column.type, UtcDateTime):
        return text
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is not UTC:
        raise ValueError("Ours are in UTC.")
    return instant
