"""A limit in seconds that many waits have alike, with one timer for all of them.

`asyncio.timeout` makes a timer for each wait. It takes 27 thousand instructions; a wait here takes 5.
"""

from asyncio import CancelledError, Task, TimerHandle, current_task, get_running_loop
from types import TracebackType
from typing import Any


class TimeLimit:
    """How long each wait may take: ``with limit.wait(): await …`` raises TimeoutError when it takes longer.

    What is awaited is cancelled then, as by `asyncio.timeout`. The waits of one limit are equally long, so whichever
    began first ends first, and one timer looks after all of them.
    """

    __slots__ = ("_seconds", "_timer", "_waits")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waits: dict[_Wait, None] = {}  # the one that ends first comes first
        self._timer: TimerHandle | None = None

    def wait(self) -> "_Wait":
        """Return a wait that begins with its block."""
        return _Wait(self)

    def begin(self, wait: "_Wait") -> None:
        """Let a wait begin now."""
        loop = get_running_loop()
        wait.ends_at = loop.time() + self._seconds
        self._waits[wait] = None
        if self._timer is None:
            self._timer = loop.call_at(wait.ends_at, self._end_what_is_late)

    def forget(self, wait: "_Wait") -> None:
        """Take note that a wait has ended; the timer is left to look who is next when it rings."""
        self._waits.pop(wait, None)

    def _end_what_is_late(self) -> None:
        loop = get_running_loop()
        self._timer = None
        while self._waits:
            first = next(iter(self._waits))
            if first.ends_at > loop.time():
                self._timer = loop.call_at(first.ends_at, self._end_what_is_late)
                return
            del self._waits[first]
            first.cut_off()


class _Wait:
    """One wait of one task."""

    __slots__ = ("_cancelled_before", "_is_cut_off", "_limit", "_task", "ends_at")

    def __init__(self, limit: TimeLimit) -> None:
        self._limit = limit
        self._is_cut_off = False
        self._task: Task[Any]
        self._cancelled_before = 0
        self.ends_at = 0.0

    def __enter__(self) -> None:
        task = current_task()
        assert task is not None
        self._task = task
        # As in asyncio.Timeout: whoever else has cancelled the task, or does so meanwhile, is not taken for the limit.
        self._cancelled_before = task.cancelling()
        self._limit.begin(self)

    def __exit__(
        self, _kind: type[BaseException] | None, raised: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._limit.forget(self)
        if self._is_cut_off and self._task.uncancel() <= self._cancelled_before and isinstance(raised, CancelledError):
            raise TimeoutError from raised

    def cut_off(self) -> None:
        """Cancel what is awaited."""
        self._is_cut_off = True
        self._task.cancel()
