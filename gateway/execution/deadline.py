"""One timer for everything that an operation waits for."""

from asyncio import CancelledError, Task, TimerHandle, current_task, get_running_loop
from collections.abc import Awaitable
from time import monotonic
from typing import Any

from gateway.execution.contract import DeadlineExceeded


class Clock:
    """Ends at the deadline, in seconds of `time.monotonic`, each wait that is still going on, and only the waits.

    `asyncio.timeout_at` around each wait does the same with a timer for each; a page waits some ten times.
    """

    __slots__ = ("_cut_off", "_deadline", "_timer", "_waiting")

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._timer: TimerHandle | None = None
        self._waiting: set[Task[Any]] = set()
        self._cut_off: set[Task[Any]] = set()

    @property
    def is_out(self) -> bool:
        """Whether the deadline has passed."""
        return monotonic() >= self._deadline

    async def bounded(self, awaitable: Awaitable[Any]) -> Any:
        """Await the value, but no longer than the deadline. A task waits for one value at a time.

        Raises:
            DeadlineExceeded: The deadline passed first; what was awaited is cancelled.
        """
        task = current_task()
        assert task is not None
        if self._timer is None:
            self._timer = get_running_loop().call_at(self._deadline, self._run_out)
        # As in asyncio.Timeout: whoever else has cancelled the task, or does so meanwhile, is not taken for the clock.
        cancelled_before = task.cancelling()
        self._waiting.add(task)
        try:
            return await awaitable
        except CancelledError as error:
            if task in self._cut_off and task.cancelling() - 1 <= cancelled_before:
                raise DeadlineExceeded from error
            raise
        finally:
            self._waiting.remove(task)
            if task in self._cut_off:
                self._cut_off.remove(task)
                task.uncancel()

    def end(self) -> None:
        """End all waits, and those that begin from now on, as if the deadline had passed."""
        self.stop()
        self._deadline = monotonic()
        self._run_out()

    def stop(self) -> None:
        """Let go of the timer; nothing is waited for any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run_out(self) -> None:
        self._timer = None  # what is waited for from now on has its own, which ends it at once
        for task in self._waiting - self._cut_off:
            self._cut_off.add(task)
            task.cancel()
