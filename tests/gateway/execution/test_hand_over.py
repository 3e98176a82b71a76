"""What the engine does not do goes to graphql-core, and is counted."""

from typing import Any

import pytest
from graphql import AbortController, ExecutionHooks, GraphQLError, build_schema, execute, parse
from graphql.execution import experimental_execute_incrementally

from gateway.execution import HANDED_OVER, BreadthFirstExecutor

SCHEMA = build_schema(
    """
    directive @defer(if: Boolean! = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT
    directive @experimental_disableErrorPropagation on QUERY | MUTATION | SUBSCRIPTION
    type A { x: Int!, y: Int }
    type Query { a: A, list: [Int] }
    """
)
ROOT = {"a": {"x": 1, "y": 2}, "list": [1]}


def shout(resolve: Any, source: Any, info: Any, **arguments: Any) -> Any:
    value = resolve(source, info, **arguments)
    return value + 100 if isinstance(value, int) else value


@pytest.mark.parametrize(
    ("reason", "text", "further"),
    [
        ("middleware", "{ a { x } }", {"middleware": [shout]}),
        ("hooks", "{ a { x } }", {"hooks": ExecutionHooks()}),
        ("abort signal", "{ a { x } }", {"abort_signal": AbortController().signal}),
        ("incremental delivery", "{ a { x ... @defer(if: false) { y } } }", {}),
        ("disabled error propagation", "query @experimental_disableErrorPropagation { a { x } }", {}),
        ("condition that is no Boolean", "query ($if: Boolean) { a @skip(if: $if) { x } }", {}),
        ("condition that is no Boolean", "{ a @skip(if: 1) { x } list }", {}),
        ("no root type", "mutation { a }", {}),
    ],
)
def test_it_is_answered_as_graphql_core_does(reason: str, text: str, further: dict[str, Any]) -> None:
    before = HANDED_OVER[reason]
    expected: Any = experimental_execute_incrementally(SCHEMA, parse(text), ROOT, **further)

    answered: Any = experimental_execute_incrementally(
        SCHEMA, parse(text), ROOT, executor_class=BreadthFirstExecutor, **further
    )

    assert answered.data == expected.data
    assert answered.errors == expected.errors
    assert HANDED_OVER[reason] == before + 1


async def test_deferred_parts_arrive_later() -> None:
    result: Any = experimental_execute_incrementally(
        SCHEMA, parse("{ a { x ... @defer { y } } }"), ROOT, executor_class=BreadthFirstExecutor
    )

    assert result.initial_result.data == {"a": {"x": 1}}
    parts = [part async for part in result.subsequent_results]
    assert parts[0].incremental[0].data == {"y": 2}


def test_fragment_arguments_are_left_to_graphql_core() -> None:
    schema = build_schema("type A { x(n: Int): Int } type Query { a: A }")
    document = parse("{ a { ...F(n: 5) } } fragment F($n: Int) on A { x(n: $n) }", experimental_fragment_arguments=True)
    before = HANDED_OVER["fragment arguments"]

    answer: Any = execute(schema, document, {"a": {"x": lambda _info, n: n}}, executor_class=BreadthFirstExecutor)

    assert answer.data == {"a": {"x": 5}}
    assert HANDED_OVER["fragment arguments"] == before + 1


def test_an_operation_that_cannot_be_built_is_refused_as_by_graphql_core() -> None:
    for text, name in [
        ("{ a { x } } query B { list }", None),
        ("query B { list }", "C"),
        ("fragment F on A { x }", None),
    ]:
        schema = build_schema("type A { x: Int } type Query { a: A, list: [Int] }")
        expected = execute(schema, parse(text), operation_name=name)
        assert execute(schema, parse(text), operation_name=name, executor_class=BreadthFirstExecutor) == expected
        assert isinstance(expected.errors[0], GraphQLError)  # type: ignore[union-attr,index]
