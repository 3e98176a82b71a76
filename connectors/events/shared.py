"""What the implementations over a network have in common: they listen again when they were cut off, and never block."""

import asyncio
import logging
import random
import secrets
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress

from connectors.access_events import AccessEvent
from connectors.events.embedded import EmbeddedEvents
from connectors.events.interface import Interrupted
from connectors.events.messages import lost, read, written

MOST_UNSENT = 10_000
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two attempts to connect, doubled after each, give or take a third."""

SILENCE = 10.0
"""Seconds after which a connection on which nothing came is asked whether it still is one."""

log = logging.getLogger("forecourt.events")


class SharedEvents(EmbeddedEvents):
    """Notifies this process at once and the others through a server; `Events` says what it promises.

    Listens and sends in tasks of its own, which begin when it is made: that takes a running event loop. While the
    server is away, what is published here is lost to the others; once it is back, they learn that something was lost.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sender = secrets.token_hex(8)
        self._unsent: asyncio.Queue[str] = asyncio.Queue(MOST_UNSENT)
        self._listens = asyncio.Event()
        self._was_cut_off = False
        self._lost_some = False
        self._tasks = [asyncio.create_task(self._keep_listening()), asyncio.create_task(self._keep_sending())]

    def publish(self, events: Sequence[AccessEvent]) -> None:
        """Notify everybody, without waiting and without ever failing."""
        super().publish(events)
        for event in events:
            try:
                self._unsent.put_nowait(written(self._sender, event))
            except asyncio.QueueFull:
                self._lost_some = True

    async def healthy(self) -> bool:
        """Return whether this process listens."""
        return self._listens.is_set()

    async def close(self) -> None:
        """Send what waits, for a second at most, and let go of connections."""
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._unsent.join()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._let_go()

    @abstractmethod
    async def _listen(self) -> None:
        """Connect, call `_listening`, then `_heard` with each message; raises when the connection is lost."""

    @abstractmethod
    async def _send(self, messages: list[str]) -> None:
        """Send the messages in this order; raises when that cannot be done."""

    @abstractmethod
    async def _let_go(self) -> None:
        """Close connections."""

    def _listening(self) -> None:
        self._listens.set()
        if self._was_cut_off:
            log.info("listening for events again")
            self._notify_here(Interrupted())
        if self._lost_some:
            with suppress(asyncio.QueueFull):
                self._unsent.put_nowait(lost(self._sender))
                self._lost_some = False

    def _heard(self, message: str | bytes) -> None:
        events = read(message)
        if events is not None and events[0] != self._sender:
            self._notify_here(events[1])

    async def _keep_listening(self) -> None:
        pause = SHORTEST_PAUSE
        while True:
            try:
                await self._listen()
            except Exception as error:  # whatever it is: without events everything is right, only slower
                if self._listens.is_set() or not self._was_cut_off:
                    log.warning("no events from other gateways: %s: %s", type(error).__name__, error)
            if self._listens.is_set():
                pause = SHORTEST_PAUSE
            self._listens.clear()
            self._was_cut_off = True
            await asyncio.sleep(pause * random.uniform(0.67, 1.33))
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _keep_sending(self) -> None:
        while True:
            messages = [await self._unsent.get()]
            while not self._unsent.empty() and len(messages) < 100:
                messages.append(self._unsent.get_nowait())
            try:
                # More than fit may have come while the server was there all the time.
                notices = [lost(self._sender)] if self._lost_some else []
                self._lost_some = False
                await self._send(messages + notices)
            except Exception as error:  # the others ask the directory now and then anyway
                log.info("events not published to other gateways: %s", type(error).__name__)
                self._lost_some = True
            finally:
                for _ in messages:
                    self._unsent.task_done()
