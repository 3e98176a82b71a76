"""Which operations need nobody to be signed in, so that they are executed whatever access token was sent with them."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
    is_abstract_type,
    is_composite_type,
)
from graphql.execution.values import VariableValues

from gateway.pipeline.operation_cache import Operation
from schema.graph.answering import Answering
from schema.graph.fields import BATCH

_INTROSPECTION = ("__schema", "__type")
_SESSION = "accessToken"
"""A payload that has this field can begin a session."""


class Needs:
    """Knows of each operation whether it needs a caller; `filtered` is whether introspection shows what they may use.

    A query needs one when anything it selects is guarded or answers by the caller. Of a mutation only the root fields
    count, up to the first that can begin a session: from there on the operation has a caller of its own.
    """

    def __init__(self, schema: GraphQLSchema, *, filtered: bool) -> None:
        self._schema = schema
        self._filtered = filtered

    def caller(self, operation: Operation, variables: VariableValues) -> bool:
        """Return whether the operation with these variables needs a caller."""
        root = self._schema.get_root_type(operation.node.operation)
        assert root is not None  # validation has seen it
        look = _Look(self._schema, operation.fragments, variables)
        if not operation.is_mutation:
            return any(
                self._needs_caller(field, node, variables)
                for field, node in look.everything(root, operation.node.selection_set)
            )
        for field, node in look.selected(root, operation.node.selection_set):
            if self._needs_caller(field, node, variables):
                return True
            if _can_begin_session(field):
                return False
        return False

    def _needs_caller(self, field: GraphQLField, node: FieldNode, variables: VariableValues) -> bool:
        answering = field.extensions.get(BATCH)
        if not isinstance(answering, Answering):
            return self._filtered and node.name.value in _INTROSPECTION
        rule = answering.bound.rule
        if rule.unless_given is None:
            return rule.signed_in or rule.by_caller
        given: Any = get_argument_values(field, node, variables)
        for step in rule.unless_given.split("."):
            given = given.get(step) if isinstance(given, dict) else None
        return given is None


class _Look:
    """What one operation selects, fragments followed and `@skip` and `@include` obeyed, each part once."""

    def __init__(
        self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode], variables: VariableValues
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._seen: set[tuple[str, int]] = set()

    def everything(
        self, type_: GraphQLNamedType, selections: SelectionSetNode
    ) -> Iterator[tuple[GraphQLField, FieldNode]]:
        """Return all fields selected here, however deep."""
        for field, selected in self.selected(type_, selections):
            yield field, selected
            inner = get_named_type(field.type)
            if selected.selection_set is not None and is_composite_type(inner):
                yield from self.everything(inner, selected.selection_set)

    def selected(
        self, type_: GraphQLNamedType, selections: SelectionSetNode
    ) -> Iterator[tuple[GraphQLField, FieldNode]]:
        """Return the fields selected on a type, in their order; of an interface, as each of its types declares them."""
        if (type_.name, id(selections)) in self._seen:
            return
        self._seen.add((type_.name, id(selections)))
        for selection in selections.selections:
            if not self._is_included(selection):
                continue
            match selection:
                case FieldNode():
                    for concrete in self._concrete(type_):
                        field = self._schema.get_field(concrete, selection.name.value)
                        if field is not None:
                            yield field, selection
                case InlineFragmentNode(type_condition=None):
                    yield from self.selected(type_, selection.selection_set)
                case InlineFragmentNode(type_condition=condition) if condition is not None:
                    yield from self.selected(self._schema.type_map[condition.name.value], selection.selection_set)
                case FragmentSpreadNode():
                    fragment = self._fragments[selection.name.value]
                    inner = self._schema.type_map[fragment.type_condition.name.value]
                    yield from self.selected(inner, fragment.selection_set)

    def _concrete(self, type_: GraphQLNamedType) -> list[GraphQLObjectType]:
        if is_abstract_type(type_):
            return list(self._schema.get_possible_types(type_))
        return [type_] if isinstance(type_, GraphQLObjectType) else []

    def _is_included(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and not (include and not include["if"])


def _can_begin_session(field: GraphQLField) -> bool:
    payload = get_named_type(field.type)
    return isinstance(payload, GraphQLObjectType) and _SESSION in payload.fields
