"""A batch fetch with a cache: only what is missing is asked, for whom it counts, and until when."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.cache.embedded import EmbeddedCache
from connectors.cache.fetches import CachedFetch, Caching, Counts, Scope
from connectors.cache.interface import CacheStore
from connectors.cache.redis import RedisCache
from connectors.errors import BackendTimeout, BackendUnavailable, UnexpectedAnswer
from connectors.http.current_request import CurrentRequest, answering
from tests.logs import capture_logs


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Plants:
    """A back end that counts how often it was asked for what."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.problem: Exception | None = None
        self.failing: set[str] = set()
        self.version = 1
        self.gate: asyncio.Event | None = None

    async def __call__(self, keys: Sequence[str], *arguments: Any) -> list[Any]:
        self.asked.append(list(keys))
        version = self.version
        if self.gate is not None:
            await self.gate.wait()
        if self.problem is not None:
            raise self.problem
        return [BackendUnavailable("plants") if key in self.failing else [key, version, *arguments] for key in keys]


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[CacheStore]:
    if request.param == "memory":
        yield EmbeddedCache()
        return
    opened = RedisCache(redis_url)
    await opened._client.flushdb()
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def plants() -> Plants:
    return Plants()


@dataclass
class Made:
    plants: Plants
    store: CacheStore
    clock: Clock

    def __call__(self, scope: str = "public", stale: float = 0, name: str = "/plants") -> CachedFetch:
        caching = Caching(30, Scope(scope), stale)
        return CachedFetch("plants", name, self.plants, caching, self.store, clock=self.clock)


@pytest.fixture
def made(plants: Plants, store: CacheStore, clock: Clock) -> Made:
    return Made(plants, store, clock)


def request_of(*caller: str) -> CurrentRequest:
    return CurrentRequest(None, "5f2", None, None, caller)


async def test_only_what_is_missing_is_fetched_in_one_call(made: Made, plants: Plants) -> None:
    fetch = made()

    assert await fetch(["a", "b"]) == [["a", 1], ["b", 1]]
    plants.version = 2
    assert await fetch(["b", "c", "a", "d", "c"]) == [["b", 1], ["c", 2], ["a", 1], ["d", 2], ["c", 2]]
    assert await fetch([]) == []

    assert plants.asked == [["a", "b"], ["c", "d"]]
    assert fetch.counts == Counts(kept=2, fetched=4)


async def test_the_log_says_once_a_minute_how_much_was_kept(made: Made, clock: Clock) -> None:
    fetch = made()

    with capture_logs() as logged:
        for _ in range(5):
            clock.now += 20
            await fetch(["a"])

    (report,) = logged
    counts = {name: report[name] for name in ("kept", "fetched", "stale", "failed")}
    assert report["event"] == "answers kept"
    assert counts == {"kept": 1, "fetched": 2, "stale": 0, "failed": 0}


async def test_an_answer_counts_for_as_long_as_it_says(made: Made, plants: Plants, clock: Clock) -> None:
    fetch = made()

    await fetch(["a"])
    clock.now += 29.9
    await fetch(["a"])
    clock.now += 0.2
    await fetch(["a"])

    assert plants.asked == [["a"], ["a"]]


async def test_nothing_is_an_answer_as_well(made: Made, plants: Plants) -> None:
    async def none(keys: Sequence[str]) -> list[None]:
        plants.asked.append(list(keys))
        return [None] * len(keys)

    fetch = CachedFetch("plants", "/none", none, Caching(30, Scope.PUBLIC), made.store)

    assert [await fetch(["a"]), await fetch(["a"])] == [[None], [None]]
    assert plants.asked == [["a"]]


async def test_other_arguments_and_other_fetches_have_answers_of_their_own(made: Made, plants: Plants) -> None:
    assert await made()(["a"], 20) == [["a", 1, 20]]
    assert await made()(["a"], 50) == [["a", 1, 50]]
    assert await made(name="/meters")(["a"], 20) == [["a", 1, 20]]
    assert await made()(["a"], 20) == [["a", 1, 20]]

    assert plants.asked == [["a"]] * 3


async def test_what_belongs_to_an_organization_is_kept_for_it_alone(made: Made, plants: Plants) -> None:
    fetch = made("organization")

    await fetch(["a", "a"], organizations=["org_1", "org_2"])
    await fetch(["a"], organizations=["org_2"])
    await fetch(["a"], organizations=["org_3"])
    with pytest.raises(ValueError, match="nobody says whose"):
        await fetch(["a"])

    assert plants.asked == [["a"], ["a"]]


async def test_what_is_for_a_viewer_is_kept_for_them_until_what_they_may_do_changes(made: Made, plants: Plants) -> None:
    fetch = made("viewer")

    for caller in [("usr_1", "7"), ("usr_1", "7"), ("usr_2", "7"), ("usr_1", "8")]:
        with answering(request_of(*caller)):
            await fetch(["a"])

    assert len(plants.asked) == 3


@pytest.mark.parametrize("request_", [None, request_of(), request_of("", "5f2")])
async def test_what_is_for_a_viewer_is_not_kept_where_nobody_in_particular_asks(
    made: Made, plants: Plants, request_: CurrentRequest | None
) -> None:
    fetch = made("viewer")

    for _ in range(2):
        if request_ is None:
            await fetch(["a"])
        else:
            with answering(request_):
                await fetch(["a"])

    assert plants.asked == [["a"], ["a"]]


async def test_what_was_emptied_is_fetched_again_and_nothing_else(made: Made, plants: Plants) -> None:
    fetch, meters = made("organization"), made("organization", name="/meters")
    owners = ["org_1", "org_1", "org_2"]
    for one in (fetch, meters):
        await one(["a", "b", "c"], organizations=owners)
    plants.asked.clear()

    await fetch.forget(["a"])
    for one in (fetch, meters):
        await one(["a", "b", "c"], organizations=owners)
    assert plants.asked == [["a"], ["a"]]

    await made.store.empty(["organization:org_1"])
    await fetch(["a", "b", "c"], organizations=owners)
    await made.store.empty(["plants"])
    await fetch(["a", "b", "c"], organizations=owners)
    assert plants.asked[2:] == [["a", "b"], ["a", "b", "c"]]


async def test_what_was_emptied_while_it_was_fetched_is_neither_kept_nor_shared(made: Made, plants: Plants) -> None:
    fetch = made()
    plants.gate = asyncio.Event()
    before = asyncio.create_task(fetch(["a"]))
    await _until(lambda: len(plants.asked) == 1)

    plants.version = 2
    await fetch.forget(["a"])
    after = asyncio.create_task(fetch(["a"]))
    await _until(lambda: len(plants.asked) == 2)
    plants.gate.set()

    assert [await before, await after, await fetch(["a"])] == [[["a", 1]], [["a", 2]], [["a", 2]]]


async def test_who_asks_for_what_is_under_way_waits_for_it_and_asks_for_the_rest(made: Made, plants: Plants) -> None:
    fetch = made()
    plants.gate = asyncio.Event()

    first = asyncio.create_task(fetch(["a", "b"]))
    await _until(lambda: len(plants.asked) == 1)
    second = asyncio.create_task(fetch(["b", "c"]))
    await _until(lambda: len(plants.asked) == 2)
    third = asyncio.create_task(fetch(["a", "c"]))
    await asyncio.sleep(0.01)
    first.cancel()
    plants.gate.set()

    assert await second == [["b", 1], ["c", 1]]
    assert await third == [["a", 1], ["c", 1]]
    assert plants.asked == [["a", "b"], ["c"]]
    assert (len(fetch._flights), fetch._under_way) == (0, {})


async def test_a_fetch_that_nobody_waits_for_any_more_ends(made: Made, plants: Plants) -> None:
    fetch = made()
    plants.gate = asyncio.Event()
    waiting = [asyncio.create_task(fetch(["a"])) for _ in range(2)]
    await _until(lambda: len(plants.asked) == 1)
    await asyncio.sleep(0.01)

    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    await asyncio.sleep(0)

    assert (len(fetch._flights), fetch._under_way) == (0, {})


async def test_a_failure_is_raised_and_never_kept(made: Made, plants: Plants) -> None:
    fetch = made(stale=600)
    plants.problem = BackendTimeout("plants")

    for _ in range(2):
        with pytest.raises(BackendTimeout):
            await fetch(["a"])
    plants.problem = None

    assert await fetch(["a"]) == [["a", 1]]
    assert len(plants.asked) == 3
    assert fetch.counts == Counts(fetched=1, failed=2)


async def test_where_some_fail_the_others_stand_and_are_kept(made: Made, plants: Plants) -> None:
    fetch = made()
    plants.failing = {"b"}

    answered = await fetch(["a", "b"])
    assert answered[0] == ["a", 1]
    assert isinstance(answered[1], BackendUnavailable)

    plants.failing = set()
    assert await fetch(["a", "b"]) == [["a", 1], ["b", 1]]
    assert plants.asked == [["a", "b"], ["b"]]


@pytest.mark.parametrize("problem", [BackendUnavailable("plants", "503"), UnexpectedAnswer("plants")])
async def test_what_is_stale_is_shown_within_its_bound_where_the_back_end_fails_and_marked(
    made: Made, plants: Plants, clock: Clock, problem: Exception
) -> None:
    fetch = made(stale=600)
    await fetch(["a"])
    plants.problem = problem

    clock.now += 100
    with answering(request_of("usr_1")), capture_logs() as logged:
        shown = await fetch(["a", "b"])
        from connectors.http.current_request import current_request

        request = current_request()

    assert shown[0] == ["a", 1]
    assert shown[1] is problem
    assert request is not None
    assert request.stale == {"plants": 100}
    assert [(entry["event"], entry["backend"]) for entry in logged if entry["log_level"] == "warning"] == [
        ("stale answers shown", "plants")
    ]
    assert fetch.counts.stale == 1

    clock.now += 531
    with pytest.raises(type(problem)):
        await fetch(["a"])


async def test_what_was_emptied_is_not_shown_as_stale(made: Made, plants: Plants, clock: Clock) -> None:
    fetch = made(stale=600)
    await fetch(["a"])
    plants.problem = BackendUnavailable("plants")
    clock.now += 100

    await fetch.forget(["a"])

    with pytest.raises(BackendUnavailable):
        await fetch(["a"])


async def test_a_mistake_of_ours_is_no_failure_of_the_back_end(made: Made, plants: Plants, clock: Clock) -> None:
    fetch = made(stale=600)
    await fetch(["a"])
    clock.now += 100
    plants.problem = KeyError("a")

    with pytest.raises(KeyError):
        await fetch(["a"])


async def test_what_would_not_come_back_as_it_was_is_refused(made: Made) -> None:
    async def records(keys: Sequence[str]) -> list[Any]:
        return [Made for _ in keys]

    fetch = CachedFetch("plants", "/records", records, Caching(30, Scope.PUBLIC), made.store)

    with pytest.raises(TypeError):
        await fetch(["a"])


@pytest.mark.parametrize(("seconds", "stale"), [(0, 0), (-1, 0), (30, -1), (86_400, 1)])
def test_a_time_that_makes_no_sense_is_refused(seconds: float, stale: float) -> None:
    with pytest.raises(ValueError, match="at most a day"):
        Caching(seconds, Scope.PUBLIC, stale)


async def _until(happened: Any) -> None:
    async with asyncio.timeout(10):
        while not happened():  # noqa: ASYNC110  what is looked at is no event
            await asyncio.sleep(0.001)
