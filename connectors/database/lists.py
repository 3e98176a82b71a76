"""Long lists, of each of many owners or whole: their pages, how long they are, and the cursors into them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ClauseElement,
    Column,
    ColumnElement,
    CompoundSelect,
    Integer,
    Join,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.sql.util import ClauseAdapter
from sqlalchemy.sql.visitors import iterate

from connectors.database.columns import UtcDateTime, clean_text
from connectors.database.dialects import listed, one_of
from connectors.database.reader import Reader, Row, gathered, parallel
from connectors.database.record_rows import Projection, Rows, joined
from connectors.errors import InvalidCursor
from connectors.pages import Page, Slice, cursor, position
from connectors.wanted import EVERYTHING, Wanted

R = TypeVar("R")

_FROM_THE_BEGINNING = Slice(0)
_ONE = literal_column("1", Integer)
_WALKED = literal_column("300", Integer)
"""So many rows of a list are looked at in its order, before those that fulfil a rare condition are looked up."""
_WALKED_INSIDE = literal_column("2000", Integer)
"""So many of a list whose indexes have all that is looked at."""
_FEW = literal_column("1000", Integer)
"""Where two conditions are rare, the second is looked up as long as fewer rows than these fulfil it."""
MOST_STATEMENTS = 300
"""So many pages and as many counts are kept as statements, of all lists together: one takes up to 150 kilobytes, and
clients choose attributes, filters, orders and cursors."""

_BEFORE, _WITHIN, _AFTER = range(3)
"""Where a row stands to the positions of a slice, as its last column says."""


@dataclass(frozen=True, slots=True, eq=False)
class Rare:
    """A condition that many rows of a list may fulfil, or hardly one, which nobody knows before.

    `holds` says so of a row, given its columns, of which it needs `columns` and the key. `looked_up` is the same as an
    index answers it, given whose list it is; `keys` selects what the index has, where a list may have another such
    condition before this one. The indexes of a list have the columns that are `listed`, each with a column that is the
    same or, of rows for which they have no room, null.
    """

    holds: Callable[[Any], ColumnElement[bool]]
    looked_up: Callable[[ColumnElement[Any]], ColumnElement[bool]]
    columns: tuple[Column[Any], ...] = ()
    keys: Callable[[ColumnElement[Any]], Select[Any] | CompoundSelect[Any]] | None = None
    listed: Mapping[Column[Any], Column[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Each:
    """A list keeps the rows with one of the values of a parameter in a column, by which each value's rows are indexed.

    `kept` says the same where rows are not read value by value, if another column says it too, with a smaller index.
    """

    column: Column[Any]
    parameter: str
    kept: ColumnElement[bool] | None = None


class Listing(Generic[R]):
    """The rows that fulfil some conditions, newest first, or by `order`, whose last column is the key of the rows.

    Of each row, what is `wanted` of its record is read. With an `owner`, the column that says whose a row is, each
    owner has a list; `owner_of` returns whose a record is where the column has another name. `name` stands in the
    cursors. `source` joins what the conditions and the order need; what nothing is needed of is not joined. With
    `further` columns, `record` makes the record of all that is read, to which those of the order are added.

    How much a page of an owner's list costs does not depend on the length of the list, given an index on the owner and
    the order. With `each`, the index has that column between both, and each value's rows are read from it no further
    than needed. Where conditions are `rare`, some rows
    are looked at in order; when these do not fill the page, all that fulfil the conditions are looked up and sorted.
    Then order and conditions are of the table alone, without what `source` joins.
    """

    def __init__(
        self,
        name: str,
        rows: Rows[R],
        *where: ColumnElement[bool],
        owner: Column[Any] | None = None,
        owner_of: Callable[[R], Any] | None = None,
        order: Sequence[ColumnElement[Any]] = (),
        ascending: bool = False,
        source: FromClause | None = None,
        each: Each | None = None,
        rare: Sequence[Rare] = (),
        wanted: Wanted[R] = EVERYTHING,
        further: Sequence[ColumnElement[Any]] = (),
        record: Callable[[Row], R] | None = None,
    ) -> None:
        self.name = name
        self._owner = owner
        self._owner_of = owner_of or (attrgetter(owner.name) if owner is not None else None)
        self._where = where
        self._table, self._each, self._rare = rows.table, each, rare
        is_inside = all(column in one.listed for one in rare for column in one.columns) and not any(
            one.keys for one in rare
        )
        self._walked = _WALKED_INSIDE if is_inside else _WALKED
        self._order = tuple(order) or (rows.table.c.id,)
        self._ascending = ascending
        projection = rows.projected(wanted, *([] if owner is None else [owner]))
        source = rows.source if source is None else source
        read = [*projection.columns, *further]
        added = [column for column in self._order if not any(column is one for one in read)]
        self._columns = [*read, *added]
        self._source = joined(source, *self._columns, *where)
        self.records = projection.records if record is None else lambda rows: list(map(record, rows))
        self._key_at = [next(i for i, one in enumerate(self._columns) if one is column) for column in self._order]

    def page(self, database: str, asked: Slice = _FROM_THE_BEGINNING) -> Select[Any]:
        """Return the statement that selects `limit` rows of a slice, of each owner in `ids` if there are owners.

        With cursors, they are those beside the positions that `bounds` gives, each row with where it stands to them,
        and one row more beyond each position, if there is one. No owner may come twice. The limit applies in the index,
        owner by owner; row_number() would first read the whole history of each.
        """
        return _page_statement(self, database, asked.after is not None, asked.before is not None, asked.backward)

    def count(self, database: str) -> Select[Any]:
        """Return the statement that counts the rows, of each owner in `ids` if there are owners."""
        return _count_statement(self, database)

    def bounds(self, asked: Slice) -> dict[str, Any]:
        """Return the values that `page` takes for a slice, one row more than it shows.

        Raises:
            InvalidCursor: `after` or `before` is not a cursor of this list.
        """
        if asked.size < 0:
            raise ValueError(f"The size is {asked.size}; a page has no negative length.")
        return {"limit": asked.size + 1} | self._position("after", asked.after) | self._position("before", asked.before)

    def sorted(self, columns: Sequence[ColumnElement[Any]], asked: Slice) -> list[ColumnElement[Any]]:
        """Return by what rows with these columns of the order are sorted, as `pages` expects them."""
        return list(columns) if self._ascending is not asked.backward else [column.desc() for column in columns]

    def of_each(self, owners: Sequence[str], records: Sequence[R]) -> list[list[R]]:
        """Return the records of each owner."""
        assert self._owner_of is not None
        return gathered(owners, records, self._owner_of)

    def pages(self, owners: Sequence[str], rows: Sequence[Row], asked: Slice) -> list[Page[R]]:
        """Return the page of each owner from the rows that were read for all."""
        parts, cursor_of = self._parts(rows, asked)
        before, within, after = (self.of_each(owners, part) for part in parts)
        return [_page_of(*of_owner, asked, cursor_of) for of_owner in zip(before, within, after, strict=True)]

    def whole_page(self, rows: Sequence[Row], asked: Slice) -> Page[R]:
        """Return the page of the list that has no owners."""
        parts, cursor_of = self._parts(rows, asked)
        return _page_of(*parts, asked, cursor_of)

    def _parts(
        self, rows: Sequence[Row], asked: Slice
    ) -> tuple[tuple[list[R], list[R], list[R]], Callable[[Any], str]]:
        """Return what stands before the slice, in it and after it, and what gives the cursors of what is in it."""
        if asked.after is None and asked.before is None:
            return ([], self.records(rows), []), self._cursors(rows)
        parts: tuple[list[Row], list[Row], list[Row]] = ([], [], [])
        for row in rows:
            parts[row[-1]].append(row[:-1])
        before, within, after = map(self.records, parts)
        return (before, within, after), self._cursors(parts[_WITHIN])

    def _cursors(self, rows: Sequence[Row]) -> Callable[[Any], str]:
        read: dict[str, Row] = {}

        def cursor_of(record: Any) -> str:
            if not read:  # most pages are shown without a single cursor
                read.update((row[self._key_at[-1]], row) for row in rows)
            return cursor(self.name, *(_written(read[record.id][index]) for index in self._key_at))

        return cursor_of

    def _position(self, side: str, given: str | None) -> dict[str, Any]:
        if given is None:
            return {}
        keys = position(self.name, given, len(self._order))
        try:
            return {f"{side}_{index}": _read(keys[index], column) for index, column in enumerate(self._order)}
        except ValueError as error:
            raise InvalidCursor(f"{given!r} is not a cursor of {self.name}.") from error

    def make_count(self, database: str) -> Select[Any]:
        """Make what `count` returns."""
        number, where = select(func.count()), [*self._where, *self._kept(), *self._hold(self._table.c)]
        if self._owner is None:
            return number.select_from(joined(self._source, *where)).where(*where)
        if not self._rare:
            source = joined(self._source, self._owner, *where)
            of_each = number.add_columns(self._owner).with_only_columns(self._owner, func.count())
            return of_each.select_from(source).where(one_of(self._owner, "ids"), *where).group_by(self._owner)
        asked = listed(database, "ids")
        its = self._owner == asked.c.value
        beginning = select(_ONE).where(its).limit(_WALKED).correlate(asked).subquery()
        is_long = select(func.count()).select_from(beginning).scalar_subquery() == _WALKED
        in_list = number.where(its, *where).correlate(asked).scalar_subquery()
        ways = [
            (and_(is_long, *when), number.where(*found, *where).correlate(asked).scalar_subquery())
            for when, found in self._ways(asked)
        ]
        return select(asked.c.value, case(*ways, else_=in_list)).select_from(asked)

    def make_page(self, database: str, after: bool, before: bool, backward: bool) -> Select[Any]:
        """Make what `page` returns for slices of this shape."""
        here = self._order[0] if len(self._order) == 1 else tuple_(*self._order)
        beyond, within = [], []  # on the one side of a position, and on the other
        for side, is_given, is_first in (("after", after, True), ("before", before, False)):
            if is_given:
                keys = [bindparam(f"{side}_{index}", type_=column.type) for index, column in enumerate(self._order)]
                there = keys[0] if len(keys) == 1 else tuple_(*keys)
                is_lower = self._ascending is is_first
                beyond.append((here <= there if is_lower else here >= there, is_first))
                within.append(here > there if is_lower else here < there)
        slice_ = Slice(0, backward=backward)
        order = self.sorted(self._order, slice_)
        columns = [*self._columns]
        if beyond:
            columns.append(case(*((there, _BEFORE if first else _AFTER) for there, first in beyond), else_=_WITHIN))
        limit: BindParameter[int] = bindparam("limit")
        if self._owner is None and not beyond:
            return select(*columns).select_from(self._source).where(*self._where).order_by(*order).limit(limit)
        asked = listed(database, "ids") if self._owner is not None else None

        def found(shown: Sequence[ColumnElement[Any]]) -> Select[Any]:
            """Select the slice, and of what is beyond a position the entry that stands next to it."""
            if self._rare:
                parts = [self._found(database, asked, within, slice_, limit)]
            else:
                parts = [self._stretch(database, asked, shown, within, slice_, limit)]
            for there, is_first in beyond:
                outwards = Slice(0, backward=is_first)
                where = [there, *self._hold(self._table.c)]
                parts.append(self._stretch(database, asked, shown, where, outwards, _ONE))
            if len(parts) == 1:
                return parts[0]
            return select(union_all(*(select(part.subquery()) for part in parts)).subquery())

        key = self._order[-1]
        if database == "postgresql" and self._each is None and not self._rare:
            if asked is not None and not beyond and self._joins_afterwards():
                return self._page_joined(asked, slice_, limit)
            page = found(columns).lateral("page") if asked is not None else found(columns).subquery("page")
            shown = list(page.c)
            source = page if asked is None else asked.join(page, true())
            if not beyond:  # the loop over the owners keeps each one's order
                return select(*shown).select_from(source)
            order = self.sorted([shown[index] for index in self._key_at], slice_)
            return select(*shown).select_from(source).order_by(*order)
        if database == "postgresql" and asked is not None:
            page = found([key]).lateral("page")
            source = asked.join(page, true()).join(self._source, key == page.c[0])
            return select(*columns).select_from(source).order_by(*order)
        chosen = key.in_(found([key]))  # SQLite has no LATERAL
        read = select(*columns).order_by(*order)
        if asked is None:
            return read.select_from(self._source).where(chosen)
        return read.select_from(asked.join(self._source, chosen))

    def _joins_afterwards(self) -> bool:
        """Return whether others are joined, but neither order nor conditions need them."""
        return isinstance(self._source, Join) and joined(self._source, *self._order, *self._where) is self._table

    def _page_joined(self, asked: FromClause, slice_: Slice, limit: BindParameter[int]) -> Select[Any]:
        """Select each owner's first rows, and join with those rows alone what is read of others."""

        def of_table(*clauses: ClauseElement) -> list[Column[Any]]:
            read = (one for clause in clauses for one in iterate(clause))
            return [one for one in dict.fromkeys(read) if isinstance(one, Column) and one.table is self._table]

        joins, source = [], self._source
        while isinstance(source, Join):
            assert source.onclause is not None
            joins.append((source.right, source.onclause))
            source = source.left
        read = of_table(*self._columns, *(on for _, on in joins))
        page = self._stretch("postgresql", asked, read, (), slice_, limit).lateral("page")
        shown = ClauseAdapter(page).traverse
        found: FromClause = asked.join(page, true())
        for right, on in reversed(joins):
            found = found.join(right, shown(on))
        order = self.sorted([shown(column) for column in self._order], slice_)
        return select(*map(shown, self._columns)).select_from(found).order_by(*order)

    def _stretch(
        self,
        database: str,
        asked: FromClause | None,
        shown: Sequence[ColumnElement[Any]],
        where: Sequence[ColumnElement[bool]],
        slice_: Slice,
        limit: ColumnElement[int],
    ) -> Select[Any]:
        """Select the first rows, in the order of the slice, of whom is `asked` for, as they stand in the index."""
        order, key = self.sorted(self._order, slice_), self._order[-1]
        outer = [] if asked is None else [asked]
        its = [] if asked is None or self._owner is None else [self._owner == asked.c.value]
        if self._each is None:
            source = joined(self._source, *shown, *order, *self._where, *where)
            first = select(*shown).select_from(source).where(*its, *where, *self._where)
            return first.order_by(*order).limit(limit).correlate(*outer)
        values = listed(database, self._each.parameter)
        outer.append(values)
        first = select(*(shown if database == "postgresql" else [key])).select_from(self._table)
        first = (
            first.where(*its, self._each.column == values.c.value, *where, *self._where).order_by(*order).limit(limit)
        )
        if database != "postgresql":
            of_each = select(*shown).select_from(values.join(self._table, key.in_(first.correlate(*outer))))
            return of_each.order_by(*order).limit(limit).correlate(*outer[:-1])
        added = [one for one in self._order if not any(one is column for column in shown)]
        each = first.add_columns(*added).correlate(*outer).lateral("of_each")
        at = dict(zip([*map(id, shown), *map(id, added)], each.c, strict=True))
        order = self.sorted([at[id(one)] for one in self._order], slice_)
        merged = select(*(at[id(one)] for one in shown)).select_from(values.join(each, true()))
        return merged.order_by(*order).limit(limit).correlate(*outer[:-1])

    def _found(
        self,
        database: str,
        asked: FromClause | None,
        within: Sequence[ColumnElement[bool]],
        slice_: Slice,
        limit: BindParameter[int],
    ) -> Select[Any]:
        """Select the first rows that fulfil the rare conditions.

        How many do, nobody knows before. Where they are many, a page is soon full when the list is walked through in
        its order, and to look them all up would take long; where they are few, it is the other way round.
        """
        assert asked is not None
        needed, key = [column for rare in self._rare for column in rare.columns], self._order[-1]
        listed_as = {column: other for rare in self._rare for column, other in rare.listed.items()}
        # Where one stretch of an index has the order, it is walked without the table: PostgreSQL would rather read an
        # average list whole, by another index, than 300 rows of the table in this order.
        beside = [column for column in needed if self._each is None or column in listed_as]
        shown = [*self._order, *listed_as.values(), *(column for column in needed if column not in beside)]
        most = self._walked if database == "postgresql" else _WALKED  # SQLite takes ten times as long for each
        walked = self._stretch(database, asked, shown, within, slice_, most).cte("walked")
        order, its = self.sorted(list(walked.c)[: len(self._order)], slice_), self._table.alias("its")
        looked_at: dict[str, ColumnElement[Any]] = {
            column.name: select(its.c[column.name]).where(its.c[key.name] == walked.c[key.name]).scalar_subquery()
            for column in beside
        }
        for column, other in listed_as.items():
            looked_at[column.name] = func.coalesce(walked.c[other.name], looked_at[column.name])
        fits = self._hold(SimpleNamespace(**dict(walked.c), **looked_at))
        fitting = select(walked).where(*fits).order_by(*order).limit(limit).cte("fitting")
        is_enough = or_(
            select(func.count()).select_from(fitting).scalar_subquery() >= limit,
            select(func.count()).select_from(walked).scalar_subquery() < most,
        )
        fulfilling = [*self._where, *self._kept(), *self._hold(self._table.c), *within]
        fitted = select(fitting.c[key.name])
        # SQLite would walk again for each row to see whether it is enough. It need not ask: who is looked up includes
        # whoever was fitting, and there, who is found twice is shown once.
        parts: list[Select[Any]] = [fitted.where(is_enough) if database == "postgresql" else fitted]
        for when, found in self._ways(asked):
            all_of_them = select(key).order_by(*self.sorted(self._order, slice_)).limit(limit)
            if database == "postgresql":
                all_of_them = all_of_them.where(*found, *fulfilling, ~is_enough, *when)
            else:  # what is joined from the left, SQLite asks first, and once
                is_needed = select(_ONE).where(~is_enough, *when).correlate(asked).subquery()
                all_of_them = all_of_them.select_from(
                    is_needed.outerjoin(self._table, and_(*found, *fulfilling)),
                )
            parts.append(select(all_of_them.correlate(asked).subquery()))
        return select(union_all(*parts).subquery()).add_cte(walked, fitting, nest_here=True)

    def _hold(self, row: Any) -> list[ColumnElement[bool]]:
        return [rare.holds(row) for rare in self._rare]

    def _kept(self) -> list[ColumnElement[bool]]:
        if self._each is None:
            return []
        kept = self._each.kept
        return [one_of(self._each.column, self._each.parameter) if kept is None else kept]

    def _ways(self, asked: FromClause) -> list[tuple[Sequence[ColumnElement[bool]], list[ColumnElement[bool]]]]:
        """Return what finds the rows by the rare conditions, by their indexes alone, and when it is used.

        That is why the owner's column is no column here but an expression: how many rows an owner has on average says
        nothing about one who has a hundred thousand, and the database would read them all. As little does it say which
        of two conditions fewer of them fulfil: so those of the second are counted, as far as need be.
        """
        assert self._owner is not None
        owner, first, *others = asked.c.value, *self._rare
        its = self._owner.concat("") == owner
        if not others or others[0].keys is None:
            return [((), [its, *(rare.looked_up(owner) for rare in self._rare)])]
        second, keys = others[0], others[0].keys(owner)
        some = keys.limit(_FEW).subquery()
        are_few = select(func.count()).select_from(some).scalar_subquery() < _FEW
        return [((are_few,), [its, second.looked_up(owner)]), ((~are_few,), [its, first.looked_up(owner)])]


@lru_cache(MOST_STATEMENTS)
def _page_statement(listing: Listing[Any], *shape: Any) -> Select[Any]:
    return listing.make_page(*shape)


@lru_cache(MOST_STATEMENTS)
def _count_statement(listing: Listing[Any], database: str) -> Select[Any]:
    return listing.make_count(database)


class ListReader(Reader):
    """Reads records by their keys, and lists of them in pages, each with one statement, or none for nothing asked."""

    @property
    def database(self) -> str:
        """Return which kind of database is asked, ``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    async def records(self, rows: Rows[R], keys: Sequence[str], wanted: Wanted[R] = EVERYTHING) -> list[R | None]:
        """Return the records with these keys."""
        projection = rows.projected(wanted)
        found = await self.read_of(keys, projection.with_keys)
        return parallel(keys, {row[0]: projection.record(row) for row in found})

    async def pages(self, listing: Listing[R], owners: Sequence[str], page: Slice, **values: Any) -> list[Page[R]]:
        """Return a page of each owner's list.

        Raises:
            InvalidCursor: `after` or `before` is not a cursor of this list.
        """
        statement, bounds = listing.page(self.database, page), listing.bounds(page)
        found = await self.read_of(list(dict.fromkeys(owners)), statement, **bounds, **values)
        return listing.pages(owners, found, page)

    async def page(self, listing: Listing[R], page: Slice, **values: Any) -> Page[R]:
        """Return a page of a list that has no owners.

        Raises:
            InvalidCursor: `after` or `before` is not a cursor of this list.
        """
        found = await self.read(listing.page(self.database, page), **listing.bounds(page), **values)
        return listing.whole_page(found, page)

    async def firsts(self, listing: Listing[R], owners: Sequence[str], limit: int, **values: Any) -> list[list[R]]:
        """Return the first `limit` entries of each owner's list."""
        wanted = list(dict.fromkeys(owners))
        found = await self.read_of(wanted, listing.page(self.database), limit=limit, **values)
        return listing.of_each(owners, listing.records(found))

    async def counts(self, listing: Listing[R], owners: Sequence[str], **values: Any) -> list[int]:
        """Return how long each owner's list is."""
        return counts(owners, await self.read_of(owners, listing.count(self.database), **values))

    async def count(self, listing: Listing[R], **values: Any) -> int:
        """Return how long a list is that has no owners."""
        return int((await self.read(listing.count(self.database), **values))[0][0])


def first_of_owners(
    database: str, projection: Projection[Any], owner: Column[Any], order: Sequence[ColumnElement[Any]]
) -> Select[Any]:
    """Return the statement that selects the first `limit` rows of each owner in `ids`, none of whom may come twice.

    PostgreSQL reads each owner's from the index and no further, in half the time that row_number() takes; the loop over
    the owners keeps each one's order, so all together are not sorted again. What is made of columns is made last.
    """
    if database != "postgresql":  # SQLite has no LATERAL
        return first_of_each(projection, [owner], order, one_of(owner, "ids"))
    asked = listed(database, "ids")
    source = joined(projection.source, *projection.columns, owner, *order)
    read = dict.fromkeys(one for column in projection.columns for one in iterate(column) if isinstance(one, Column))
    of_owner = select(*read).select_from(source).where(owner == asked.c.value).order_by(*order)
    first = of_owner.limit(bindparam("limit")).correlate(asked).lateral("first")
    shown = map(ClauseAdapter(first).traverse, projection.columns)
    return select(*shown).select_from(asked.join(first, true()))


def first_of_each(
    projection: Projection[Any],
    owner: Sequence[ColumnElement[Any]],
    order: Sequence[ColumnElement[Any]],
    *where: ColumnElement[bool],
) -> Select[Any]:
    """Return the statement that selects the first `limit` rows of each owner, who may be known by several columns."""
    number = func.row_number().over(partition_by=owner, order_by=order).label("number_in_list")
    source = joined(projection.source, *projection.columns, *owner, *order, *where)
    numbered = select(*projection.columns, number).select_from(source).where(*where).subquery("numbered")
    *shown, position_in_list = numbered.c
    return select(*shown).where(position_in_list <= bindparam("limit")).order_by(position_in_list)


def counts(owners: Sequence[str], rows: Sequence[Row]) -> list[int]:
    """Return the number of each owner, from rows of an owner and a number."""
    found = {row[0]: row[1] for row in rows}
    return [found.get(owner, 0) for owner in owners]


def _page_of(
    before: Sequence[R], within: Sequence[R], after: Sequence[R], asked: Slice, cursor_of: Callable[[R], str]
) -> Page[R]:
    """Return the page of a slice that was read with one entry more than it shows, in the direction it is read in."""
    shown, more = within[: asked.size], len(within) > asked.size
    if asked.backward:
        return Page(shown[::-1], bool(after), more or bool(before), cursor_of)
    return Page(shown, more or bool(after), bool(before), cursor_of)


def _written(value: str | int | datetime) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def _read(text: str, column: ColumnElement[Any]) -> str | int | datetime:
    if isinstance(column.type, Integer):
        number, most = int(text), 2**63 if isinstance(column.type, BigInteger) else 2**31
        if not -most <= number < most or text != str(number):
            raise ValueError("No database keeps such a number.")
        return number
    if not isinstance(column.type, UtcDateTime):
        if clean_text(text) != text:
            raise ValueError("No database keeps such a text.")
        return text
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is not UTC:
        raise ValueError("Ours are in UTC.")
    return instant
