"""Rate limits counted in this process, for one gateway alone."""

import time
from collections import OrderedDict

from connectors.rate_limits.interface import Backoff, Limit
from connectors.rate_limits.keys import hashed

_FORGETS_EVERY = 60.0
"""Seconds after which it looks for keys that nobody tries any more."""

_MOST_KEYS = 100_000
"""So many keys are kept, which takes some 30 MB; beyond that, the one that was tried longest ago is forgotten."""


class EmbeddedRateLimits:
    """Counts in memory: gone with the process, and not shared with another; `RateLimits` says what it promises.

    The window moves along with time: a fixed one would let twice as many through around its border and lets everybody
    in at the same instant. The price, one remembered instant for each allowed try, is small for limits of some
    hundreds.
    """

    def __init__(self) -> None:
        self._allowed: OrderedDict[tuple[str, Limit | Backoff], list[float]] = OrderedDict()
        self._forgets_at = time.monotonic() + _FORGETS_EVERY

    async def hit(self, key: str, limit: Limit | Backoff) -> float | None:
        """Count a try and return None when it is allowed, else the seconds until the next one will be."""
        now = time.monotonic()
        if now >= self._forgets_at:
            self._forget(now)
        kept_as = (hashed(key), limit)
        instants = [instant for instant in self._allowed.get(kept_as, ()) if instant > now - limit.seconds]
        if len(instants) >= limit.times:
            until = _next(instants, limit)
            if until > now:
                return until - now
        self._allowed[kept_as] = [*instants, now]
        self._allowed.move_to_end(kept_as)
        if len(self._allowed) > _MOST_KEYS:
            self._allowed.popitem(last=False)
        return None

    async def forgive(self, key: str, limit: Limit | Backoff) -> None:
        """Give back one try, the last."""
        instants = self._allowed.get((hashed(key), limit))
        if instants:
            instants.pop()

    async def clear(self, key: str, limit: Limit | Backoff) -> None:
        """Forget all tries."""
        self._allowed.pop((hashed(key), limit), None)

    async def healthy(self) -> bool:
        """Return True: memory is always there."""
        return True

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    def _forget(self, now: float) -> None:
        """Let go of keys with no try in their window."""
        self._allowed = OrderedDict(
            ((key, limit), instants)
            for (key, limit), instants in self._allowed.items()
            if instants and instants[-1] > now - limit.seconds
        )
        self._forgets_at = now + _FORGETS_EVERY


def _next(instants: list[float], limit: Limit | Backoff) -> float:
    """Return the instant of the next try; `instants` are those of the window, not fewer than the limit's `times`."""
    if isinstance(limit, Limit):
        return instants[-limit.times] + limit.seconds
    doublings = min(len(instants) - limit.times, 30)
    return instants[-1] + min(limit.pause * 2.0**doublings, limit.longest_pause)
