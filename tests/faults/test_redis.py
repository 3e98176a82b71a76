"""Redis that misbehaves, seen through the whole gateway: people get in, and operators are warned."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.faults.gateways import (
    BUYER,
    DEADLINE,
    ORDERS,
    SIGN_IN,
    Ask,
    asked,
    certificates,
    each_of,
    held,
    misbehaving,
    signing_in,
    until,
)
from tests.faults.outcomes import OR, REDIS, WRONG_TYPES
from tests.faults.tcp_proxy import GARBAGE, Failure, TcpProxy, named, proxy_to
from tests.portal import Person, Portal, open_portal
from tests.servers import servers

HOST = "counts.customer.example"


@dataclass
class Behind:
    """A gateway that reaches Redis by a proxy."""

    portal: Portal
    proxy: TcpProxy
    buyer: Person

    @property
    def guessing(self) -> Ask:
        """Sign in with a wrong password."""
        return lambda: self.portal.anybody().asks(SIGN_IN, name=BUYER, password="a guess")

    async def states(self) -> tuple[str, str]:
        """What /health/ready says of the counts and the events."""
        ready = await self.portal.client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")  # whatever happens to them
        return ready.json()["backends"]["rate_limits"], ready.json()["backends"]["events"]


@pytest.fixture(scope="module")
async def behind(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Behind]:
    folder: Path = tmp_path_factory.mktemp("certificates")
    made = certificates(folder, HOST)
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("SSL_CERT_FILE", str(folder / "trusted.pem"))
        patch.setattr("connectors.events.redis.SILENCE", 0.3)
        patch.setattr("connectors.rate_limits.redis._PAUSE", 0.2)
        patch.setattr("gateway.server.health._KEPT_SECONDS", 0)
        patch.setattr("gateway.server.health._PATIENCE_SECONDS", 10)
        proxy = await stack.enter_async_context(proxy_to(urlsplit(servers.redis).port or 6379, made))
        stack.enter_context(named(HOST, proxy))
        address = f"rediss://{HOST}:{proxy.port}/0"
        portal = await stack.enter_async_context(open_portal(redis_url=address, request_timeout_seconds=DEADLINE))
        yield Behind(portal, proxy, await portal.person(BUYER))


@pytest.mark.parametrize("failure", each_of(REDIS))
async def test_people_get_in_and_everything_else_stands_while_nobody_counts(behind: Behind, failure: str) -> None:
    expected, portal = REDIS[failure], behind.portal
    await until(lambda: _is(behind, "`up`", "`up`"))
    await signing_in(portal)()
    before = held()
    behind.proxy.garbage = b"+OK\r\n" if failure == WRONG_TYPES else GARBAGE

    async with misbehaving(behind.proxy, Failure.GARBAGE if failure == WRONG_TYPES else Failure(failure)):
        seen = await asked(
            {
                "right": signing_in(portal),
                "wrong": behind.guessing,
                "query": lambda: behind.buyer.asks(ORDERS),
                "live": lambda: portal.client.get("/health/live"),
            }
        )
        await until(lambda: _is(behind, expected.rate_limits, expected.events))

    assert (seen.outcome("right"), seen.outcome("wrong")) == (expected.right, expected.wrong)
    assert seen.answers["right"].at("signIn.errors") == []
    assert [error["code"] for error in seen.answers["wrong"].at("signIn.errors")] == ["INVALID_CREDENTIALS"]
    assert (seen.outcome("query"), seen.outcome("live")) == ("`200`", "200")
    uncounted = [log["reason"] for log in seen.logs if log["event"] == "attempts not counted"]
    if OR in expected.rate_limits:
        assert set(uncounted) <= {expected.reason}
    else:
        assert uncounted == ([expected.reason] if expected.reason else [])
    assert [log for log in seen.logs if log["log_level"] == "error"] == []
    if failure in (Failure.HANGS.value, Failure.HANGS_HALF_WAY.value):  # whoever needs no counts did not wait for them
        assert set(seen.order[:2]) == {"query", "live"}
    await until(lambda: _is(behind, "`up`", "`up`"))
    await until(lambda: _is_at_rest(before))
    assert len(behind.proxy.links) <= 4  # one for events, and those that two tries at once have opened


async def _is(behind: Behind, rate_limits: str, events: str) -> bool:
    found = await behind.states()
    return f"`{found[0]}`" in rate_limits.split(OR) and f"`{found[1]}`" in events.split(OR)


async def _is_at_rest(before: int) -> bool:
    return held() <= before
