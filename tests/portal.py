"""The whole gateway in memory, on a database of its own with a profile's demo in it, and people who ask it."""

import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import Engine, event, select
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.directory.records.outbox import OutboxState
from connectors.directory.tables import audit_events
from connectors.errors import BackendUnavailable
from connectors.mail.interface import Message
from connectors.rate_limits.embedded import EmbeddedRateLimits
from gateway import profile_files
from gateway.app import create_app
from gateway.demo.loading import load_demo
from gateway.settings import Settings
from gateway.settings_sources import read_settings
from gateway.wiring import Wiring, migrate_our_database
from gateway.worker import Worker
from resolvers.context import RequestContext
from resolvers.languages import reader_of
from resolvers.mail.queue import MAIL
from resolvers.sessions.commands import begin_session
from resolvers.texts import in_words, restored
from tests.schemas import shared_schema
from tests.servers import DatabaseKind, memory, servers

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
"""When the tests take place, until a clock is moved."""

GRAPHQL_JSON = "application/graphql-response+json"

UNMEASURED = {"cost_mode": "measure"}
"""Lets a test ask for more at once than a client may, to see everything."""

_templates: dict[tuple[DatabaseKind, str, str | None, str], str] = {}
"""Databases with a demo in them by what it is made from, which a copy of a shipped profile has in common with it."""


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


@dataclass(frozen=True)
class Answer:
    """What the gateway answered: the status, the headers, and the parts of the body."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def data(self) -> Any:
        """The data; fails the test when there is none."""
        assert "data" in self.body, self.body
        return self.body["data"]

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The errors, empty when there are none."""
        errors: list[dict[str, Any]] = self.body.get("errors", [])
        return errors

    @property
    def codes(self) -> dict[str, str]:
        """The code of each error by its path, written with dots; a request error has the path ''."""
        return {".".join(map(str, error.get("path", ()))): error["extensions"]["code"] for error in self.errors}

    def at(self, path: str) -> Any:
        """What stands at a path of the data, written with dots; fails the test when nothing can stand there."""
        value = self.data
        for step in path.split("."):
            value = value[int(step)] if isinstance(value, list) else value[step]
        return value


@dataclass(frozen=True)
class QueuedMail:
    """A mail that waits to be sent; `token` is the secret of its link."""

    template: str
    to: str
    locale: str | None
    values: dict[str, Any]
    token: str | None


@dataclass(frozen=True)
class Person:
    """Somebody who asks the gateway, signed in or not.

    `language` is the one chosen for what they ask, since tests compare messages; without, their own counts.
    """

    client: httpx2.AsyncClient
    token: str | None = None
    language: str = "en"

    async def asks(self, query: str, **variables: Any) -> Answer:
        """Ask by POST, as a client that knows GraphQL's own media type."""
        return await self.posts(json.dumps({"query": query, "variables": variables}).encode())

    async def posts(self, body: bytes, **headers: str) -> Answer:
        """Send these bytes; names of headers are written with underscores."""
        sent = {"content-type": "application/json", "accept": GRAPHQL_JSON} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if "accept-language" not in sent:
            sent.setdefault("forecourt-language", self.language)
        if self.token is not None:
            sent.setdefault("authorization", f"Bearer {self.token}")
        response = await self.client.post("/graphql", content=body, headers=sent)
        return Answer(response.status_code, dict(response.headers), response.json())


@dataclass
class Portal:
    """The gateway, its clock and its people."""

    app: Starlette
    client: httpx2.AsyncClient
    clock: Clock
    settings: Settings

    @property
    def wiring(self) -> Wiring:
        """The open back ends."""
        wiring: Wiring = self.app.state.wiring
        return wiring

    @property
    def changes_overlap(self) -> bool:
        """Whether changes can be made at once; SQLite's follow one another."""
        return self.wiring.backends.directory.database == "postgresql"  # type: ignore[attr-defined, no-any-return]

    @property
    def rounds(self) -> range:
        """How often something is tried that may go either way, where changes overlap."""
        return range(50 if self.changes_overlap else 5)

    def app_without_lifespan(self) -> ASGIApp:
        """The gateway for a server that starts while it is open already."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await receive()
                await send({"type": "lifespan.startup.complete"})
                await receive()
                await send({"type": "lifespan.shutdown.complete"})
            else:
                await self.app(scope, receive, send)

        return app

    def anybody(self) -> Person:
        """Somebody who is not signed in."""
        return Person(self.client)

    async def person(self, login_name: str) -> Person:
        """Somebody signed in, without the effort of a password."""
        user_id = await self.wiring.backends.directory.user_id_of_login_name(login_name.lower())
        assert user_id is not None, f"nobody is called {login_name}"
        context = RequestContext(
            backends=self.wiring.backends, policy=self.wiring.policy, now=self.clock(), request_id="test"
        )
        return Person(self.client, (await begin_session(context, user_id)).access_token)

    async def organization_of(self, login_name: str, number: int = 0) -> str:
        """The id of somebody's organization, by its position among theirs."""
        person = await self.person(login_name)
        answer = await person.asks("{ viewer { memberships { nodes { organization { id } } } } }")
        organization: str = answer.at(f"viewer.memberships.nodes.{number}.organization.id")
        return organization

    def forget_attempts(self) -> None:
        """Let nobody have tried anything too often."""
        rate_limits = self.wiring.backends.rate_limits
        assert isinstance(rate_limits, EmbeddedRateLimits)
        rate_limits._allowed.clear()

    async def queued_mails(self, to: str | None = None) -> list[QueuedMail]:
        """The mails that have not left yet, oldest first, those to one address only if it is given."""
        items = await self.wiring.backends.directory.outbox(OutboxState.QUEUED, limit=1_000)
        seals = self.wiring.backends.seals
        return [
            QueuedMail(
                item.content["template"],
                item.content["to"],
                item.content["locale"],
                {name: _put(value, item.content["locale"]) for name, value in item.content["values"].items()},
                seals.open(item.sealed) if item.sealed is not None else None,
            )
            for item in items
            if item.kind == MAIL and to in (None, item.content["to"])
        ]

    async def deliver(self) -> int:
        """Let the worker do what is due by the portal's clock, and what follows from it; return how many items."""
        wiring = self.wiring
        return await Worker(wiring.backends, wiring.policies, wiring.work, clock=self.clock).work_off()

    async def mails(self, to: str | None = None) -> list[Message]:
        """The mails that have arrived in the local mailbox, oldest first, those to one address only if it is given."""
        assert self.wiring.mailbox is not None
        kept = await self.wiring.mailbox.mails(limit=1_000)
        return [mail.message for mail in reversed(kept) if to in (None, mail.message.to)]

    async def audit(self, *actions: str) -> list[Any]:
        """The rows of the audit log with one of these actions, oldest first."""
        async with self.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
            rows = await connection.execute(select(audit_events).order_by(audit_events.c.id))
            return [row for row in rows if row.action in actions]

    @contextmanager
    def without_shop(self) -> Iterator[None]:
        """Let every call to the shop fail, as when it is down."""
        shop = self.wiring.backends.shop
        names = [name for name in dir(type(shop)) if not name.startswith("_") and callable(getattr(type(shop), name))]

        async def fail(*_args: Any, **_more: Any) -> Any:
            raise BackendUnavailable("shop", "down for the test")

        for name in names:
            setattr(shop, name, fail)
        try:
            yield
        finally:
            for name in names:
                delattr(shop, name)

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Collect the statements sent to databases."""
        seen: list[str] = []

        def collect(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            seen.append(statement)

        event.listen(Engine, "before_cursor_execute", collect)
        try:
            yield seen
        finally:
            event.remove(Engine, "before_cursor_execute", collect)


_PATIENT = {"request_timeout_seconds": 300, "database_timeout_seconds": 60, "database_lock_timeout_seconds": 20}
"""On a machine that does ten other things as well, what takes milliseconds may take seconds."""


@asynccontextmanager
async def open_portal(
    profile: str = "solar_terminal", kind: DatabaseKind = "sqlite", **given: Any
) -> AsyncIterator[Portal]:
    """Open a gateway on a copy of the profile's demo; `given` are settings.

    No worker runs beside it: `Portal.deliver` sends what is queued when the test says so.
    """
    url = await servers.copy(kind, await template_of(profile, kind))
    try:
        async with open_portal_at(url, profile, **given) as portal:
            yield portal
    finally:
        await servers.drop(url)


@asynccontextmanager
async def open_portal_at(url: str, profile: str = "solar_terminal", **given: Any) -> AsyncIterator[Portal]:
    """Open a gateway on a database that has a profile's demo in it."""
    given = {"worker": False, "demo": True} | _PATIENT | given
    folder = tempfile.mkdtemp(prefix="forecourt-data-", dir=memory())
    clock = Clock()
    try:
        settings = read_settings({}, profile=profile, data_folder=Path(folder), database_url=url, port=80, **given)
        is_extended = bool(profile_files.load_profile(profile).extensions)
        app = create_app(settings, clock=clock, schema=None if is_extended else shared_schema())
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=True)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://portal.example") as client,
        ):
            yield Portal(app, client, clock, settings)
    finally:
        shutil.rmtree(folder)


async def template_of(profile: str, kind: DatabaseKind) -> str:
    """Return the URL of a database with a profile's demo in it, which copies are made of."""
    read = profile_files.load_profile(profile)
    key = (kind, read.key, read.demo_text, read.policy_text)
    url = _templates.get(key)
    if url is None:
        url = _templates[key] = await servers.copy(kind, None)
        await fill(url, profile)
    return url


async def fill(url: str, profile: str = "solar_terminal") -> None:
    """Migrate an empty database and load a profile's demo into it."""
    settings = read_settings({}, profile=profile, demo=True, database_url=url)
    await migrate_our_database(settings)
    await load_demo(settings, profile_files.load_profile(profile), clock=Clock())


def _put(value: Any, locale: str | None) -> Any:
    """What stands in a mail, in the words of its reader."""
    if isinstance(value, list):
        return [_put(one, locale) for one in value]
    return value if value is None or isinstance(value, str) else in_words(restored(value), reader_of([locale]))
