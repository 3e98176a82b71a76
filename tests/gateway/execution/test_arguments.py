"""Arguments of one document in many requests, compared with graphql-core, which remembers nothing between them."""

from typing import Any

from graphql import DocumentNode, GraphQLSchema, build_schema, execute_sync, parse
from hypothesis import given
from hypothesis import strategies as st

from gateway.execution import BreadthFirstExecutor

SCHEMA = build_schema("""
    enum E { A B }
    input In { x: Int = 1, y: [String!] }
    type Query { f(i: Int = 3, s: String! = "s", ids: [ID!] = [], e: E = A, o: In = {x: 2}, b: Boolean): String }
""")
SCHEMA.query_type.fields["f"].resolve = lambda _root, _info, **given: repr(sorted(given.items()))  # type: ignore[union-attr]
SCHEMA.query_type.fields["f"].args["s"].out_name = "text"  # type: ignore[union-attr]

DECLARED = "query ($i: Int, $s: String, $ids: [ID!], $e: E, $o: In, $b: Boolean, $x: Int = 9)"
LITERALS = {
    "i": ["1", "null", "$i", "$x"],
    "s": ['"a"', "$s"],
    "ids": ['["a"]', "$ids", "null"],
    "e": ["B", "$e"],
    "o": ["{x: 5}", "{x: $i}", "$o"],
    "b": ["true", "$b"],
}
SENT: dict[str, list[Any]] = {
    "i": [4, None],
    "s": ["t", None],
    "ids": [["b"], [], None],
    "e": ["A", "B", None],
    "o": [{"x": 7, "y": ["z"]}, {}, None],
    "b": [False, None],
    "x": [8, None],
}

calls = st.fixed_dictionaries({}, optional={name: st.sampled_from(texts) for name, texts in LITERALS.items()})
requests = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in SENT.items()})


def answered(schema: GraphQLSchema, document: DocumentNode, sent: dict[str, Any], **options: Any) -> Any:
    """What is answered to one request."""
    result = execute_sync(schema, document, variable_values=sent, **options)
    return result.data, [(error.message, error.path, error.locations) for error in result.errors or ()]


@given(calls, st.lists(requests, min_size=2, max_size=5))
def test_a_document_gets_the_arguments_of_each_request(call: dict[str, str], several: list[dict[str, Any]]) -> None:
    given_ = ", ".join(f"{name}: {text}" for name, text in call.items())
    document = parse(f"{DECLARED} {{ f{f'({given_})' if given_ else ''} }}")

    found = [answered(SCHEMA, document, sent, executor_class=BreadthFirstExecutor) for sent in several]

    assert found == [answered(SCHEMA, document, sent) for sent in several]
