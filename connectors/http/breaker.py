"""A circuit breaker: a back end that fails is left alone for a while, and its callers do not wait for it."""

from collections.abc import Callable
from enum import Enum

from connectors.http.limits import HttpLimits
from connectors.http.recent_counts import RecentCounts

_SUCCEEDED, _FAILED = range(2)


class State(Enum):
    """Whether calls are made: all of them, none, or a few to find out."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


CLOSED, OPEN, HALF_OPEN = State


class Attempt:
    """One call under way; whoever made it says how it ended, or at least that it did."""

    __slots__ = ("_breaker", "_is_over", "_period")

    def __init__(self, breaker: "Breaker", period: int) -> None:
        self._breaker = breaker
        self._period = period
        self._is_over = False

    def succeeded(self) -> None:
        """Report that the back end answered."""
        self._end(_SUCCEEDED)

    def failed(self) -> None:
        """Report that the back end failed."""
        self._end(_FAILED)

    def over(self) -> None:
        """Report that the call has ended and says nothing of the back end, unless it was reported how."""
        self._end(None)

    def _end(self, outcome: int | None) -> None:
        if not self._is_over:
            self._is_over = True
            self._breaker._ended(self._period, outcome)


class Breaker:
    """Opens when too large a share of the recent calls failed, and closes when a few calls succeed again.

    `changed` is called with each new state.
    """

    def __init__(
        self, limits: HttpLimits, clock: Callable[[], float], changed: Callable[[State], None] = lambda state: None
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._changed = changed
        self._recent = RecentCounts(2, limits.window, clock)
        self._state = CLOSED
        self._period = 0  # raised with each change of state: what began before it says nothing of what is now
        self._opens_for = limits.opens_for
        self._until = 0.0
        self._probing = self._probed = 0
        self._last_failed = False

    @property
    def state(self) -> State:
        """Return the state as it is now: open until its time is over, then half open."""
        if self._state is OPEN and self._clock() >= self._until:
            self._become(HALF_OPEN)
        return self._state

    @property
    def seconds_open(self) -> float:
        """Return for how long no call will be made."""
        return max(0.0, self._until - self._clock()) if self.state is OPEN else 0.0

    @property
    def last_succeeded(self) -> bool:
        """Return whether it is closed, was asked within the window, and answered the last time."""
        return self.state is CLOSED and not self._last_failed and self._recent.totals()[_SUCCEEDED] > 0

    @property
    def admits(self) -> bool:
        """Return whether a call may begin now."""
        match self.state:
            case State.CLOSED:
                return True
            case State.OPEN:
                return False
            case State.HALF_OPEN:
                return self._probing + self._probed < self._limits.probes

    def begin(self) -> Attempt | None:
        """Return the call that begins now, None when none may."""
        if not self.admits:
            return None
        if self._state is HALF_OPEN:
            self._probing += 1
        return Attempt(self, self._period)

    def rest(self, seconds: float) -> None:
        """Stay open for as long as the back end itself asked for, but no longer than it ever is."""
        seconds = min(seconds, self._limits.opens_at_most)
        if seconds > self.seconds_open:
            self._until = self._clock() + seconds
            if self._state is not OPEN:
                self._become(OPEN)

    def _ended(self, period: int, outcome: int | None) -> None:
        if period != self._period:
            return
        if outcome is not None:
            self._last_failed = outcome == _FAILED
        if self._state is CLOSED:
            if outcome is not None:
                self._recent.add(outcome)
            if outcome == _FAILED and self._fails_too_often():
                self._open()
        elif self._state is HALF_OPEN:
            self._probing -= 1
            if outcome == _FAILED:
                self._opens_for = min(2 * self._opens_for, self._limits.opens_at_most)
                self._open()
            elif outcome == _SUCCEEDED:
                self._probed += 1
                if self._probed >= self._limits.probes:
                    self._opens_for = self._limits.opens_for
                    self._become(CLOSED)
                    self._recent.add(_SUCCEEDED)

    def _fails_too_often(self) -> bool:
        succeeded, failed = self._recent.totals()
        calls = succeeded + failed
        return calls >= self._limits.breaker_calls and failed >= self._limits.breaker_failures * calls

    def _open(self) -> None:
        self._until = self._clock() + self._opens_for
        self._become(OPEN)

    def _become(self, state: State) -> None:
        self._state = state
        self._period += 1
        self._probing = self._probed = 0
        self._recent.clear()
        self._changed(state)
