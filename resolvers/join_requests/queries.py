"""Which requests to join there are: for those who manage an organization's members, and for those who made them."""

from collections.abc import Sequence

from connectors.directory.approvals import JOIN_REQUESTS
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.join_requests import JoinRequestRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.ids import OrganizationId
from connectors.pages import Slice
from connectors.wanted import EVERYTHING, Wanted, reads
from permissions.access_rules import MANAGE_MEMBERS
from resolvers.context import RequestContext
from resolvers.organizations.queries import visible_organizations

MOST_SHOWN = 20


async def join_requests_of_viewers(
    context: RequestContext, callers: Sequence[CallerRecord], *, wanted: Wanted[JoinRequestRecord] = EVERYTHING
) -> Sequence[Sequence[JoinRequestRecord]]:
    """Return each caller's own requests, newest first; none to somebody who looks as the caller."""
    if context.view_as is not None:
        return [()] * len(callers)
    ids, directory = [caller.user.id for caller in callers], context.backends.directory
    page = Slice(MOST_SHOWN)
    pages = await directory.approvals_of(JOIN_REQUESTS, "user_id", ids, page, now=context.now, wanted=wanted)
    return [page.items for page in pages]


async def visible_join_requests(context: RequestContext, ids: Sequence[str]) -> Sequence[JoinRequestRecord | None]:
    """Return the requests that the caller may see: their own, and those to join where they manage members."""
    caller = context.caller
    if caller is None:
        return [None] * len(ids)
    found = await context.backends.directory.approvals(JOIN_REQUESTS, ids)
    await context.learn_of_found(found)
    return [record if record is not None and _is_visible(context, caller, record) else None for record in found]


@reads(JoinRequestRecord, lambda request: request.organization_id)
async def organizations_of(
    context: RequestContext,
    requests: Sequence[JoinRequestRecord],
    *,
    wanted: Wanted[OrganizationRecord] = EVERYTHING,
) -> Sequence[OrganizationRecord | None]:
    """Return the organization of each request, to those who belong to it.

    The person asking does not learn that it is there.
    """
    asked = [request.organization_id or OrganizationId("") for request in requests]
    return await visible_organizations(context, asked, wanted)


def _is_visible(context: RequestContext, caller: CallerRecord, request: JoinRequestRecord) -> bool:
    if request.user_id == caller.user.id:
        return context.view_as is None
    organization_id = request.organization_id
    return organization_id is not None and context.may(MANAGE_MEMBERS, organization_id)
