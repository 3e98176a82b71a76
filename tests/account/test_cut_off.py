"""A change of a password, cut off anywhere: afterwards all of it has happened, or nothing.

Each mutation is cut off at its first wait, at its second, and so on to its last, on each database. Then the worker
runs, or somebody tries the passwords before it does; what the two back ends say has to agree.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import pytest
from sqlalchemy import ColumnElement, Select, func, literal, select

from connectors.directory.records.accounts import MailedTokenPurpose, MailedTokenRecord
from connectors.directory.records.outbox import OutboxState
from connectors.directory.tables import (
    audit_events,
    invitations,
    mailed_tokens,
    memberships,
    outbox,
    registrations,
    sessions,
    users,
)
from connectors.identity.embedded import credentials
from gateway.demo import DEMO_PASSWORD
from resolvers.account.credentials import CREDENTIALS_SET, verified_version
from resolvers.account.email_changes import confirm_email_change
from resolvers.account.passwords import change_password, reset_password
from resolvers.context import RequestContext
from resolvers.invitations.acceptance import Acceptance, accept
from resolvers.one_time_tokens import hash_of
from resolvers.registrations.commands import confirm_registration
from resolvers.sessions.commands import begin_session
from tests.account.own_account import PURCHASE
from tests.cut_off import is_cut_off
from tests.invitations.inviting import invited
from tests.portal import Portal
from tests.registrations.registering import registers_privately, token_of

MOST_STEPS = 1_000
"""Nothing here waits so often."""


@dataclass(frozen=True)
class Trial:
    """A mutation to be cut off: what it counts up by one if it is made, who it is about, and their passwords.

    `old` is None for a new account, `new` for a mutation that sets no password.
    """

    command: Coroutine[Any, Any, Any]
    counts: Sequence[Select[Any]]
    name: str
    old: str | None
    new: str | None


def asking(portal: Portal) -> RequestContext:
    """A request of somebody whom nobody knows yet, and who has not tried too often."""
    portal.forget_attempts()
    return RequestContext(portal.wiring.backends, portal.wiring.policy, now=portal.clock(), request_id="cut off")


def rows(column: Any, *where: ColumnElement[bool]) -> Select[Any]:
    """How many rows of a table there are in which the column has a value."""
    return select(func.count(column)).where(*where)


def over(link: MailedTokenRecord) -> Select[Any]:
    """1 when a link was used, or voided and forgotten; 0 while it counts."""
    return select(literal(1) - func.count()).where(mailed_tokens.c.hash == link.hash, mailed_tokens.c.used_at.is_(None))


def audited(action: str) -> Select[Any]:
    """How many rows of the audit log there are for an action."""
    return rows(audit_events.c.id, audit_events.c.action == action)


def mailed(template: str) -> Select[Any]:
    """How many mails there are of a kind, sent or not."""
    return rows(outbox.c.id, outbox.c.content.contains(f'"template":"{template}"'))


async def counted(portal: Portal, counts: Sequence[Select[Any]]) -> list[Any]:
    """What the counts are now."""
    engine = portal.wiring.backends.directory._engine  # type: ignore[attr-defined]
    async with engine.connect() as connection:
        found = [await connection.execute(count) for count in counts]
        return [one.scalar_one() for one in found]


async def of_a_person(portal: Portal, number: int, old: str, action: str) -> Trial:
    """A change of somebody's password, who has a link for it in a mail, and a session on another device."""
    directory, new = portal.wiring.backends.directory, f"grünes Fahrrad im Regen {number}"
    id = await directory.user_id_of_login_name(PURCHASE)
    assert id is not None
    now, token = portal.clock(), f"token {number}"
    link = MailedTokenRecord(hash_of(token), MailedTokenPurpose.PASSWORD_RESET, id, None, now, now + timedelta(hours=1))
    async with directory.change() as change:
        await change.end_sessions(id, now)
        await change.add_mailed_token(link)
    await begin_session(asking(portal), id)
    counts = [
        over(link),
        rows(sessions.c.ended_at),
        audited(action),
        mailed("password_changed"),
    ]
    here = asking(portal)
    if action == "password.reset":
        return Trial(reset_password(here, token, new), [*counts, rows(sessions.c.id)], PURCHASE, old, new)
    await begin_session(here, id)
    return Trial(change_password(here, old, new), counts, PURCHASE, old, new)


async def reset(portal: Portal, number: int, old: str) -> Trial:
    """`resetPassword`."""
    return await of_a_person(portal, number, old, "password.reset")


async def change(portal: Portal, number: int, old: str) -> Trial:
    """`changePassword`."""
    return await of_a_person(portal, number, old, "password.change")


async def acceptance(portal: Portal, number: int, _old: str) -> Trial:
    """`acceptInvitation` by somebody without an account."""
    email, new = f"nina.neu.{number}@elsewhere.example", "grünes Fahrrad im Regen"
    _, token = await invited(portal, email)
    accepted = Acceptance(token, "Nina", "Neu", "de", new, accepts_terms=True)
    counts = [
        rows(users.c.id, users.c.email_verified, users.c.email == email),
        rows(memberships.c.id, memberships.c.status == "ACTIVE"),
        rows(invitations.c.id, invitations.c.status == "ACCEPTED"),
        audited("account.create"),
        rows(sessions.c.id),
    ]
    return Trial(accept(asking(portal), accepted), counts, email, None, new)


async def confirmation(portal: Portal, number: int, _old: str) -> Trial:
    """`confirmRegistration`."""
    email, new = f"zoe.{number}@privat.example", "grünes Fahrrad im Regen"
    asking(portal)
    assert (await registers_privately(portal.anybody(), email=email))["errors"] == []
    token = await token_of(portal, email)
    counts = [
        rows(users.c.id),
        rows(registrations.c.id, registrations.c.status == "APPROVED"),
        audited("registration.confirm"),
        rows(sessions.c.id),
    ]
    return Trial(confirm_registration(asking(portal), token, new), counts, email, None, new)


async def another_address(portal: Portal, number: int, _old: str) -> Trial:
    """`confirmEmailChange`, which changes the directory alone."""
    directory, name = portal.wiring.backends.directory, f"number.{number}@helios.example"
    (id,) = await counted(portal, [select(users.c.id).where(users.c.first_name == "Jörg", users.c.last_name == "Weiß")])
    now, token = portal.clock(), f"token {number}"
    link = MailedTokenRecord(hash_of(token), MailedTokenPurpose.EMAIL_CHANGE, id, name, now, now + timedelta(hours=1))
    async with directory.change() as change:
        await change.add_mailed_token(link)
    counts = [
        rows(mailed_tokens.c.used_at, mailed_tokens.c.hash == link.hash),
        rows(users.c.id, users.c.email == name),
        audited("email.change"),
    ]
    return Trial(confirm_email_change(asking(portal), token), counts, name, None, None)


STORED = rows(credentials.c.user_id)

TRIALS: dict[str, Callable[..., Any]] = {
    "resetPassword": reset,
    "changePassword": change,
    "acceptInvitation": acceptance,
    "confirmRegistration": confirmation,
    "confirmEmailChange": another_address,
}


@pytest.mark.parametrize(
    ("mutation", "first"),
    [
        *(
            pytest.param(mutation, "worker", marks=pytest.mark.slow)
            for mutation in TRIALS
            if mutation != "changePassword"
        ),
        ("changePassword", "worker"),
        pytest.param("resetPassword", "sign-in", marks=pytest.mark.slow),
        pytest.param("changePassword", "sign-in", marks=pytest.mark.slow),
    ],
)
async def test_a_change_of_a_password_that_is_cut_off_anywhere_is_made_in_whole_or_not_at_all(
    each_portal: Portal, mutation: str, first: Literal["worker", "sign-in"]
) -> None:
    portal, old, outcomes = each_portal, DEMO_PASSWORD, []
    directory = portal.wiring.backends.directory

    for step in range(1, MOST_STEPS):
        trial = await TRIALS[mutation](portal, step, old)
        before = await counted(portal, trial.counts)
        stored_before = await counted(portal, [STORED])
        is_cut = await is_cut_off(trial.command, step)

        portal.clock.move(timedelta(minutes=1))
        if first == "worker":
            await portal.deliver()
        id = await directory.user_id_of_login_name(trial.name)
        opens = {
            password: await verified_version(asking(portal), id, password) is not None
            for password in (trial.old, trial.new)
            if password is not None
        }
        if first == "sign-in":
            await portal.deliver()

        changes = [now - then for now, then in zip(await counted(portal, trial.counts), before, strict=True)]
        is_made = changes[0] == 1
        assert changes == [int(is_made)] * len(changes), step
        assert opens == {password: is_made is (password == trial.new) for password in opens}, step
        if trial.old is None:  # nothing is kept of people who never came to be
            stored = [now - then for now, then in zip(await counted(portal, [STORED]), stored_before, strict=True)]
            assert stored == [int(is_made and trial.new is not None)], step
        outcomes.append(is_made)
        if not is_cut:
            break
        if is_made and trial.new is not None:
            old = trial.new

    assert (outcomes[0], is_made, is_cut) == (False, True, False)
    assert await directory.outbox(OutboxState.DEAD, limit=1) == []
    sealed = [rows(outbox.c.sealed), rows(outbox.c.id, outbox.c.state == "QUEUED", outbox.c.kind == CREDENTIALS_SET)]
    assert await counted(portal, sealed) == [0, 0]
