"""A whole gateway behind a proxy that misbehaves: who asks it meanwhile, and what it must not give away or keep."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.demo import DEMO_PASSWORD
from tests.faults.tcp_proxy import Failure, TcpProxy
from tests.logs import capture_logs
from tests.mail.smtp import certificate_in
from tests.portal import Answer, Portal

BUYER, ADMINISTRATOR = "purchase@helios.example", "administration@helios.example"
ORDERS = "{ viewer { user { displayName } defaultOrganization { name orders(first: 1) { totalCount } } } }"
SIGN_IN = """
mutation SignIn($name: String!, $password: String!) {
  signIn(input: { loginName: $name, password: $password }) { accessToken errors { code } }
}
"""
INVITE = """
mutation Invite($organization: ID!, $key: String!, $email: EmailAddress!) {
  inviteMembers(
    input: {
      organizationId: $organization, idempotencyKey: $key, invitees: [{ email: $email, roleKeys: ["purchase"] }]
    }
  ) { results { errors { code } } errors { code } }
}
"""
LANGUAGES = ("en", "de", "fr")

DEADLINE = 6.0
"""The `request_timeout_seconds` of every gateway here."""

LONGEST = 5 * DEADLINE
"""Seconds after which a test gives up on an answer: on a busy machine everything takes longer than it should."""

NEVER_SHOWN = (
    "hunter2",
    "SELECT",
    "asyncpg",
    "sqlalchemy",
    "redis",
    "smtp",
    "Traceback",
    "Error",
    "Errno",
    ".example:",
)
"""What no answer may say while something is away: how it is called, where it is, what it said."""

Ask = Callable[[], Awaitable[Any]]


@dataclass
class Asked:
    """What was answered by name, in which order, and what the log said meanwhile."""

    answers: dict[str, Any] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    logs: list[dict[str, Any]] = field(default_factory=list)

    def outcome(self, name: str) -> str:
        """The status and the codes of an answer, as a table for people has them."""
        return outcome_of(self.answers[name])

    @property
    def warnings(self) -> set[str]:
        """What operators are warned of."""
        return {log["event"] for log in self.logs if log["log_level"] not in ("debug", "info")}


async def asked(asks: Mapping[str, Ask]) -> Asked:
    """Ask all of it at once; fails where somebody is not answered, or where an answer gives something away."""
    seen = Asked()

    async def ask(name: str, of: Ask) -> None:
        seen.answers[name] = await of()
        seen.order.append(name)

    with capture_logs() as seen.logs:
        async with asyncio.timeout(LONGEST):
            await asyncio.gather(*(ask(name, of) for name, of in asks.items()))
    for name, answer in seen.answers.items():
        shown = json.dumps(answer.body) if isinstance(answer, Answer) else answer.text
        assert [word for word in NEVER_SHOWN if word in shown] == [], (name, shown)
    return seen


def each_of(table: Iterable[str]) -> list[Any]:
    """The failures of a table; of those that are waited for alike, `make test` tries one."""
    slow = (Failure.HANGS_HALF_WAY.value, Failure.SLOW.value)
    return [pytest.param(one, marks=[pytest.mark.slow] if one in slow else []) for one in table]


def outcome_of(answer: Any) -> str:
    """The status of an answer and the codes of its errors, by the path of each."""
    if not isinstance(answer, Answer):
        return str(answer.status_code)
    codes = [f"`{code}`" + (f" at `{path}`" if path else "") for path, code in sorted(answer.codes.items())]
    return " ".join([f"`{answer.status}`", *codes]) if codes else f"`{answer.status}`"


def signing_in(portal: Portal, name: str = BUYER) -> Ask:
    """Sign in with the demo's password."""
    return lambda: portal.anybody().asks(SIGN_IN, name=name, password=DEMO_PASSWORD)


def certificates(folder: Path, host: str) -> tuple[Any, Any]:
    """Make a valid and an expired certificate for a host; both are trusted by `trusted.pem` in the folder."""
    made = []
    for name in ("valid", "expired"):
        (folder / name).mkdir()
        made.append(certificate_in(folder / name, host, is_expired=name == "expired"))
    both = [(folder / name / "certificate.pem").read_bytes() for name in ("valid", "expired")]
    (folder / "trusted.pem").write_bytes(b"".join(both))
    return made[0], made[1]


@asynccontextmanager
async def misbehaving(proxy: TcpProxy, failure: Failure) -> AsyncIterator[None]:
    """Let the proxy do this within the block."""
    await proxy.misbehave(failure)
    try:
        yield
    finally:
        await proxy.behave()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds, which is asked again and again as from outside."""
    async with asyncio.timeout(LONGEST):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def held() -> int:
    """How many tasks there are in this process besides those of proxies."""
    return sum(
        1 for task in asyncio.all_tasks() if not getattr(task.get_coro(), "__qualname__", "").startswith("TcpProxy.")
    )
