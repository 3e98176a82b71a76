"""Schemas, data and operations made up at random: whatever the executors may meet, well-formed or not."""

from asyncio import sleep
from collections.abc import AsyncGenerator, Callable, Generator
from enum import Enum
from random import Random
from types import SimpleNamespace
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

LEAVES = ("i", "s", "f", "b", "d", "e", "c", "p")
MOST_DEPTH = 4
MOST_OBJECTS = 5_000
"""From then on, the lists of an answer are empty: one world in some thousands has millions of objects otherwise."""


class Later:
    """Something to await that may also never be awaited."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, Any, Any]:
        yield from sleep(0).__await__()
        if isinstance(self.value, Raised):
            raise self.value.error
        return self.value

    def __repr__(self) -> str:
        return "<later>"


class Raised:
    """An error that a resolver raises when it finds it in the data."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __repr__(self) -> str:
        return "<raised>"


class Color(Enum):
    """An enum of Python."""

    RED = 1
    GREEN = 2


class Record(SimpleNamespace):
    """An object with attributes that knows its GraphQL type."""

    def __repr__(self) -> str:
        return "<record>"


class Record0(Record):
    """An object of the type T0, where classes say the type."""


class Record1(Record):
    """One of the type T1."""


class Record2(Record):
    """One of the type T2."""


CLASSES: dict[str, type[Record]] = {"T0": Record0, "T1": Record1, "T2": Record2}


class Items:
    """Something to iterate that is no list; it may end with an error, and can be read again."""

    def __init__(self, items: list[Any], is_cut: bool = False) -> None:
        self.items = items
        self.is_cut = is_cut

    def __repr__(self) -> str:
        return "<items>"

    def __iter__(self) -> Generator[Any, None, None]:
        yield from self.items
        if self.is_cut:
            raise ValueError("no more items")


class Stream:
    """An asynchronous list that can be read again."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __repr__(self) -> str:
        return "<stream>"

    async def __aiter__(self) -> AsyncGenerator[Any, None]:
        for item in self.items:
            await sleep(0)
            if isinstance(item, Raised):
                raise item.error
            yield item


def _wide(value: Any) -> str | None:
    if value == "refused":
        raise ValueError("This value is refused.")
    return None if value == "nothing" else f"wide {value}"


class World:
    """A schema with everything in it, and the data and operations for it, from one source of chance."""

    def __init__(self, chance: Random, is_async: bool) -> None:
        self.chance = chance
        self.is_async = is_async
        self.data_seed = chance.randrange(2**32)
        enum = GraphQLEnumType("E", {"RED": 0, "GREEN": "green", "BLUE": (1, 2)})
        scalar = GraphQLScalarType("C", coerce_output_value=_wide)
        self.leaf_types: dict[str, Any] = {
            "i": GraphQLInt,
            "s": GraphQLString,
            "f": GraphQLFloat,
            "b": GraphQLBoolean,
            "d": GraphQLID,
            "e": enum,
            "c": scalar,
            "p": GraphQLEnumType("P", {color.name: color for color in Color}),
        }
        self.schema = self._schema()

    # -- the schema

    def _schema(self) -> GraphQLSchema:
        chance = self.chance
        names = [f"T{number}" for number in range(chance.randint(1, 3))]
        style = chance.choice(["typename", "is_type_of", "resolve_type", "class", "class"])
        self.has_classes = style == "class"
        resolve_type: Any = self._resolve_type if style == "resolve_type" else None
        interface = GraphQLInterfaceType(
            "N", {"x": GraphQLField(GraphQLInt), "again": GraphQLField(GraphQLInt)}, resolve_type=resolve_type
        )
        self.objects: dict[str, GraphQLObjectType] = {}
        for name in names:
            self.objects[name] = GraphQLObjectType(
                name,
                lambda name=name: self._fields(name),  # type: ignore[misc]
                interfaces=[interface],
                is_type_of=_is_instance_of(name, chance.random() < 0.3)
                if self.has_classes
                else self._is_type_of(name)
                if style == "is_type_of" or chance.random() < 0.1
                else None,
            )
        union = GraphQLUnionType("U", list(self.objects.values()), resolve_type=resolve_type)
        self.composites: dict[str, Any] = {**self.objects, "N": interface, "U": union}
        self.roots = {
            name: GraphQLObjectType(name, lambda name=name: self._fields(name))  # type: ignore[misc]
            for name in ("Query", "Mutation")
        }
        return GraphQLSchema(self.roots["Query"], self.roots["Mutation"], types=list(self.objects.values()))

    def _fields(self, owner: str) -> dict[str, GraphQLField]:
        chance = self.chance
        fields = {"x": self._field("x", GraphQLInt), "again": self._field("again", GraphQLInt)}
        for leaf in LEAVES:
            if chance.random() < 0.5:
                fields[leaf] = self._field(leaf, self._wrapped(self.leaf_types[leaf]))
        for number in range(chance.randint(1, 4)):
            name = f"o{number}"
            type_ = self.composites[chance.choice(sorted(self.composites))]
            fields[name] = self._field(name, self._wrapped(type_))
        return fields

    def _wrapped(self, type_: Any) -> Any:
        chance = self.chance
        for _ in range(chance.choice([0, 0, 0, 1, 1, 2])):
            if chance.random() < 0.3:
                type_ = GraphQLNonNull(type_)
            type_ = GraphQLList(type_)
        return GraphQLNonNull(type_) if chance.random() < 0.3 else type_

    def _field(self, name: str, type_: Any) -> GraphQLField:
        kind = self.chance.choice(["default", "default", "resolved", "batch", "each", "path"])
        if kind == "default":
            return GraphQLField(type_)
        if kind == "path":
            batch = Batch(name, False, resolve=_reader(name), path=name)
            return GraphQLField(type_, resolve=_reader(name), extensions={"batch": batch})
        arguments = {"n": GraphQLArgument(GraphQLInt, default_value=1), "m": GraphQLArgument(GraphQLInt)}
        resolve = _resolver(name)
        if kind == "resolved":
            return GraphQLField(type_, arguments, resolve=resolve)
        if kind == "each":
            batch = Batch(name, False, each=_each(resolve))
            arguments = {"n": GraphQLArgument(GraphQLInt), "m": GraphQLArgument(GraphQLInt)}
            return GraphQLField(type_, arguments, resolve=resolve, extensions={"batch": batch})
        is_late = self.is_async and self.chance.random() < 0.5
        return GraphQLField(type_, arguments, resolve=resolve, extensions={"batch": Batch(name, is_late)})

    def _resolve_type(self, value: Any, _info: Any, _type: Any) -> Any:
        name = _typename(value)
        if name == "T0" and self.is_async:
            return Later(name)
        if isinstance(value, str):
            raise ValueError("A string has no type.")
        return name

    def _is_type_of(self, name: str) -> Callable[[Any, Any], Any]:
        def is_type_of(value: Any, _info: Any) -> Any:
            if isinstance(value, str):
                raise ValueError("A string has no type.")
            verdict = _typename(value) == name
            return Later(verdict) if self.is_async and name == "T0" else verdict

        return is_type_of

    # -- the data

    def root(self, name: str = "Query") -> Any:
        """Return the root value; the same one again at every call, made again."""
        chance = Random(self.data_seed)
        self._objects_made = 0
        return self._object(chance, self.roots[name], 0, is_calm=chance.random() < 0.3)

    def _object(self, chance: Random, type_: Any, depth: int, is_calm: bool) -> Any:
        self._objects_made += 1
        values = {
            name: self._value(chance, field.type, depth + 1, is_calm)
            for name, field in type_.fields.items()
            if is_calm or chance.random() < 0.97
        }
        if not self.has_classes and chance.random() < 0.5:
            return {"__typename": type_.name, **values}
        of = CLASSES.get(type_.name, Record) if self.has_classes and chance.random() < 0.99 else Record
        record = of(**values)
        setattr(record, "_Record__typename", type_.name)  # noqa: B010  no mangling wanted
        return record

    def _value(self, chance: Random, type_: Any, depth: int, is_calm: bool) -> Any:
        may_be_null = not is_non_null_type(type_)
        if not may_be_null:
            type_ = type_.of_type
        if not is_calm and chance.random() < 0.07:
            return self._surprise(chance)
        if may_be_null and chance.random() < 0.1:
            return None
        value = self._valid_value(chance, type_, depth, is_calm)
        return Later(value) if self.is_async and chance.random() < 0.1 else value

    def _valid_value(self, chance: Random, type_: Any, depth: int, is_calm: bool) -> Any:
        if is_list_type(type_):
            is_full = depth > MOST_DEPTH or self._objects_made > MOST_OBJECTS
            size = 0 if is_full else chance.choice([0, 1, 2, 3])
            items = [self._value(chance, type_.of_type, depth, is_calm) for _ in range(size)]
            kinds: list[Callable[[list[Any]], Any]] = [list, list, tuple, Items, _cut]
            if self.is_async:
                kinds.append(Stream)
            return chance.choice(kinds[:4] if is_calm else kinds)(items)
        if is_leaf_type(type_):
            return self._leaf(chance, type_, is_calm)
        if depth > MOST_DEPTH:
            return None
        if is_abstract_type(type_):
            type_ = self.objects[chance.choice(sorted(self.objects))]
        return self._object(chance, type_, depth, is_calm)

    def _leaf(self, chance: Random, type_: Any, is_calm: bool) -> Any:
        valid: dict[str, list[Any]] = {
            "Int": [0, 1, -5, 2**31 - 1],
            "Float": [0.5, -1.25, 1e300],
            "String": ["", "text", "ü"],
            "Boolean": [True, False],
            "ID": ["1", "node"],
            "E": [0, "green", (1, 2)],
            "C": ["c", 1, None],
            "P": list(Color),
        }
        odd: dict[str, list[Any]] = {
            "Int": [True, 1.0, 1.5, "7", "seven", 2**31, float("nan")],
            "Float": [3, True, "1.5", float("inf"), float("nan"), 10**400],
            "String": [1, True, 2.5, b"bytes", ["list"], {"a": 1}],
            "Boolean": [1, 0, 0.5, "true"],
            "ID": [1, 1.5, True, 10**20],
            "E": [7, True, "RED", [], None],
            "C": ["refused", "nothing"],
            "P": [1, "RED", None],
        }
        choices = valid[type_.name] if is_calm or chance.random() < 0.85 else odd[type_.name]
        return chance.choice(choices)

    def _surprise(self, chance: Random) -> Any:
        kind = chance.randrange(9)
        if kind == 0:
            return None
        if kind == 1:
            return ValueError("returned")
        if kind == 2:
            return Raised(ValueError("raised"))
        if kind == 3:
            return GraphQLError("from the resolver", extensions={"code": "X"})
        if kind == 4:
            return GraphQLError("from elsewhere", path=["else", 0, "where"])
        if kind == 5:
            return chance.choice([5, "text", object, [], {}, 0.5])
        if kind == 6:
            return _called_well
        if kind == 7:
            return _called_badly
        return Later(Raised(ValueError("late"))) if self.is_async else {"__typename": chance.choice(["N", "Gone", 7])}

    # -- the operations

    def operation(self) -> str:
        """Return an operation, mostly valid."""
        chance = self.chance
        self.fragments: list[str] = []
        kind = chance.choice(["query", "query", "mutation"])
        selection = self._selection(self.roots[kind.capitalize()], 0)
        return f"{kind} ($yes: Boolean!, $no: Boolean!, $n: Int) {selection}\n" + "\n".join(self.fragments)

    def _selection(self, type_: Any, depth: int) -> str:
        chance = self.chance
        parts = [self._selected(type_, depth) for _ in range(chance.randint(1, 4))]
        if chance.random() < 0.2:
            parts.append(chance.choice(parts))
        return "{ " + " ".join(parts) + " }"

    def _selected(self, type_: Any, depth: int) -> str:
        chance = self.chance
        kind = chance.random()
        if kind < 0.12 and depth < MOST_DEPTH:
            return f"...{self._condition(type_)}{self._directive()} {self._fragment_body}"
        if kind < 0.2 and depth < MOST_DEPTH:
            return self._spread(type_, depth)
        fields = getattr(type_, "fields", {})
        names = [name for name in fields if depth < MOST_DEPTH or is_leaf_type(get_named_type(fields[name].type))]
        if not names or kind > 0.95:
            return "__typename"
        name = chance.choice(sorted(names))
        alias = f"{chance.choice('pq')}{name}: " if chance.random() < 0.2 else ""
        field = fields[name]
        arguments = chance.choice(["", "", "(n: 2)", "(n: $n)", "(m: $n, n: null)"]) if field.args else ""
        named = get_named_type(field.type)
        below = "" if is_leaf_type(named) else " " + self._selection(named, depth + 1)
        return f"{alias}{name}{arguments}{self._directive()}{below}"

    def _condition(self, type_: Any) -> str:
        if type_.name not in self.composites:
            self._fragment_body = self._selection(type_, MOST_DEPTH - 1)
            return ""
        name = self.chance.choice(sorted(self.composites))
        self._fragment_body = self._selection(self.composites[name], MOST_DEPTH - 1)
        return f" on {name}"

    def _spread(self, type_: Any, depth: int) -> str:
        names = sorted(self.composites) if type_.name in self.composites else [type_.name]
        on = self.chance.choice(names)
        of = self.composites.get(on) or self.roots[on]
        body = self._selection(of, depth + 1)
        name = f"F{len(self.fragments)}"
        self.fragments.append(f"fragment {name} on {on} {body}")
        return f"...{name}{self._directive()}"

    def _directive(self) -> str:
        if self.chance.random() > 0.12:
            return ""
        return self.chance.choice(
            [" @skip(if: $yes)", " @skip(if: $no)", " @include(if: $yes)", " @include(if: $no) @skip(if: false)"]
        )


class Batch:
    """A batch field that reads the same data as the resolver of the field."""

    def __init__(
        self, name: str, is_late: bool, *, resolve: Any = None, path: str | None = None, each: Any = None
    ) -> None:
        self.resolve = resolve or _resolver(name)
        self.is_late = is_late
        self.path = path
        self.each = each

    def answer(self, _context: Any, parents: Any, arguments: dict[str, Any]) -> Any:
        answers: list[Any] = []
        for parent in parents:
            try:
                answers.append(self.resolve(parent, None, **arguments))
            except Exception as error:
                answers.append(error)
        return Later(answers) if self.is_late else answers


def _resolver(name: str) -> Callable[..., Any]:
    def resolve(source: Any, _info: Any, n: int | None = None, m: int | None = None) -> Any:
        value = source.get(name) if isinstance(source, dict) else getattr(source, name, None)
        if isinstance(value, Raised):
            raise value.error
        if n == 2 and isinstance(value, int) and not isinstance(value, bool):
            return value + (m or 0)
        return value

    return resolve


def _reader(name: str) -> Callable[..., Any]:
    def read(source: Any, _info: Any) -> Any:
        return source.get(name) if isinstance(source, dict) else getattr(source, name)

    return read


def _each(resolve: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    def each(_context: Any, parent: Any) -> Any:
        return resolve(parent, None)

    return each


def _is_instance_of(name: str, asks: bool) -> Callable[[Any, Any], Any]:
    class_ = CLASSES[name]

    def is_type_of(value: Any, _info: Any) -> bool:
        return isinstance(value, class_)

    is_type_of.instances_of = class_  # type: ignore[attr-defined]
    is_type_of.ignores_info = True  # type: ignore[attr-defined]
    if asks:
        is_type_of.that_are = lambda value: value.x is not None or True  # type: ignore[attr-defined]
    return is_type_of


def _called_well(_info: Any, **_arguments: Any) -> int:
    return 42


def _called_badly(_info: Any, **_arguments: Any) -> int:
    raise ValueError("called")


def _cut(items: list[Any]) -> Items:
    return Items(items, is_cut=True)


def _typename(value: Any) -> Any:
    return value.get("__typename") if isinstance(value, dict) else getattr(value, "_Record__typename", None)
