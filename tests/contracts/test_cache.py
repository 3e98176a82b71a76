"""What every cache promises, in memory and in Redis."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from connectors.cache.embedded import EmbeddedCache
from connectors.cache.interface import CacheStore
from connectors.cache.redis import RedisCache
from tests.logs import capture_logs


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[CacheStore]:
    opened: CacheStore = EmbeddedCache() if request.param == "memory" else RedisCache(redis_url)
    yield opened
    await opened.close()


async def test_what_was_written_is_read(store: CacheStore) -> None:
    await store.write({"written a": b"1", "written b": b""}, 60)

    entries, _numbers = await store.read(["written b", "written c", "written a"], [])

    assert list(entries) == [b"", None, b"1"]


async def test_an_entry_ends_after_its_time(store: CacheStore) -> None:
    await store.write({"ends": b"1"}, 0.001)
    await asyncio.sleep(0.01)

    entries, _numbers = await store.read(["ends"], [])

    assert list(entries) == [None]


async def test_a_tag_has_the_same_number_until_it_is_emptied_and_never_the_same_again(store: CacheStore) -> None:
    tags = ["plants:K-1", "plants:K-2"]
    numbers = [list((await store.read([], tags))[1]) for _ in range(2)]
    for _ in range(3):
        await store.empty(["plants:K-1"])
        numbers.append(list((await store.read([], tags))[1]))

    assert numbers[0] == numbers[1]
    assert len({first for first, _ in numbers}) == 4
    assert len({second for _, second in numbers}) == 1


async def test_nothing_at_all_is_no_call(store: CacheStore) -> None:
    await store.write({}, 1)
    await store.empty([])


async def test_two_gateways_with_redis_share_what_is_kept_and_what_is_emptied(redis_url: str) -> None:
    first, second = RedisCache(redis_url), RedisCache(redis_url)
    try:
        await first.write({"shared": b"1"}, 60)
        _, before = await second.read([], ["shared tag"])
        await first.empty(["shared tag"])
        entries, after = await second.read(["shared"], ["shared tag"])
    finally:
        await first.close()
        await second.close()

    assert list(entries) == [b"1"]
    assert list(before) != list(after)


async def test_a_number_that_redis_forgot_for_want_of_room_does_not_bring_back_what_was_emptied(redis_url: str) -> None:
    store = RedisCache(redis_url)
    try:
        _, first = await store.read([], ["forgotten"])
        await store.empty(["forgotten"])
        _, second = await store.read([], ["forgotten"])
        await store._client.delete("forecourt:cache:tag:forgotten")
        _, third = await store.read([], ["forgotten"])
    finally:
        await store.close()

    assert len({*first, *second, *third}) == 3


async def test_without_redis_nothing_is_found_and_it_is_not_waited_for_again_and_again() -> None:
    now = 0.0
    store = RedisCache("redis://127.0.0.1:1", lambda: now)

    with capture_logs() as logged:
        for _ in range(3):
            assert await store.read(["a"], ["t"]) == ([None], [-1])
            await store.write({"a": b"1"}, 60)
        await store.empty(["t"])
        now = 6.0
        await store.read(["a"], [])
    await store.close()

    assert [entry["event"] for entry in logged] == ["cache not read", "cache not emptied", "cache not read"]
    assert logging.getLevelName(logging.WARNING).lower() == logged[0]["log_level"]


async def test_memory_keeps_no_more_bytes_than_it_may_and_what_was_used_last() -> None:
    store = EmbeddedCache(most_bytes=10_000)

    await store.write({f"{number}": b"x" * 700 for number in range(10)}, 60)
    await store.read(["0"], [])
    await store.write({"10": b"x" * 700, "11": b"x" * 700}, 60)
    await store.write({"too large": b"x" * 2_000}, 60)
    entries, _ = await store.read([f"{number}" for number in range(12)], [])

    assert store.bytes_kept <= 10_000
    assert [entry is not None for entry in entries] == [True] + [False] * 2 + [True] * 9


async def test_memory_that_cannot_remember_each_tag_forgets_everything_rather_than_one() -> None:
    store = EmbeddedCache()
    _, before = await store.read([], ["a", "b"])

    await store.empty(["a"])
    await store.empty([f"other {number}" for number in range(10_000)])
    _, after = await store.read([], ["a", "b"])

    assert not {*before} & {*after}
