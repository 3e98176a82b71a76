"""Runs an operation on graphql-core and on the engine, and compares what they answer."""

import json
from collections.abc import Callable, Sequence
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult, GraphQLSchema, execute, execute_sync, parse

from gateway.execution import HANDED_OVER, BreadthFirstExecutor, Budget

ErrorFacts = tuple[str, list[str | int] | None, list[tuple[int, int]]]


class GeneralExecutor(BreadthFirstExecutor):
    """The engine without generated functions."""

    uses_row_functions = False


EVERY_ENGINE = (GeneralExecutor, BreadthFirstExecutor, BreadthFirstExecutor)
"""The last one has learned by the one before it what types of values there are."""


class StrawberrysExecutor(BreadthFirstExecutor):
    """The engine as strawberry makes it: with an argument more, of which the engine knows nothing."""

    def __init__(self, *arguments: Any, operation_extensions: Any = None, **named: Any) -> None:
        super().__init__(*arguments, **named)


def error_facts(result: ExecutionResult) -> list[ErrorFacts]:
    """Return message, path and locations of each error."""
    return [
        (error.message, error.path, [(position.line, position.column) for position in error.locations or ()])
        for error in result.errors or ()
    ]


def as_text(data: Any) -> str:
    """Return the data in a form that distinguishes 1 from True and 1.0, and one order of keys from another."""
    return json.dumps(data, default=lambda value: f"<{type(value).__name__} {value!r}>")


def in_sync(
    schema: GraphQLSchema,
    text: str,
    root: Callable[[], Any] = dict,
    engines: Sequence[type[BreadthFirstExecutor]] = (BreadthFirstExecutor,),
    **arguments: Any,
) -> ExecutionResult:
    """Return the engine's answer after comparing data and errors with graphql-core's; each gets a root of its own."""
    document = parse(text)
    handed_over = HANDED_OVER.total()
    expected = execute(schema, document, root(), **arguments)
    assert isinstance(expected, ExecutionResult)
    for engine in engines:
        answered = execute(schema, document, root(), executor_class=engine, **arguments)
        assert isinstance(answered, ExecutionResult), "nothing had to be awaited"
        assert as_text(answered.data) == as_text(expected.data)
        assert error_facts(answered) == error_facts(expected)
    assert HANDED_OVER.total() == handed_over, "the engine answered itself"
    return answered


def in_declared_sync(schema: GraphQLSchema, text: str, root: Callable[[], Any] = dict) -> ExecutionResult:
    """Do as `in_sync` with `execute_sync`, which treats nothing as awaitable."""
    document = parse(text)
    expected = execute_sync(schema, document, root())
    for engine in (GeneralExecutor, BreadthFirstExecutor):
        answered = execute_sync(schema, document, root(), executor_class=engine)
        assert as_text(answered.data) == as_text(expected.data)
        assert error_facts(answered) == error_facts(expected)
    return answered


class CloselyCounted(BreadthFirstExecutor):
    """The engine as it goes on when an answer has become long: from the first object on, within wide limits."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.budget = Budget(max_objects=1_000_000, max_bytes=1_000_000_000)
        self.budget.unwatched = 0


async def in_async(
    schema: GraphQLSchema,
    text: str,
    root: Callable[[], Any] = dict,
    same_errors: bool = True,
    engines: Sequence[type[BreadthFirstExecutor]] = (BreadthFirstExecutor,),
    **arguments: Any,
) -> ExecutionResult:
    """Do as `in_sync` where something may be awaited; errors of racing siblings may differ and can be left out."""
    document = parse(text)
    handed_over = HANDED_OVER.total()
    expected: Any = execute(schema, document, root(), **arguments)
    if isawaitable(expected):
        expected = await expected
    answered: Any = None
    for engine in engines:
        answered = execute(schema, document, root(), executor_class=engine, **arguments)
        if isawaitable(answered):
            answered = await answered
        assert as_text(answered.data) == as_text(expected.data)
        if same_errors:
            assert error_facts(answered) == error_facts(expected)
        else:
            assert bool(answered.errors) == bool(expected.errors)
    assert HANDED_OVER.total() == handed_over, "the engine answered itself"
    return answered  # type: ignore[no-any-return]


async def alone(schema: GraphQLSchema, text: str, root: Any = None, **arguments: Any) -> ExecutionResult:
    """Return the engine's answer."""
    answered: Any = execute(schema, parse(text), root, executor_class=BreadthFirstExecutor, **arguments)
    return await answered if isawaitable(answered) else answered  # type: ignore[no-any-return]
