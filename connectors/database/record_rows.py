"""A table's rows as records: the record's fields say what is read, how a row becomes a record, and a record a row."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter, itemgetter
from types import NoneType
from typing import Any, Generic, TypeAlias, TypeVar, cast, get_args, get_origin

import orjson
from sqlalchemy import ClauseElement, Column, ColumnElement, Join, Select, Table, select
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.sql.visitors import iterate

from connectors.database.dialects import one_of
from connectors.database.reader import Row, gathered
from connectors.unmade import Layout, Stored, Unmade
from connectors.values import Address, address_from
from connectors.wanted import EVERYTHING, Wanted

R = TypeVar("R")

MOST_PROJECTIONS = 100
"""Clients may ask for any choice of attributes; so many choices are kept of each list."""


class Projection(Generic[R]):
    """What is read of a table's rows for some attributes of a record: these columns, from the tables that have them.

    `record` makes the record of a row that begins with their values, and of values of the fields without a column;
    `records` those of many rows. `layout` says what stands where in a row.
    """

    __slots__ = ("columns", "layout", "record", "records", "select", "source", "with_keys")

    def __init__(
        self,
        table: Table,
        source: FromClause,
        columns: tuple[ColumnElement[Any], ...],
        made: "_Made[R]",
        record: type[R],
        attributes: Mapping[str, Stored],
    ) -> None:
        self.source = source
        self.columns = columns
        self.record, self.records = made
        self.layout = Layout(record, attributes, self.records)
        self.select: Select[Any] = select(*columns).select_from(joined(source, *columns))
        self.with_keys: Select[Any] = self.select.where(one_of(next(iter(table.primary_key)), "ids"))

    def unmade(self, owners: Sequence[str], owner: str, rows: Sequence[Row]) -> list[Unmade[R]]:
        """Return the records of each owner, whom they name at this attribute, for somebody to make or to show."""
        (at,) = self.layout.attributes[owner].at
        return [Unmade(self.layout, own) for own in gathered(owners, rows, itemgetter(at))]


class Rows(Generic[R]):
    """The rows of a table that are read and written as records of one type.

    A field is the column of its name, or the one that `columns` has for it, which may be one of a table that `source`
    joins, or several, for a value that is made of as many parts, such as Money; fields without a column come last and
    have a default. Each row has exactly one in a table that is joined, so that joining leaves none out. `derive`
    returns the columns that are made of others.

    `record` returns the record of the values of `columns`, and of those of the fields without a column.
    """

    def __init__(
        self,
        record: type[R],
        table: Table,
        *,
        source: FromClause | None = None,
        derive: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None,
        **columns: ColumnElement[Any] | tuple[ColumnElement[Any], ...],
    ) -> None:
        read: list[tuple[Field[Any], tuple[ColumnElement[Any], ...]]] = []
        for field in fields(record):  # type: ignore[arg-type]
            column = columns.get(field.name, table.c.get(field.name))
            if column is not None:
                read.append((field, column if isinstance(column, tuple) else (column,)))
            elif field.default is MISSING:
                raise LookupError(f"{record.__name__}.{field.name} has no column of this name in table {table.name}.")
        self.table = table
        self.source: FromClause = table if source is None else source
        self.type = record
        self._read: list[_Read] = [
            (field, parts, _kept_as(field.type) if len(parts) == 1 else None) for field, parts in read
        ]
        self.projected = lru_cache(maxsize=MOST_PROJECTIONS)(self._projected)
        self.whole = self.projected(EVERYTHING)
        self.columns, self.select = self.whole.columns, self.whole.select
        self.record, self.records = self.whole.record, self.whole.records
        self._to_row = [
            (column.name, attrgetter(path), kind and kind[1])
            for field, parts, kind in self._read
            for column, path in zip(parts, _paths(field, len(parts)), strict=True)
            if isinstance(column, Column) and column.table is table
        ]
        self._derive = derive

    def _projected(self, wanted: Wanted[R], *keys: ColumnElement[Any]) -> Projection[R]:
        """Return how to read these attributes, and those that are the table's key or these columns."""
        keys = (next(iter(self.table.primary_key)), *keys)
        columns = self.columns_of(wanted, *keys)
        stored = _stored(self._chosen(wanted, keys), {column: index for index, column in enumerate(columns)})
        return Projection(self.table, self.source, columns, self._made_from(stored), self.type, stored)

    def columns_of(self, wanted: Wanted[R], *keys: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
        """Return the columns of these attributes, and of those that are one of these columns."""
        return tuple(dict.fromkeys(part for _, parts, _ in self._chosen(wanted, keys) for part in parts))

    def made_from(self, wanted: Wanted[R], at: Mapping[ColumnElement[Any], int]) -> Callable[[Row], R]:
        """Return the function that makes a record with these attributes of a row that has its columns at these
        positions, as the row of a statement has that reads records of several tables.
        """
        return self._made_from(_stored(self._chosen(wanted, ()), at))[0]

    def _chosen(self, wanted: Wanted[R], keys: Sequence[ColumnElement[Any]]) -> list["_Read"]:
        return [
            one
            for one in self._read
            if wanted.names is None
            or one[0].name in wanted.names
            or any(part is key for part in one[1] for key in keys)
        ]

    def _made_from(self, stored: Mapping[str, Stored]) -> "_Made[R]":
        more = [(field.name, field.default) for field in fields(self.type)[len(self._read) :]]  # type: ignore[arg-type]
        return _maker(self.type, stored, more)

    def first(self, rows: Sequence[Row]) -> R | None:
        """Return the record of the first row; None without any."""
        return self.record(rows[0]) if rows else None

    def row(self, record: R) -> dict[str, Any]:
        """Return the row by column, without what stands in other tables."""
        values = {}
        for column, read, converted in self._to_row:
            value = read(record)
            values[column] = value if converted is None or value is None else converted(value)
        return values if self._derive is None else values | self._derive(values)

    def changed(self, record: R) -> dict[str, Any]:
        """Return the row without its key: SQLite would look at who refers to it."""
        values = self.row(record)
        for column in self.table.primary_key:
            del values[column.name]
        return values


def _paths(field: Field[Any], parts: int) -> list[str]:
    """Return where a record has the values of a field's columns."""
    if parts == 1:
        return [field.name]
    return [f"{field.name}.{part.name}" for part in fields(field.type)]  # type: ignore[arg-type]


def joined(source: FromClause, *needed: ClauseElement) -> FromClause:
    """Return the source of rows without the joined tables of which nothing is needed."""
    if not isinstance(source, Join):
        return source
    tables = {column.table for one in needed for column in iterate(one) if isinstance(column, Column)}
    if source.right not in tables:
        return joined(source.left, *needed)
    assert source.onclause is not None
    return joined(source.left, *needed, source.onclause).join(source.right, source.onclause)


_Read: TypeAlias = tuple[
    Field[Any],
    tuple[ColumnElement[Any], ...],
    tuple[Callable[..., Any] | Mapping[Any, Any], Callable[[Any], Any] | None] | None,
]
"""A field, its columns, and how its value is made of the only one of them and becomes that again."""


def _stored(read: Iterable["_Read"], at: Mapping[ColumnElement[Any], int]) -> dict[str, Stored]:
    """Return what stands where for each field of rows that have the columns at these positions."""
    stored = {}
    for field, parts, kind in read:
        positions = tuple(at[part] for part in parts)
        if len(parts) == 1:
            stored[field.name] = Stored(positions, kind and kind[0])
        else:
            of = cast("type", field.type)
            stored[field.name] = Stored(positions, of, tuple(part.name for part in fields(of)))
    return stored


_Made: TypeAlias = tuple[Callable[..., R], Callable[[Iterable[Row]], list[R]]]


def _maker(record: type[R], stored: Mapping[str, Stored], more: Sequence[tuple[str, Any]]) -> _Made[R]:
    """Return the function that makes a record of a row, and of the values of `more`, the fields without a column; and
    the one that makes those of many rows. Fields that are not read stay unset.

    They are written out for each choice of fields, as a dataclass writes its `__init__`: going through the fields each
    time would take twice as long.
    """
    lines = []
    for index, (name, (at, how, parts)) in enumerate(stored.items()):
        values = [f"row[{position}]" for position in at]
        if how is None:
            lines.append(f"record.{name} = {values[0]}")
        elif isinstance(how, Mapping):
            lines.append(f"record.{name} = how_{index}[{values[0]}]")
        elif len(values) == 1:
            lines.append(f"record.{name} = how_{index}({values[0]})")
        else:
            lines.append(f"record.{name} = value = new(how_{index})")
            lines += [f"value.{part} = {value}" for part, value in zip(parts, values, strict=True)]
    lines += [f"record.{name} = {name}" for name, _ in more]
    parameters = "".join(f", {name}={default!r}" for name, default in more)
    scope: dict[str, Any] = {"new": object.__new__, "of": _open(record)}
    scope |= {f"how_{index}": _open(one.how) if one.parts else one.how for index, one in enumerate(stored.values())}
    each = "".join(f"\n        {line}" for line in lines)
    source = f"""
def made(row{parameters}):
        record = new(of){each}
        return record

def all_made(rows{parameters}):
    records = []
    for row in rows:
        record = new(of){each}
        records.append(record)
    return records
"""
    exec(source, scope)
    return scope["made"], scope["all_made"]


def _open(record: Any) -> Any:
    """Return a record class whose fields can be set one by one."""
    if "__setattr__" in vars(record):
        raise TypeError(f"{record.__name__} refuses that its fields are set one by one; decorate it with @quick.")
    return record


def _kept_as(
    kind: Any,
) -> tuple[Callable[[Any], Any] | Mapping[Any, Any], Callable[[Any], Any] | None] | None:
    """Return what makes a field's value of a column's and the other way round; None if both are the same.

    An enum called with a value takes ten times as long to find its member as a dictionary does.
    """
    (kind,) = [one for one in get_args(kind) if one is not NoneType] if NoneType in get_args(kind) else [kind]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return {None: None, **{member.value: member for member in kind}}, None
    if kind is Address:
        return _optional(address_from), _written
    if get_origin(kind) is tuple:
        return _optional(lambda text: tuple(orjson.loads(text))), _written
    if get_origin(kind) is not None and issubclass(get_origin(kind), Mapping):
        return _optional(orjson.loads), _written
    return None


def _optional(converted: Callable[[str], Any]) -> Callable[[str | None], Any]:
    return lambda text: None if text is None else converted(text)


def _written(value: Any) -> str:
    return orjson.dumps(value, default=dict).decode()
