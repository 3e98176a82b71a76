"""PostgreSQL that misbehaves, seen through the whole gateway: by its network, and as a server that fails over."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import URL, make_url

from connectors.errors import BackendUnavailable
from tests.faults.gateways import (
    ADMINISTRATOR,
    BUYER,
    DEADLINE,
    INVITE,
    LANGUAGES,
    ORDERS,
    Asked,
    asked,
    certificates,
    each_of,
    held,
    misbehaving,
    signing_in,
    until,
)
from tests.faults.outcomes import FULL, LOCKED, OR, POSTGRESQL, READ_ONLY, RESTARTS, TERMINATES
from tests.faults.tcp_proxy import Failure, TcpProxy, named, proxy_to
from tests.portal import Person, Portal, open_portal_at, template_of
from tests.servers import servers

HOST = "database.customer.example"
CONNECTIONS = 6
MESSAGES = {
    503: {
        "en": "We cannot verify who you are at the moment. Please try again later.",
        "de": "Wir können zurzeit nicht prüfen, wer Sie sind. Bitte versuchen Sie es später noch einmal.",
        "fr": "Nous ne pouvons pas vérifier votre identité en ce moment. Veuillez réessayer plus tard.",
    },
    504: {
        "en": "We could not verify in time who you are. Please try again later.",
        "de": "Wir konnten nicht rechtzeitig prüfen, wer Sie sind. Bitte versuchen Sie es später noch einmal.",
        "fr": "Nous n’avons pas pu vérifier votre identité à temps. Veuillez réessayer plus tard.",  # noqa: RUF001
    },
}
UNKNOWN = {
    "de": "Es ließ sich nicht rechtzeitig feststellen, ob diese Änderung gespeichert wurde. Bitte sehen Sie nach, "
    "bevor Sie sie wiederholen; mit demselben `idempotencyKey` können Sie sie sofort wiederholen.",
    "fr": "Nous n’avons pas pu confirmer à temps que cette modification a été enregistrée. Veuillez vérifier avant "  # noqa: RUF001
    "de la répéter\xa0; avec la même `idempotencyKey`, vous pouvez la répéter immédiatement.",
}


@dataclass
class Behind:
    """A gateway that reaches its database by a proxy, as a user who owns nothing else."""

    portal: Portal
    proxy: TcpProxy
    database: str
    user: str
    buyer: Person
    administrator: Person
    organization: str
    page: Any

    async def run(self, statement: str, *arguments: Any) -> Any:
        """Return the rows that the administrator of the server gets in the database, which they reach directly."""
        connection = await self.connect()
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def connect(self) -> Any:
        """Connect as the administrator of the server."""
        url = servers.postgresql.set(drivername="postgresql", database=self.database)
        return await asyncpg.connect(
            url.render_as_string(False), server_settings={"default_transaction_read_only": "off"}
        )

    async def terminate(self) -> None:
        """Let the server close every connection of the gateway."""
        await self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", self.user)

    def invites(self, key: str, language: str = "en") -> Callable[[], Awaitable[Any]]:
        """A change that can be sent again with the same key."""
        variables = {"organization": self.organization, "key": key, "email": f"{key}@elsewhere.example"}
        return partial(Person(self.portal.client, self.administrator.token, language).asks, INVITE, **variables)

    async def is_well(self) -> bool:
        """Whether the page is as it was before, and other gateways are heard."""
        answer = await self.buyer.asks(ORDERS)
        return answer.body == self.page and await self.portal.wiring.events.healthy()

    async def ask(self, key: str) -> Asked:
        """Let people ask for all that needs the database, and for what does not."""
        portal, buyer = self.portal, self.buyer
        return await asked(
            {
                **{
                    f"query in {one}": partial(Person(buyer.client, buyer.token, one).asks, ORDERS) for one in LANGUAGES
                },
                "change": self.invites(key),
                "sign-in": signing_in(portal),
                "ready": lambda: portal.client.get("/health/ready"),
                "live": lambda: portal.client.get("/health/live"),
                "schema": lambda: portal.anybody().asks("{ __typename }"),
            }
        )


def address_of(server: URL) -> int | str:
    """Where the server listens: a port of this machine, or a socket."""
    folder = server.query.get("host")
    return f"{folder}/.s.PGSQL.{server.port or 5432}" if folder else server.port or 5432


@pytest.fixture(scope="module")
async def behind(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Behind]:
    folder: Path = tmp_path_factory.mktemp("certificates")
    user, made = f"failing_{secrets.token_hex(4)}", certificates(folder, HOST)
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("PGSSLROOTCERT", str(folder / "trusted.pem"))
        patch.setattr("gateway.server.health._KEPT_SECONDS", 0)
        patch.setattr("connectors.directory.directory._A_MOMENT", 0)
        patch.setattr("connectors.database.postgresql._TRUSTED_SECONDS", -1)  # as if each had been idle for long
        url = await servers.copy("postgresql", await template_of("solar_terminal", "postgresql"))
        stack.push_async_callback(servers.drop, url)
        server = make_url(url)
        proxy = await stack.enter_async_context(proxy_to(address_of(server), made, preamble=8, reply=b"S"))
        stack.enter_context(named(HOST, proxy))
        reached = server.set(username=user, host=HOST, port=proxy.port, query={"ssl": "verify-full"})
        password = f"PASSWORD '{server.password}'" if server.password else ""
        administrator = await asyncpg.connect(server.set(drivername="postgresql").render_as_string(False))
        await administrator.execute(
            f"CREATE ROLE {user} LOGIN {password}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {user};"
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {user}"
        )
        await administrator.close()
        portal = await stack.enter_async_context(
            open_portal_at(
                reached.render_as_string(False),
                request_timeout_seconds=DEADLINE,
                database_connections=CONNECTIONS,
                database_timeout_seconds=1,
                database_lock_timeout_seconds=20,
            )
        )
        buyer = await portal.person(BUYER)
        organization = await portal.organization_of(ADMINISTRATOR)
        found = Behind(
            portal, proxy, str(server.database), user, buyer, await portal.person(ADMINISTRATOR), organization,
            (await buyer.asks(ORDERS)).body,
        )  # fmt: skip
        await until(found.is_well)
        yield found
    # `drop` has cut off whoever used the database
    last = await asyncpg.connect(servers.postgresql.set(drivername="postgresql").render_as_string(False))
    await last.execute(f"DROP OWNED BY {user}; DROP ROLE {user}")
    await last.close()


@asynccontextmanager
async def terminating(behind: Behind) -> AsyncIterator[None]:
    await behind.terminate()
    yield


@asynccontextmanager
async def read_only(behind: Behind) -> AsyncIterator[None]:
    await behind.run(f'ALTER DATABASE "{behind.database}" SET default_transaction_read_only = on')
    await behind.terminate()
    yield
    await behind.run(f'ALTER DATABASE "{behind.database}" RESET default_transaction_read_only')


@asynccontextmanager
async def full(behind: Behind) -> AsyncIterator[None]:
    await behind.run(f"ALTER ROLE {behind.user} CONNECTION LIMIT 0")
    await behind.terminate()
    yield
    await behind.run(f"ALTER ROLE {behind.user} CONNECTION LIMIT -1")


@asynccontextmanager
async def locked(behind: Behind) -> AsyncIterator[None]:
    somebody = await behind.connect()
    await somebody.execute("BEGIN; LOCK TABLE shop_orders IN ACCESS EXCLUSIVE MODE")
    yield
    await somebody.close()


FAILURES: dict[str, Callable[[Behind], AbstractAsyncContextManager[None]]] = {
    **{failure.value: lambda behind, failure=failure: misbehaving(behind.proxy, failure) for failure in Failure},  # type: ignore[misc]
    TERMINATES: terminating,
    READ_ONLY: read_only,
    FULL: full,
    LOCKED: locked,
}


@pytest.mark.parametrize("failure", [one for one in each_of(POSTGRESQL) if RESTARTS not in one.values])
async def test_every_request_is_answered_in_time_and_all_is_well_afterwards(behind: Behind, failure: str) -> None:
    expected, key = POSTGRESQL[failure], secrets.token_hex(4)
    before = held()

    async with FAILURES[failure](behind):
        seen = await behind.ask(key)

    answers = seen.answers
    for language in LANGUAGES:
        outcome, query = seen.outcome(f"query in {language}"), answers[f"query in {language}"]
        assert outcome in expected.query.split(OR)
        if query.status != 200:
            assert query.errors[0]["message"] == MESSAGES[query.status][language]
    assert seen.outcome("change") in expected.change.split(OR)
    assert seen.outcome("sign-in") in expected.sign_in.split(OR)
    ready = answers["ready"]
    assert f"`{ready.status_code}` `{ready.json()['backends']['directory']}`" in expected.ready.split(OR)
    assert (seen.outcome("live"), seen.outcome("schema")) == ("200", "`200`")
    assert {log["reason"] for log in seen.logs if log["event"] == "directory away"} <= {
        f"directory: {reason}" for reason in expected.reason.split(OR)
    }
    assert [log for log in seen.logs if log["log_level"] == "error"] == []
    if "504" in expected.query:  # whoever needs no database did not wait for those who do
        assert set(seen.order[:2]) == {"live", "schema"}

    await until(behind.is_well)
    again = await behind.invites(key)()
    assert again.at("inviteMembers.errors") == []
    (stored,) = await behind.run("SELECT count(*) FROM invitations WHERE email LIKE $1", f"{key}@%")
    assert stored["count"] == 1
    await asyncio.gather(*(behind.buyer.asks(ORDERS) for _ in range(20)))
    await until(lambda: is_at_rest(behind, before))


async def is_at_rest(behind: Behind, before: int) -> bool:
    """Whether no task is left, and every connection is idle or free to be opened."""
    engine: Any = behind.portal.wiring.backends.directory._engine  # type: ignore[attr-defined]
    limits, reading = engine._limits, engine.direct
    return (
        held() <= before
        and reading._slots + len(reading._idle) == limits.reading
        and engine._slots._value == limits.changing
        and len(behind.proxy.links) <= CONNECTIONS
    )


@pytest.mark.parametrize(("arrives", "language"), [(True, "de"), (False, "fr")])
async def test_a_change_whose_commit_is_cut_off_is_not_made_twice(behind: Behind, arrives: bool, language: str) -> None:
    key = secrets.token_hex(4)
    behind.proxy.cut_at(b"COMMIT", arrives=arrives)

    answer = await behind.invites(key, language)()
    assert behind.proxy.has_cut
    (stored,) = await behind.run("SELECT count(*) FROM invitations WHERE email LIKE $1", f"{key}@%")
    again = await behind.invites(key)()
    (invited,) = await behind.run("SELECT count(*) FROM invitations WHERE email LIKE $1", f"{key}@%")
    (mailed,) = await behind.run("SELECT count(*) FROM outbox WHERE content::text LIKE $1", f"%{key}@%")

    assert answer.codes == {"inviteMembers": "OUTCOME_UNKNOWN"}
    assert answer.errors[0]["message"] == UNKNOWN[language]
    assert stored["count"] == arrives
    assert again.at("inviteMembers") == {"results": [{"errors": []}], "errors": []}
    assert (invited["count"], mailed["count"]) == (1, 1)


async def test_a_gateway_does_not_start_on_a_database_whose_certificate_has_expired(behind: Behind) -> None:
    async with misbehaving(behind.proxy, Failure.EXPIRED):
        with pytest.raises(
            BackendUnavailable, match="directory: its certificate is not accepted: certificate has expired"
        ):
            async with open_portal_at(behind.portal.settings.database):
                pass
    await until(behind.is_well)
