"""What failed is gone with the answer: no exception keeps the engine's frames, objects or columns for the collector."""

import asyncio
import gc
from collections.abc import Iterator
from time import monotonic
from types import SimpleNamespace
from typing import Any
from weakref import ref

import pytest
from graphql import GraphQLError, GraphQLSchema, build_schema, execute, parse

from gateway.execution import HANDED_OVER, AnswerTooLarge, BreadthFirstExecutor, Budget
from gateway.execution.planner import Plan
from gateway.pipeline.limits.limit_exceeded import LimitExceeded
from gateway.pipeline.operation_cache import Documents, InvalidDocument
from gateway.settings import Limits

TYPES = """
    interface Named { name: String }
    type Item implements Named { name: String, value: Int, strict: Int!, items: [Item!] }
    type Query { value: Int, other: Int, third: Int, items: [Item], named: [Named], streamed: [Item!], numbers: [Int] }
    type Mutation { value: Int, items: [Item] }
"""


class Broken(Exception):
    """What a resolver raises."""


class Parent:
    """An object of the answer, which shows whether anything holds on to it."""

    def __init__(self, error: type[Exception] | None = None) -> None:
        self._error = error

    @property
    def name(self) -> str:
        """Fail."""
        raise Broken("attribute")


@pytest.fixture(autouse=True)
def _without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def raising(*_: Any, **__: Any) -> Any:
    raise Broken("raised")


async def raising_later(*_: Any, **__: Any) -> Any:
    await asyncio.sleep(0)
    raise Broken("raised later")


def raising_several(*given: Any) -> Any:
    found = []
    for _ in range(2):
        try:
            raising(*given)
        except Broken as error:
            found.append(error)
    try:
        raise ExceptionGroup("several", found)
    finally:
        found.clear()  # or this frame would keep them, and they this frame


def raising_wrapped(*given: Any) -> Any:
    try:
        raising(*given)
    except Broken as error:
        wrapped = error
    try:
        raise GraphQLError("said otherwise", original_error=wrapped)
    finally:
        del wrapped  # or this frame would keep it, and it this frame


def deep(*_: Any, **__: Any) -> Any:
    return deep()


def schema_of(way: str) -> GraphQLSchema:
    """A schema some of whose fields fail in this way."""
    schema = build_schema(TYPES)
    fields: Any = schema.type_map["Query"].fields | {  # type: ignore[attr-defined]
        f"item_{name}": field
        for name, field in schema.type_map["Item"].fields.items()  # type: ignore[attr-defined]
    }
    batched, resolved = SimpleNamespace, "resolve"
    match way:
        case "resolver":
            setattr(fields["value"], resolved, raising)
            setattr(fields["item_value"], resolved, raising)
        case "late resolver":
            for name in ("value", "other", "third", "item_value"):
                setattr(fields[name], resolved, raising_later)
        case "several at once":
            setattr(fields["value"], resolved, raising_several)
            setattr(fields["item_value"], resolved, raising_several)
        case "wrapped":
            setattr(fields["value"], resolved, raising_wrapped)
            setattr(fields["item_value"], resolved, raising_wrapped)
        case "batch":
            fields["value"].extensions = {"batch": batched(answer=raising)}
            fields["item_value"].extensions = {
                "batch": batched(answer=lambda _c, parents, _a: [Broken("one")] * len(parents))
            }
        case "late batch":
            for name in ("value", "other", "item_value"):
                fields[name].extensions = {"batch": batched(answer=raising_later)}
        case "wrong answer":
            fields["value"].extensions = {"batch": batched(answer=lambda *_: [1, 2, 3])}
        case "too deep":
            setattr(fields["value"], resolved, deep)
        case "type":
            schema.type_map["Named"].resolve_type = raising  # type: ignore[attr-defined]
            schema.type_map["Item"].is_type_of = raising  # type: ignore[attr-defined]
    return schema


WAYS = [
    *("resolver", "late resolver", "several at once", "wrapped", "batch", "late batch"),
    *("wrong answer", "too deep", "type", "values"),
]
TEXT = """{
    value other third a: value b: value named { name } numbers
    items { name value items { value strict } } streamed { name strict }
}"""


async def streamed(parent: Parent) -> Any:
    yield parent
    raise Broken("stream")


@pytest.mark.parametrize("way", WAYS)
async def test_nothing_of_a_failed_operation_waits_for_the_garbage_collector(way: str) -> None:
    schema = schema_of(way)
    parents = [Parent() for _ in range(3)]
    alive = [ref(parent) for parent in parents]
    root = {
        "items": [*parents, {"items": [{"strict": None}], "value": "no number"}],
        "named": [parents[0]],
        "streamed": streamed(parents[1]),
        "numbers": ["no number", Broken("value")],
    }
    context = SimpleNamespace(deadline=monotonic() + 300)

    answer: Any = execute(schema, parse(TEXT), root, context_value=context, executor_class=BreadthFirstExecutor)
    answer = await answer if asyncio.iscoroutine(answer) else answer
    assert answer.errors
    causes = [ref(error.original_error) for error in answer.errors if type(error.original_error) is Broken]
    del answer, root, parents, context
    await asyncio.sleep(0)

    assert [one for one in causes if one() is not None] == []
    assert [one for one in alive if one() is not None] == []


@pytest.mark.parametrize("operation", ["query", "mutation"])
async def test_an_answer_that_is_given_up_is_gone_at_once(operation: str) -> None:
    schema = build_schema(TYPES)
    parents = [Parent() for _ in range(2_000)]
    alive = ref(parents[0])

    class Bounded(BreadthFirstExecutor):
        budget = Budget(max_objects=10)

    async def later(*_: Any) -> Any:
        await asyncio.sleep(0)
        return parents

    schema.type_map[operation.capitalize()].fields["items"].resolve = later  # type: ignore[attr-defined]
    document = parse(f"{operation} {{ items {{ __typename }} }}")
    exceeded = 0
    try:
        answer: Any = await execute(schema, document, None, executor_class=Bounded)  # type: ignore[misc]
        exceeded = sum(isinstance(error.original_error, AnswerTooLarge) for error in answer.errors)
        del answer
    except AnswerTooLarge:
        exceeded = 1
    parents.clear()
    Bounded.budget.when_exceeded = None
    await asyncio.sleep(0)

    assert exceeded == 1
    assert alive() is None


def test_what_is_handed_over_keeps_nothing_of_why_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[ref[Any]] = []
    found: list[Any] = []

    def root_of(*_: Any) -> Any:
        error = Broken("too many fragments within fragments")
        alive.append(ref(error))
        try:
            raise error
        finally:
            del error  # or this frame would keep it

    def fails(*_: Any) -> Any:
        found.append(alive[0]())
        raise ValueError("another")

    schema = build_schema("type Query { value: Int }")
    schema.type_map["Query"].fields["value"].resolve = fails  # type: ignore[attr-defined]
    monkeypatch.setattr(Plan, "root_of", root_of)
    before = HANDED_OVER["root fields that cannot be collected"]

    answer: Any = execute(schema, parse("{ value }"), executor_class=BreadthFirstExecutor)

    assert HANDED_OVER["root fields that cannot be collected"] == before + 1
    assert found == [None]
    assert answer.errors[0].original_error.__context__ is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [("{ nothing }", InvalidDocument), ("{", InvalidDocument), ("{ a " * 20 + "}" * 20, LimitExceeded)],
)
def test_a_refused_document_keeps_no_frame_however_often_it_comes(text: str, kind: type[Exception]) -> None:
    documents = Documents(build_schema(TYPES), Limits())
    alive: list[ref[Any]] = []

    def asked() -> str:
        mine = Parent()
        alive.append(ref(mine))
        try:
            documents.document(text)
        except kind as error:
            return str(error)
        raise AssertionError(mine)

    assert len({asked() for _ in range(3)}) == 1
    assert [one() for one in alive] == [None, None, None]
