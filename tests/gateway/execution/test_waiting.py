"""What is awaited, together with what, and for how long."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from aiodataloader import DataLoader
from graphql import GraphQLSchema, build_schema, execute, execute_sync, parse, subscribe

from gateway.execution import BreadthFirstExecutor, DeadlineExceeded
from tests.gateway.execution.both import alone, error_facts, in_async

LIMIT = 300.0

SCHEMA = build_schema(
    """
    type Item { id: Int, slow: Int, quick: Int, item: Item, strict: Int! }
    type Query { item: Item, items: [Item], slow: Int, quick: Int, strict: Int! }
    type Mutation { first: Int, second: Int, strict: Int! }
    type Subscription { item: Item }
    """
)


def schema_with(**resolvers: Any) -> GraphQLSchema:
    schema = build_schema(
        "type Item { id: Int, slow: Int, quick: Int, item: Item, strict: Int!, items: [Item] }"
        "type Query { item: Item, items: [Item], slow: Int, quick: Int, strict: Int! }"
        "type Mutation { first: Int, second: Int, strict: Int!, third: Int }"
        "type Subscription { item: Item }"
    )
    for name, resolve in resolvers.items():
        type_name, field_name = name.split("_")
        schema.type_map[type_name].fields[field_name].resolve = resolve  # type: ignore[attr-defined]
    return schema


async def quick(_source: Any, _info: Any) -> int:
    await asyncio.sleep(0)
    return 1


async def never(_source: Any, _info: Any) -> int:
    await asyncio.Event().wait()
    return 0


async def late(operation: Awaitable[Any], time_passes: Callable[[float], None]) -> Any:
    """What an operation answers whose deadline in `LIMIT` seconds is over when all that it waits for has begun."""
    answering = asyncio.ensure_future(operation)
    for _ in range(50):
        await asyncio.sleep(0)
    time_passes(LIMIT)
    async with asyncio.timeout(30):
        return await answering


async def failing(_source: Any, _info: Any) -> int:
    await asyncio.sleep(0)
    raise ValueError("late")


async def test_awaitables_may_stand_anywhere() -> None:
    async def later(value: Any) -> Any:
        await asyncio.sleep(0)
        return value

    def root() -> dict[str, Any]:
        return {
            "items": later([later({"id": later(1)}), {"id": 2}, later(None), later(ValueError("answered"))]),
            "item": {"item": later({"id": 3, "item": {"id": later(4)}})},
        }

    answer = await in_async(SCHEMA, "{ items { id } item { item { id item { id } } } }", root)

    assert answer.data == {
        "items": [{"id": 1}, {"id": 2}, None, None],
        "item": {"item": {"id": 3, "item": {"id": 4}}},
    }


async def test_asynchronous_lists_are_read_to_the_end_or_to_their_error() -> None:
    async def three() -> AsyncIterator[Any]:
        for id in range(3):
            await asyncio.sleep(0)
            yield {"id": id}

    async def broken() -> AsyncIterator[Any]:
        yield {"id": "x"}
        raise ValueError("the source fails")

    answer = await in_async(SCHEMA, "{ items { id } }", lambda: {"items": three()})
    assert answer.data == {"items": [{"id": 0}, {"id": 1}, {"id": 2}]}

    answer = await in_async(SCHEMA, "{ items { id } }", lambda: {"items": broken()})
    assert answer.data == {"items": None}


async def test_loaders_of_a_level_load_all_keys_at_once() -> None:
    loads: list[list[int]] = []

    async def load(keys: list[int]) -> list[Any]:
        loads.append(keys)
        return [{"id": key * 10} for key in keys]

    loader = DataLoader(load)
    schema = schema_with(Item_item=lambda source, _info: loader.load(source["id"]))

    answer = await alone(schema, "{ items { item { item { id } } } }", {"items": [{"id": 1}, {"id": 2}]})

    assert answer.data == {"items": [{"item": {"item": {"id": 100}}}, {"item": {"item": {"id": 200}}}]}
    assert loads == [[1, 2], [10, 20]]


async def test_mutations_wait_for_one_another() -> None:
    events: list[str] = []

    def command(name: str) -> Any:
        async def do(_source: Any, _info: Any) -> int:
            events.append(f"{name} begins")
            await asyncio.sleep(0.001)
            events.append(f"{name} ends")
            return 1

        return do

    schema = schema_with(Mutation_first=command("first"), Mutation_second=command("second"))
    answer = await in_async(schema, "mutation { second first third }", lambda: {"third": 3})

    assert answer.data == {"second": 1, "first": 1, "third": 3}
    assert events == ["second begins", "second ends", "first begins", "first ends"] * 2


async def test_mutations_after_a_broken_root_are_not_begun() -> None:
    done: list[str] = []
    schema = schema_with(
        Mutation_first=quick, Mutation_strict=failing, Mutation_second=lambda *_: done.append("second")
    )

    answer = await in_async(schema, "mutation { first strict second }")

    assert answer.data is None
    assert error_facts(answer) == [("late", ["strict"], [(1, 18)])]
    assert done == []


async def test_errors_after_waiting_are_in_document_order_too() -> None:
    schema = schema_with(Item_slow=failing, Item_strict=failing)

    answer = await alone(schema, "{ item { slow } items { id strict } }", {"item": {}, "items": [{"id": "x"}, None]})

    assert [(message, path) for message, path, _ in error_facts(answer)] == [
        ("late", ["item", "slow"]),
        ("Int cannot represent non-integer value: 'x'", ["items", 0, "id"]),
        ("late", ["items", 0, "strict"]),
    ]


@pytest.mark.parametrize("is_batch", [True, False])
async def test_what_is_late_fails_at_the_deadline_and_the_rest_stands(
    is_batch: bool, time_passes: Callable[[float], None]
) -> None:
    schema = schema_with(Item_quick=quick)
    slow = schema.type_map["Item"].fields["slow"]  # type: ignore[attr-defined]
    if is_batch:

        async def answer_never(_context: Any, parents: Any, _arguments: Any) -> list[int]:
            await asyncio.Event().wait()
            return [0] * len(parents)

        slow.extensions = {"batch": SimpleNamespace(answer=answer_never)}
    else:
        slow.resolve = never

    operation = alone(
        schema,
        "{ items { id slow quick } item { quick } }",
        {"items": [{"id": 1}, {"id": 2}], "item": {}},
        context_value=SimpleNamespace(deadline=monotonic() + LIMIT),
    )
    answer = await late(operation, time_passes)

    assert answer.data == {
        "items": [{"id": 1, "slow": None, "quick": 1}, {"id": 2, "slow": None, "quick": 1}],
        "item": {"quick": 1},
    }
    assert answer.errors is not None
    assert [(type(error.original_error), error.path) for error in answer.errors] == [
        (DeadlineExceeded, ["items", 0, "slow"]),
        (DeadlineExceeded, ["items", 1, "slow"]),
    ]


async def test_all_that_is_late_ends_at_the_one_deadline(time_passes: Callable[[float], None]) -> None:
    schema = schema_with(Query_slow=never, Query_quick=never, Item_slow=never)

    operation = alone(
        schema,
        "{ slow quick item { slow id } }",
        {"item": {"id": 1}},
        context_value=SimpleNamespace(deadline=monotonic() + LIMIT),
    )
    answer = await late(operation, time_passes)

    assert answer.data == {"slow": None, "quick": None, "item": {"slow": None, "id": 1}}
    assert [path for _, path, _ in error_facts(answer)] == [["slow"], ["quick"], ["item", "slow"]]


async def test_what_is_cancelled_from_outside_is_not_taken_for_late() -> None:
    async def cancelled(_source: Any, _info: Any) -> Any:
        raise asyncio.CancelledError

    schema = schema_with(Query_slow=cancelled)

    with pytest.raises(asyncio.CancelledError):
        await alone(schema, "{ slow }", context_value=SimpleNamespace(deadline=monotonic() + 60))


async def test_nothing_is_begun_after_the_deadline(time_passes: Callable[[float], None]) -> None:
    begun: list[str] = []

    async def slow(_source: Any, _info: Any) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return {"id": 1}  # it answers all the same, too late

    schema = schema_with(Query_item=slow, Item_quick=lambda *_: begun.append("quick"))

    operation = alone(schema, "{ item { id quick } }", context_value=SimpleNamespace(deadline=monotonic() + LIMIT))
    answer = await late(operation, time_passes)

    assert answer.data == {"item": {"id": 1, "quick": None}}
    assert [message for message, _, _ in error_facts(answer)] == ["The deadline of the operation has passed."]
    assert begun == []


async def test_a_resolver_with_a_timeout_of_its_own_reports_its_own_error() -> None:
    async def impatient(_source: Any, _info: Any) -> Any:
        async with asyncio.timeout(0):
            await asyncio.sleep(60)

    schema = schema_with(Query_slow=impatient)
    context = SimpleNamespace(deadline=monotonic() + 60)

    answer = await alone(schema, "{ slow }", context_value=context)

    assert answer.errors is not None
    assert type(answer.errors[0].original_error) is TimeoutError


async def test_cancelling_the_operation_cancels_what_it_waits_for() -> None:
    events: list[str] = []

    async def watched(_source: Any, _info: Any) -> Any:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            events.append("cancelled")
            raise

    schema = schema_with(Query_slow=watched, Query_quick=watched)
    operation = asyncio.ensure_future(alone(schema, "{ slow quick }"))
    for _ in range(50):
        await asyncio.sleep(0)

    operation.cancel()

    with pytest.raises(asyncio.CancelledError):
        await operation
    await asyncio.sleep(0)
    assert events == ["cancelled", "cancelled"]


async def test_each_event_of_a_subscription_is_executed_by_the_engine() -> None:
    async def events() -> AsyncIterator[Any]:
        yield {"item": {"id": 1}}
        yield {"item": {"id": "x"}}
        yield {"item": {"id": 3}}

    document = parse("subscription { item { id quick } }")
    schema = schema_with(Item_quick=quick)
    schema.subscription_type.fields["item"].subscribe = lambda *_: events()  # type: ignore[union-attr]

    stream: Any = subscribe(schema, document, executor_class=BreadthFirstExecutor)
    answers = [event async for event in stream]

    assert [answer.data for answer in answers] == [
        {"item": {"id": 1, "quick": 1}},
        {"item": {"id": None, "quick": 1}},
        {"item": {"id": 3, "quick": 1}},
    ]
    assert [len(answer.errors or ()) for answer in answers] == [0, 1, 0]


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")  # as with graphql-core
def test_execute_sync_refuses_what_has_to_be_awaited_when_it_has_to_check() -> None:
    with pytest.raises(RuntimeError, match="failed to complete synchronously"):
        execute_sync(
            schema_with(Query_quick=lambda *_: _Later()),
            parse("{ quick }"),
            check_sync=True,
            executor_class=BreadthFirstExecutor,
        )
    gc.collect()


class _Later:
    def __await__(self) -> Any:
        yield from asyncio.sleep(0).__await__()
        return 1


async def test_any_awaitable_will_do() -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    future.set_result(2)
    schema = schema_with(Query_quick=lambda *_: _Later(), Query_slow=lambda *_: future)

    result: Any = execute(schema, parse("{ quick slow }"), executor_class=BreadthFirstExecutor)

    assert (await result).data == {"quick": 1, "slow": 2}
