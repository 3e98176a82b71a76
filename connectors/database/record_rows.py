"""A table's rows as records: the record's fields say what is read, how a row becomes a record, and a record a row."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from enum import StrEnum
from operator import attrgetter
from types import NoneType
from typing import Any, Generic, TypeVar, cast, get_args, get_origin

import orjson
from sqlalchemy import Column, ColumnElement, Select, Table, select
from sqlalchemy.sql.selectable import FromClause

from connectors.database.dialects import one_of
from connectors.database.reader import Row
from connectors.values import Address, address_from

R = TypeVar("R")
Maker = Callable[..., Any] | Mapping[Any, Any]


class Rows(Generic[R]):
    """The rows of a table that are read and written as records of one type.

    A field is the column of its name, or the one that `columns` has for it, which may be one of a table that `source`
    joins, or several, for a value that is made of as many parts, such as Money; fields without a column come last and
    have a default. `derive` returns the columns that are made of others.

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
        self.columns: tuple[ColumnElement[Any], ...] = tuple(column for _, parts in read for column in parts)
        self.select: Select[Any] = select(*self.columns).select_from(self.source)
        self.with_keys: Select[Any] = self.select.where(one_of(next(iter(table.primary_key)), "ids"))
        kinds = [_kept_as(field.type) if len(parts) == 1 else None for field, parts in read]
        made_of = [
            (len(parts), kind[0] if kind is not None else None if len(parts) == 1 else cast("Maker", field.type))
            for (field, parts), kind in zip(read, kinds, strict=True)
        ]
        self.record = _maker(record, made_of)
        self._to_row = [
            (column.name, attrgetter(path), kind and kind[1])
            for (field, parts), kind in zip(read, kinds, strict=True)
            for column, path in zip(parts, _paths(field, len(parts)), strict=True)
            if isinstance(column, Column) and column.table is table
        ]
        self._derive = derive

    def records(self, rows: Iterable[Row]) -> list[R]:
        """Return the record of each row."""
        return list(map(self.record, rows))

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


def _maker(record: type[R], made_of: Sequence[tuple[int, Maker | None]]) -> Callable[..., R]:
    """Return the function that makes a record of a row, and of the values of the fields without a column.

    Each field is made of so many values, by what makes it of them.

    It is written out for each record, as a dataclass writes its `__init__`: going through the fields each time would
    take twice as long.
    """
    values = [", ".join(f"value_{index}_{part}" for part in range(parts)) for index, (parts, _) in enumerate(made_of)]
    arguments = [
        value if how is None else f"how_{index}[{value}]" if isinstance(how, Mapping) else f"how_{index}({value})"
        for index, (value, (_, how)) in enumerate(zip(values, made_of, strict=True))
    ]
    more = [(field.name, field.default) for field in fields(record)[len(values) :]]  # type: ignore[arg-type]
    parameters = ", ".join(["row", *(f"{name}={default!r}" for name, default in more)])
    body = f"({', '.join(values)},) = row\n    return record({', '.join([*arguments, *(name for name, _ in more)])})"
    names: dict[str, Any] = {"record": record, **{f"how_{index}": how for index, (_, how) in enumerate(made_of)}}
    exec(f"def made({parameters}):\n    {body}", names)
    made: Callable[..., R] = names["made"]
    return made


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
