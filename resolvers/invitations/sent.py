"""What is done with an invitation after it was sent: sent again, taken back, left to expire."""

from datetime import datetime, timedelta

from connectors.directory.approvals import INVITATIONS
from connectors.directory.directory import DirectoryChange
from connectors.directory.records.audit import Author
from connectors.directory.records.invitations import InvitationRecord, InvitationStatus
from connectors.directory.records.memberships import MembershipStatus
from connectors.ids import InvitationId, MembershipId, OrganizationId, UserId
from connectors.rate_limits.interface import Limit
from connectors.values import masked_address
from permissions.access_rules import MANAGE_MEMBERS
from resolvers.approvals.decisions import acting_on, decided, end
from resolvers.audit import recorded
from resolvers.context import RequestContext
from resolvers.invitations.mails import invitation_mail
from resolvers.invitations.queries import invitees, why_not_resend, why_not_revoke
from resolvers.mail.queue import queue_mail
from resolvers.one_time_tokens import hash_of, new_token
from resolvers.rate_limiting import Attempts, check_attempts
from resolvers.refusals import TooManyAttempts
from resolvers.transactions import Once, author, changed
from resolvers.validation import message

LONGEST_REASON = 500
MOST_EXPIRED = 200
"""So many invitations are stored as expired in one round of scheduled tasks; the rest waits for the next."""

# Nobody is flooded with mail: neither by one person, nor by one organization, nor at one address by all of them.
_BY_PERSON = Attempts("invite", in_all=Limit(200, 3_600))
_BY_ORGANIZATION = Attempts("invite-for", in_all=Limit(500, 86_400))
_TO_ADDRESS = Attempts("invite-to", in_all=Limit(10, 86_400))
_TO_ADDRESS_IN_ALL = Attempts("invite-to-in-all", in_all=Limit(50, 86_400))
"""More than one organization gets, so that one does not use up what is the others'."""


async def resend(context: RequestContext, invitation_id: InvitationId, *, key: str | None = None) -> InvitationRecord:
    """Send the invitation again, an expired one too, and return it: another token, and its time begins again.

    Raises:
        Refused: What `why_not_resend` says; too many mails were sent.
    """
    counted: list[TooManyAttempts | None] = []

    async def command(change: DirectoryChange) -> str:
        invitation, organization, viewer = await acting_on(context, change, INVITATIONS, invitation_id, MANAGE_MEMBERS)
        (invitee,) = await invitees(change.ask, [(organization.id, invitation.email)])
        if refusal := why_not_resend(context, viewer.standings[organization.id], invitation, invitee):
            raise refusal
        if not counted:
            counted.append(await _counted(context, organization.id, invitation.email))
        if (too_many := counted[0]) is not None:
            raise too_many
        (membership,) = await change.ask.memberships([invitation.membership_id])
        if membership is None or membership.status is not MembershipStatus.INVITED:
            await use_membership(context, change, invitation.membership_id, invitation)
        token = new_token()
        renewed = await recorded.renew_invitation(
            change,
            invitation.id,
            hash_of(token),
            expires_at=until(context, invitation.expires_at - invitation.last_sent_at, invitation.valid_until),
            by=author(context),
            now=context.now,
        )
        await queue_mail(context, change, invitation_mail(context, organization, renewed, token))
        return renewed.id

    return await decided(context, INVITATIONS, Once(key, "resendInvitation", invitation_id), command)


async def revoke(
    context: RequestContext, invitation_id: InvitationId, *, reason: str | None = None, key: str | None = None
) -> InvitationRecord:
    """Take an open invitation back and return it; its link says so from then on.

    Raises:
        Refused: What `why_not_revoke` says.
        Invalid: The reason is longer than 500 characters.
    """
    why = message(reason, ["reason"], LONGEST_REASON)

    async def command(change: DirectoryChange) -> str:
        invitation, _, _ = await acting_on(context, change, INVITATIONS, invitation_id, MANAGE_MEMBERS)
        if refusal := why_not_revoke(context, invitation):
            raise refusal
        by = author(context, why)
        await recorded.withdraw_invitations(change, [invitation.id], InvitationStatus.REVOKED, by=by, now=context.now)
        return invitation.id

    return await decided(context, INVITATIONS, Once(key, "revokeInvitation", [invitation_id, why]), command)


async def expire_invitations(context: RequestContext) -> None:
    """Store invitations that are past their time as EXPIRED, each with the end of what it would have given."""
    for expired in await context.backends.directory.expired_approvals(INVITATIONS, context.now, limit=MOST_EXPIRED):
        await _expire(context, expired)


async def _expire(context: RequestContext, expired: InvitationRecord) -> None:
    async def command(change: DirectoryChange) -> None:
        await change.lock_organization(expired.organization_id)
        (found,) = await change.ask.approvals(INVITATIONS, [expired.id])
        if found is not None and found.expires_at <= context.now:  # else it was sent again meanwhile
            by, now = author(context), context.now
            await recorded.withdraw_invitations(change, [found.id], InvitationStatus.EXPIRED, by=by, now=now)

    await changed(context, command)


async def end_invitation(
    context: RequestContext,
    change: DirectoryChange,
    invitation: InvitationRecord,
    status: InvitationStatus,
    by: Author,
    accepted_by_id: UserId | None = None,
) -> None:
    """Say what became of an invitation that is stored as PENDING, and put it on record."""
    shown = {"email": masked_address(invitation.email)}
    await end(
        context, change, INVITATIONS, invitation, status, by,
        shown=shown, ended_at=context.now, accepted_by_id=accepted_by_id,
    )  # fmt: skip


async def use_membership(
    context: RequestContext, change: DirectoryChange, membership_id: MembershipId, invitation: InvitationRecord
) -> None:
    """Let a membership that is there already be INVITED, with exactly what the invitation gives."""
    by, now = author(context), context.now
    await recorded.revoke_all(change, membership_id, by=by, now=now)
    await recorded.set_membership_status(change, membership_id, MembershipStatus.INVITED, by=by, now=now)
    roles, permissions, until = invitation.role_keys, invitation.permissions, invitation.valid_until
    await recorded.give_all(change, membership_id, roles, permissions, until=until, by=by, now=now)


async def count_mail(context: RequestContext, organization_id: OrganizationId, address: str) -> None:
    """Count an invitation that is about to be mailed.

    Raises:
        TooManyAttempts: By this person, for this organization, or to this address.
    """
    assert context.caller is not None
    attempt = await check_attempts(context, _TO_ADDRESS, f"{organization_id} {address}")
    await check_attempts(context, _TO_ADDRESS_IN_ALL, address, attempt=attempt)
    await check_attempts(context, _BY_PERSON, context.caller.user.id, attempt=attempt)
    await check_attempts(context, _BY_ORGANIZATION, organization_id, attempt=attempt)


def until(context: RequestContext, lifetime: timedelta, valid_until: datetime | None) -> datetime:
    """Return when an invitation expires that is sent now: never after what it gives has ended."""
    end = context.now + lifetime
    return end if valid_until is None else min(end, valid_until)


async def _counted(context: RequestContext, organization_id: OrganizationId, address: str) -> TooManyAttempts | None:
    try:
        await count_mail(context, organization_id, address)
    except TooManyAttempts as refusal:
        return refusal
    return None
