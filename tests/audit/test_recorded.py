"""That a change of access stands in the audit log as it was, with who made it, and what changes nothing does not."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from connectors.database.engine import open_database
from connectors.directory.directory import Directory
from connectors.directory.migrations import MIGRATIONS
from connectors.directory.records.access import GrantKind
from connectors.directory.records.audit import AuditFilter, Author
from connectors.directory.records.invitations import InvitationRecord, InvitationStatus, NewInvitation
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.ids import GrantId, InvitationId, MembershipId, UserId
from resolvers.audit import recorded
from tests.directory.people import (
    ANNA,
    ANNA_ADMINISTERS,
    ANNA_AT_HELIOS,
    BERND_AT_HELIOS,
    CLEO,
    HELIOS,
    NOW,
    PEOPLE,
    TOMORROW,
    VERA,
)
from tests.servers import fresh_database

BY = Author(ANNA.id, "req_1", "203.0.113.7")
EXPIRY = NOW + timedelta(days=7)
SENT = InvitationRecord(
    InvitationId("inv_zoe"), HELIOS, MembershipId("mem_zoe"), "zoe@new.example", None, None, None, None, ("purchase",),
    ("ORDER_VIEW",), None, InvitationStatus.PENDING, NOW, EXPIRY, NOW, 1, ANNA.id, None, None,
)  # fmt: skip


@pytest.fixture
async def directory() -> AsyncIterator[Directory]:
    """The directory of `people`, to be changed."""
    async with fresh_database("sqlite", MIGRATIONS) as url:
        engine = open_database(url)
        directory = Directory(engine)
        await directory.load(PEOPLE)
        yield directory
        await engine.dispose()


async def log(directory: Directory) -> list[tuple[str, str, dict[str, str | None], dict[str, str | None]]]:
    """What stands in the audit log, oldest first: action, of what, before, after."""
    events = await directory.audit_log(None, AuditFilter(), limit=99)
    assert {(event.actor_id, event.request_id, event.ip_address) for event in events} <= {
        (ANNA.id, "req_1", "203.0.113.7")
    }
    return [(one.action, one.subject_id, dict(one.before), dict(one.after)) for one in reversed(events)]


async def test_what_is_granted_and_taken_is_recorded_with_its_end(directory: Directory) -> None:
    async with directory.change() as change:
        for until in (TOMORROW, None):
            await recorded.give(change, BERND_AT_HELIOS.id, GrantKind.ROLE, "installation", until=until, by=BY, now=NOW)
        await recorded.revoke(change, ANNA_ADMINISTERS.id, by=BY, now=NOW)

    until_tomorrow = {"role": "installation", "until": TOMORROW.isoformat()}
    permanently = {"role": "installation", "until": None}
    assert await log(directory) == [
        ("grant.give", BERND_AT_HELIOS.id, {}, until_tomorrow),
        ("grant.give", BERND_AT_HELIOS.id, until_tomorrow, permanently),
        ("grant.revoke", ANNA_AT_HELIOS.id, {"role": "administration", "until": None}, {}),
    ]


async def test_where_members_and_organizations_stand_is_recorded(directory: Directory) -> None:
    async with directory.change() as change:
        await recorded.set_membership_status(change, BERND_AT_HELIOS.id, MembershipStatus.SUSPENDED, by=BY, now=NOW)
        await recorded.set_organization_status(change, HELIOS, OrganizationStatus.BLOCKED, by=BY, now=NOW)
        await recorded.set_vendor_permissions(change, VERA.id, ["vendor:review", "vendor:new"], by=BY, now=NOW)

    held, given = {"permissions": "vendor:audit vendor:review"}, {"permissions": "vendor:new vendor:review"}
    assert await log(directory) == [
        ("membership.status", BERND_AT_HELIOS.id, {"status": "ACTIVE"}, {"status": "SUSPENDED"}),
        ("organization.status", HELIOS, {"status": "ACTIVE"}, {"status": "BLOCKED"}),
        ("vendor_permissions.set", VERA.id, held, given),
    ]


async def test_what_is_so_already_leaves_no_row(directory: Directory) -> None:
    async with directory.change() as change:
        await recorded.give(change, ANNA_AT_HELIOS.id, GrantKind.ROLE, "administration", until=None, by=BY, now=NOW)
        await recorded.revoke(change, GrantId("grt_unknown"), by=BY, now=NOW)
        await recorded.set_membership_status(change, BERND_AT_HELIOS.id, MembershipStatus.ACTIVE, by=BY, now=NOW)
        await recorded.set_organization_status(change, HELIOS, OrganizationStatus.ACTIVE, by=BY, now=NOW)
        await recorded.set_vendor_permissions(change, VERA.id, ["vendor:audit", "vendor:review"], by=BY, now=NOW)
        await recorded.withdraw_invitations(change, [SENT.id], InvitationStatus.REVOKED, by=BY, now=NOW)

    assert await log(directory) == []


async def test_an_invitation_that_is_withdrawn_is_recorded_with_all_that_ends_with_it(directory: Directory) -> None:
    person = UserRecord(UserId("usr_zoe"), SENT.email, False, "", "", None, None, None, CLEO.account_kind, None, NOW, 1)
    async with directory.change() as change:
        await recorded.add_invitations(change, [NewInvitation(SENT, b"hash", person)], by=BY, now=NOW)
        await recorded.withdraw_invitations(change, [SENT.id], InvitationStatus.REVOKED, by=BY, now=NOW)

    gives = {"email": "z***@new.example", "roles": "purchase", "permissions": "ORDER_VIEW", "until": None}
    ended = {"status": "REVOKED", "email": "z***@new.example"}
    assert await log(directory) == [
        ("invitation.create", SENT.id, {}, {**gives, "expires_at": EXPIRY.isoformat()}),
        ("invitation.revoke", SENT.id, {"status": "PENDING"}, ended),
        ("grant.revoke", SENT.membership_id, {"role": "purchase", "until": None}, {}),
        ("grant.revoke", SENT.membership_id, {"permission": "ORDER_VIEW", "until": None}, {}),
        ("membership.status", SENT.membership_id, {"status": "INVITED"}, {"status": "REMOVED"}),
    ]
