"""What the journeys through one's own account have in common: the worker, and signing in with a password."""

from collections.abc import Awaitable, Callable
from typing import Any

from connectors.directory.records.outbox import OutboxRecord, OutboxState
from connectors.directory.tables import mailed_tokens
from gateway.demo import DEMO_PASSWORD
from resolvers.account.credentials import CREDENTIALS_FORGET, forget_credentials
from resolvers.account.data_exports import DATA_EXPORT, make_data_export
from resolvers.context import RequestContext
from resolvers.sessions.sign_in_help import LOGIN_NAME_REMINDER, PASSWORD_RESET, send_login_names, send_password_reset
from tests.portal import Person, Portal

HANDLERS: dict[str, Callable[[RequestContext, OutboxRecord], Awaitable[None]]] = {
    PASSWORD_RESET: send_password_reset,
    LOGIN_NAME_REMINDER: send_login_names,
    DATA_EXPORT: make_data_export,
    CREDENTIALS_FORGET: forget_credentials,
}

SIGN_IN = """
mutation SignIn($name: String!, $password: String!) {
  signIn(input: { loginName: $name, password: $password }) { accessToken refreshToken errors { code } }
}
"""

PURCHASE = "purchase@helios.example"


def as_the_portal(portal: Portal) -> RequestContext:
    """The context in which the worker and scheduled tasks act."""
    return RequestContext(portal.wiring.backends, portal.wiring.policy, now=portal.clock(), request_id="worker")


async def queued(portal: Portal, *kinds: str) -> list[OutboxRecord]:
    """What waits for the worker, of these kinds."""
    items = await portal.wiring.backends.directory.outbox(OutboxState.QUEUED, limit=1_000)
    return [item for item in items if item.kind in kinds]


async def carry_out(portal: Portal, *, times: int = 1) -> int:
    """Let the worker do all that is not a mail, each so many times as if it had died afterwards; return how many."""
    items = await queued(portal, *HANDLERS)
    context = as_the_portal(portal)
    for item in items:
        for _ in range(times):
            await HANDLERS[item.kind](context, item)
        async with context.backends.directory.change() as change:
            await change.finish(item.id, now=context.now)
    return len(items)


async def signs_in(portal: Portal, name: str, password: str = DEMO_PASSWORD) -> Any:
    """The payload of signIn."""
    answer = await portal.anybody().asks(SIGN_IN, name=name, password=password)
    assert answer.errors == [], answer.errors
    return answer.at("signIn")


async def gets_in(portal: Portal, name: str, password: str) -> bool:
    """Whether somebody is let in with this name and password."""
    return (await signs_in(portal, name, password))["accessToken"] is not None


def holder_of(portal: Portal, token: str) -> Person:
    """Whoever sends this access token."""
    return Person(portal.client, token)


async def is_signed_in(person: Person) -> bool:
    """Whether the person's access token still counts."""
    return (await person.asks("{ viewer { id } }")).status == 200


async def kept_tokens(portal: Portal) -> list[Any]:
    """The rows of the table of mailed tokens."""
    async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        return list(await connection.execute(mailed_tokens.select()))
