"""A PostgreSQL that hangs, restarts, is locked, or takes no changes: every request ends in time and says what is so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import event, func, select

from connectors.database.engine import open_database
from connectors.database.limits import DatabaseLimits
from connectors.database.reader import Reader
from connectors.directory.directory import Directory
from connectors.errors import BackendTimeout, BackendUnavailable
from connectors.events.interface import Interrupted
from gateway.demo import DEMO_PASSWORD
from gateway.server.header_names import VIEW_AS
from gateway.settings_sources import read_settings
from gateway.wiring import open_stores
from tests.faults.gateways import outcome_of
from tests.faults.outcomes import POSTGRESQL, RESTARTS, OnPostgresql
from tests.faults.own_postgresql import OwnPostgresql, own_postgresql
from tests.portal import Answer, Portal, fill, open_portal_at

BUYER = "purchase@helios.example"
ORDERS = "{ viewer { user { displayName } defaultOrganization { name orders(first: 1) { totalCount } } } }"
SIGN_IN = """
mutation SignIn($name: String!, $password: String!) {
  signIn(input: { loginName: $name, password: $password }) { accessToken errors { code } }
}
"""
RENAME = """
mutation Rename($version: Int!, $name: String!) {
  updateProfile(input: { expectedVersion: $version, firstName: $name }) { viewer { profileVersion } errors { code } }
}
"""
INVITE = """
mutation Invite($organization: ID!, $key: String!) {
  inviteMembers(
    input: {
      organizationId: $organization, idempotencyKey: $key,
      invitees: [{ email: "nina.neu@elsewhere.example", roleKeys: ["purchase"] }]
    }
  ) { results { email errors { code } } errors { code } }
}
"""
PATIENT: dict[str, Any] = {
    "database_connections": 6,
    "database_timeout_seconds": 30,
    "request_timeout_seconds": 50,
}
"""For what says how a gateway answers and not when: on a busy machine everything takes ten times as long."""

SHORT = PATIENT | {"database_timeout_seconds": 2}
"""For a server that hangs: each of these waits is waited out."""

LONGEST = 100
"""Seconds after which a test gives up; every single wait is bounded by the limits above."""


@pytest.fixture(scope="module")
def server() -> Any:
    with own_postgresql() as own:
        yield own


@pytest.fixture(scope="module")
async def template(server: OwnPostgresql) -> str:
    name = await server.create()
    await fill(server.url_of(name))
    return name


@asynccontextmanager
async def gateway(server: OwnPostgresql, template: str, **given: Any) -> AsyncIterator[tuple[Portal, str]]:
    """A gateway on a copy of the demo, and the name of its database."""
    database = await server.create(template)
    async with asyncio.timeout(LONGEST), open_portal_at(server.url_of(database), **(PATIENT | given)) as portal:
        yield portal, database


async def signs_in(portal: Portal) -> Answer:
    return await portal.anybody().asks(SIGN_IN, name=BUYER, password=DEMO_PASSWORD)


async def test_every_request_ends_in_time_while_the_server_hangs_and_all_is_well_afterwards(
    server: OwnPostgresql, template: str
) -> None:
    async with gateway(server, template, **SHORT) as (portal, database):
        buyer = await portal.person(BUYER)
        before = (await buyer.asks(ORDERS)).body
        await signs_in(portal)
        authorization = {"authorization": f"Bearer {buyer.token}"}
        tasks = len(asyncio.all_tasks())
        with server.hanging():
            *answers, entering, export, mailbox, ready, live = await asyncio.gather(
                *(buyer.asks(ORDERS) for _ in range(30)),
                buyer.asks(RENAME, version=1, name="Georg"),
                buyer.posts(b'{"query":"{ viewer { id } }"}', **{VIEW_AS.replace("-", "_"): "mbr_1"}),
                signs_in(portal),
                portal.client.get("/account/export/exp_1", headers=authorization),
                portal.client.get("/mailbox"),
                portal.client.get("/health/ready"),
                portal.client.get("/health/live"),
            )

        assert {(answer.status, answer.codes[""]) for answer in answers} == {(504, "GATEWAY_TIMEOUT")}
        assert entering.codes == {"signIn": "GATEWAY_TIMEOUT"}
        assert (export.status_code, mailbox.status_code, ready.status_code, live.status_code) == (504, 503, 503, 200)
        assert (await buyer.asks(ORDERS)).body == before
        assert (await buyer.asks(RENAME, version=1, name="Georg")).at("updateProfile.errors") == []
        assert (await signs_in(portal)).at("signIn.errors") == []
        assert len(asyncio.all_tasks()) == tasks
        assert len(await server.connections(database)) <= SHORT["database_connections"]


@pytest.mark.parametrize("limits", [SHORT, {"request_timeout_seconds": 3}])
async def test_a_change_whose_commit_hangs_may_have_been_carried_out_and_can_be_sent_again(
    server: OwnPostgresql, template: str, limits: dict[str, Any]
) -> None:
    async with gateway(server, template, **limits) as (portal, database):
        administrator = await portal.person("administration@helios.example")
        organization = await portal.organization_of("administration@helios.example")
        engine = portal.wiring.backends.directory._engine.sync_engine  # type: ignore[attr-defined]
        event.listen(engine, "commit", lambda _connection: server.hang(), once=True)
        try:
            answer = await administrator.asks(INVITE, organization=organization, key="once")
        finally:
            server.go_on()
        again = await administrator.asks(INVITE, organization=organization, key="once")
        (stored,) = await server.run("SELECT count(*) FROM invitations WHERE email LIKE 'nina.neu@%'", database)

    assert answer.codes == {"inviteMembers": "OUTCOME_UNKNOWN"}
    assert "could not confirm in time whether this change was stored" in answer.errors[0]["message"]
    assert again.at("inviteMembers") == {
        "results": [{"email": "nina.neu@elsewhere.example", "errors": []}], "errors": [],
    }  # fmt: skip
    assert stored["count"] == 1


async def test_the_first_of_everything_succeeds_after_the_server_has_closed_all_connections(
    server: OwnPostgresql, template: str
) -> None:
    async with gateway(server, template) as (portal, database):
        buyer = await portal.person(BUYER)
        directory = portal.wiring.backends.directory

        async def changes() -> bool:
            async with directory.change() as change:
                await change.forget_requests(before=portal.clock())
            return True

        firsts: list[Callable[[], Awaitable[Any]]] = [
            lambda: buyer.asks(ORDERS),
            lambda: buyer.asks("mutation { requestDataExport(input: {}) { errors { code } } }"),
            lambda: signs_in(portal),
            portal.deliver,
            changes,
            lambda: portal.client.get("/mailbox"),
            lambda: portal.client.get("/health/ready"),
        ]
        for first in firsts:
            await asyncio.gather(*(buyer.asks(ORDERS) for _ in range(5)), changes())
            await server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
            answer = await first()
            assert getattr(answer, "errors", []) == [], (first, answer)
            assert getattr(answer, "status_code", 200) == 200, (first, answer)


async def test_a_gateway_goes_on_when_its_server_has_restarted(server: OwnPostgresql, template: str) -> None:
    async with gateway(server, template) as (portal, _):
        buyer = await portal.person(BUYER)
        await asyncio.gather(*(buyer.asks(ORDERS) for _ in range(10)))

        with portal.wiring.events.subscribe() as events:
            server.restart()
            change = await buyer.asks(RENAME, version=1, name="Georg")
            query = await buyer.asks(ORDERS)
            entering = await signs_in(portal)
            ready = await portal.client.get("/health/ready")
            async for heard in events:
                if isinstance(heard, Interrupted):  # it listens again
                    break

    seen = [outcome_of(query), outcome_of(change), outcome_of(entering)]
    seen.append(f"`{ready.status_code}` `{ready.json()['backends']['directory']}`")
    assert OnPostgresql(*seen, reason="") == POSTGRESQL[RESTARTS]
    assert change.at("updateProfile.errors") == []


async def test_a_locked_table_fails_only_the_fields_that_need_it_and_takes_no_connections(
    server: OwnPostgresql, template: str
) -> None:
    async with gateway(server, template, database_lock_timeout_seconds=1) as (portal, database):
        buyer = await portal.person(BUYER)
        migration = await server.connect(database)
        await migration.execute("BEGIN; LOCK TABLE shop_orders IN ACCESS EXCLUSIVE MODE")
        with portal.statements() as sent:
            answers = await asyncio.gather(*(buyer.asks(ORDERS) for _ in range(60)))
            answers += await asyncio.gather(*(buyer.asks(ORDERS) for _ in range(60)))
        others = await asyncio.gather(*(buyer.asks("{ viewer { user { displayName } } }") for _ in range(20)))
        await migration.execute("ROLLBACK")
        await migration.close()
        await asyncio.sleep(1)  # so often it looks whether the table is free again
        afterwards = await buyer.asks(ORDERS)

    assert {answer.status for answer in answers} == {200}
    assert {tuple(answer.codes.values()) for answer in answers} == {("GATEWAY_TIMEOUT",)}
    assert {answer.at("viewer.defaultOrganization.name") for answer in answers} == {"Helios Montage GmbH"}
    assert len([statement for statement in sent if "shop_orders" in statement]) < 30  # those who met it, and who look
    assert [answer.errors for answer in others] == [[]] * 20
    assert afterwards.errors == []


async def test_a_server_that_takes_no_changes_answers_queries_and_is_left_for_its_successor(
    server: OwnPostgresql, template: str
) -> None:
    async with gateway(server, template) as (portal, database):
        buyer = await portal.person(BUYER)
        await buyer.asks(ORDERS)
        before = {row["pid"] for row in await server.connections(database)}
        await server.is_read_only(True)
        try:
            change = await buyer.asks(RENAME, version=1, name="Georg")
            ready = await portal.client.get("/health/ready")
            query = await buyer.asks(ORDERS)
            entering = await signs_in(portal)
            after = {row["pid"] for row in await server.connections(database)}
        finally:
            await server.is_read_only(False)
        again = await buyer.asks(RENAME, version=1, name="Georg")

    assert (ready.status_code, ready.json()["backends"]["directory"]) == (503, "read-only")
    assert change.codes == {"updateProfile": "BACKEND_UNAVAILABLE"}
    assert entering.codes == {"signIn": "BACKEND_UNAVAILABLE"}
    assert query.errors == []
    assert len(before & after) <= 1  # but for the one that listens
    assert again.at("updateProfile.errors") == []


async def test_a_process_opens_as_many_connections_as_it_may_and_no_more(server: OwnPostgresql, template: str) -> None:
    async with gateway(server, template) as (portal, database):
        directory: Any = portal.wiring.backends.directory
        let_go, inside = asyncio.Event(), asyncio.Semaphore(0)

        async def changes() -> None:
            async with directory.change() as change:
                await change.ask.caller("usr_nobody", None, portal.clock())
                inside.release()
                await let_go.wait()

        slow = select(func.pg_sleep(0.2))
        changing = [asyncio.create_task(changes()) for _ in range(10)]
        asking = [asyncio.create_task(Reader(directory._engine, "directory").read(slow)) for _ in range(40)]
        await inside.acquire()
        while (counted := len(await server.connections(database))) < PATIENT["database_connections"]:  # noqa: ASYNC110  # a real server is asked
            await asyncio.sleep(0.05)
        await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        counted = max(counted, len(await server.connections(database)))
        let_go.set()
        await asyncio.gather(*changing, *asking)

    assert counted == PATIENT["database_connections"]


async def test_starting_on_a_server_that_hangs_says_so_in_time(server: OwnPostgresql, template: str) -> None:
    settings = read_settings({}, database_url=server.url_of(await server.create(template)), **SHORT)

    async with asyncio.timeout(LONGEST):
        with server.hanging(), pytest.raises(BackendUnavailable, match="directory"):
            async with open_portal_at(settings.database, **SHORT):
                pass


async def test_a_gateway_closes_while_its_server_hangs(server: OwnPostgresql, template: str) -> None:
    async with gateway(server, template, **SHORT) as (portal, _):
        buyer = await portal.person(BUYER)
        await buyer.asks(RENAME, version=1, name="Georg")
        await buyer.asks(ORDERS)
        server.hang()
        try:
            async with asyncio.timeout(30):  # it hangs until `go_on`
                await portal.wiring.events.close()
                await portal.wiring.backends.directory._engine.dispose()  # type: ignore[attr-defined]
        finally:
            server.go_on()


async def test_work_and_scheduled_tasks_end_when_the_server_hangs(server: OwnPostgresql, template: str) -> None:
    async with gateway(server, template, **SHORT) as (portal, _):
        await portal.wiring.backends.directory.is_empty()
        with server.hanging(), pytest.raises(BackendTimeout):
            await portal.deliver()


async def test_what_fills_a_database_may_take_longer_than_a_request(server: OwnPostgresql, template: str) -> None:
    url = server.url_of(await server.create(template))
    settings = read_settings({}, database_url=url, database_timeout_seconds=0.1, database_lock_timeout_seconds=0.1)

    async with asyncio.timeout(LONGEST), open_stores(settings) as stores:
        slow = await Reader(stores.directory._engine, "directory").read(select(func.pg_sleep(0.3)))

    assert len(slow) == 1


async def test_a_statement_that_takes_too_long_costs_no_connection(server: OwnPostgresql, template: str) -> None:
    engine = open_database(server.url_of(template), DatabaseLimits(statement_seconds=2))
    reader = Reader(engine, "directory")
    pid = await reader.read(select(func.pg_backend_pid()))

    with pytest.raises(BackendTimeout):
        await reader.read(select(func.pg_sleep(30)))

    assert await reader.read(select(func.pg_backend_pid())) == pid
    assert not await Directory(engine).is_empty()
    await engine.dispose()
