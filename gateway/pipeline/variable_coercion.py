"""The variables of an operation: what a request sends for them, coerced."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    is_non_null_type,
    specified_scalar_types,
)
from graphql.execution import get_variable_values
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource

_MOST_ERRORS = 10
_LEAST_INT, _GREATEST_INT = -(2**31), 2**31 - 1
_AS_THEY_ARE = {"ID": str, "String": str, "Boolean": bool, "Int": int}
"""The built-in scalars whose values of this type are coerced to themselves, an Int within its 32 bits."""


class Variables:
    """Coerces the variables of one operation for any number of requests.

    What is sent for a built-in scalar is nearly always right as it is, and it is quicker to look at no more than that.
    Whatever is not plain goes to graphql-core, errors too.
    """

    __slots__ = ("_nodes", "_plain", "_schema", "_suggestions")

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode, *, suggestions: bool = True) -> None:
        self._schema = schema
        self._nodes = operation.variable_definitions or ()
        self._suggestions = suggestions
        self._plain = _plain([get_variable_signature(schema, node) for node in self._nodes])

    def coerced(self, sent: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        """Return the values of the variables by name, or why they cannot be coerced (GraphQL, section 6.1.2)."""
        if self._plain is not None:
            values = self._taken_as_they_are(self._plain, sent)
            if values is not None:
                return values
        return get_variable_values(
            self._schema, self._nodes, dict(sent), max_errors=_MOST_ERRORS, hide_suggestions=not self._suggestions
        )

    def _taken_as_they_are(
        self, plain: Sequence[tuple[GraphQLVariableSignature, type]], sent: Mapping[str, Any]
    ) -> VariableValues | None:
        """Return the values as they are sent; None when there is more to one of them."""
        sources: dict[str, VariableValueSource] = {}
        values: dict[str, Any] = {}
        for signature, type_ in plain:
            name = signature.name
            if name not in sent:
                if signature.default is not None or is_non_null_type(signature.type):
                    return None
                sources[name] = VariableValueSource(signature)
                continue
            value = sent[name]
            if type(value) is not type_ or (type(value) is int and not _LEAST_INT <= value <= _GREATEST_INT):
                return None
            sources[name] = VariableValueSource(signature, value)
            values[name] = value
        return VariableValues(sources, values)


def _plain(
    signatures: Sequence[GraphQLVariableSignature | GraphQLError],
) -> list[tuple[GraphQLVariableSignature, type]] | None:
    """Return each signature with the type of its values in Python; None when one is of no built-in scalar."""
    found: list[tuple[GraphQLVariableSignature, type]] = []
    for signature in signatures:
        if isinstance(signature, GraphQLError):
            return None
        named = signature.type.of_type if is_non_null_type(signature.type) else signature.type
        if not isinstance(named, GraphQLScalarType) or specified_scalar_types.get(named.name) is not named:
            return None
        type_ = _AS_THEY_ARE.get(named.name)
        if type_ is None:
            return None
        found.append((signature, type_))
    return found
