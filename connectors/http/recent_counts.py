"""Counts of what happened lately, in as little memory for a thousand calls a second as for one."""

from collections.abc import Callable

_PARTS = 10


class RecentCounts:
    """How often each of several things happened in the last so many seconds, to a tenth of them."""

    __slots__ = ("_clock", "_counts", "_kinds", "_part", "_width")

    def __init__(self, kinds: int, seconds: float, clock: Callable[[], float]) -> None:
        self._kinds = kinds
        self._width = seconds / _PARTS
        self._clock = clock
        self._counts: dict[int, list[int]] = {}

    def add(self, kind: int) -> None:
        """Count one more of this kind."""
        now = self._now()
        counted = self._counts.get(now)
        if counted is None:
            self._forget(now)
            counted = self._counts[now] = [0] * self._kinds
        counted[kind] += 1

    def totals(self) -> list[int]:
        """Return how often each kind was counted."""
        self._forget(self._now())
        return [sum(counted[kind] for counted in self._counts.values()) for kind in range(self._kinds)]

    def clear(self) -> None:
        """Forget all."""
        self._counts.clear()

    def _now(self) -> int:
        return int(self._clock() / self._width)

    def _forget(self, now: int) -> None:
        for part in [part for part in self._counts if part <= now - _PARTS]:
            del self._counts[part]
