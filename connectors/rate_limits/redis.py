"""Rate limits counted in Redis or Valkey, shared by all gateways."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from limits import RateLimitItemPerSecond
from limits.aio.storage.redis import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from connectors.errors import BackendUnavailable
from connectors.rate_limits.interface import Limit
from connectors.rate_limits.keys import hashed

BACKEND = "rate_limits"


class RedisRateLimits:
    """Counts at a ``redis:``, ``rediss:`` or ``unix:`` address; `RateLimits` says what it promises.

    The window moves along with time, as that of EmbeddedRateLimits does. Every count is one script on the server, so
    that two gateways never both take the last try. A server that twice does not answer within a second counts as away.
    """

    def __init__(self, url: str) -> None:
        self._client: Redis = Redis.from_url(
            url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 1)
        )
        storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix="forecourt:limits",
            connection_pool=self._client.connection_pool,  # type: ignore[arg-type]
        )
        self._window = MovingWindowRateLimiter(storage)

    async def hit(self, key: str, limit: Limit) -> float | None:
        """Count a try and return None when it is allowed, else the seconds until the next one will be.

        Raises:
            BackendUnavailable: Nobody answers at the address.
        """
        async with _redis_errors():
            item = RateLimitItemPerSecond(limit.times, limit.seconds, namespace="forecourt")
            if await self._window.hit(item, hashed(key)):
                return None
            stats = await self._window.get_window_stats(item, hashed(key))
            return max(stats.reset_time - time.time(), 0.0)

    async def healthy(self) -> bool:
        """Return whether the server answers."""
        try:
            async with _redis_errors():
                return bool(await self._client.ping())
        except BackendUnavailable:
            return False

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


@asynccontextmanager
async def _redis_errors() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise BackendUnavailable(BACKEND, type(error).__name__) from error
