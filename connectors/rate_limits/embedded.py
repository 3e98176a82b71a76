"""Rate limits counted in this process, for one gateway alone."""

import time
from collections import deque

from connectors.rate_limits.interface import Limit
from connectors.rate_limits.keys import hashed

_FORGETS_EVERY = 60.0
"""Seconds after which it looks for keys that nobody tries any more."""


class EmbeddedRateLimits:
    """Counts in memory: gone with the process, and not shared with another; `RateLimits` says what it promises.

    The window moves along with time: a fixed one would let twice as many through around its border and lets everybody
    in at the same instant. The price, one remembered instant for each allowed try, is small for limits of some
    hundreds. The package `limits`, by which tries are counted in Redis, could do the same here for 2 MB of memory.
    """

    def __init__(self) -> None:
        self._allowed: dict[tuple[str, Limit], deque[float]] = {}
        self._forgets_at = time.monotonic() + _FORGETS_EVERY

    async def hit(self, key: str, limit: Limit) -> float | None:
        """Count a try and return None when it is allowed, else the seconds until the next one will be."""
        now = time.monotonic()
        if now >= self._forgets_at:
            self._forget(now)
        instants = self._allowed.setdefault((hashed(key), limit), deque(maxlen=limit.times))
        if len(instants) == limit.times and instants[0] > now - limit.seconds:
            return instants[0] + limit.seconds - now
        instants.append(now)  # beyond `times`, the oldest falls out
        return None

    async def healthy(self) -> bool:
        """Return True: memory is always there."""
        return True

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    def _forget(self, now: float) -> None:
        """Let go of keys with no try in their window, so that nobody fills the memory with ever new ones."""
        self._allowed = {
            (key, limit): instants
            for (key, limit), instants in self._allowed.items()
            if instants[-1] > now - limit.seconds
        }
        self._forgets_at = now + _FORGETS_EVERY
