"""The schema, built once for all the tests that only read it: that takes as long as a dozen of them."""

from functools import cache

from graphql import GraphQLSchema

from schema.graph.build import Schema, build_schema, core_schema


@cache
def shared_schema() -> Schema:
    """The schema as strawberry knows it."""
    return build_schema()


def shared_core() -> GraphQLSchema:
    """The schema as graphql-core knows it."""
    return core_schema(shared_schema())
