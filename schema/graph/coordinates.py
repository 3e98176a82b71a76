"""Every part of the schema that can be asked for or given, beside what it asks of the caller."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
)

from permissions.sheet import Part, PartKind
from resolvers.refusals import Coordinate
from schema.graph.fields import DeclaredField
from schema.graph.guards import rule_of


def parts_of(core: GraphQLSchema) -> list[Part]:
    """Return every field, argument, input field and enum value of the schema, by type and then as declared."""
    roots = {
        type_.name: kind
        for type_, kind in (
            (core.query_type, PartKind.QUERY),
            (core.mutation_type, PartKind.MUTATION),
            (core.subscription_type, PartKind.SUBSCRIPTION),
        )
        if type_ is not None
    }
    return [
        part
        for name in sorted(core.type_map, key=lambda name: (name not in roots, name))
        if not name.startswith("__")
        for part in _parts(core.type_map[name], roots.get(name, PartKind.FIELD))
    ]


def _parts(type_: Any, kind: PartKind) -> Iterator[Part]:
    match type_:
        case GraphQLObjectType() | GraphQLInterfaceType():
            for name, field in type_.fields.items():
                yield _part(Coordinate(type_.name, name), kind, field)
                for argument, definition in field.args.items():
                    yield _part(Coordinate(type_.name, name, argument), PartKind.ARGUMENT, definition)
        case GraphQLInputObjectType():
            for name, input_field in type_.fields.items():
                yield _part(Coordinate(type_.name, name), PartKind.INPUT_FIELD, input_field)
        case GraphQLEnumType():
            for name, value in type_.values.items():
                yield _part(Coordinate(type_.name, name), PartKind.ENUM_VALUE, value)


def _part(coordinate: Coordinate, kind: PartKind, element: Any) -> Part:
    definition = element.extensions.get("strawberry-definition")
    return Part(str(coordinate), kind, rule_of(element), isinstance(definition, DeclaredField))
