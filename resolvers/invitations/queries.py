"""Invitations as they are seen: by those who invite, and by whom they are for; and what can be done with one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors.directory.approvals import INVITATIONS
from connectors.directory.directory import DirectoryQueries
from connectors.directory.records.access import GrantKind
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.invitations import InvitationRecord, InvitationStatus
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from connectors.ids import InvitationId, OrganizationId
from connectors.values import login_key
from connectors.wanted import EVERYTHING, Wanted, reads
from permissions.access_rules import MANAGE_MEMBERS
from permissions.viewer import Standing
from resolvers.access.plans import not_delegable
from resolvers.context import RequestContext
from resolvers.organizations.queries import organizations_with, visible_organizations
from resolvers.refusals import Conflict, ErrorCode, InvitationState, NotDelegable, Refused
from resolvers.texts import Text

MOST_PENDING = 20
"""So many open invitations are shown to whom they are for."""

SHOWN_TO_INVITED = (InvitationStatus.PENDING, InvitationStatus.ACCEPTED, InvitationStatus.DECLINED)
"""Whom an invitation is for sees it while it is open, and once they have answered it."""

_ANSWERED = (InvitationStatus.ACCEPTED, InvitationStatus.DECLINED)
_HERE = (MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED)

_NAME = Wanted.of(OrganizationRecord, lambda organization: organization.name)

_ENDED = {
    InvitationStatus.EXPIRED: (
        ErrorCode.INVITATION_EXPIRED,
        Text("This invitation has expired. Please ask for a new one."),
    ),
    InvitationStatus.REVOKED: (
        ErrorCode.INVITATION_REVOKED,
        Text("This invitation has been withdrawn. Please contact the organization that invited you."),
    ),
    InvitationStatus.ACCEPTED: (
        ErrorCode.INVITATION_ALREADY_USED,
        Text("This invitation has already been accepted. Sign in to see the organization."),
    ),
    InvitationStatus.DECLINED: (
        ErrorCode.INVITATION_ALREADY_USED,
        Text("This invitation was declined. If that was a mistake, please ask for a new one."),
    ),
}


@dataclass(frozen=True, slots=True)
class Invitee:
    """What an organization knows of an address: its last invitation, and the membership of whom it belongs to."""

    last: InvitationRecord | None
    member: MembershipRecord | None


async def invitees(ask: DirectoryQueries, wanted: Sequence[tuple[OrganizationId, str]]) -> list[Invitee]:
    """Return what each organization knows of each address, in two statements; nothing of other organizations."""
    last = await ask.last_invitations(wanted)
    members = await ask.members_with_email(wanted)
    return [Invitee(*known) for known in zip(last, members, strict=True)]


def is_open(context: RequestContext, invitation: InvitationRecord) -> bool:
    """Return whether the invitation can be accepted now."""
    return invitation.status_at(context.now) is InvitationStatus.PENDING


def can_request_new(context: RequestContext, invitation: InvitationRecord) -> bool:
    """Return whether the invited person may ask for another invitation; not when it was taken back on purpose."""
    return invitation.status_at(context.now) in (InvitationStatus.EXPIRED, InvitationStatus.DECLINED)


def ended(context: RequestContext, invitation: InvitationRecord, path: Sequence[str]) -> InvitationState | None:
    """Return why an invitation cannot be used (any more); None for an open one."""
    status = invitation.status_at(context.now)
    if status is InvitationStatus.PENDING:
        return None
    code, message = _ENDED[status]
    return InvitationState(code, message, path, status, can_request_new=can_request_new(context, invitation))


def not_delegables(
    context: RequestContext,
    standing: Standing,
    role_keys: Iterable[tuple[str, list[str]]],
    permissions: Iterable[tuple[str, list[str]]],
) -> list[NotDelegable]:
    """Return a refusal for each role and each direct permission, given with its path, that may not be delegated."""
    may_give = context.policy.delegable_by(standing, context.now)
    refused = [
        not_delegable(context.policy, standing, GrantKind.ROLE, key, path)
        for key, path in role_keys
        if not may_give.has(role_key=key)
    ]
    return refused + [
        not_delegable(context.policy, standing, GrantKind.PERMISSION, code, path)
        for code, path in permissions
        if not may_give.has(permission=code)
    ]


def in_the_way(context: RequestContext, invitee: Invitee, path: Sequence[str]) -> Conflict | None:
    """Return why the address cannot be invited: it is a member's, or there is an open invitation."""
    if invitee.member is not None and invitee.member.status in _HERE:
        return Conflict(
            Text("This person already belongs to the organization. Change their roles instead."),
            path,
            code=ErrorCode.ALREADY_MEMBER,
            node=invitee.member,
        )
    if invitee.last is not None and is_open(context, invitee.last):
        return Conflict(
            Text("There is already an open invitation for this address. Resend it, or revoke it first."),
            path,
            code=ErrorCode.ALREADY_INVITED,
            node=invitee.last,
        )
    return None


def why_not_resend(
    context: RequestContext, standing: Standing, invitation: InvitationRecord, invitee: Invitee
) -> Refused | None:
    """Return why somebody who manages members cannot send this invitation again; None when they can.

    An expired one can be sent again, too; one that was accepted, declined or taken back cannot, nor one after which
    there was another.
    """
    path = ["id"]
    status = invitation.status_at(context.now)
    if status not in (InvitationStatus.PENDING, InvitationStatus.EXPIRED):
        return ended(context, invitation, path)
    is_last = invitee.last is not None and invitee.last.id == invitation.id
    if conflict := in_the_way(context, invitee if not is_last else Invitee(None, invitee.member), path):
        return conflict
    if not is_last:
        return Conflict(
            Text("There has been a later invitation for this address. Please invite the person again."), path
        )
    if invitation.valid_until is not None and invitation.valid_until <= context.now:
        return Conflict(Text("The access that this invitation offers has ended. Please invite the person again."), path)
    refused = not_delegables(
        context,
        standing,
        ((key, path) for key in invitation.role_keys),
        ((code, path) for code in invitation.permissions),
    )
    return refused[0] if refused else None


def why_not_revoke(context: RequestContext, invitation: InvitationRecord) -> Refused | None:
    """Return why somebody who manages members cannot take this invitation back; None when they can."""
    return ended(context, invitation, ["id"])


@reads(
    InvitationRecord,
    lambda one: (
        *(one.id, one.organization_id, one.email, one.status, one.expires_at),
        *(one.valid_until, one.role_keys, one.permissions),
    ),
)
async def viewer_can_resend(context: RequestContext, invitations: Sequence[InvitationRecord]) -> Sequence[bool]:
    """Return whether the caller could resend each invitation now: the decision that `resendInvitation` takes."""
    standings = [_standing(context, invitation) for invitation in invitations]
    asked = [one for one, standing in zip(invitations, standings, strict=True) if standing is not None]
    known = await invitees(context.backends.directory, [(one.organization_id, one.email) for one in asked])
    rest = iter(known)
    return [
        standing is not None and why_not_resend(context, standing, invitation, next(rest)) is None
        for invitation, standing in zip(invitations, standings, strict=True)
    ]


@reads(InvitationRecord, lambda one: (one.organization_id, one.status, one.expires_at))
def viewer_can_revoke(context: RequestContext, invitation: InvitationRecord) -> bool:
    """Return whether the caller could revoke the invitation now: the decision that `revokeInvitation` takes."""
    return _standing(context, invitation) is not None and why_not_revoke(context, invitation) is None


async def pending_invitations(
    context: RequestContext, callers: Sequence[CallerRecord]
) -> Sequence[Sequence[InvitationRecord]]:
    """Return the open invitations of each caller, oldest first, 20 at most.

    None to somebody who looks as the caller.
    """
    if context.view_as is not None:
        return [()] * len(callers)
    people = [caller.user for caller in callers]
    return await context.backends.directory.open_invitations_to(people, context.now, limit=MOST_PENDING)


async def account_of(ask: DirectoryQueries, invitation: InvitationRecord) -> UserRecord | None:
    """Return whose the invitation is: who had its address when it was sent, else who has confirmed it now."""
    if invitation.account_id is not None:
        (account,) = await ask.users([invitation.account_id])
    else:
        (account,) = await ask.users_with_email([invitation.email])
    return account


async def visible_invitations(context: RequestContext, ids: Sequence[str]) -> list[InvitationRecord | None]:
    """Return the invitations that the caller may see, None for all others; parallel to `ids`.

    Those of organizations where they manage members, and the open and the answered ones to themself. Whether there is
    one takes no other statements than whether there is none.
    """
    if context.viewer is None:
        return [None] * len(ids)
    found = await context.backends.directory.approvals(INVITATIONS, ids)
    await context.learn_of_found(found)
    given = [
        one is not None and (_standing(context, one) is not None or _is_answered_by(context, one)) for one in found
    ]
    mine = set[InvitationId]()
    if context.caller is not None and not all(given):
        (own,) = await pending_invitations(context, [context.caller])
        mine = {one.id for one in own}
    return [
        one if one is not None and (is_given or one.id in mine) else None
        for one, is_given in zip(found, given, strict=True)
    ]


@reads(InvitationRecord, lambda invitation: invitation.organization_id)
async def organizations_of(
    context: RequestContext,
    invitations: Sequence[InvitationRecord],
    *,
    wanted: Wanted[OrganizationRecord] = EVERYTHING,
) -> Sequence[OrganizationRecord | None]:
    """Return the organization of each invitation, for those who belong to it; the invited know its name only."""
    return await visible_organizations(context, [invitation.organization_id for invitation in invitations], wanted)


@reads(InvitationRecord, lambda invitation: invitation.organization_id)
async def organization_names_of(
    context: RequestContext, invitations: Sequence[InvitationRecord]
) -> Sequence[str | None]:
    """Return the name of the organization of each invitation."""
    found = await organizations_with(context, [invitation.organization_id for invitation in invitations], _NAME)
    return [one.name if (one := found[it.organization_id]) is not None else None for it in invitations]


def _is_answered_by(context: RequestContext, invitation: InvitationRecord) -> bool:
    """Return whether the caller has answered the invitation; whose its address is by now does not count."""
    caller = context.caller
    if caller is None or context.view_as is not None or invitation.status not in _ANSWERED:
        return False
    me, owner = caller.user, invitation.accepted_by_id or invitation.account_id
    if owner is not None:
        return owner == me.id
    return me.email_verified and login_key(me.email) == login_key(invitation.email)


def _standing(context: RequestContext, invitation: InvitationRecord) -> Standing | None:
    """Return the caller's standing in the invitation's organization when they manage members there."""
    if context.viewer is None or not context.may(MANAGE_MEMBERS, invitation.organization_id):
        return None
    return context.viewer.standings[invitation.organization_id]
