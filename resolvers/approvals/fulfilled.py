"""What waits although it has come true in another way: it is ended by the change that makes it true.

Somebody who becomes a member asks to join no longer, and needs no other invitation; whoever holds what they asked for
has got it. Call these in that change, under the organization's lock, once the person's row is locked too.
"""

from dataclasses import replace

from connectors.directory.approvals import ACCESS_REQUESTS, JOIN_REQUESTS
from connectors.directory.directory import DirectoryChange
from connectors.directory.records.access import GrantKind
from connectors.directory.records.audit import Author
from connectors.directory.records.invitations import InvitationStatus
from connectors.directory.records.join_requests import JoinRequestRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from connectors.directory.records.requests import RequestStatus
from connectors.folding import folded
from connectors.ids import AccessRequestId, MembershipId
from resolvers.approvals.decisions import decision, end
from resolvers.approvals.lists import open_of
from resolvers.audit import recorded
from resolvers.context import RequestContext

_IS_MEMBER = "The person is a member now."
_IS_HELD = "The member holds it now."


async def end_other_ways_in(
    context: RequestContext, change: DirectoryChange, organization: OrganizationRecord, person: UserRecord, by: Author
) -> None:
    """End what else would make the person a member of the organization, which they are now.

    Their requests to join are withdrawn, also one that found no such organization when it was sent and names this one;
    their open invitations are revoked.
    """
    why = replace(by, reason=_IS_MEMBER)
    (invited,) = await change.ask.open_invitations_to([person], context.now)
    others = [one.id for one in invited if one.organization_id == organization.id]
    if others:
        await recorded.withdraw_invitations(change, others, InvitationStatus.REVOKED, by=why, now=context.now)
    for request in await open_of(context, change, JOIN_REQUESTS, "user_id", person.id):
        if request.organization_id == organization.id or _names(request, organization):
            is_hidden, status = request.organization_id is None, RequestStatus.WITHDRAWN
            shown, values = {"user": request.user_id}, decision(context, by)
            await end(context, change, JOIN_REQUESTS, request, status, why, shown=shown, is_hidden=is_hidden, **values)


async def end_held_requests(
    context: RequestContext,
    change: DirectoryChange,
    membership_id: MembershipId,
    by: Author,
    *,
    but: AccessRequestId | None = None,
) -> None:
    """Approve the member's requests for access, `but` one, of which they hold everything now, without an end."""
    waiting = [
        request
        for request in await open_of(context, change, ACCESS_REQUESTS, "membership_id", membership_id)
        if request.id != but
    ]
    if not waiting:
        return
    (grants,) = await change.ask.grants_of([membership_id])
    held = {(grant.kind, grant.key) for grant in grants if grant.valid_until is None}
    for kind, key in tuple(held):
        role = context.policy.roles.get(key) if kind is GrantKind.ROLE else None
        held |= {(GrantKind.PERMISSION, one.value) for one in (role.permissions if role is not None else ())}
    for request in waiting:
        asked = {(GrantKind.ROLE, key) for key in request.role_keys}
        asked |= {(GrantKind.PERMISSION, code) for code in request.permissions}
        if asked <= held:
            values = decision(context, by) | {"valid_until": None}
            why, shown = replace(by, reason=_IS_HELD), {"until": None}
            await end(context, change, ACCESS_REQUESTS, request, RequestStatus.APPROVED, why, shown=shown, **values)


def _names(request: JoinRequestRecord, organization: OrganizationRecord) -> bool:
    """Return whether a request that found no organization is for this one, as far as what it says can tell."""
    known = (organization.name, organization.legal_name, organization.customer_number, organization.vat_id)
    facts = [folded(fact) for fact in known if fact is not None]
    return request.organization_id is None and any(
        folded(request.wanted) == fact or folded(request.wanted).startswith(f"{fact}, ") for fact in facts
    )
