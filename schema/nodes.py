"""Any object by its id (Relay's Global Object Identification)."""

import strawberry

from permissions.access_rules import BY_CALLER
from resolvers.nodes import queries as nodes
from schema.graph.fields import root


@strawberry.interface
class Node:
    """An object with a globally unique, permanent id."""

    id: strawberry.ID = strawberry.field(description="The object's id. Opaque: do not take it apart.")


@strawberry.type
class NodeQueries:
    """Queries by id."""

    node: Node | None = root(
        nodes.node,
        requires=BY_CALLER,
        description="The object with this id; null when there is none that you may see.",
        arguments={"id": "The object's id."},
    )
    nodes: list[Node | None] = root(
        nodes.nodes,
        requires=BY_CALLER,
        sliced_by="ids",
        at_most=nodes.MOST_NODES,
        description="The objects with these ids, in their order; null where there is none that you may see.",
        arguments={"ids": "The objects' ids, 100 at most."},
    )
