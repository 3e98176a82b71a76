"""Walking the schema as a normalised cache does: every field of every type, the answers kept by object and field.

What a cache keeps under one name must have one value, by whichever path it came. Operations are made from the schema:
from each field of `Query` and from each kind of object by its id, all fields, some levels deep.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_composite_type,
    is_required_argument,
)

from tests.portal import Answer
from tests.schemas import shared_core

KEYS: Mapping[str, str] = {"Permission": "code"}
"""By which field a cache keeps the objects of a type that have no `id`; docs/normalised-caches.md says so."""

REFUSED = "UNAUTHORIZED_FIELD_OR_TYPE"

Ask = Callable[..., Awaitable[Answer]]


@dataclass(frozen=True)
class Values:
    """What the arguments of fields are given, by coordinate: each entry is asked for."""

    of: Mapping[str, Sequence[Mapping[str, Any]]]

    def __getitem__(self, coordinate: str) -> Sequence[Mapping[str, Any]]:
        return self.of.get(coordinate, ({},))


@dataclass(frozen=True)
class Selected:
    """One field of an operation, under a name that is its own, and what is selected of it by type."""

    key: str
    of: str
    name: str
    arguments: str
    parts: Mapping[str, "tuple[Selected, ...]"]

    @property
    def stored_as(self) -> str:
        """Under which name a cache keeps the field's value within its object."""
        return f"{self.name}({self.arguments})" if self.arguments else self.name

    def __str__(self) -> str:
        asked = f"{self.key}: {self.stored_as}"
        return asked if not self.parts else f"{asked} {{ {written(self.parts)} }}"


def written(parts: Mapping[str, tuple[Selected, ...]]) -> str:
    """Return a selection as text: the typename, and what is selected of each type."""
    inner = (f"... on {name} {{ {' '.join(map(str, fields))} }}" for name, fields in parts.items() if fields)
    return f"__typename {' '.join(inner)}"


class Operations:
    """Makes selections from the schema."""

    def __init__(self, values: Values) -> None:
        self._schema = shared_core()
        self._values = values

    def objects_of(self, type_: GraphQLNamedType) -> list[GraphQLObjectType]:
        """Return the object types that a value of this type may have."""
        if isinstance(type_, (GraphQLInterfaceType, GraphQLUnionType)):
            return sorted(self._schema.get_possible_types(type_), key=lambda one: one.name)
        return [type_] if isinstance(type_, GraphQLObjectType) else []

    def parts(self, type_: GraphQLNamedType, levels: int) -> dict[str, tuple[Selected, ...]]:
        """Select all fields of a type, and of what they lead to, so many levels deep; below, what identifies it."""
        return {one.name: tuple(self._fields(one, levels)) for one in self.objects_of(type_)}

    def field(self, of: GraphQLObjectType, name: str, levels: int) -> Iterator[Selected]:
        """Select one field, once with each of its arguments in the table."""
        declared = of.fields[name]
        inner = get_named_type(declared.type)
        for number, values in enumerate(self._values[f"{of.name}.{name}"]):
            self._check(of, name, declared, values)
            arguments = ", ".join(f"{key}: {_literal(value)}" for key, value in values.items())
            selected = self.parts(inner, self._levels(inner, levels)) if is_composite_type(inner) else {}
            yield Selected(f"{of.name}_{name}_{number}", of.name, name, arguments, selected)

    def _fields(self, of: GraphQLObjectType, levels: int) -> Iterator[Selected]:
        for name, declared in of.fields.items():
            inner = get_named_type(declared.type)
            if not is_composite_type(inner) or levels > 0 or self._is_value(inner):
                yield from self.field(of, name, levels)

    def _levels(self, inner: GraphQLNamedType, levels: int) -> int:
        """A page of a list is no level of its own, nor is a value that has nothing but scalars."""
        return levels if inner.name.endswith(("Connection", "Edge")) else levels - 1

    def _is_value(self, type_: GraphQLNamedType) -> bool:
        return isinstance(type_, GraphQLObjectType) and not any(
            is_composite_type(get_named_type(one.type)) for one in type_.fields.values()
        )

    def _check(self, of: GraphQLObjectType, name: str, declared: GraphQLField, values: Mapping[str, Any]) -> None:
        missing = {key for key, argument in declared.args.items() if is_required_argument(argument)} - values.keys()
        assert not missing, f"{of.name}.{name} needs {sorted(missing)}: add them to ARGUMENTS of the walk"


@dataclass
class Store:
    """What a cache knows after some answers: by object and field, each value with the path that it came by.

    `conflicts` are fields with two values; `lost` are objects that were given and are not found again by their ids.
    """

    values: dict[tuple[str, str], dict[str, tuple[Any, str]]] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)

    def take(self, name: str, answer: Answer, parts: Mapping[str, tuple[Selected, ...]]) -> None:
        """Keep all that an answer says; `name` is the operation's, for messages."""
        wrong = {error["extensions"]["code"] for error in answer.errors} - {REFUSED}
        assert not wrong, (name, [one for one in answer.errors if one["extensions"]["code"] in wrong][:3])
        self._object(("Query", ""), "", answer.data, parts, name)

    def ids(self) -> dict[str, str]:
        """Return the type of each object that has an id."""
        return {id: type_ for type_, id in self.values if type_ not in KEYS and id}

    def _object(
        self, owner: tuple[str, str], at: str, data: Any, parts: Mapping[str, tuple[Selected, ...]], path: str
    ) -> None:
        for selected in parts.get(data.get("__typename", "Query"), ()):
            self._value(owner, f"{at}{selected.stored_as}", data[selected.key], selected, f"{path}.{selected.name}")

    def _value(self, owner: tuple[str, str], at: str, data: Any, selected: Selected, path: str) -> None:
        if isinstance(data, list):
            self._keep(owner, f"{at}.length", len(data), path)
            for number, one in enumerate(data):
                self._value(owner, f"{at}.{number}", one, selected, path)
        elif data is None or not selected.parts:
            self._keep(owner, at, data, path)
        elif (identity := self._identity(data, selected)) is not None:
            self._keep(owner, at, ":".join(identity), path)
            self._object(identity, "", data, selected.parts, path)
        else:
            self._object(owner, f"{at}.", data, selected.parts, path)

    def _identity(self, data: Any, selected: Selected) -> tuple[str, str] | None:
        type_ = data["__typename"]
        by = KEYS.get(type_, "id")
        known = next((one for one in selected.parts.get(type_, ()) if one.name == by), None)
        return (type_, data[known.key]) if known is not None else None

    def _keep(self, owner: tuple[str, str], at: str, value: Any, path: str) -> None:
        kept, first = self.values.setdefault(owner, {}).setdefault(at, (value, path))
        if kept != value:
            self.conflicts.append(f"{':'.join(owner)}.{at} is {kept!r} by {first} and {value!r} by {path}")


async def walked(ask: Ask, values: Values, *, levels: int, samples: int) -> Store:
    """Walk from each field of Query, and from some objects of each kind by their ids; then read all by their ids."""
    operations, store, schema = Operations(values), Store(), shared_core()
    query = schema.query_type
    assert query is not None
    for name in query.fields:
        if name not in ("node", "nodes"):
            for selected in operations.field(query, name, levels):
                await _asked(ask, store, selected)
    done: dict[str, int] = {}
    while chosen := _next(store, done, samples):
        for id, type_ in chosen:
            done[type_] = done.get(type_, 0) + 1
            parts = operations.parts(schema.type_map[type_], levels - 1)
            await _asked(ask, store, Selected("by_id", "Query", "node", "id: $id", parts), id=id)
    leaves = {one.name: operations.parts(one, 0)[one.name] for one in operations.objects_of(schema.type_map["Node"])}
    again = Selected("again", "Query", "nodes", "ids: $ids", leaves)
    ids = store.ids()
    for start in range(0, len(ids), 100):
        some = list(ids)[start : start + 100]
        data = await _asked(ask, store, again, ids=some)
        store.lost += [
            (ids[id], id)
            for id, one in zip(some, data["again"], strict=True)
            if one is None or one["__typename"] != ids[id]
        ]
    return store


def _next(store: Store, done: Mapping[str, int], samples: int) -> list[tuple[str, str]]:
    """Return objects to walk from next: as many of each kind as are still missing."""
    kinds: dict[str, list[str]] = {}
    for id, type_ in store.ids().items():
        kinds.setdefault(type_, []).append(id)
    return [(id, type_) for type_, ids in kinds.items() if not done.get(type_) for id in _spread(ids, samples)]


async def _asked(ask: Ask, store: Store, selected: Selected, **variables: Any) -> Any:
    """Ask for one field of Query; by variables, so that the operation is made ready once for all objects of a kind."""
    declared = ", ".join(f"${name}: {'[ID!]!' if name == 'ids' else 'ID!'}" for name in variables)
    answer = await ask(f"query Walk{f'({declared})' if declared else ''} {{ {selected} }}", **variables)
    name = f"{selected.name}({', '.join(map(str, variables.values()))[:40]})" if variables else selected.stored_as[:60]
    store.take(name, answer, {"Query": (replace(selected, arguments=f"{selected.arguments} {variables}"),)})
    return answer.data


def _spread(ids: Sequence[str], number: int) -> list[str]:
    """Return the first, the last and some between: what was found early and what was found late."""
    if len(ids) <= number:
        return list(ids)
    return [ids[round(index * (len(ids) - 1) / max(number - 1, 1))] for index in range(number)]


def _literal(value: Any) -> str:
    match value:
        case list() | tuple():
            return f"[{', '.join(map(_literal, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}: {_literal(one)}' for key, one in value.items())}}}"
        case Word():
            return value.text
        case _:
            return json.dumps(value)


@dataclass(frozen=True)
class Word:
    """The value of an enum."""

    text: str


def all_of(enum: str) -> list[Word]:
    """Return all values of an enum."""
    type_ = shared_core().type_map[enum]
    assert isinstance(type_, GraphQLEnumType)
    return [Word(name) for name in type_.values]
