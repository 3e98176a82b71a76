"""A mail server that misbehaves, seen through the whole gateway: nobody waits, nothing is lost, nothing comes twice."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from connectors.directory.records.outbox import OutboxState
from connectors.mail.smtp import SmtpMailer
from tests.faults.gateways import (
    ADMINISTRATOR,
    DEADLINE,
    INVITE,
    Asked,
    asked,
    certificates,
    each_of,
    held,
    misbehaving,
)
from tests.faults.gateways import until as until_so
from tests.faults.outcomes import LEAVE, OR, SMTP, WAIT
from tests.faults.tcp_proxy import Failure, TcpProxy, named, proxy_to
from tests.mail import smtp
from tests.portal import Person, Portal, open_portal

HOST = "mail.customer.example"


@dataclass
class Behind:
    """A gateway whose mails go to a server by a proxy, one after another, so that their order shows."""

    portal: Portal
    proxy: TcpProxy
    server: smtp.MailServer
    administrator: Person
    organization: str

    async def ask(self, addresses: list[str]) -> Asked:
        """Invite these people, one after another."""
        seen = Asked()
        for address in addresses:
            variables = {"organization": self.organization, "key": secrets.token_hex(4), "email": address}
            one = await asked({address: partial(self.administrator.asks, INVITE, **variables)})
            seen.answers |= one.answers
        return seen


@pytest.fixture(scope="module")
async def behind(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Behind]:
    folder: Path = tmp_path_factory.mktemp("certificates")
    made = certificates(folder, HOST)
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("SSL_CERT_FILE", str(folder / "trusted.pem"))
        patch.setattr("gateway.server.health._KEPT_SECONDS", 0)
        patch.setattr("connectors.mail.smtp._ASK_AGAIN_AFTER", -1)
        patch.setattr("gateway.worker.MOST_OF_A_KIND", 1)
        patch.setitem(SmtpMailer.__init__.__kwdefaults__, "seconds", 2.0)
        server = await stack.enter_async_context(smtp.mail_server())
        proxy = await stack.enter_async_context(proxy_to(server.port, made))
        stack.enter_context(named(HOST, proxy))
        settings = {"smtp_url": f"smtps://{HOST}:{proxy.port}", "mail_from": "noreply@portal.example"}
        portal = await stack.enter_async_context(
            open_portal(public_url="https://portal.example", request_timeout_seconds=DEADLINE, **settings)
        )
        administrator = await portal.person(ADMINISTRATOR)
        yield Behind(portal, proxy, server, administrator, await portal.organization_of(ADMINISTRATOR))


@pytest.mark.parametrize("failure", each_of(SMTP))
async def test_mails_wait_and_leave_once_in_their_order_and_nobody_waits_for_them(behind: Behind, failure: str) -> None:
    expected, portal, server = SMTP[failure], behind.portal, behind.server
    addresses = [f"{secrets.token_hex(4)}@elsewhere.example" for _ in range(4)]
    before = held()
    server.mails.clear()

    async with misbehaving(behind.proxy, Failure(failure)):
        seen = await behind.ask(addresses)
        delivery = await asked(
            {
                "ready": lambda: portal.client.get("/health/ready"),
                "deliver": partial(_deliver, behind),
                "query": lambda: behind.administrator.asks("{ viewer { user { displayName } } }"),
            }
        )
    waiting = await portal.wiring.backends.directory.outbox(OutboxState.QUEUED, limit=100)
    left = len(server.mails)

    assert set(map(seen.outcome, addresses)) == {expected.change}
    ready = delivery.answers["ready"]
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert f"`{ready.json()['backends']['mail']}`" in expected.ready.split(OR)
    assert delivery.outcome("query") == "`200`"
    if "hangs" in failure:
        assert delivery.order.index("query") < delivery.order.index("deliver")
    warned = {log["reason"] for log in delivery.logs if log["event"] == "outbox waits"}
    if expected.mails == WAIT:
        assert (len(waiting), left) == (4, 0)
        assert warned == {f"mail: {expected.reason}"}
        assert {item.attempts for item in waiting} == {0}
        assert {item.last_error for item in waiting} == {f"mail: {expected.reason}", None}  # one was tried for all
    elif expected.mails == LEAVE:
        assert (len(waiting), left, warned) == (0, 4, set())
    else:
        assert len(waiting) + left == 4
        assert warned <= {f"mail: {expected.reason}"}

    portal.clock.move(timedelta(minutes=1))
    await portal.deliver()
    assert [mail["To"] for mail in server.mails] == addresses
    await until_so(lambda: _is_at_rest(before))
    assert behind.proxy.links == set()


async def _deliver(behind: Behind) -> object:
    await behind.portal.deliver()
    return await behind.portal.client.get("/health/live")


async def _is_at_rest(before: int) -> bool:
    return held() <= before
