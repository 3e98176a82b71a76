"""One function for all rows of a level, generated as somebody would write it by hand for this one selection.

What of a row is there at once is read, checked and written by the function: attributes, values made of one object, and
objects in it that consist of nothing else. All other fields are answered by the general engine, a column each, and the
function puts them into the rows. It gives nothing when anything is not as usual (a null that may not be, an error, a
value of another type, something to await): the general engine then makes the rows, and reports what is wrong.

No text of a document gets into the source. Response names are constants, and names in it are those of the schema.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from keyword import iskeyword
from math import isfinite
from typing import Any, NamedTuple, TypeAlias

from connectors.unmade import Layout
from connectors.wanted import OF_VALUES
from gateway.execution.contract import PREPARED
from gateway.execution.field_plans import DefaultField, Field, TypenameField
from gateway.execution.leaves import EnumLeaf, Leaf, PlainLeaf
from gateway.execution.levels import RowFunction, Selection
from gateway.execution.library_internals import Executor, Undefined
from gateway.execution.objects import ObjectOf
from gateway.execution.value_kinds import kind_of_type, ordinary_types

MOST_VALUES = 200
"""So many values a function writes into a row; what is beyond them is left to the general engine."""

MOST_DEPTH = 8
"""So many objects within one another a row is written with; deeper ones are levels of their own."""

_LONGEST_LINE = 100
_SCOPE = {
    "__builtins__": {
        "id": id,
        "len": len,
        "type": type,
        "zip": zip,
        "str": str,
        "bool": bool,
        "int": int,
        "float": float,
    },
    "isfinite": isfinite,
    "ordinary_types": ordinary_types,
    "Undefined": Undefined,
}
_TAKEN = {*_SCOPE["__builtins__"], *_SCOPE, "context", "objects", "rows", "run"}  # type: ignore[misc]
_IS_OTHER = {
    str: "type({0}) is not str",
    bool: "type({0}) is not bool",
    int: "type({0}) is not int or not -0x80000000 <= {0} <= 0x7FFFFFFF",
    float: "type({0}) is not float or not isfinite({0})",
}
"""By the type that a scalar leaves unchanged: what is true of a value that it would not."""

Display: TypeAlias = "list[tuple[str, str | Display]]"
"""A row as it is written: the names of its constants, and beside each the expression or the row that stands there."""


def row_function(
    selection: Selection, executor: Executor[Any], layout: Layout[Any] | None = None
) -> RowFunction | None:
    """Return the function for a selection, None when it would read nothing itself.

    With a layout, it is for what stands in rows of a back end, of which nobody has made records; None when something
    needs the records.
    """
    try:
        return _Writer(executor).function(selection, layout)
    except _NotInRows:
        return None


class _NotInRows(Exception):
    """Something is read that only a record has."""


class _Parts(NamedTuple):
    """An object of a class that nobody has made: how its attributes are read."""

    class_: Any
    read: "Mapping[str, str | _Parts]"


class _Part(NamedTuple):
    """What is written of an object: the statements before its row, what must not be true, and the row."""

    statements: list[str]
    unusual: list[str]
    row: Display


class _Writer:
    """Writes one function; knows which names are taken in it, and what its constants stand for."""

    def __init__(self, executor: Executor[Any]) -> None:
        self._executor = executor
        self._taken = set(_TAKEN)
        self._constants: dict[str, Any] = {}
        self._columns: dict[Field, str] = {}
        self._reasons: dict[str, str] = {}
        self._sizes: dict[tuple[Selection, int], int | str] = {}
        self._values = 0
        self._objects = 0
        self._counts_objects = False
        self._calls = False
        self._uses_context = False
        self._prepared: dict[Callable[[Any], Any], str] = {}  # what returns functions of an object, by their names
        self._reads_defaults = False
        self._parts: dict[str, Mapping[str, str | _Parts]] = {}  # by the name of the object that was not made

    def function(self, selection: Selection, layout: Layout[Any] | None) -> RowFunction | None:
        """Return the function for the rows of a selection, None when it would read nothing itself.

        Raises:
            _NotInRows: Something is read that is not in the layout.
        """
        if not 0 < len(selection.fields) <= MOST_VALUES:
            return None
        each = self._name(_snake(selection.fields[0].parent_type.name))
        parents = self._name(f"{each}_list")
        if layout is not None:
            self._parts[each] = _Stored(self, each, layout)
        part = self._part(selection, each, 0)
        if not self._values:
            return None
        if layout is not None and self._columns:
            raise _NotInRows
        lists = {name: self._name(f"{name}_column") for name in self._columns.values()}
        loop = f"{each} in {parents}"
        if lists:
            loop = f"{', '.join([each, *lists])} in zip({', '.join([parents, *lists.values()])})"
        name = f"{each}_rows"
        counted = ["len(rows)" if self._objects == 1 else f"{self._objects} * len(rows)"] if self._objects else []
        counted += ["objects"] if self._counts_objects else []
        lines = [
            f"def {name}({', '.join(['run', parents, *lists.values()])}):",
            "    rows = []",
            *(["    objects = 0"] if self._counts_objects else []),
            *(["    context = run.context"] if self._uses_context else []),
            *(f"    {name} = {self.constant(one.__name__, one)}(context)" for one, name in self._prepared.items()),
            f"    for {loop}:",
            *_indented([*part.statements, *_given_up_if(part.unusual), *_appended(part.row)], 2),
            *([f"    run.budget.objects += {' + '.join(counted)}"] if counted else []),
            "    return rows",
        ]
        source = "\n".join([*lines, ""])
        scope = {**_SCOPE, **self._constants}
        exec(source, scope)
        return RowFunction(
            scope[name],
            tuple(self._columns),
            self._objects + self._counts_objects * self._values,
            self._calls,
            self._reads_defaults,
            source,
            self._constants,
            self._reasons,
        )

    def _part(self, selection: Selection, each: str, depth: int) -> _Part:
        """Write what a selection reads of the object `each`; only at depth 0 there are fields that are left out."""
        part = _Part([], [], [])
        for field in selection.fields:
            spelled = _snake(field.nodes[0].name.value)
            name = self._name(spelled, each)
            key = self.constant(spelled.upper(), field.key, each.upper())
            reason = self._why_general(field, depth)
            if reason is None:
                part.row.append((key, self._value(field, name, each, part, depth)))
            else:
                self._reasons[field.key] = reason
                self._columns[field] = name
                part.row.append((key, name))
        return part

    def _value(self, field: Field, name: str, each: str, part: _Part, depth: int) -> "str | Display":
        """Write how the value of a field is read, and return what stands in the row."""
        self._values += 1
        if isinstance(field, TypenameField):
            return self.constant(f"{name.upper()}_VALUE", field.parent_type.name)
        self._reads_defaults |= isinstance(field, DefaultField)
        read = self._read(each, field.path) if field.path is not None else self._made(field, each)
        completion = field.completion
        if isinstance(read, _Parts):
            if not isinstance(completion, ObjectOf) or read.class_ is not completion.class_ or completion.that_are:
                raise _NotInRows
            self._parts[name] = read.read
            return self._object(completion, name, part, depth + 1)
        if isinstance(completion, EnumLeaf):
            return f"{self.constant(f'NAMES_OF_{name.upper()}', completion.names)}[id({read})]"
        part.statements.append(f"{name} = {read}")
        if isinstance(completion, ObjectOf):
            return self._object(completion, name, part, depth + 1)
        assert isinstance(completion, Leaf)
        if isinstance(completion, PlainLeaf):
            is_other = _IS_OTHER[completion.clean_type].format(name)
            part.unusual.append(is_other if completion.non_null else _unless_null(name, is_other))
            return name
        written = self._name(f"{name}_written")
        write = f"{self.constant(f'write_{name}', completion.coerce)}({name})"
        is_other = f"type({name}) not in ordinary_types or {written} is None or {written} is Undefined"
        if completion.non_null:
            part.statements.append(f"{written} = {write}")
            part.unusual.append(is_other)
        else:
            part.statements.append(f"{written} = None if {name} is None else {write}")
            part.unusual.append(_unless_null(name, is_other))
        return written

    def _read(self, each: str, path: str) -> "str | _Parts":
        """Write how what stands at a path of an object is read."""
        parts = self._parts.get(each)
        if parts is None:
            return f"{each}.{path}"
        first, _, rest = path.partition(".")
        try:
            read = parts[first]
            while rest and isinstance(read, _Parts):
                first, _, rest = rest.partition(".")
                read = read.read[first]
        except KeyError as error:
            raise _NotInRows from error
        return f"{read}.{rest}" if rest else read

    def _made(self, field: Field, each: str) -> str:
        """Write how a function makes the value of a field."""
        assert field.each is not None
        self._calls = True
        function, names = getattr(field.each, OF_VALUES, (field.each, None))
        made_by = getattr(function, "__name__", "").lstrip("_")
        if made_by in self._taken:
            made_by = f"{made_by}_of"
        if names is None:
            if each in self._parts:
                raise _NotInRows
            self._uses_context = True
            prepared = getattr(function, PREPARED, None)
            if prepared is None:
                return f"{self.constant(made_by, function)}(context, {each})"
            if prepared not in self._prepared:
                self._prepared[prepared] = self._name(f"{_snake(field.nodes[0].name.value)}_of")
            return f"{self._prepared[prepared]}({each})"
        values = [self._read(each, name) for name in names]
        if not all(isinstance(value, str) for value in values):
            raise _NotInRows
        return f"{self.constant(made_by, function)}({', '.join(values)})"  # type: ignore[arg-type]

    def _object(self, completion: ObjectOf, name: str, part: _Part, depth: int) -> "str | Display":
        """Write how an object in a row is written, and return its own row, or the name under which that is known."""
        unusual = [f"type({name}) not in ordinary_types"]
        if completion.type.is_type_of is not None:
            unusual = [f"type({name}) is not {self.constant(completion.type.name, completion.class_)}"]
            if completion.that_are is not None:
                unusual.append(
                    f"not {self.constant(f'is_{_snake(completion.type.name)}', completion.that_are)}({name})"
                )
        assert completion.selection is not None
        before = self._objects
        inside = self._part(completion.selection, name, depth)
        if name in self._parts:
            unusual = []
        if completion.non_null or name in self._parts:
            self._objects += 1
            part.statements.extend([*_given_up_if(unusual), *inside.statements])
            part.unusual.extend(inside.unusual)
            return inside.row
        self._counts_objects, number, self._objects = True, 1 + self._objects - before, before
        row = self._name(f"{name}_row")
        otherwise = [
            *_given_up_if(unusual),
            *inside.statements,
            *_given_up_if(inside.unusual),
            f"objects += {number}",
            *_displayed(f"{row} = ", inside.row, ""),
        ]
        part.statements.extend([f"if {name} is None:", f"    {row} = None", "else:", *_indented(otherwise, 1)])
        return row

    def _why_general(self, field: Field, depth: int) -> str | None:
        """Return why a field is left to the general engine, None when the function reads it."""
        size = self._size(field, depth)
        if isinstance(size, str):
            return size
        return None if depth or self._values + size <= MOST_VALUES else "more values than one function writes"

    def _size(self, field: Field, depth: int) -> int | str:
        """Return how many values a field writes into a row, or why it is left to the general engine."""
        if field.why_general is not None:
            return field.why_general
        completion = field.completion
        if isinstance(completion, Leaf):
            if isinstance(completion, EnumLeaf) and isinstance(field, DefaultField):
                return "an enum that might be called"
            return 1
        if not isinstance(completion, ObjectOf):
            return "a list, or of several types"
        if completion.type.is_type_of is not None and (
            completion.class_ is None or kind_of_type(completion.class_) != 0
        ):
            return "an object whose class does not say its type"
        if depth >= MOST_DEPTH:
            return "too deep"
        selection = completion.planned(self._executor)
        if selection is None:
            return "a selection that cannot be planned"
        size = self._sizes.get((selection, depth))
        if size is None:
            size = self._sizes[selection, depth] = self._size_of_all(selection, depth + 1)
        return size

    def _size_of_all(self, selection: Selection, depth: int) -> int | str:
        total = 1
        for field in selection.fields:
            size = self._size(field, depth)
            if isinstance(size, str):
                return f"{field.key} in it is not read at once"
            total += size
            if total > MOST_VALUES:
                return "more values than one function writes"
        return total

    def _name(self, wanted: str, of: str = "") -> str:
        """Return a name that is free: this one if it is, else with what it belongs `of` before it, or with a number."""
        if wanted in self._taken and of:
            wanted = f"{of}_{wanted}"
        if not wanted.isidentifier() or iskeyword(wanted) or wanted.startswith("__"):
            wanted = "value"
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name

    def constant(self, wanted: str, value: Any, of: str = "") -> str:
        """Return the name of a constant with this value."""
        for name, other in self._constants.items():
            if other is value if callable(value) else name == wanted and other == value:
                return name
        name = self._name(wanted, of)
        self._constants[name] = value
        return name


class _Stored(Mapping[str, "str | _Parts"]):
    """How the attributes are read of a record that nobody has made, from a row in a layout."""

    def __init__(self, writer: _Writer, row: str, layout: Layout[Any]) -> None:
        self._writer, self._row, self._layout = writer, row, layout

    def __getitem__(self, name: str) -> "str | _Parts":
        at, how, parts = self._layout.attributes[name]
        values = [f"{self._row}[{position}]" for position in at]
        if parts:
            return _Parts(how, dict(zip(parts, values, strict=True)))
        if how is None:
            return values[0]
        made = self._writer.constant(f"{name}_from", how)
        return f"{made}[{values[0]}]" if isinstance(how, Mapping) else f"{made}({values[0]})"

    def __iter__(self) -> Iterator[str]:
        return iter(self._layout.attributes)

    def __len__(self) -> int:
        return len(self._layout.attributes)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().lstrip("_")


def _unless_null(name: str, is_other: str) -> str:
    return f"{name} is not None and " + (f"({is_other})" if " or " in is_other else is_other)


def _given_up_if(unusual: list[str]) -> list[str]:
    """Return the statement that gives up when one of these is true."""
    if not unusual:
        return []
    line = f"if {' or '.join(unusual)}:"
    if len(line) <= _LONGEST_LINE:
        return [line, "    return None"]
    return ["if (", *_indented([unusual[0], *(f"or {one}" for one in unusual[1:])], 1), "):", "    return None"]


def _appended(row: Display) -> list[str]:
    return _displayed("rows.append(", row, ")")


def _displayed(before: str, row: "str | Display", after: str) -> list[str]:
    """Return the lines that a row takes between these texts: one, if there is room for it."""
    line = f"{before}{_on_one_line(row)}{after}"
    if len(line) <= _LONGEST_LINE or isinstance(row, str):
        return [line]
    lines = [f"{before}{{"]
    for key, value in row:
        lines += _indented(_displayed(f"{key}: ", value, ","), 1)
    return [*lines, f"}}{after}"]


def _on_one_line(row: "str | Display") -> str:
    if isinstance(row, str):
        return row
    return "{" + ", ".join(f"{key}: {_on_one_line(value)}" for key, value in row) + "}"


def _indented(lines: list[str], depth: int) -> list[str]:
    return ["    " * depth + line for line in lines]
