"""When a query is asked again: seldom enough that a back end in need gets no second load."""

from collections.abc import Callable

from connectors.http.limits import HttpLimits
from connectors.http.recent_counts import RecentCounts

_CALL, _REPEATED = range(2)


class RetryBudget:
    """A share of the recent calls that may be repeated, and a few where there were hardly any calls."""

    def __init__(self, limits: HttpLimits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._recent = RecentCounts(2, limits.window, clock)

    def called(self) -> None:
        """Count a call, however often it is attempted."""
        self._recent.add(_CALL)

    def take(self) -> bool:
        """Return whether one more may be repeated, and count it."""
        calls, repeated = self._recent.totals()
        if repeated >= max(self._limits.retried * calls, self._limits.retried_at_least):
            return False
        self._recent.add(_REPEATED)
        return True
