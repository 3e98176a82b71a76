"""What somebody began and what waits for its end: it counts only as long as they may still begin it.

An invitation gives what its sender may give when it is accepted, not when it was sent; a request for a change of the
organization counts while whoever asked may ask for it. What nobody may begin any more is ended when the right is taken,
and asked about again at the end, for rights also end automatically, by a suspension, or by another policy.
"""

from collections.abc import Sequence
from dataclasses import replace

from connectors.directory.approvals import CHANGE_REQUESTS
from connectors.directory.directory import DirectoryChange, DirectoryQueries
from connectors.directory.records.audit import Author
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.invitations import InvitationRecord, InvitationStatus
from connectors.directory.records.memberships import MembershipRecord
from connectors.directory.records.requests import RequestStatus
from connectors.ids import OrganizationId, UserId
from connectors.wanted import reads
from permissions.access_rules import CHANGE_ORGANIZATION, MANAGE_MEMBERS
from permissions.decision import may
from resolvers.approvals.decisions import decision, end
from resolvers.approvals.lists import open_of
from resolvers.audit import recorded
from resolvers.context import RequestContext
from resolvers.invitations.queries import not_delegables
from resolvers.refusals import InvalidArgument
from resolvers.texts import Text
from resolvers.viewer import viewer_of

MOST_SHOWN = 50
"""So many of a member's open invitations are shown at most."""

_MOST_ENDED = 10_000
_REASON = Text("The person who began this is no longer permitted to.")


async def may_still_invite(context: RequestContext, ask: DirectoryQueries, invitation: InvitationRecord) -> bool:
    """Return whether the sender could send the invitation now: they manage members and may give all that it gives.

    What the portal itself sent, for nobody, always counts.
    """
    if invitation.inviter_id is None:
        return True
    return may_send(context, await ask.caller(invitation.inviter_id, None, context.now), invitation)


async def may_still_ask(context: RequestContext, ask: DirectoryQueries, request: ChangeRequestRecord) -> bool:
    """Return whether whoever asked for a change of the organization's data could ask for it now."""
    requester = await ask.caller(request.requested_by_id, None, context.now)
    viewer = viewer_of(requester, context.policy) if requester is not None else None
    return may(viewer, CHANGE_ORGANIZATION, request.organization_id, context.now)


async def end_what_they_may_not_begin(
    context: RequestContext, change: DirectoryChange, organization_id: OrganizationId, user_id: UserId, by: Author
) -> list[InvitationRecord]:
    """End what a person began in an organization, which is locked, and may not begin any more.

    Call it in the transaction that takes a right from them. Returns the invitations that were revoked, as they were.
    """
    why = replace(by, reason=str(_REASON))
    (sent,) = await change.ask.open_invitations_by([(organization_id, user_id)], context.now, limit=_MOST_ENDED)
    sender = await change.ask.caller(user_id, None, context.now) if sent else None
    void = [one.id for one in sent if not may_send(context, sender, one)]
    if void:
        await recorded.withdraw_invitations(change, void, InvitationStatus.REVOKED, by=why, now=context.now)
    for request in await open_of(context, change, CHANGE_REQUESTS, "organization_id", organization_id):
        if request.requested_by_id == user_id and not await may_still_ask(context, change.ask, request):
            await end_change_request(context, change, request, RequestStatus.WITHDRAWN, why)
    ended = set(void)
    return [one for one in sent if one.id in ended]


async def end_change_request(
    context: RequestContext, change: DirectoryChange, request: ChangeRequestRecord, status: RequestStatus, by: Author
) -> ChangeRequestRecord:
    """Say how an open request ended, put it on record, and return it as it is now.

    What the portal itself ends is ended for whoever asked.
    """
    decider = by.user_id if by.user_id is not None else request.requested_by_id
    values = decision(context, by, by.reason) | {"decided_by_id": decider}
    return await end(context, change, CHANGE_REQUESTS, request, status, by, **values)


@reads(MembershipRecord, lambda member: (member.organization_id, member.user_id))
async def open_invitations_by(
    context: RequestContext, members: Sequence[MembershipRecord], *, first: int = 10
) -> Sequence[Sequence[InvitationRecord]]:
    """Return the open invitations that each member sent, newest first: those that end when the member is removed.

    Raises:
        InvalidArgument: `first` is not within 1 and 50.
    """
    if not 1 <= first <= MOST_SHOWN:
        raise InvalidArgument(
            Text("`first` is {given}; ask for 1 to {most} invitations.", given=first, most=MOST_SHOWN)
        )
    people_there = [(member.organization_id, member.user_id) for member in members]
    return await context.backends.directory.open_invitations_by(people_there, context.now, limit=first)


def may_send(context: RequestContext, sender: CallerRecord | None, invitation: InvitationRecord) -> bool:
    """Return whether this person could send the invitation now."""
    if sender is None:
        return False
    viewer, organization_id = viewer_of(sender, context.policy), invitation.organization_id
    if not may(viewer, MANAGE_MEMBERS, organization_id, context.now):
        return False
    roles = ((key, [""]) for key in invitation.role_keys)
    permissions = ((code, [""]) for code in invitation.permissions)
    return not not_delegables(context, viewer.standings[organization_id], roles, permissions)
