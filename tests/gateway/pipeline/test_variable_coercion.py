"""The variables of an operation, compared with graphql-core's own coercion."""

from typing import Any

import pytest
from graphql import GraphQLError, OperationDefinitionNode, build_schema, parse
from graphql.execution import get_variable_values
from graphql.execution.values import VariableValues
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline import variable_coercion as variables
from gateway.pipeline.variable_coercion import Variables

SCHEMA = build_schema("""
    enum E { A B }
    scalar Any
    input In { x: Int!, y: [String] }
    type Query { f(id: ID, i: Int, s: String, b: Boolean, n: Float, e: E, o: In, a: Any): Int }
""")
TYPES = (
    *("ID", "ID!", "String", 'String = "x"', "Boolean", "Boolean!", "Int", "Int!", "Int = 3", "Float"),
    *("[ID!]", "E", "In", "Any"),
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**33), 2**33)
    | st.sampled_from([2**31, 2**31 - 1, -(2**31), -(2**31) - 1, 1.0, 1.5, "A", "1", ""])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner)
)


def operation(types: list[str]) -> OperationDefinitionNode:
    """An operation that declares a variable of each type: a, b, c and so on."""
    declared = ", ".join(f"${name}: {type_}" for name, type_ in zip("abcdef", types, strict=False))
    node = parse(f"query ({declared}) {{ __typename }}" if declared else "{ __typename }").definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    return node


def reported(found: VariableValues | list[GraphQLError]) -> Any:
    """What was made of the variables, so that 1 differs from True, and one error from another."""
    if isinstance(found, list):
        return [(error.message, error.locations) for error in found]
    sources = [(name, str(source.signature.type), repr(source.value)) for name, source in found.sources.items()]
    return sources, [(name, repr(value)) for name, value in found.coerced.items()]


@given(st.lists(st.sampled_from(TYPES), max_size=4), st.dictionaries(st.sampled_from("abcdz"), values, max_size=5))
def test_variables_are_coerced_as_graphql_core_does(types: list[str], sent: dict[str, Any]) -> None:
    node = operation(types)

    found = Variables(SCHEMA, node).coerced(sent)

    assert reported(found) == reported(
        get_variable_values(SCHEMA, node.variable_definitions or (), sent, max_errors=10)
    )


@pytest.mark.parametrize(
    ("types", "sent", "is_plain"),
    [
        (["ID!", "Int = 3", "Boolean"], {"a": "org_1", "b": 5, "c": True}, True),
        (["ID!", "Int", "Boolean"], {"a": "org_1"}, True),
        (["ID!", "Int = 3"], {"a": "org_1"}, False),
        (["ID!"], {"a": 7}, False),
        (["Int"], {"a": True}, False),
        (["Int"], {"a": 2**31}, False),
        (["[ID!]"], {"a": ["org_1"]}, False),
    ],
)
def test_only_what_is_not_plain_costs_a_call_of_graphql_core(
    types: list[str], sent: dict[str, Any], is_plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(variables, "get_variable_values", lambda *asked, **_options: calls.append(asked))

    Variables(SCHEMA, operation(types)).coerced(sent)

    assert (not calls) is is_plain
