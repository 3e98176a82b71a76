"""An answer has an end: its objects and bytes are counted, its time is looked at, and others have their turn."""

import asyncio
import gc
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLSchema, build_schema, execute, parse

from gateway.execution import AnswerTooLarge, BreadthFirstExecutor, Budget, ErrorsOmitted
from gateway.execution.budget import UNWATCHED_OBJECTS, VALUES_OF_A_TURN
from gateway.execution.field_errors import MOST_ERRORS_OF_A_FIELD, FieldError
from tests.gateway.execution.both import alone, error_facts, in_sync

TYPES = """
    type Item {
        id: Int, text: String, strict: Int!, items: [Item], texts: [String], refused: Int, other: Int, late: Int
    }
    type Query { items: [Item], item: Item, slow: Int }
    type Mutation { first: Item, second: Item, third: Int }
"""


def schema_with(**answers: Any) -> GraphQLSchema:
    """A schema of which some fields are answered for all parents by these functions."""
    schema = build_schema(TYPES)
    for name, answer in answers.items():
        type_name, field_name = name.split("_")
        field = schema.type_map[type_name].fields[field_name]  # type: ignore[attr-defined]
        field.extensions = {"batch": SimpleNamespace(answer=answer)}
    return schema


async def within(budget: Budget, schema: GraphQLSchema, text: str, root: Any = None, context: Any = None) -> Any:
    """Execute an operation within a budget."""

    class Bounded(BreadthFirstExecutor):
        pass

    Bounded.budget = budget
    result: Any = execute(schema, parse(text), root, context_value=context, executor_class=Bounded)
    return await result if asyncio.iscoroutine(result) else result


def tree(width: int, levels: int) -> list[dict[str, Any]]:
    """Objects that all lead to as many others, as often as asked; the same ones, so that only the answer is large."""
    below: list[dict[str, Any]] = [{"id": 1, "text": "x" * 100}] * width
    for _ in range(levels - 1):
        below = [{"id": 1, "items": below}] * width
    return below


FOUR_LEVELS = "{ items { id items { id items { id items { id } } } } }"


async def test_an_answer_of_too_many_objects_is_given_up_before_they_are_made() -> None:
    budget = Budget(max_objects=5_000)

    with pytest.raises(AnswerTooLarge) as raised:
        await within(budget, build_schema(TYPES), FOUR_LEVELS, {"items": tree(20, 4)})

    assert (raised.value.unit, raised.value.limit) == ("objects", 5_000)
    assert budget.objects == 20 + 400 + 8_000  # the level that is too wide was only counted


async def test_an_answer_of_as_many_objects_as_allowed_is_given() -> None:
    budget = Budget(max_objects=8_420)

    answer = await within(budget, build_schema(TYPES), "{ items { items { items { id } } } }", {"items": tree(20, 4)})

    assert answer.errors is None
    assert budget.objects == 8_420
    assert [len(answer.data["items"]), answer.data["items"][19]["items"][19]["items"][19]] == [20, {"id": 1}]


async def test_objects_of_several_operations_count_together() -> None:
    budget = Budget(max_objects=1_000)
    root = {"items": tree(30, 2)}
    schema = build_schema(TYPES)

    first = await within(budget, schema, "{ items { items { id } } }", root)
    with pytest.raises(AnswerTooLarge):
        await within(budget, schema, "{ items { items { id } } }", root)

    assert first.errors is None
    assert budget.objects == 1_860


@pytest.mark.parametrize(
    ("field", "value"), [("text", "x" * 100), ("texts", ["x" * 50] * 2), ("text", None), ("a" * 100 + ": id", 1)]
)
async def test_long_texts_and_names_count_as_bytes(field: str, value: Any) -> None:
    name = field.rpartition(" ")[2]
    items = [{name: value}] * 2_000
    budget, tight = Budget(max_bytes=10_000_000), Budget(max_bytes=200_000)

    await within(budget, build_schema(TYPES), f"{{ items {{ {field} }} }}", {"items": items})

    assert budget.bytes == 2_000 * (2 + len(field.partition(":")[0]) + 5) + (
        200_000 if "text" in field and value else 0
    )
    if budget.bytes > 200_000:
        with pytest.raises(AnswerTooLarge):
            await within(tight, build_schema(TYPES), f"{{ items {{ {field} }} }}", {"items": items})


async def test_a_mutation_that_answers_too_much_says_that_it_was_executed_and_begins_no_other() -> None:
    done: list[str] = []

    def command(name: str) -> Any:
        async def do(_context: Any, parents: Any, _arguments: Any) -> list[Any]:
            done.append(name)
            return [{"id": 1, "items": tree(40, 2) if name == "second" else []}]

        return do

    schema = schema_with(
        Mutation_first=command("first"), Mutation_second=command("second"), Mutation_third=command("third")
    )

    answer: ExecutionResult = await within(
        Budget(max_objects=1_000), schema, "mutation { first { id } second { id items { items { id } } } third }"
    )

    assert answer.data == {"first": {"id": 1}, "second": None, "third": None}
    assert done == ["first", "second"]
    assert answer.errors is not None
    assert [(error.path, error.original_error.executed) for error in answer.errors] == [  # type: ignore[union-attr]
        (["second"], True),
        (["third"], False),
    ]


async def test_after_the_deadline_no_further_level_of_a_long_answer_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    class Item:
        @property
        def id(self) -> int:
            nonlocal read
            read += 1
            if read == 5_000:
                monkeypatch.setattr("gateway.execution.deadline.monotonic", lambda: float("inf"))
            return 1

        @property
        def other(self) -> int:
            raise AssertionError("the deadline has passed")

        items: tuple[Any, ...] = ()

    last, wide = Item(), Item()
    wide.items = (last,) * 10
    context = SimpleNamespace(deadline=1e12)

    answer = await within(
        Budget(max_objects=100_000),
        build_schema(TYPES),
        "{ items { id other items { id } } item { id } }",
        {"items": [wide] * 5_000, "item": {"id": 7}},
        context,
    )

    assert read == 5_000
    assert answer.data["items"][4_999] == {"id": 1, "other": None, "items": None}
    assert {error.message for error in answer.errors[:-1]} == {"The deadline of the operation has passed."}


async def test_a_long_answer_lets_others_have_their_turn() -> None:
    made, most, turns = 0, 0, 0
    is_over = False

    class Item:
        @property
        def id(self) -> int:
            nonlocal made
            made += 1
            return 1

        strict = text = other = id

    async def neighbour() -> None:
        nonlocal made, most, turns
        while not is_over:
            most, made, turns = max(most, made), 0, turns + 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(neighbour())
    items = [Item()] * 2 * VALUES_OF_A_TURN
    await within(
        Budget(max_objects=100_000), build_schema(TYPES), "{ items { id strict other a: id b: id } }", {"items": items}
    )
    is_over = True
    await waiting

    assert turns >= 5
    assert most == 2 * VALUES_OF_A_TURN  # a field is read without a break


async def test_a_short_answer_is_made_at_once() -> None:
    items = [{"id": 1}] * UNWATCHED_OBJECTS

    answer = execute(
        build_schema(TYPES), parse("{ items { id } }"), {"items": items}, executor_class=BreadthFirstExecutor
    )

    assert isinstance(answer, ExecutionResult)


class Refusal(Exception):
    aggregated = True


def _field_errors(monkeypatch: pytest.MonkeyPatch) -> list[FieldError]:
    kept: list[FieldError] = []
    real = FieldError.__init__

    def init(self: FieldError, *arguments: Any) -> None:
        kept.append(self)
        real(self, *arguments)

    monkeypatch.setattr(FieldError, "__init__", init)
    return kept


@pytest.mark.parametrize("allowed", [0, 1])
async def test_a_refusal_is_kept_once_for_a_field_and_level_however_many_objects_it_refuses(
    monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    def refuse(_context: Any, parents: Any, _arguments: Any) -> list[Any]:
        refusal = Refusal("not yours")
        return [refusal if number % 16 >= allowed else 1 for number, _ in enumerate(parents)]

    kept = _field_errors(monkeypatch)
    schema = schema_with(Item_refused=refuse, Item_other=refuse)

    answer = await alone(schema, "{ items { items { items { items { id refused other } } } } }", {"items": tree(16, 4)})

    assert len(kept) == 2 + 5 + 4  # one of each field, of all rows of a level, and of all lists of a level
    path: list[Any] = ["items", 0, "items", 0, "items", 0, "items", allowed]
    assert error_facts(answer) == [
        ("not yours", [*path, "refused"], [(1, 38)]),
        ("not yours", [*path, "other"], [(1, 46)]),
    ]
    pattern = [step if isinstance(step, str) else "@" for step in path]
    assert [error.extensions for error in answer.errors] == [
        {"pathPattern": [*pattern, name], "pathCount": 16**3 * (16 - allowed)} for name in ("refused", "other")
    ]
    assert answer.data["items"][0]["items"][0]["items"][0]["items"][:2] == [
        {"id": 1, "refused": 1 if allowed else None, "other": 1 if allowed else None},
        {"id": 1, "refused": None, "other": None},
    ]


async def test_it_is_known_at_how_many_paths_a_refusal_stands_and_which_is_the_first() -> None:
    from gateway.execution import executor
    from gateway.execution import field_errors as field_errors

    reports: list[Any] = []

    class Kept(field_errors.Report):
        def __init__(self, root: FieldError) -> None:
            super().__init__(root)
            reports.append(self)

    def refuse(_context: Any, parents: Any, _arguments: Any) -> list[Any]:
        refusal = Refusal("not yours")
        return [parent["id"] if parent["id"] > 1 else refusal for parent in parents]

    schema = schema_with(Item_refused=refuse)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(field_errors, "Report", Kept)
        await alone(
            schema,
            "{ items { items { refused } } item { refused } }",
            {"items": [{"items": [{"id": 5}]}, None, {"items": [{"id": 6}, {"id": 1}] * 3}], "item": {"id": 0}},
        )

    assert executor.graphql_errors is field_errors.graphql_errors
    assert [(one.path, one.paths) for one in reports[0].reported] == [
        (["items", 2, "items", 1, "refused"], 3),
        (["item", "refused"], 1),
    ]


def test_of_a_field_that_fails_at_many_paths_the_first_errors_are_reported_and_the_rest_is_counted() -> None:
    items = [{"id": 1}, {"id": "x", "strict": 1}] * 2_500
    schema = build_schema(TYPES)
    asked: Any = {"items": items}

    answer = execute(schema, parse("{ items { id strict } }"), asked, executor_class=BreadthFirstExecutor)
    whole = execute(schema, parse("{ items { id strict } }"), asked)

    assert isinstance(answer, ExecutionResult)
    assert isinstance(whole, ExecutionResult)
    assert answer.data == whole.data
    assert len(whole.errors or ()) == 5_000
    assert error_facts(answer)[:-1] == error_facts(whole)[: 2 * MOST_ERRORS_OF_A_FIELD]
    last = (answer.errors or [])[-1]
    assert (type(last.original_error), last.path) == (ErrorsOmitted, None)
    assert last.message == "4,800 further errors are not reported one by one."


def test_one_exception_that_fails_many_objects_is_reported_for_each() -> None:
    broken = ValueError("the same")

    answer = in_sync(
        build_schema(TYPES), "{ items { items { id } } }", lambda: {"items": [{"items": [broken] * 2}] * 3}
    )

    assert len(answer.errors or ()) == 6


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("turns", range(1, 9))
async def test_nothing_is_left_unawaited_whenever_an_operation_is_cancelled(turns: int) -> None:
    async def each(source: Any, _info: Any) -> Any:
        await asyncio.sleep(0)
        return 1

    async def all_of_them(_context: Any, parents: Any, _arguments: Any) -> list[Any]:
        await asyncio.sleep(0)
        return [each(parent, None) for parent in parents]

    async def some(_source: Any, _info: Any) -> Any:
        await asyncio.sleep(0)
        return [{"id": 1}, {"id": 2, "items": [{"id": 3}]}]

    schema = schema_with(Item_late=all_of_them)
    schema.query_type.fields["items"].resolve = some  # type: ignore[union-attr]
    schema.query_type.fields["slow"].resolve = each  # type: ignore[union-attr]
    schema.type_map["Item"].fields["other"].resolve = each  # type: ignore[attr-defined]
    text = "{ slow items { id late other items { late id other } } item { late } b: items { other late } }"
    operation = asyncio.ensure_future(alone(schema, text, {"item": {}}))
    for _ in range(turns):
        await asyncio.sleep(0)

    operation.cancel()
    with pytest.raises(asyncio.CancelledError):
        await operation

    gc.collect()


@pytest.mark.filterwarnings("error")
async def test_nothing_is_left_unawaited_when_one_of_several_fields_gives_up() -> None:
    ended: list[str] = []

    async def later(_context: Any, parents: Any, _arguments: Any) -> list[Any]:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append("late")
        return [1 for _ in parents]

    async def items(_context: Any, _parents: Any, _arguments: Any) -> list[Any]:
        await asyncio.sleep(0)
        return [tree(40, 2)]

    schema = schema_with(Query_items=items, Query_slow=later, Item_late=later)

    with pytest.raises(AnswerTooLarge):
        await within(
            Budget(max_objects=1_000),
            schema,
            "{ slow a: items { id } item { late } items { items { id } } b: slow }",
            {"item": {}},
            SimpleNamespace(deadline=monotonic() + 60),
        )

    assert ended == ["late"] * 2  # nothing goes on after the answer; `slow` and its alias are one query
    gc.collect()


@pytest.mark.filterwarnings("error")
async def test_nothing_is_left_unawaited_when_an_answer_grows_too_large_before_anything_is_awaited() -> None:
    async def later(_context: Any, parents: Any, _arguments: Any) -> list[Any]:
        return [1 for _ in parents]

    schema = schema_with(Query_slow=later, Item_late=later)

    with pytest.raises(AnswerTooLarge):
        await within(
            Budget(max_objects=100),
            schema,
            "{ slow item { late } items { items { id } } }",
            {"item": {}, "items": tree(40, 2)},
        )

    gc.collect()
