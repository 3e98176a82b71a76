"""What an introspection costs: by the size of its answer, counted in the schema without answering it.

All that is reached in the same way is looked at together: the fields of all types, then the types of all those fields.
So counting takes time in proportion to the schema and the document, however large the answer would be.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    SelectionSetNode,
    Undefined,
    is_abstract_type,
)

BYTES_PER_POINT = 500
"""So many bytes of an introspection's answer cost 1."""

_PER_VALUE = 20
"""What each value counts beside its bytes: finding it takes longer than writing it."""

_LONGEST_COUNT = 50_000
"""After looking at so many objects of the schema the counting ends, after some 20 ms. What tools ask takes 13,000; what
takes more than this has at least so many values, and counts as too expensive whatever is allowed."""

_BEYOND = 1_000_000_000

_Group = dict[int, tuple[Any, int]]
"""Objects of introspection by their identity, each with how often it is reached."""


class IntrospectionCost:
    """Estimates the introspections of one document."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._fragments = fragments
        self._root: _Group = {id(schema): (schema, 1)}
        self._types: dict[str, _Group] = {}
        # What was worked out before, by the identity of a group and the name of a field, or by that of a selection.
        self._reached: dict[tuple[int, str], _Group] = {}
        self._leaves: dict[tuple[int, str], int] = {}
        self._sizes: dict[tuple[int, int], int] = {}
        self._looked_at = 0

    def of_schema(self, selection_set: SelectionSetNode) -> int:
        """Return what `__schema` with this selection costs."""
        return self._cost(selection_set, self._root)

    def of_type(self, selection_set: SelectionSetNode, name: str) -> int:
        """Return what `__type` with this selection costs for the type of this name; 1 where there is none."""
        type_ = self._schema.type_map.get(name)
        if type_ is None:
            return 1
        return self._cost(selection_set, self._types.setdefault(name, {id(type_): (type_, 1)}))

    def _cost(self, selection_set: SelectionSetNode, group: _Group) -> int:
        self._looked_at = 0
        try:
            return 1 + self._size(selection_set, group) // BYTES_PER_POINT
        except _TooLong:
            return _BEYOND

    def _size(self, selection_set: SelectionSetNode, group: _Group) -> int:
        """Return the size of what a selection answers for a group."""
        if not group:
            return 0
        known = (id(selection_set), id(group))
        size = self._sizes.get(known)
        if size is None:
            size = 0
            for selection in selection_set.selections:
                if isinstance(selection, FieldNode):
                    size += self._size_of_field(selection, group)
                elif isinstance(selection, FragmentSpreadNode):
                    size += self._size(self._fragments[selection.name.value].selection_set, group)
                else:
                    size += self._size(selection.selection_set, group)  # type: ignore[attr-defined]
            self._sizes[known] = size
        return size

    def _size_of_field(self, node: FieldNode, group: _Group) -> int:
        name = node.name.value
        size = _times(group) * (len((node.alias or node.name).value) + len('"":,') + _PER_VALUE)
        if node.selection_set is None:
            return size + self._size_of_leaves(group, name)
        reached = self._reached_from(group, name)
        return size + _times(reached) * (len("{},") + _PER_VALUE) + self._size(node.selection_set, reached)

    def _size_of_leaves(self, group: _Group, name: str) -> int:
        known = (id(group), name)
        size = self._leaves.get(known)
        if size is None:
            self._look_at(group)
            measure = _LEAVES.get(name, _flag)
            size = self._leaves[known] = sum(times * measure(one) for one, times in group.values())
        return size

    def _reached_from(self, group: _Group, name: str) -> _Group:
        """Return what a field leads to from all objects of a group."""
        known = (id(group), name)
        reached = self._reached.get(known)
        if reached is None:
            self._look_at(group)
            reached = {}
            for one, times in group.values():
                for found in self._next(one, name):
                    before = reached.get(id(_part_of(found)))
                    reached[id(_part_of(found))] = (found, times if before is None else times + before[1])
            self._reached[known] = reached
            self._look_at(reached)
        return reached

    def _look_at(self, group: _Group) -> None:
        self._looked_at += len(group)
        if self._looked_at > _LONGEST_COUNT:
            raise _TooLong

    def _next(self, one: Any, name: str) -> Iterable[Any]:
        """Return what a field of an object of introspection leads to; parts that have a name come with it."""
        if isinstance(one, GraphQLSchema):
            return _OF_SCHEMA[name](one)
        if name == "args":
            arguments: Iterable[Any] = _part_of(one).args.items()
            return arguments
        if isinstance(one, tuple):
            return (one[1].type,)
        match name:
            case "fields":
                return one.fields.items() if isinstance(one, (GraphQLObjectType, GraphQLInterfaceType)) else ()
            case "inputFields":
                return one.fields.items() if isinstance(one, GraphQLInputObjectType) else ()
            case "enumValues":
                return one.values.items() if isinstance(one, GraphQLEnumType) else ()
            case "interfaces":
                return one.interfaces if isinstance(one, (GraphQLObjectType, GraphQLInterfaceType)) else ()
            case "possibleTypes":
                return self._schema.get_possible_types(one) if is_abstract_type(one) else ()
        inner = getattr(one, "of_type", None)
        return () if inner is None else (inner,)


class _TooLong(Exception):
    """There is more to count than is worth it."""


_OF_SCHEMA: dict[str, Callable[[GraphQLSchema], Iterable[Any]]] = {
    "types": lambda schema: schema.type_map.values(),
    "directives": lambda schema: schema.directives,
    "queryType": lambda schema: [schema.query_type] if schema.query_type else (),
    "mutationType": lambda schema: [schema.mutation_type] if schema.mutation_type else (),
    "subscriptionType": lambda schema: [schema.subscription_type] if schema.subscription_type else (),
}


def _times(group: _Group) -> int:
    return sum(times for _, times in group.values())


def _part_of(found: Any) -> Any:
    return found[1] if isinstance(found, tuple) else found


def _text(value: Any) -> int:
    return len(value) + 2 if isinstance(value, str) else len("null")


def _flag(_one: Any) -> int:
    return len("false")


def _default_value(one: Any) -> int:
    part = _part_of(one)
    default = getattr(part, "default", None) or getattr(part, "default_value", Undefined)
    return len("null") if default is Undefined else len(str(default)) + 2


_LEAVES: dict[str, Callable[[Any], int]] = {
    "name": lambda one: _text(one[0] if isinstance(one, tuple) else getattr(one, "name", None)),
    "description": lambda one: _text(_part_of(one).description if hasattr(_part_of(one), "description") else None),
    "deprecationReason": lambda one: _text(_part_of(one).deprecation_reason),
    "specifiedByURL": lambda one: _text(getattr(one, "specified_by_url", None)),
    "defaultValue": _default_value,
    "kind": lambda _one: len('"INPUT_OBJECT"'),
    "__typename": lambda _one: len('"__InputValue"'),
    "locations": lambda one: sum(len(location.name) + 3 for location in one.locations) + 2,
}
