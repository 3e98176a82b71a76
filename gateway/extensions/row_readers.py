"""From the rows of a back end to records: each type's paths become one Python function when it is loaded.

Reading each path step by step for each row took six times as long as code written by hand (1,000 rows of three nested
paths), and the function hardly more than that.
"""

import keyword
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any


class WrongShape(Exception):
    """A value is not what its field says; the message names the path and what was expected, not the value."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """How a value of JSON becomes one of the graph: as it is if it is of `types`, else by `convert`."""

    name: str
    types: tuple[type, ...] = ()
    convert: Callable[[Any], Any] | None = None


_MOST_DIGITS = 100
"""From here on a number means nothing any more, and would only take room when somebody writes it out."""


def _float(value: Any) -> float:
    if type(value) is not int:
        raise ValueError
    return float(value)


def _id(value: Any) -> str:
    if type(value) is not int:
        raise ValueError
    return str(value)


def _int(value: Any) -> int:
    if type(value) is not int or not -(2**31) <= value < 2**31:
        raise ValueError
    return value


def _decimal(value: Any) -> Decimal:
    if type(value) not in (str, int, float):
        raise ValueError
    number = Decimal(str(value))
    if not number.is_finite() or abs(number.adjusted()) >= _MOST_DIGITS:
        raise ValueError
    return number


def _datetime(value: Any) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError
    return instant.astimezone(UTC)


SCALARS: Mapping[str, Scalar] = {
    "String": Scalar("String", (str,)),
    "ID": Scalar("ID", (str,), _id),
    "Int": Scalar("Int", (), _int),
    "Float": Scalar("Float", (float,), _float),
    "Boolean": Scalar("Boolean", (bool,)),
    "Date": Scalar("Date", (), date.fromisoformat),
    "DateTime": Scalar("DateTime", (), _datetime),
    "Decimal": Scalar("Decimal", (), _decimal),
    "URL": Scalar("URL", (str,)),
    "EmailAddress": Scalar("EmailAddress", (str,)),
    "PhoneNumber": Scalar("PhoneNumber", (str,)),
    "CurrencyCode": Scalar("CurrencyCode", (str,)),
}


@dataclass(frozen=True, slots=True)
class RowType:
    """An object type as rows are read for it; `record` is the class of its records."""

    name: str
    fields: tuple["RowField", ...]
    record: type


@dataclass(frozen=True, slots=True)
class RowField:
    """One field: its attribute, the path where its value stands, what that is, and whether it may be missing."""

    attribute: str
    path: tuple[str, ...]
    of: Scalar | RowType
    is_list: bool = False
    is_required: bool = False
    fails: bool = False


_TAKEN = ("self", "organization_id", "is_type_of")
"""What the class of a record, or that of its type, has already."""

ReadRows = Callable[[Sequence[Any], "str | None"], tuple[list[Any], int]]
"""Reads rows into records of one organization; says too how many were left out, as what is required was missing."""


def record_class(name: str, attributes: Sequence[str]) -> type:
    """Return a class with these attributes, which is made quickly; it also has the organization it belongs to."""
    names = [*attributes, "organization_id"]
    body = "\n".join(f"    self.{one} = {one}" for one in names)
    scope: dict[str, Any] = {}
    exec(f"def __init__(self, {', '.join(names)}):\n{body}\n", scope)
    return type(name, (), {"__slots__": tuple(names), "__init__": scope["__init__"], "__doc__": f"A row of {name}."})


def reader_of(row_type: RowType) -> ReadRows:
    """Return the function that reads rows of a type.

    It raises WrongShape for a row that is no object, and for a value that is not what its field says.
    """
    code = _Code()
    name = code.function(row_type)
    scope: dict[str, Any] = {"converted": converted, "wrong": _wrong, **code.names}
    exec("\n".join(code.lines), scope)  # of names that were checked, and of paths as literals
    read: ReadRows = scope[name]
    return read


def value_reader(of: Scalar, path: str) -> Callable[[Mapping[str, Any]], Any]:
    """Return what reads a single value from a row, None where it is missing."""
    steps = path.split(".")

    def read(row: Mapping[str, Any]) -> Any:
        value: Any = row
        for step in steps:
            if value is None:
                return None
            if not isinstance(value, dict):
                raise WrongShape(f"{path}: no object")
            value = value.get(step)
        return None if value is None else converted(value, of, path)

    return read


def converted(value: Any, of: Scalar, path: str) -> Any:
    """Return a value as its scalar has it.

    Raises:
        WrongShape: It is none.
    """
    if type(value) in of.types:
        return value
    if of.convert is not None:
        try:
            return of.convert(value)
        except (ValueError, TypeError, OverflowError, InvalidOperation):
            pass
    raise WrongShape(f"{path}: {type(value).__name__} where {of.name} was expected")


def _wrong(path: str, expected: str) -> None:
    raise WrongShape(f"{path}: {expected} was expected")


@dataclass(slots=True)
class _Code:
    """The lines of the function, and the objects that they name."""

    lines: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    functions: dict[int, str] = field(default_factory=dict)
    _count: int = 0

    def name(self, value: Any) -> str:
        self._count += 1
        name = f"k{self._count}"
        self.names[name] = value
        return name

    def variable(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def function(self, row_type: RowType) -> str:
        """Write the function of a type, once, behind those of the types in it, and return its name."""
        if (known := self.functions.get(id(row_type))) is not None:
            return known
        for it in row_type.fields:
            if isinstance(it.of, RowType):
                self.function(it.of)
        name = self.functions[id(row_type)] = f"read_{len(self.functions)}"
        record = self.name(row_type.record)
        self.lines += [
            f"def {name}(rows, organization_id):",
            " records = []",
            " missing = 0",
            " for row in rows:",
            "  if type(row) is not dict: wrong('a row', 'an object')",
        ]
        steps: dict[tuple[str, ...], str] = {(): "row"}
        variables = [self.read(it, steps) for it in row_type.fields]
        self.lines += [
            f"  records.append({record}({', '.join([*variables, 'organization_id'])}))",
            " return records, missing",
        ]
        return name

    def read(self, it: RowField, known: dict[tuple[str, ...], str]) -> str:
        """Write what reads one field into a variable, and return that; steps that others take are taken once."""
        for size in range(1, len(it.path) + 1):
            steps = it.path[:size]
            if steps in known:
                continue
            variable, before = self.variable(), known[steps[:-1]]
            known[steps] = variable
            if size == 1:
                self.lines.append(f"  {variable} = row.get({steps[-1]!r})")
                continue
            self.lines += [
                f"  if {before} is None: {variable} = None",
                f"  elif type({before}) is dict: {variable} = {before}.get({steps[-1]!r})",
                f"  else: wrong({'.'.join(steps[:-1])!r}, 'an object')",
            ]
        raw, path = known[it.path], ".".join(it.path)
        if it.is_required:
            failing = f"wrong({path!r}, {self._expected(it)!r})"
            self.lines.append(f"  if {raw} is None: {failing if it.fails else 'missing += 1; continue'}")
        variable = self.variable()
        if it.is_list:
            self.lines += [
                f"  {variable} = {raw}",
                f"  if {raw} is not None:",
                f"   if type({raw}) is not list: wrong({path!r}, 'a list')",
            ]
            if isinstance(it.of, RowType):
                self.lines += [
                    f"   {variable}, lost = {self.functions[id(it.of)]}({raw}, organization_id)",
                    "   missing += lost",
                ]
            else:
                convert = f"converted(one, {self.name(it.of)}, {path!r})"
                self.lines.append(f"   {variable} = [{convert} for one in {raw} if one is not None]")
        elif isinstance(it.of, RowType):
            self.lines += [
                f"  {variable} = None",
                f"  if {raw} is not None:",
                f"   {variable}, lost = {self.functions[id(it.of)]}([{raw}], organization_id)",
                f"   {variable} = {variable}[0] if {variable} else None",
            ]
            if it.is_required:
                self.lines.append(f"  if {variable} is None: missing += 1; continue")
        else:
            types = it.of.types
            test = f"type({raw}) is {types[0].__name__}" if types else f"{raw} is None"
            convert = f"converted({raw}, {self.name(it.of)}, {path!r})"
            alternative = f"{convert}" if not types else f"None if {raw} is None else {convert}"
            self.lines.append(f"  {variable} = {raw} if {test} else {alternative}")
        return variable

    @staticmethod
    def _expected(it: RowField) -> str:
        return f"[{it.of.name}]" if it.is_list else it.of.name


def is_attribute(name: str) -> bool:
    """Return whether a name can be that of an attribute of a record."""
    is_name = name.isidentifier() and name.isascii() and not name.startswith("_") and not keyword.iskeyword(name)
    return is_name and name not in _TAKEN
