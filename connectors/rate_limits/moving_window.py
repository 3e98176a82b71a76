"""Limits that hold in every stretch of time, wherever the counts are kept."""

import time
from hashlib import blake2b
from typing import TYPE_CHECKING

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from connectors.rate_limits.interface import Limit

if TYPE_CHECKING:
    from limits.aio.storage.redis import RedisStorage


class MovingWindow:
    """Counts in a window that moves along with time.

    A fixed window would let twice as many through around its border and lets everybody in at the same instant. The
    price, one remembered instant for each allowed try, is small for limits of some hundreds.
    """

    def __init__(self, storage: "MemoryStorage | RedisStorage") -> None:
        self._window = MovingWindowRateLimiter(storage)

    async def hit(self, key: str, limit: Limit) -> float | None:
        """Count a try and return None when it is allowed, else the seconds until the next one will be."""
        item = RateLimitItemPerSecond(limit.times, limit.seconds, namespace="forecourt")
        hashed = blake2b(key.encode(errors="replace"), digest_size=16).hexdigest()
        if await self._window.hit(item, hashed):
            return None
        stats = await self._window.get_window_stats(item, hashed)
        return max(stats.reset_time - time.time(), 0.0)
