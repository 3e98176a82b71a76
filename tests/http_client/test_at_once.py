"""Many calls at the same time: how many are under way, who shares one, and what cancelled ones leave behind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from connectors.errors import BackendUnavailable
from connectors.http.client import HttpBackend
from connectors.http.current_request import CurrentRequest, answering
from connectors.http.limits import HttpLimits
from connectors.single_flight import SingleFlight
from tests.http_client.back_end import Asked, BackEnd, reply
from tests.http_client.conftest import Client


class Gate:
    """Holds answers back until it is opened."""

    def __init__(self, back_end: BackEnd) -> None:
        self._back_end = back_end
        self._opened = asyncio.Event()
        self._arrived = asyncio.Condition()
        back_end.answers = [self._held]

    async def _held(self, asked: Asked, _writer: asyncio.StreamWriter) -> bytes:
        async with self._arrived:
            self._arrived.notify_all()
        await self._opened.wait()
        return reply(asked.target)

    async def arrived(self, number: int) -> None:
        async with self._arrived, asyncio.timeout(10):
            await self._arrived.wait_for(lambda: len(self._back_end.asked) >= number)

    def open(self) -> None:
        self._opened.set()


@pytest.fixture
def gate(back_end: BackEnd) -> Gate:
    return Gate(back_end)


@asynccontextmanager
async def begun(*calls: Callable[[], Awaitable[Any]]) -> AsyncIterator[list[asyncio.Task[Any]]]:
    async def run(call: Callable[[], Awaitable[Any]]) -> Any:
        return await call()

    tasks = [asyncio.create_task(run(call)) for call in calls]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def as_of(caller: str, call: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    async def called() -> Any:
        with answering(CurrentRequest(None, "5f2", None, None, (caller,))):
            return await call()

    return called


async def cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task


def free_slots(plants: HttpBackend) -> int:
    return plants._slots._value


async def test_no_more_calls_than_allowed_are_under_way_and_the_next_waits_a_moment(
    back_end: BackEnd, client: Client, gate: Gate, time_passes: Callable[[float], None]
) -> None:
    plants = client(limits=HttpLimits(at_once=2))

    async with begun(*[lambda: plants.get("/slow")] * 2):
        await gate.arrived(2)
        async with begun(lambda: plants.get("/third")) as (third,):
            await asyncio.sleep(0)
            time_passes(0.11)
            with pytest.raises(BackendUnavailable, match="2 calls are under way"):
                await third
        gate.open()

    assert len(back_end.asked) == 2
    assert free_slots(plants) == 2


async def test_a_call_that_waits_is_made_as_soon_as_another_has_ended(
    back_end: BackEnd, client: Client, gate: Gate
) -> None:
    plants = client(limits=HttpLimits(at_once=1, longest_queue=30))

    async with begun(lambda: plants.get("/a"), lambda: plants.get("/b")) as tasks:
        await gate.arrived(1)
        gate.open()
        assert await asyncio.gather(*tasks) == ["/a", "/b"]

    assert free_slots(plants) == 1


async def test_cancelled_calls_leave_nothing_behind(back_end: BackEnd, client: Client, gate: Gate) -> None:
    plants = client(limits=HttpLimits(at_once=2, longest_queue=30))
    before = asyncio.all_tasks()
    ask = as_of("usr_1", lambda: plants.get("/slow"))
    change = as_of("usr_1", lambda: plants.post("/orders", {}))

    async with begun(ask, change) as tasks:
        await gate.arrived(2)
        async with begun(as_of("usr_2", lambda: plants.get("/waits"))) as (waits,):
            await asyncio.sleep(0)
            await cancelled(waits)
        await cancelled(*tasks)

    gate.open()
    back_end.answers = [reply([1])]
    assert await plants.get("/after") == [1]
    assert (free_slots(plants), len(plants._flights)) == (2, 0)
    ours = [task for task in asyncio.all_tasks() - before if "begin" not in repr(task) and "serve" not in repr(task)]
    assert ours == []


async def test_the_same_asked_by_the_same_person_is_asked_once(back_end: BackEnd, client: Client, gate: Gate) -> None:
    plants = client()
    asked = [as_of("usr_1", lambda: plants.get("/a")), as_of("usr_1", lambda: plants.get("/a"))]

    async with begun(*asked, as_of("usr_1", lambda: plants.get("/b"))) as tasks:
        await gate.arrived(2)
        gate.open()
        assert await asyncio.gather(*tasks) == ["/a", "/a", "/b"]

    assert sorted(back_end.targets) == ["/a", "/b"]


async def test_nobody_shares_a_call_with_somebody_else_unless_it_is_for_everybody(
    back_end: BackEnd, client: Client, gate: Gate
) -> None:
    plants = client()
    private = [as_of(caller, lambda: plants.get("/a")) for caller in ("usr_1", "usr_2")]
    public = [as_of(caller, lambda: plants.get("/b", for_everybody=True)) for caller in ("usr_1", "usr_2")]
    without_request = [lambda: plants.get("/c")] * 2

    async with begun(*private, *public, *without_request) as tasks:
        await gate.arrived(5)
        gate.open()
        await asyncio.gather(*tasks)

    assert sorted(back_end.targets) == ["/a", "/a", "/b", "/c", "/c"]


async def test_changes_are_never_shared(back_end: BackEnd, client: Client, gate: Gate) -> None:
    plants = client()

    async with begun(*[as_of("usr_1", lambda: plants.post("/orders", {}))] * 2) as tasks:
        await gate.arrived(2)
        gate.open()
        await asyncio.gather(*tasks)


async def test_a_query_for_others_goes_on_when_one_of_them_is_cancelled_and_ends_with_the_last(
    back_end: BackEnd, client: Client, gate: Gate
) -> None:
    plants = client()
    ask = as_of("usr_1", lambda: plants.get("/a"))

    async with begun(ask, ask, ask) as (first, second, third):
        await gate.arrived(1)
        await cancelled(first)
        async with begun(ask) as (fourth,):
            await asyncio.sleep(0)
            await cancelled(second, third, fourth)
        assert len(plants._flights) == 0
        async with begun(ask) as (fifth,):
            await gate.arrived(2)
            gate.open()
            assert await fifth == "/a"

    assert len(back_end.asked) == 2


async def test_all_who_share_a_call_learn_that_it_failed(back_end: BackEnd, client: Client) -> None:
    plants = client()
    back_end.answers = [reply({}, 500)]
    ask = as_of("usr_1", lambda: plants.get("/a"))

    async with begun(ask, ask) as tasks:
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [BackendUnavailable] * 2
    assert len(back_end.asked) == 1


async def test_closing_ends_what_is_under_way() -> None:
    flights = SingleFlight[int]()
    ended = asyncio.Event()

    async def never() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return 1

    async with begun(lambda: flights.answer("a", never)):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await flights.close()

    assert ended.is_set()
    assert len(flights) == 0
