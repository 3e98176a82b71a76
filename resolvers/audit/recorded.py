"""Changes that several commands make, each with its row in the audit log. What is so already leaves none."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.audit import AuditEntry, Author
from connectors.directory.records.invitations import InvitationRecord, InvitationStatus, NewInvitation
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from connectors.ids import GrantId, InvitationId, MembershipId, OrganizationId, UserId
from connectors.values import masked_address


async def give(
    change: DirectoryChange,
    membership_id: MembershipId,
    kind: GrantKind,
    key: str,
    *,
    until: datetime | None,
    by: Author,
    now: datetime,
) -> None:
    """Give a role or a direct permission, until an instant or permanently; one held already gets this end."""
    before, grant = await change.give(membership_id, kind, key, until=until, by=by.user_id, now=now)
    if grant is not before:
        shown = _grant(before) if before is not None else {}
        entry = by.entry("grant.give", membership_id, grant.organization_id, before=shown, after=_grant(grant))
        await change.record(entry, now)


async def revoke(change: DirectoryChange, grant_id: GrantId, *, by: Author, now: datetime) -> None:
    """Take a grant away, if it is still there."""
    grant = await change.revoke(grant_id)
    if grant is not None:
        await change.record(_revoked(by, grant), now)


async def give_all(
    change: DirectoryChange,
    membership_id: MembershipId,
    role_keys: Iterable[str],
    permissions: Iterable[str],
    *,
    until: datetime | None,
    by: Author,
    now: datetime,
) -> None:
    """Give roles and direct permissions."""
    for key in role_keys:
        await give(change, membership_id, GrantKind.ROLE, key, until=until, by=by, now=now)
    for code in permissions:
        await give(change, membership_id, GrantKind.PERMISSION, code, until=until, by=by, now=now)


async def revoke_all(change: DirectoryChange, membership_id: MembershipId, *, by: Author, now: datetime) -> None:
    """Take all grants of a membership away, so that coming back does not bring them back."""
    (given,) = await change.ask.grants_of([membership_id])
    for grant in given:
        await revoke(change, grant.id, by=by, now=now)


async def set_membership_status(
    change: DirectoryChange, membership_id: MembershipId, status: MembershipStatus, *, by: Author, now: datetime
) -> None:
    """Set where a member stands."""
    before, after = await change.set_membership_status(membership_id, status, now=now)
    if after is not before:
        await change.record(_membership_status(by, before, status), now)


async def set_organization_status(
    change: DirectoryChange, organization_id: OrganizationId, status: OrganizationStatus, *, by: Author, now: datetime
) -> None:
    """Set where an organization stands, which concerns every member."""
    before, after = await change.set_organization_status(organization_id, status)
    if after is not before:
        shown = {"status": before.status.value}, {"status": status.value}
        entry = by.entry("organization.status", organization_id, organization_id, before=shown[0], after=shown[1])
        await change.record(entry, now)


async def set_vendor_permissions(
    change: DirectoryChange, user_id: UserId, codes: Collection[str], *, by: Author, now: datetime
) -> None:
    """Let a person of the vendor's staff hold exactly these permissions."""
    before, after = await change.set_vendor_permissions(user_id, codes), tuple(sorted(set(codes)))
    if before != after:
        shown = {"permissions": " ".join(before)}, {"permissions": " ".join(after)}
        entry = by.entry("vendor_permissions.set", user_id, None, before=shown[0], after=shown[1])
        await change.record(entry, now)


async def add_invitations(change: DirectoryChange, new: Sequence[NewInvitation], *, by: Author, now: datetime) -> None:
    """Store invitations, with what they give to whom the organization does not know yet."""
    await change.add_invitations(new)
    await change.record_all([_sent(by, "invitation.create", one.invitation) for one in new], now)


async def renew_invitation(
    change: DirectoryChange,
    id: InvitationId,
    token_hash: bytes,
    *,
    expires_at: datetime,
    by: Author,
    now: datetime,
) -> InvitationRecord:
    """Open the invitation again with another token and return it, sent by whoever does so (`by`)."""
    renewed = await change.renew_invitation(id, token_hash, expires_at=expires_at, by=by.user_id, now=now)
    await change.record(_sent(by, "invitation.resend", renewed), now)
    return renewed


async def withdraw_invitations(
    change: DirectoryChange, ids: Sequence[InvitationId], status: InvitationStatus, *, by: Author, now: datetime
) -> None:
    """End invitations of one organization that nobody accepts, with all that they would have given."""
    withdrawn = await change.withdraw_invitations(ids, status, now=now)
    await change.record_all(
        [
            *(_ended(by, invitation) for invitation in withdrawn.invitations),
            *(_revoked(by, grant) for grant in withdrawn.grants),
            *(_membership_status(by, member, MembershipStatus.REMOVED) for member in withdrawn.memberships),
        ],
        now,
    )


def _grant(grant: GrantRecord) -> dict[str, str | None]:
    return {grant.kind.value.lower(): grant.key, "until": _instant(grant.valid_until)}


def _revoked(by: Author, grant: GrantRecord) -> AuditEntry:
    return by.entry("grant.revoke", grant.membership_id, grant.organization_id, before=_grant(grant))


def _membership_status(by: Author, before: MembershipRecord, status: MembershipStatus) -> AuditEntry:
    shown = {"status": before.status.value}, {"status": status.value}
    return by.entry("membership.status", before.id, before.organization_id, before=shown[0], after=shown[1])


def _sent(by: Author, action: str, invitation: InvitationRecord) -> AuditEntry:
    after = {
        "email": masked_address(invitation.email),
        "roles": " ".join(invitation.role_keys),
        "permissions": " ".join(invitation.permissions),
        "until": _instant(invitation.valid_until),
        "expires_at": invitation.expires_at.isoformat(),
    }
    return by.entry(action, invitation.id, invitation.organization_id, after=after)


def _ended(by: Author, ended: InvitationRecord) -> AuditEntry:
    before = {"status": InvitationStatus.PENDING.value}
    after = {"status": ended.status.value, "email": masked_address(ended.email)}
    return by.entry(_INVITATION_ACTIONS[ended.status], ended.id, ended.organization_id, before=before, after=after)


def _instant(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant is not None else None


_INVITATION_ACTIONS = {
    InvitationStatus.DECLINED: "invitation.decline",
    InvitationStatus.REVOKED: "invitation.revoke",
    InvitationStatus.EXPIRED: "invitation.expire",
}
