"""What outlives a request learns here that its caller may now do something else, or that their session is over.

A request needs none of this: it asks the directory who its caller is. An open stream watches. Events wake it at once;
where none arrive, one query every few seconds for all the streams of the process does.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

from connectors.access_events import AccessChanged, AccessEvent, SessionEnded
from connectors.directory.directory import Directory
from connectors.directory.records.caller import CallerRecord
from connectors.errors import ConnectorError
from connectors.events.interface import Events, Interrupted

EVERY = 5.0
"""Seconds after which a change counts in an open stream at the latest, whether an event of it arrives or not."""

log = logging.getLogger("forecourt.liveness")


class Watch:
    """One stream's view of its caller, who comes with all of their standings."""

    def __init__(self, caller: CallerRecord, directory: Directory, clock: Callable[[], datetime]) -> None:
        self.caller = caller
        self.is_outdated = asyncio.Event()
        self._directory = directory
        self._clock = clock

    async def next_caller(self) -> CallerRecord | None:
        """Wait until something about the caller may have changed and return who they are now; None: session over.

        Raises:
            BackendUnavailable: The directory does not answer; the next call asks again.
        """
        await self.is_outdated.wait()
        known = self.caller
        self.is_outdated.clear()  # before asking: what happens while the directory answers is an event again
        try:
            now = await self._directory.caller(known.user.id, known.session_id, self._clock())
        except ConnectorError:
            self.is_outdated.set()
            raise
        if now is not None:
            self.caller = now
        return now

    def concerns(self, event: AccessEvent | Interrupted) -> bool:
        """Return whether the event may be about the caller."""
        match event:
            case Interrupted():
                return True
            case SessionEnded(session_id=session_id):
                return session_id == self.caller.session_id
            case AccessChanged(user_id=None, organization_id=organization_id):
                return organization_id in self.caller.standings
        return event.user_id == self.caller.user.id


class Liveness:
    """The watches of this process."""

    def __init__(
        self, directory: Directory, events: Events, clock: Callable[[], datetime], *, every: float = EVERY
    ) -> None:
        self._directory = directory
        self._events = events
        self._clock = clock
        self._every = every
        self._watches: set[Watch] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Liveness"]:
        """Listen and look for as long as the block runs."""
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._listen()), tasks.create_task(self._look())]
            try:
                yield self
            finally:
                for task in running:
                    task.cancel()

    @contextmanager
    def watch(self, caller: CallerRecord) -> Iterator[Watch]:
        """Watch a caller for as long as the block runs."""
        watch = Watch(caller, self._directory, self._clock)
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    async def _listen(self) -> None:
        with self._events.subscribe() as events:
            async for event in events:
                for watch in self._watches:
                    if watch.concerns(event):
                        watch.is_outdated.set()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                await self._look_once()
            except ConnectorError as error:
                log.warning("open streams cannot be checked", extra={"reason": str(error)})

    async def _look_once(self) -> None:
        """Ask for everybody who is watched at once, in two queries however many they are."""
        watches = [watch for watch in self._watches if not watch.is_outdated.is_set()]
        people = list({watch.caller.user.id for watch in watches})
        sessions = list({watch.caller.session_id for watch in watches if watch.caller.session_id is not None})
        epochs = dict(zip(people, await self._directory.access_epochs(people), strict=True))
        running = dict(zip(sessions, await self._directory.running(sessions, self._clock()), strict=True))
        for watch in watches:
            caller = watch.caller
            is_over = caller.session_id is not None and not running[caller.session_id]
            if is_over or epochs[caller.user.id] != caller.access_epoch:
                watch.is_outdated.set()
