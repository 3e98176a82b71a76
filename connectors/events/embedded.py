"""Events within one process, for one gateway alone, and what the other implementations pass on to their listeners."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

from connectors.access_events import AccessEvent
from connectors.events.interface import Heard, Interrupted

MOST_UNHEARD = 1_000


class EmbeddedEvents:
    """Notifies this process only; `Events` says what it promises."""

    def __init__(self) -> None:
        self._listeners: set[_Listener] = set()

    def publish(self, events: Sequence[AccessEvent]) -> None:
        """Notify every listener of this process."""
        for event in events:
            self._notify_here(event)

    @contextmanager
    def subscribe(self) -> Iterator[AsyncIterator[Heard]]:
        """Listen for as long as the block runs."""
        listener = _Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def healthy(self) -> bool:
        """Return True: there is nobody else to reach."""
        return True

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    def _notify_here(self, event: Heard) -> None:
        for listener in self._listeners:
            listener.notify(event)


class _Listener:
    """What one listener has not heard yet, as an endless iterator."""

    def __init__(self) -> None:
        self._unheard: asyncio.Queue[Heard] = asyncio.Queue(MOST_UNHEARD)

    def notify(self, event: Heard) -> None:
        if self._unheard.full():
            while not self._unheard.empty():
                self._unheard.get_nowait()
            event = Interrupted()
        self._unheard.put_nowait(event)

    def __aiter__(self) -> AsyncIterator[Heard]:
        return self

    async def __anext__(self) -> Heard:
        return await self._unheard.get()
