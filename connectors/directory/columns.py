"""The columns that keep a record: said once, by the record's own fields, and read and written by them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import orjson
from sqlalchemy import ColumnElement, Table

from connectors.values import Address, address_from

R = TypeVar("R")
Convert = Callable[[Any], Any]


class Columns(Generic[R]):
    """Those of a table that keep the fields of `record`, in their order; some fields are read from `elsewhere`.

    Lists of texts and addresses are kept as JSON, members of an enum by their value. `derived` makes the columns that
    no field shows.
    """

    def __init__(
        self,
        record: type[R],
        table: Table,
        *,
        elsewhere: Mapping[str, ColumnElement[Any]] | None = None,
        derived: Callable[[R], Mapping[str, Any]] | None = None,
    ) -> None:
        others, hints = elsewhere or {}, get_type_hints(record)
        names = [field.name for field in fields(record)]  # type: ignore[arg-type]
        self.all: tuple[ColumnElement[Any], ...] = tuple(
            others[name] if name in others else table.c[name] for name in names
        )
        self._record, self._derived = record, derived
        converters = {name: _converters(hints[name]) for name in names}
        self._read = [converters[name][0] for name in names]
        self._write = {name: converters[name][1] for name in names if name not in others}

    def record(self, values: Sequence[Any]) -> R:
        """Return the record from the values of the columns."""
        return self._record(*[
            value if read is None or value is None else read(value)
            for read, value in zip(self._read, values, strict=True)
        ])  # fmt: skip

    def row(self, record: R) -> dict[str, Any]:
        """Return the row that keeps the record, without what is kept elsewhere."""
        row = {name: getattr(record, name) for name in self._write}
        for name, write in self._write.items():
            if write is not None and row[name] is not None:
                row[name] = write(row[name])
        return row if self._derived is None else {**row, **self._derived(record)}


def _converters(hint: Any) -> tuple[Convert | None, Convert | None]:
    """Return how a field of this type is read from its column and written to it; None: as it is."""
    kinds = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    (kind,) = [one for one in kinds if one is not NoneType]
    if get_origin(kind) is tuple:
        return lambda text: tuple(orjson.loads(text)), lambda texts: orjson.dumps(texts).decode()
    if kind is Address:
        return address_from, lambda address: orjson.dumps(address).decode()
    if isinstance(kind, type) and issubclass(kind, Enum):
        # An enum called with a value takes ten times as long to find its member.
        return {member.value: member for member in kind}.__getitem__, lambda member: member.value
    return None, None
