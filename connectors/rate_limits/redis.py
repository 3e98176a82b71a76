"""Rate limits counted in Redis or Valkey, shared by all gateways."""

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from connectors.errors import AccessRefused, BackendUnavailable, reason_of
from connectors.rate_limits.interface import Backoff, Limit
from connectors.rate_limits.keys import hashed

BACKEND = "rate_limits"

_PAUSE = 1.0
"""Seconds after which a server that did not answer is asked again."""

log = logging.getLogger("forecourt.rate_limits")

_HIT = """
local microseconds = 1000000
local clock = redis.call('TIME')
local now = clock[1] * microseconds + clock[2]
local times, window = tonumber(ARGV[1]), ARGV[2] * microseconds
local pause, longest_pause = ARGV[3] * microseconds, ARGV[4] * microseconds
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
local count = redis.call('ZCARD', KEYS[1])
if count >= times then
    local due
    if pause == 0 then
        due = redis.call('ZRANGE', KEYS[1], -times, -times, 'WITHSCORES')[2] + window
    else
        local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
        due = last + math.min(pause * 2 ^ math.min(count - times, 30), longest_pause)
    end
    if due > now then
        return due - now
    end
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[5])
redis.call('PEXPIRE', KEYS[1], window / 1000)
return 0
"""
"""Counts a try at KEYS[1] and returns 0, or the microseconds until the next one; by the clock of the server."""


class RedisRateLimits:
    """Counts at a ``redis:``, ``rediss:`` or ``unix:`` address; `RateLimits` says what it promises.

    The window moves along with time, as that of EmbeddedRateLimits does. Every count is one script on the server, so
    that two gateways never both take the last try. A server that twice does not answer within a second counts as away:
    everybody learns so at once then, but for one call now and then that looks whether it is back.
    """

    def __init__(self, url: str) -> None:
        self._client: Redis = Redis.from_url(
            url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 1)
        )
        self._hit = self._client.register_script(_HIT)
        self._away_until: float | None = None

    async def hit(self, key: str, limit: Limit | Backoff) -> float | None:
        """Count a try and return None when it is allowed, else the seconds until the next one will be.

        Raises:
            BackendUnavailable: Nobody answers at the address.
        """
        pauses = (limit.pause, limit.longest_pause) if isinstance(limit, Backoff) else (0, 0)
        async with self._asking():
            wait = await self._hit(
                keys=[_kept_as(key, limit)], args=[limit.times, limit.seconds, *pauses, secrets.token_hex(8)]
            )
            return int(wait) / 1_000_000 if wait else None

    async def forgive(self, key: str, limit: Limit | Backoff) -> None:
        """Give back one try, the last."""
        async with self._asking():
            await self._client.zpopmax(_kept_as(key, limit))

    async def clear(self, key: str, limit: Limit | Backoff) -> None:
        """Forget all tries."""
        async with self._asking():
            await self._client.delete(_kept_as(key, limit))

    async def healthy(self) -> bool:
        """Return whether the server answers."""
        try:
            await self.check()
        except BackendUnavailable:
            return False
        return True

    async def check(self) -> None:
        """Return when the server answers and lets us in.

        Raises:
            BackendUnavailable, AccessRefused: As they say.
        """
        async with self._asking(is_check=True):
            if not await self._client.ping():
                raise ValueError("no PONG")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    @asynccontextmanager
    async def _asking(self, *, is_check: bool = False) -> AsyncIterator[None]:
        """Turn what the client raises into BackendUnavailable, and note whether the server answers."""
        if self._away_until is not None and not is_check:
            if (now := monotonic()) < self._away_until:
                raise BackendUnavailable(BACKEND, "no answer a moment ago")
            self._away_until = now + _PAUSE  # nobody else waits while this one looks
        try:
            yield
        except (RedisError, OSError, ValueError) as error:  # ValueError: it answered what no such server does
            reason = reason_of(error)
            if self._away_until is None:
                log.warning("attempts not counted", extra={"reason": reason})
            self._away_until = monotonic() + _PAUSE
            if isinstance(error, AuthenticationError | NoPermissionError):
                raise AccessRefused(BACKEND, reason) from error
            raise BackendUnavailable(BACKEND, reason) from error
        if self._away_until is not None:
            log.info("attempts counted again")
            self._away_until = None


def _kept_as(key: str, limit: Limit | Backoff) -> str:
    return f"forecourt:tries:{hashed(key)}:{limit.times}/{limit.seconds}"
