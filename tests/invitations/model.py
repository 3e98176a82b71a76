"""A small model of invitations and the memberships they give, and the portal that has to do as the model says."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from connectors.directory.records.access import GrantKind
from connectors.directory.records.audit import Author
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.ids import MembershipId, OrganizationId, UserId, new_id
from connectors.rate_limits.embedded import EmbeddedRateLimits
from connectors.rate_limits.interface import Backoff, Limit
from connectors.values import AccountKind
from resolvers.audit import recorded
from resolvers.context import RequestContext
from resolvers.invitations.sent import expire_invitations
from tests.portal import Person, Portal

WEEK = timedelta(days=7)
ORGANIZATIONS, ADDRESSES = 2, 3
PORTAL = Author(None, "model")

_INVITE = """
mutation I($input: InviteMembersInput!) {
  inviteMembers(input: $input) {
    results { invitation { id } membership { id status } errors { code } } errors { code }
  }
}
"""
_RESEND = "mutation R($id: ID!) { resendInvitation(input: { id: $id }) { errors { code } } }"
_REVOKE = "mutation R($id: ID!) { revokeInvitation(input: { id: $id }) { errors { code } } }"
_DECLINE = "mutation D($token: String!) { declineInvitation(input: { token: $token }) { errors { code } } }"
_ACCEPT = """
mutation A($token: String!) {
  acceptInvitation(input: {
    token: $token, firstName: "A", lastName: "B", password: "correct horse battery", acceptTerms: true
  }) { membership { status } errors { code } }
}
"""

_USED = {
    "ACCEPTED": "INVITATION_ALREADY_USED",
    "DECLINED": "INVITATION_ALREADY_USED",
    "REVOKED": "INVITATION_REVOKED",
    "EXPIRED": "INVITATION_EXPIRED",
}


class Unlimited(EmbeddedRateLimits):
    """Lets everybody try as often as they like."""

    async def hit(self, key: str, limit: Limit | Backoff) -> float | None:
        """Count nothing."""
        return None


@dataclass
class Sent:
    """The last invitation for an address in an organization."""

    id: str
    token: str
    role: str
    expires_at: datetime
    status: str = "PENDING"


@dataclass
class Invitee:
    """An address in an organization: the membership it has there, what is granted, and its invitations."""

    membership: str | None = None
    role: str | None = None
    last: Sent | None = None
    spent: list[tuple[str, str]] = field(default_factory=list)
    """Tokens of mails before the last, each with the code that it is refused with."""


@dataclass
class World:
    """Two organizations with an administrator each, and three addresses: two with an account, one without."""

    portal: Portal
    organizations: list[OrganizationId]
    administrators: list[str]
    addresses: list[str]
    accounts: set[str]
    invitees: dict[tuple[int, int], Invitee]
    done: Counter[str] = field(default_factory=Counter)
    mails: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    signed_in: dict[str, Person] = field(default_factory=dict)
    """Who is signed in until time passes, when their tokens end."""

    def now_of(self, sent: Sent) -> str:
        """Where the invitation stands now."""
        expired = sent.status == "PENDING" and sent.expires_at <= self.portal.clock.now
        return "EXPIRED" if expired else sent.status

    async def administrator(self, organization: int) -> Person:
        """The organization's administrator, signed in now."""
        return await self.person(self.administrators[organization])

    async def person(self, email: str) -> Person:
        """Somebody, signed in since time passed."""
        if email not in self.signed_in:
            self.signed_in[email] = await self.portal.person(email)
        return self.signed_in[email]

    async def token_for(self, address: int) -> str:
        """The token of the last mail to the address."""
        token = (await self.portal.queued_mails(self.addresses[address]))[-1].token
        assert token is not None
        return token


async def new_world(portal: Portal) -> World:
    """Two organizations and three addresses that no world had before."""
    object.__setattr__(portal.wiring.backends, "rate_limits", Unlimited())
    async with portal.wiring.backends.directory._engine.begin() as connection:  # type: ignore[attr-defined]
        await connection.execute(text("DELETE FROM outbox"))
    tag = new_id("w")[-20:]
    organizations = [OrganizationId(new_id("org")) for _ in range(ORGANIZATIONS)]
    addresses = [f"a{number}.{tag}@world.example" for number in range(ADDRESSES)]
    administrators = [f"admin{number}.{tag}@world.example" for number in range(ORGANIZATIONS)]
    world = World(portal, organizations, administrators, addresses, set(addresses[1:]), {})
    async with portal.wiring.backends.directory.change() as change:
        for organization in organizations:
            await change.add_organization(_organization(organization))
        people = {email: _person(email, portal.clock.now) for email in (*administrators, *addresses[1:])}
        for person in people.values():
            await change.add_user(person)
        for number, organization in enumerate(organizations):
            membership_id = await _enter(change, people[administrators[number]], organization)
            await recorded.give(
                change, membership_id, GrantKind.ROLE, "administration", until=None, by=PORTAL, now=portal.clock.now
            )
        colleague = await _enter(change, people[addresses[2]], organizations[0])
        await recorded.give(change, colleague, GrantKind.ROLE, "planning", until=None, by=PORTAL, now=portal.clock.now)
    world.invitees = {
        (organization, address): Invitee() for organization in range(ORGANIZATIONS) for address in range(ADDRESSES)
    }
    world.invitees[0, 2] = Invitee("ACTIVE", "planning")
    return world


async def invite(world: World, organization: int, address: int, role: str) -> None:
    """The administrator invites the address, and sends the request twice."""
    invitee, world.calls = world.invitees[organization, address], world.calls + 1
    asked = {
        "organizationId": world.organizations[organization],
        "invitees": [{"email": world.addresses[address].upper(), "roleKeys": [role]}],
        "idempotencyKey": f"key {world.calls}",
    }
    administrator = await world.administrator(organization)
    answers = [(await administrator.asks(_INVITE, input=asked)).at("inviteMembers") for _ in range(2)]
    assert answers[0] == answers[1]
    (result,) = answers[0]["results"]
    code = next((error["code"] for error in result["errors"]), None)
    if invitee.membership in ("ACTIVE", "SUSPENDED"):
        assert code == "ALREADY_MEMBER"
        return
    if invitee.last is not None and world.now_of(invitee.last) == "PENDING":
        assert code == "ALREADY_INVITED"
        return
    assert code is None
    if invitee.last is not None:
        if invitee.last.status == "PENDING":
            world.done["invitation.expire"] += 1
        invitee.spent.append((invitee.last.token, _USED[world.now_of(invitee.last)]))
    invitee.membership, invitee.role = "INVITED", role
    # Mails go to the address as it was written.
    token = (await world.portal.queued_mails(world.addresses[address].upper()))[-1].token
    assert token is not None
    invitee.last = Sent(result["invitation"]["id"], token, role, world.portal.clock.now + WEEK)
    world.done["invitation.create"] += 1
    world.mails["invitation"] += 1


async def resend(world: World, organization: int, address: int, _role: str) -> None:
    """The administrator sends the last invitation again."""
    invitee = world.invitees[organization, address]
    if invitee.last is None:
        return
    code = await _code(await world.administrator(organization), _RESEND, id=invitee.last.id)
    status = world.now_of(invitee.last)
    if status not in ("PENDING", "EXPIRED"):
        assert code == _USED[status]
        return
    assert code is None
    invitee.spent.append((invitee.last.token, "TOKEN_INVALID"))
    token = (await world.portal.queued_mails(world.addresses[address].upper()))[-1].token
    assert token is not None
    invitee.last = Sent(invitee.last.id, token, invitee.last.role, world.portal.clock.now + WEEK)
    invitee.membership, invitee.role = "INVITED", invitee.last.role
    world.done["invitation.resend"] += 1
    world.mails["invitation"] += 1


async def revoke(world: World, organization: int, address: int, _role: str) -> None:
    """The administrator takes the last invitation back."""
    invitee = world.invitees[organization, address]
    if invitee.last is not None:
        code = await _code(await world.administrator(organization), _REVOKE, id=invitee.last.id)
        _ends(world, invitee, code, "REVOKED")


async def decline(world: World, organization: int, address: int, _role: str) -> None:
    """The invited person declines."""
    invitee = world.invitees[organization, address]
    if invitee.last is not None:
        code = await _code(world.portal.anybody(), _DECLINE, token=invitee.last.token)
        if _ends(world, invitee, code, "DECLINED"):
            world.mails["invitation_declined"] += 1


async def accept(world: World, organization: int, address: int, role: str) -> None:
    """The invited person accepts; signed in when they have an account and `role` is planning."""
    invitee, email = world.invitees[organization, address], world.addresses[address]
    if invitee.last is None:
        return
    is_signed_in = role == "planning" and email in world.accounts
    person = await world.person(email) if is_signed_in else world.portal.anybody()
    code = await _code(person, _ACCEPT, token=invitee.last.token)
    status = world.now_of(invitee.last)
    if status != "PENDING":
        assert code == _USED[status]
    elif invitee.membership != "INVITED":  # somebody ended the membership in another way
        assert code == "INVITATION_REVOKED"
    else:
        assert code is None
        invitee.membership, invitee.last.status = "ACTIVE", "ACCEPTED"
        world.accounts.add(email)
        world.done["invitation.accept"] += 1


async def accept_with_spent_tokens(world: World, organization: int, address: int, _role: str) -> None:
    """Somebody tries the tokens of earlier mails, and another person the last one."""
    invitee = world.invitees[organization, address]
    for token, expected in invitee.spent[-3:]:
        assert await _code(world.portal.anybody(), _ACCEPT, token=token) == expected
    if invitee.last is not None and world.now_of(invitee.last) == "PENDING":
        other = await world.administrator(1 - organization)
        assert await _code(other, _ACCEPT, token=invitee.last.token) == "INVITATION_EMAIL_MISMATCH"


async def wait(world: World, _organization: int, address: int, _role: str) -> None:
    """Time passes: hours, days, or more than a week."""
    world.portal.clock.move((timedelta(hours=1), timedelta(days=3), WEEK)[address])
    world.signed_in.clear()


async def run_scheduled_tasks(world: World, _organization: int, _address: int, _role: str) -> None:
    """The portal stores what has expired."""
    portal = world.portal
    context = RequestContext(portal.wiring.backends, portal.wiring.policy, portal.clock.now, "housekeeping")
    await expire_invitations(context)
    for invitee in world.invitees.values():
        if invitee.last is not None and invitee.last.status == "PENDING" and world.now_of(invitee.last) == "EXPIRED":
            invitee.last.status = "EXPIRED"
            world.done["invitation.expire"] += 1
            _leave(invitee, only_invited=True)


async def remove(world: World, organization: int, address: int, _role: str) -> None:
    """An administrator ends the membership, as `removeMember` does, and takes what was granted."""
    invitee = world.invitees[organization, address]
    if invitee.membership in (None, "REMOVED"):
        return
    membership_id = await _membership_of(world, organization, address)
    directory, now = world.portal.wiring.backends.directory, world.portal.clock.now
    async with directory.change() as change:
        for grant in (await change.ask.grants_of([membership_id]))[0]:
            await recorded.revoke(change, grant.id, by=PORTAL, now=now)
        await recorded.set_membership_status(change, membership_id, MembershipStatus.REMOVED, by=PORTAL, now=now)
    _leave(invitee)


ACTIONS = (invite, resend, revoke, decline, accept, accept_with_spent_tokens, wait, run_scheduled_tasks, remove)


async def check(world: World) -> None:
    """Hold the portal against the model, and what it stored against what the model did."""
    async with world.portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]

        async def rows(statement: str) -> list[Any]:
            return list(await connection.execute(text(statement), {"now": world.portal.clock.now}))

        ours = ", ".join(f"'{organization}'" for organization in world.organizations)
        mine = ", ".join(f"'{address}'" for address in world.addresses)
        opened = await rows(
            f"SELECT organization_id, email_key, count(*) FROM invitations WHERE status = 'PENDING' "
            f"AND organization_id IN ({ours}) GROUP BY organization_id, email_key"
        )
        assert all(count == 1 for _, _, count in opened)
        confirmed = await rows(f"SELECT email_key, count(*) FROM users WHERE email_key IN ({mine}) GROUP BY email_key")
        assert dict(tuple(row) for row in confirmed) == dict.fromkeys(world.accounts, 1)
        memberships = await rows(
            "SELECT m.organization_id, lower(u.email), m.status, g.key FROM memberships m "
            "JOIN users u ON u.id = m.user_id LEFT JOIN grants g ON g.membership_id = m.id "
            f"WHERE m.organization_id IN ({ours}) AND lower(u.email) IN ({mine})"
        )
        found = {(row[0], row[1]): (row[2], row[3]) for row in memberships}
        assert len(found) == len(memberships)
        assert found == {
            (world.organizations[organization], world.addresses[address]): (invitee.membership, invitee.role)
            for (organization, address), invitee in world.invitees.items()
            if invitee.membership is not None
        }
        written = await rows(
            f"SELECT action, count(*) FROM audit_events WHERE organization_id IN ({ours}) "
            "AND action LIKE 'invitation.%' GROUP BY action"
        )
        assert Counter(dict(tuple(row) for row in written)) == world.done
        queued = await rows("SELECT content FROM outbox WHERE kind = 'MAIL'")
        assert Counter(json.loads(row[0])["template"] for row in queued) == world.mails
        last = await rows(f"SELECT id, status FROM invitations WHERE organization_id IN ({ours})")
        assert {
            invitee.last.id: invitee.last.status for invitee in world.invitees.values() if invitee.last is not None
        }.items() <= dict(tuple(row) for row in last).items()
    await _check_sights(world)


async def _check_sights(world: World) -> None:
    """Nobody sees another organization's invitations, nor an organization they do not belong to."""
    for organization in range(ORGANIZATIONS):
        own = [
            invitee.last.id
            for (at, _), invitee in world.invitees.items()
            if at == organization and invitee.last is not None
        ]
        foreign = [
            invitee.last.id
            for (at, _), invitee in world.invitees.items()
            if at != organization and invitee.last is not None
        ]
        answer = await (await world.administrator(organization)).asks(
            "query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[*own, *foreign]
        )
        assert answer.at("nodes") == [*({"id": id} for id in own), *[None] * len(foreign)]
    for address, email in enumerate(world.addresses):
        if email not in world.accounts:
            continue
        answer = await (await world.person(email)).asks(
            "query O($a: ID!, $b: ID!) { a: organization(id: $a) { id } b: organization(id: $b) { id } "
            "viewer { memberships { nodes { organization { id } } } pendingInvitations { id } } }",
            a=world.organizations[0],
            b=world.organizations[1],
        )
        belongs = [world.invitees[at, address].membership in ("ACTIVE", "SUSPENDED") for at in range(ORGANIZATIONS)]
        assert [answer.at(name) is not None for name in "ab"] == belongs
        nodes = answer.at("viewer.memberships.nodes")
        seen = {node["organization"]["id"] for node in nodes}
        assert seen == {world.organizations[at] for at in range(ORGANIZATIONS) if belongs[at]}
        waiting = [world.invitees[at, address].last for at in range(ORGANIZATIONS)]
        expected = {one.id for one in waiting if one is not None and world.now_of(one) == "PENDING"}
        assert {one["id"] for one in answer.at("viewer.pendingInvitations")} == expected


def _ends(world: World, invitee: Invitee, code: str | None, status: str) -> bool:
    assert invitee.last is not None
    now = world.now_of(invitee.last)
    if now != "PENDING":
        assert code == _USED[now]
        return False
    assert code is None
    invitee.last.status = status
    world.done[f"invitation.{'revoke' if status == 'REVOKED' else 'decline'}"] += 1
    _leave(invitee, only_invited=True)
    return True


def _leave(invitee: Invitee, *, only_invited: bool = False) -> None:
    if invitee.membership == "INVITED" or not only_invited:
        invitee.membership, invitee.role = "REMOVED", None


async def _code(person: Person, query: str, **variables: Any) -> str | None:
    answer = await person.asks(query, **variables)
    assert answer.errors == []
    (payload,) = answer.data.values()
    return next((error["code"] for error in payload["errors"]), None)


async def _membership_of(world: World, organization: int, address: int) -> MembershipId:
    async with world.portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        found = await connection.execute(
            text(
                "SELECT m.id FROM memberships m JOIN users u ON u.id = m.user_id "
                "WHERE m.organization_id = :at AND lower(u.email) = :email"
            ),
            {"at": world.organizations[organization], "email": world.addresses[address]},
        )
        return MembershipId(found.scalar_one())


async def _enter(change: Any, person: UserRecord, organization: OrganizationId) -> MembershipId:
    id = MembershipId(new_id("mbr"))
    status = MembershipStatus.ACTIVE
    await change.add_membership(MembershipRecord(id, 1, organization, person.id, status, person.created_at, None))
    return id


def _organization(id: OrganizationId) -> OrganizationRecord:
    return OrganizationRecord(
        id, 1, None, f"World {id[-6:]}", None, OrganizationKind.INSTALLER, OrganizationStatus.ACTIVE, None, None
    )


def _person(email: str, now: datetime) -> UserRecord:
    kind = AccountKind.BUSINESS_CUSTOMER
    return UserRecord(
        UserId(new_id("usr")), email, True, "First", "Last", None, "en", None, kind, None, now, profile_version=1
    )
