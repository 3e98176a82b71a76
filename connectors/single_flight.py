"""The same call for several callers at once, made once."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Calls that are under way, by what they would answer.

    The call ends when it is answered, or when nobody waits for it any more: that one of its callers is cancelled
    leaves the others with their answer.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}
        self._ending: set[asyncio.Task[T]] = set()

    def __len__(self) -> int:
        return len(self._flights)

    async def answer(self, key: Hashable, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what the call answers, or what the one that is under way with this key does; raise what it raises."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.create_task(call()))
            flight.task.add_done_callback(lambda task: self._landed(key, task))
        flight.waiting += 1
        try:
            await asyncio.wait((flight.task,))  # unlike to await the task, to be cancelled here does not cancel it
            return flight.task.result()
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                if self._flights.get(key) is flight:
                    del self._flights[key]  # whoever asks from now on makes a call of their own
                self._ending.add(flight.task)
                flight.task.cancel()

    async def close(self) -> None:
        """Cancel what is under way, and wait until it has ended."""
        tasks = [flight.task for flight in self._flights.values()] + list(self._ending)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _landed(self, key: Hashable, task: asyncio.Task[T]) -> None:
        flight = self._flights.get(key)
        if flight is not None and flight.task is task:
            del self._flights[key]
        self._ending.discard(task)
        if not task.cancelled():
            task.exception()  # where nobody waits any more, nobody misses it


class _Flight(Generic[T]):
    __slots__ = ("task", "waiting")

    def __init__(self, task: asyncio.Task[T]) -> None:
        self.task = task
        self.waiting = 0
