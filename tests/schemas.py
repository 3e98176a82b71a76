"""The schema, built once for all the tests that only read it: that takes as long as a dozen of them."""

from collections.abc import Sequence
from functools import cache

from graphql import GraphQLSchema

from schema.graph.additions import SchemaAddition
from schema.graph.build import Schema, build_schema, core_schema


def shared_schema(*, suggestions: bool = True, additions: Sequence[SchemaAddition] = ()) -> Schema:
    """The schema as strawberry knows it; one with extensions is built for itself."""
    return build_schema(suggestions=suggestions, additions=additions) if additions else _built(suggestions)


def shared_core() -> GraphQLSchema:
    """The schema as graphql-core knows it."""
    return core_schema(shared_schema())


@cache
def _built(suggestions: bool) -> Schema:
    return build_schema(suggestions=suggestions)
