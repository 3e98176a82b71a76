"""Lists that come item by item are read as far as they count, and whatever gives them is closed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import build_schema

from gateway.execution import AnswerTooLarge, DeadlineExceeded, item_reading
from tests.gateway.execution.both import alone, error_facts, in_async, in_sync

SCHEMA = build_schema(
    """
    interface Named { name: String! }
    type Item implements Named { id: Int, name: String! }
    type Other implements Named { name: String! }
    union Thing = Item | Other
    type Query {
        numbers: [Int!], words: [String], items: [Item!], loose: [Item], named: [Named!], things: [Thing!]!
        lists: [[Int!]!], slow: Int!
    }
    """
)

GOOD: dict[str, Any] = {"__typename": "Item", "id": 1, "name": "a"}
NAMELESS: dict[str, Any] = {"__typename": "Item", "id": 2, "name": None}

BREAKING = [
    ("{ numbers }", "numbers", 1, None),
    ("{ numbers }", "numbers", 1, ValueError("broken")),
    ("{ numbers }", "numbers", 1, "no number"),
    ("{ items { id } }", "items", GOOD, None),
    ("{ items { id } }", "items", GOOD, ValueError("broken")),
    ("{ items { name } }", "items", GOOD, NAMELESS),
    ("{ named { name } }", "named", GOOD, NAMELESS),
    ("{ named { name } }", "named", GOOD, {"__typename": "Nothing", "name": "x"}),
    ("{ things { ... on Item { name } } }", "things", GOOD, NAMELESS),
    ("{ lists }", "lists", [1, 2], [1, None]),
]


class Source:
    """Gives items, then others without end or none at all, and knows how many were taken and whether it was closed."""

    def __init__(self, items: list[Any], then: Any = None, *, waits: bool = False) -> None:
        self.items = items
        self.then = then
        self.waits = waits
        self.taken = 0
        self.is_closed = False

    def synchronous(self) -> Iterator[Any]:
        """Give them at once."""
        try:
            for item in self.items:
                self.taken += 1
                yield item
            while self.then is not None:
                self.taken += 1
                yield self.then
        finally:
            self.is_closed = True

    async def asynchronous(self) -> AsyncIterator[Any]:
        """Give them one after another; where it `waits`, nothing comes after the first ones."""
        try:
            for item in self.synchronous():
                if self.waits and self.taken > len(self.items):
                    await asyncio.Event().wait()
                yield item
        finally:
            self.is_closed = True


@pytest.mark.parametrize(("text", "field", "good", "breaking"), BREAKING)
@pytest.mark.parametrize("waits", [False, True])
async def test_a_stream_is_closed_at_the_item_that_breaks_its_list(
    text: str, field: str, good: Any, breaking: Any, waits: bool
) -> None:
    sources: list[Source] = []

    def root() -> dict[str, Any]:
        sources.append(Source([good, good, breaking], good, waits=waits))
        return {field: sources[-1].asynchronous()}

    async with asyncio.timeout(60):
        answer = await in_async(SCHEMA, text, root)

    assert answer.errors is not None
    assert [error.path[:2] for error in answer.errors if error.path] == [[field, 2]]
    assert [source.is_closed for source in sources] == [True, True]
    assert sources[1].taken <= 3 + item_reading._PART


@pytest.mark.parametrize(("text", "field", "good", "breaking"), BREAKING)
async def test_a_generator_is_closed_at_the_item_that_breaks_its_list(
    text: str, field: str, good: Any, breaking: Any
) -> None:
    source = Source([good, good, breaking], good)  # graphql-core reads what never ends for ever
    expected = in_sync(SCHEMA, text, lambda: {field: Source([good, good, breaking]).synchronous()})

    answer = await alone(SCHEMA, text, {field: source.synchronous()})

    assert answer.errors is not None
    assert error_facts(answer) == error_facts(expected)
    assert source.is_closed
    assert source.taken <= item_reading._PART


@pytest.mark.parametrize("position", [0, 1, 999, 1_000, 1_001, 2_500])
async def test_wherever_the_item_stands_the_error_is_there(position: int) -> None:
    items = [GOOD] * position + [NAMELESS]

    answer = await in_async(SCHEMA, "{ items { id name } }", lambda: {"items": Source(items, GOOD).asynchronous()})
    at_once = in_sync(SCHEMA, "{ items { id name } }", lambda: {"items": Source(items).synchronous()})

    assert answer.errors is not None
    assert answer.errors[0].path == ["items", position, "name"]
    assert error_facts(answer) == error_facts(at_once)


async def test_what_breaks_nothing_stays_in_the_list() -> None:
    items = [GOOD, None, ValueError("one"), NAMELESS, GOOD] * 500

    answer = await in_async(
        SCHEMA, "{ loose { id name } }", lambda: {"loose": Source(items).asynchronous()}, same_errors=False
    )

    assert answer.data is not None
    assert len(answer.data["loose"]) == 2_500
    assert answer.data["loose"][:3] == [{"id": 1, "name": "a"}, None, None]


async def test_long_streams_beside_lists_and_errors_keep_their_order() -> None:
    def root() -> dict[str, Any]:
        return {"lists": [Source([1] * 2_500).asynchronous(), [2], (3, 4), Source([5] * 1_500).synchronous()]}

    answer = await in_async(SCHEMA, "{ lists }", root)

    assert answer.data == {"lists": [[1] * 2_500, [2], [3, 4], [5] * 1_500]}


async def test_items_that_are_there_are_answered_together_and_while_the_next_one_is_awaited() -> None:
    asked: list[int] = []

    def names(_context: Any, parents: Any, _arguments: Any) -> list[str]:
        asked.append(len(parents))
        return ["a"] * len(parents)

    schema = build_schema("type Item { name: String! } type Query { items: [Item!] }")
    schema.type_map["Item"].fields["name"].extensions = {"batch": SimpleNamespace(answer=names)}  # type: ignore[attr-defined]

    async def pausing() -> AsyncIterator[Any]:
        for number in range(6):
            if number == 4:
                await asyncio.sleep(10 * item_reading._PATIENCE)
            await asyncio.sleep(0)
            yield {}

    answer = await alone(schema, "{ items { name } }", {"items": pausing()})

    assert answer.data == {"items": [{"name": "a"}] * 6}
    assert sum(asked) == 6
    assert asked[0] >= 1
    assert len(asked) <= 3


@pytest.mark.parametrize("kind", ["asynchronous", "synchronous"])
@pytest.mark.parametrize(("text", "field", "item"), [("{ words }", "words", "x"), ("{ numbers }", "numbers", 1)])
async def test_a_list_without_end_fails_and_is_closed(
    monkeypatch: pytest.MonkeyPatch, kind: str, text: str, field: str, item: Any
) -> None:
    monkeypatch.setattr(item_reading, "MOST_ITEMS", 5_000)
    source = Source([], item)

    answer = await alone(SCHEMA, text, {field: getattr(source, kind)()})

    assert answer.data == {field: None}
    assert answer.errors is not None
    assert isinstance(answer.errors[0].original_error, AnswerTooLarge)
    assert str(answer.errors[0].original_error) == "The answer would have more than 5,000 items."
    assert source.is_closed
    assert source.taken == 5_001


async def test_a_stream_that_is_late_is_closed_and_the_rest_stands(time_passes: Callable[[float], None]) -> None:
    source = Source([GOOD], GOOD, waits=True)
    context = SimpleNamespace(deadline=monotonic() + 300)
    operation = alone(
        SCHEMA, "{ items { id } numbers }", {"items": source.asynchronous(), "numbers": [1]}, context_value=context
    )

    answering = asyncio.ensure_future(operation)
    await asyncio.sleep(5 * item_reading._PATIENCE)
    time_passes(300)
    async with asyncio.timeout(30):
        answer = await answering

    assert answer.data == {"items": None, "numbers": [1]}
    assert answer.errors is not None
    assert isinstance(answer.errors[0].original_error, DeadlineExceeded)
    assert source.is_closed


@pytest.mark.parametrize("turns", [1, 2, 5, 20])
async def test_a_stream_is_closed_when_the_operation_is_cancelled(turns: int) -> None:
    source = Source([GOOD], GOOD, waits=True)
    answering = asyncio.ensure_future(alone(SCHEMA, "{ items { id } }", {"items": source.asynchronous()}))

    for _ in range(turns):
        await asyncio.sleep(0)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering

    assert source.is_closed or source.taken == 0


async def test_whoever_closes_badly_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_reading, "_CLOSING_SECONDS", 0.01)

    class Stubborn:
        def __aiter__(self) -> "Stubborn":
            return self

        async def __anext__(self) -> Any:
            return None

        async def aclose(self) -> None:
            await asyncio.Event().wait()

    class Complaining(Stubborn):
        async def aclose(self) -> None:
            raise ValueError("I will not")

    class Cancelled(Stubborn):
        async def aclose(self) -> None:
            raise asyncio.CancelledError  # as whoever awaits a task of their own that they have cancelled

    async with asyncio.timeout(30):
        answers = [
            await alone(SCHEMA, "{ numbers }", {"numbers": source()}) for source in (Stubborn, Complaining, Cancelled)
        ]

    assert [error_facts(answer)[0][1] for answer in answers] == [["numbers", 0]] * 3


async def test_a_cancelled_operation_stays_cancelled_whatever_closing_raises() -> None:
    class Waiting:
        closed = 0

        def __aiter__(self) -> "Waiting":
            return self

        async def __anext__(self) -> Any:
            await asyncio.Event().wait()

        async def aclose(self) -> None:
            Waiting.closed += 1
            raise asyncio.CancelledError

    answering = asyncio.ensure_future(alone(SCHEMA, "{ numbers words }", {"numbers": Waiting(), "words": Waiting()}))
    before = asyncio.all_tasks()
    for _ in range(5):
        await asyncio.sleep(0)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering

    assert Waiting.closed == 2
    assert asyncio.all_tasks() <= before
