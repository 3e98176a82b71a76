"""That what outlives a request learns of every change that concerns its caller, with events and without."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from connectors.access_events import AccessEvent
from connectors.database.engine import open_database
from connectors.directory.directory import Directory, DirectoryChange
from connectors.directory.migrations import MIGRATIONS
from connectors.directory.records.access import GrantKind
from connectors.directory.records.audit import Author
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from connectors.errors import BackendUnavailable
from connectors.events.embedded import EmbeddedEvents
from connectors.events.interface import Interrupted
from connectors.ids import SessionId
from gateway.auth.liveness import Liveness, Watch
from resolvers.audit import recorded
from tests.directory.people import BERND, BERND_AT_HELIOS, CLEO, HELIOS, LUMEN, NOW, PEOPLE, TOMORROW, session
from tests.servers import PATIENT, fresh_database

BY = Author(None, "test")
NEVER, OFTEN = 3600.0, 0.02

Change = Callable[[DirectoryChange], Awaitable[object]]

CHANGES: dict[str, Change] = {
    "role": lambda change: recorded.give(
        change, BERND_AT_HELIOS.id, GrantKind.ROLE, "planning", until=None, by=BY, now=NOW
    ),
    "membership": lambda change: recorded.set_membership_status(
        change, BERND_AT_HELIOS.id, MembershipStatus.SUSPENDED, by=BY, now=NOW
    ),
    "organization": lambda change: recorded.set_organization_status(
        change, HELIOS, OrganizationStatus.BLOCKED, by=BY, now=NOW
    ),
    "vendor": lambda change: recorded.set_vendor_permissions(change, BERND.id, ["REGISTRATION_REVIEW"], by=BY, now=NOW),
}


class Scene:
    """A directory that publishes its events, and who watches."""

    def __init__(self, directory: Directory, liveness: Liveness, events: EmbeddedEvents) -> None:
        self.directory = directory
        self.events = events
        self.liveness = liveness

    async def does(self, write: Change) -> None:
        async with self.directory.change() as change:
            await write(change)

    async def bernd(self) -> CallerRecord:
        caller = await self.directory.caller(BERND.id, SessionId("ses_bernd"), NOW)
        assert caller is not None
        return caller


@asynccontextmanager
async def scene(*, every: float, notifies: bool = True) -> AsyncIterator[Scene]:
    """Bernd, signed in; `notifies` is False where no events arrive."""
    events = EmbeddedEvents()

    def publish(published: Sequence[AccessEvent]) -> None:
        if notifies:
            events.publish(published)

    async with fresh_database("sqlite", MIGRATIONS) as url:
        engine = open_database(url, PATIENT)
        directory = Directory(engine, publish)
        await directory.load(PEOPLE)
        async with directory.change() as change:
            await change.open_session(session("bernd", BERND), b"1" * 32, TOMORROW)
        async with Liveness(directory, events, lambda: NOW, every=every).open() as liveness:
            await asyncio.sleep(0)
            yield Scene(directory, liveness, events)
        await engine.dispose()


async def woken(watch: Watch) -> CallerRecord | None:
    async with asyncio.timeout(30):
        return await watch.next_caller()


async def sleeps_on(watch: Watch) -> bool:
    try:
        async with asyncio.timeout(0.1):
            await watch.next_caller()
    except TimeoutError:
        return True
    return False


@pytest.mark.parametrize("write", CHANGES)
@pytest.mark.parametrize("notifies", [True, False], ids=["with events", "without events"])
async def test_a_stream_sees_every_change_of_its_callers_access(write: str, notifies: bool) -> None:
    async with scene(every=NEVER if notifies else OFTEN, notifies=notifies) as live:
        before = await live.bernd()
        with live.liveness.watch(before) as watch:
            await live.does(CHANGES[write])

            now = await woken(watch)

            assert now is not None
            assert now == await live.bernd() != before
            assert await sleeps_on(watch)


@pytest.mark.parametrize("notifies", [True, False], ids=["with events", "without events"])
async def test_a_stream_ends_with_its_session(notifies: bool) -> None:
    async with scene(every=NEVER if notifies else OFTEN, notifies=notifies) as live:
        with live.liveness.watch(await live.bernd()) as watch:
            await live.does(lambda change: change.end_session(SessionId("ses_bernd"), NOW))

            assert await woken(watch) is None


async def test_what_concerns_others_wakes_nobody() -> None:
    async with scene(every=NEVER) as live:
        with live.liveness.watch(await live.bernd()) as watch:
            await live.does(lambda change: recorded.set_vendor_permissions(change, CLEO.id, ["x"], by=BY, now=NOW))
            await live.does(
                lambda change: recorded.set_organization_status(
                    change, LUMEN, OrganizationStatus.BLOCKED, by=BY, now=NOW
                )
            )

            assert await sleeps_on(watch)


async def test_a_stream_that_may_have_missed_events_looks_again() -> None:
    async with scene(every=NEVER, notifies=False) as live:
        with live.liveness.watch(await live.bernd()) as watch:
            await live.does(CHANGES["role"])
            live.events._notify_here(Interrupted())

            assert await woken(watch) == await live.bernd()


async def test_a_directory_that_is_away_is_said_so_and_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene(every=OFTEN) as live:
        with live.liveness.watch(await live.bernd()) as watch:
            await live.does(CHANGES["role"])

            async def away(*_args: object) -> None:
                raise BackendUnavailable("directory")

            with monkeypatch.context() as patched:
                for method in ("caller", "access_epochs"):
                    patched.setattr(live.directory, method, away)
                with pytest.raises(BackendUnavailable):
                    await woken(watch)
                await asyncio.sleep(3 * OFTEN)

            assert await woken(watch) == await live.bernd()
