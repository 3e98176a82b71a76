"""A field as a document selects it: as much as errors and paths have to know of it."""

from graphql import GraphQLField, GraphQLObjectType

from gateway.execution.library_internals import FieldDetailsList


class SelectedField:
    """One response name of a selection on a concrete type."""

    __slots__ = ("coordinate", "definition", "details", "is_pathless", "key", "nodes", "parent_type")

    def __init__(self, key: str, parent_type: GraphQLObjectType, definition: GraphQLField, details: FieldDetailsList):
        self.key = key
        self.parent_type = parent_type
        self.definition = definition
        self.details = details
        self.nodes = [detail.node for detail in details]
        self.coordinate = f"{parent_type}.{self.nodes[0].name.value}"
        self.is_pathless = False
