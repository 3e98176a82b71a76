"""A gateway that is killed again and again while people invite others, and a mail server that misbehaves meanwhile.

What must be true afterwards: whatever was acknowledged is stored, nothing is stored twice, every invitation has its
mail, and a mail that came twice has the same Message-ID.
"""

import asyncio
import os
import random
import signal
import socket
import sys
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from typing import Any, Literal

import httpx2
from aiosmtpd.controller import Controller
from sqlalchemy import select

from connectors.database.engine import AsyncEngine, open_database
from connectors.directory.tables import audit_events, invitations, memberships, outbox
from gateway.cli.token import token_for
from gateway.demo.loading import load_demo
from gateway.profile_files import load_profile
from gateway.settings import Settings
from gateway.settings_sources import read_settings
from gateway.wiring import migrate_our_database, utc_now
from tests.servers import PATIENT, DatabaseKind, servers

PROFILE = "solar_terminal"
ADMINISTRATORS = ("administration@helios.example", "administration@lumen.example")

INVITE = """
mutation Invite($input: InviteMembersInput!) {
  inviteMembers(input: $input) { results { invitation { id } errors { code } } errors { code message } }
}
"""

Failure = Literal["none", "refuses", "hangs", "drops"]


class Mailboxes:
    """A mail server on 127.0.0.1 that keeps what it took, and fails in any way that it should."""

    def __init__(self) -> None:
        self.failure: Failure = "none"
        self.message_ids: dict[str, list[str]] = defaultdict(list)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802  as aiosmtpd calls it
        """Refuse for the time being, or never answer, when that is the failure."""
        if self.failure == "refuses":
            return "451 Try again later"
        if self.failure == "hangs":
            await asyncio.sleep(3600)
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  as aiosmtpd calls it
        """Keep the mail; then, when that is the failure, hang up without a word."""
        for recipient in envelope.rcpt_tos:
            self.message_ids[recipient].append(str(message_from_bytes(envelope.content)["Message-ID"]))
        if self.failure == "drops":
            server.transport.abort()
        return "250 OK"

    def start(self) -> None:
        """Listen."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop(no_assert=True)


@dataclass
class Figures:
    """What was done and what was found: acknowledged invitations by address, and everything that is not right."""

    kills: int = 0
    acknowledged: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    retries: int = 0
    problems: list[str] = field(default_factory=list)
    mails_twice: int = 0


class Stage:
    """The gateway in a process of its own, the mail server, and the people who invite."""

    def __init__(self, settings: Settings, folder: Path, engine: AsyncEngine, mail: Mailboxes, port: int) -> None:
        self.figures = Figures()
        self.mail = mail
        self._settings = settings
        self._folder = folder
        self._engine = engine
        self._address = f"http://127.0.0.1:{port}"
        self._port = port
        self._process: asyncio.subprocess.Process | None = None
        self._client = httpx2.AsyncClient(timeout=60)
        self._chance = random.Random(11)

    async def start(self) -> None:
        """Start the gateway as an operator would and wait until it answers."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FORECOURT_")}
        environment |= {
            "FORECOURT_PROFILE": PROFILE,
            "FORECOURT_DATABASE_URL": self._settings.database,
            "FORECOURT_DATA_FOLDER": str(self._folder),
            "FORECOURT_PUBLIC_URL": "http://portal.example",
            "FORECOURT_ACCESS_TOKEN_MINUTES": "60",
            "FORECOURT_SMTP_URL": f"smtp+plain://127.0.0.1:{self.mail.port}",
        }
        with (self._folder / "gateway.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway", "serve", "--port", str(self._port),
                env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
        async with asyncio.timeout(120):
            while True:
                with suppress(httpx2.HTTPError):
                    if (await self._client.get(f"{self._address}/health/live")).status_code == 200:
                        return
                if self._process.returncode is not None:
                    raise RuntimeError((self._folder / "gateway.log").read_text())
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """End the gateway in the middle of whatever it does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        self.figures.kills += 1

    async def close(self) -> None:
        """Stop what was started."""
        await self._client.aclose()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def people(self) -> list[tuple[str, str]]:
        """Those who invite: an access token and the id of their organization."""
        found = []
        for login_name in ADMINISTRATORS:
            token = await token_for(self._settings, login_name, clock=utc_now)
            answer = await self._client.post(
                f"{self._address}/graphql",
                json={"query": "{ viewer { defaultOrganization { id } } }"},
                headers={"authorization": f"Bearer {token}"},
            )
            found.append((token, answer.json()["data"]["viewer"]["defaultOrganization"]["id"]))
        return found

    async def invite(self, token: str, organization_id: str, email: str) -> None:
        """Invite somebody, and send the same request again until it is acknowledged."""
        body = {
            "query": INVITE,
            "variables": {
                "input": {
                    "organizationId": organization_id,
                    "invitees": [{"email": email, "roleKeys": ["planning"]}],
                    "idempotencyKey": str(uuid.uuid4()),
                }
            },
        }
        async with asyncio.timeout(300):
            while True:
                began = time.perf_counter()
                with suppress(httpx2.HTTPError):
                    response = await self._client.post(
                        f"{self._address}/graphql", json=body, headers={"authorization": f"Bearer {token}"}
                    )
                    if response.status_code == 200:
                        self.figures.seconds.append(time.perf_counter() - began)
                        payload = (response.json()["data"] or {}).get("inviteMembers")
                        if payload is not None and not payload["errors"]:
                            (result,) = payload["results"]
                            if result["invitation"] is None:
                                self.figures.problems.append(f"{email}: refused with {result['errors']}")
                            else:
                                self.figures.acknowledged[email] = result["invitation"]["id"]
                            return
                        if payload is not None and payload["errors"][0]["code"] != "RATE_LIMITED":
                            self.figures.problems.append(f"{email}: refused with {payload['errors']}")
                            return
                self.figures.retries += 1
                await asyncio.sleep(self._chance.uniform(0.02, 0.1))

    async def keep_inviting(self, number: int, token: str, organization_id: str, stop: asyncio.Event) -> None:
        """Invite one person after the other until it is enough."""
        count = 0
        while not stop.is_set():
            count += 1
            await self.invite(token, organization_id, f"guest{number}.{count}@guests.example")

    async def mails_left(self, patience: float = 120) -> None:
        """Wait until nothing is to be sent any more."""
        deadline = time.monotonic() + patience
        waiting = select(outbox.c.id).where(outbox.c.state == "QUEUED").limit(1)
        while time.monotonic() < deadline:
            async with self._engine.connect() as connection:
                if (await connection.execute(waiting)).first() is None:
                    return
            await asyncio.sleep(0.2)
        self.figures.problems.append("mails still wait")

    async def compare(self) -> None:
        """Compare what is stored and what was mailed with what was acknowledged."""
        problems = self.figures.problems
        async with self._engine.connect() as connection:
            rows = (await connection.execute(select(invitations).where(invitations.c.email.like("guest%")))).all()
            members = Counter((await connection.execute(select(memberships.c.id))).scalars())
            audited = Counter((await connection.execute(select(audit_events.c.subject_id))).scalars())
            dead = (await connection.execute(select(outbox.c.last_error).where(outbox.c.state == "DEAD"))).all()
        problems.extend(f"given up: {row[0]}" for row in dead)
        by_address = defaultdict(list)
        for row in rows:
            by_address[row.email].append(row)
            if members[row.membership_id] != 1:
                problems.append(f"{row.email}: has no membership")
            if not audited[row.id]:
                problems.append(f"{row.email}: is not on record")
            sent = self.mail.message_ids.get(row.email, [])
            if not sent:
                problems.append(f"{row.email}: got no mail")
            if len(set(sent)) > 1:
                problems.append(f"{row.email}: got several mails: {sent}")
            self.figures.mails_twice += len(sent) > 1
        for email, id in self.figures.acknowledged.items():
            if [row.id for row in by_address[email]] != [id]:
                problems.append(f"{email}: {id} was acknowledged, {[row.id for row in by_address[email]]} are stored")
        problems.extend(f"{email}: stored {len(found)} times" for email, found in by_address.items() if len(found) != 1)
        problems.extend(f"{email}: mailed and not stored" for email in self.mail.message_ids if email not in by_address)


@asynccontextmanager
async def stage(kind: DatabaseKind) -> AsyncIterator[Stage]:
    """Give the stage with the demo organization on it; what it started is gone afterwards."""
    url = await servers.copy(kind, None)
    with tempfile.TemporaryDirectory(prefix="forecourt-kills-") as name, socket.socket() as probe:
        folder = Path(name)
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        probe.close()
        settings = read_settings(
            {},
            profile=PROFILE,
            database_url=url,
            data_folder=folder,
            public_url="http://portal.example",
            access_token_minutes=60,
        )
        await migrate_our_database(settings)
        await load_demo(settings, load_profile(PROFILE), clock=utc_now)
        engine, mail = open_database(url, PATIENT), Mailboxes()
        mail.start()
        found = Stage(settings, folder, engine, mail, port)
        try:
            await found.start()
            yield found
        finally:
            await found.close()
            mail.stop()
            await engine.dispose()
    await servers.drop(url)


async def killed(kind: DatabaseKind, rounds: int) -> Figures:
    """Kill the gateway so many times while people invite and send again what was not acknowledged."""
    async with stage(kind) as live:
        stop, chance = asyncio.Event(), random.Random(5)
        people = await live.people()
        async with asyncio.TaskGroup() as clients:
            for number in range(6):
                token, organization_id = people[number % len(people)]
                clients.create_task(live.keep_inviting(number, token, organization_id, stop))
            for _ in range(rounds):
                await asyncio.sleep(chance.uniform(0.1, 0.6))
                await live.kill()
                await live.start()
            await asyncio.sleep(0.5)
            stop.set()
        await live.mails_left()
        await live.compare()
        return live.figures


async def without_mail(kind: DatabaseKind, invitations_each: int) -> Figures:
    """Invite while the mail server refuses, hangs and drops connections; then let it heal."""
    async with stage(kind) as live:
        token, organization_id = (await live.people())[0]
        failures: tuple[Failure, ...] = ("refuses", "hangs", "drops")
        for failure in failures:
            live.mail.failure = failure
            for number in range(invitations_each):
                await live.invite(token, organization_id, f"guest{failure}{number}@guests.example")
            await asyncio.sleep(1)
        live.mail.failure = "none"
        await live.mails_left(patience=180)
        await live.compare()
        return live.figures
