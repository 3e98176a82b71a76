"""Which requests for access there are, for those who decide them and for those who made them."""

from collections.abc import Sequence

from connectors.directory.approvals import ACCESS_REQUESTS
from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.memberships import MembershipRecord
from connectors.wanted import EVERYTHING, Wanted, reads
from permissions.access_rules import ASSIGN_ROLES
from resolvers.context import RequestContext
from resolvers.organizations.queries import is_visible


async def visible_access_requests(context: RequestContext, ids: Sequence[str]) -> Sequence[AccessRequestRecord | None]:
    """Return the requests that the caller made, or may decide in their organization; None for the others."""
    if context.viewer is None:
        return [None] * len(ids)
    found = await context.backends.directory.approvals(ACCESS_REQUESTS, ids)
    await context.learn_of_found(found)
    return [request if request is not None and is_seen(context, request) else None for request in found]


@reads(AccessRequestRecord, lambda request: request.membership_id)
async def members_who_ask(
    context: RequestContext, requests: Sequence[AccessRequestRecord], *, wanted: Wanted[MembershipRecord] = EVERYTHING
) -> Sequence[MembershipRecord | None]:
    """Return who made each request."""
    ids = list(dict.fromkeys(request.membership_id for request in requests))
    found = dict(zip(ids, await context.backends.directory.memberships(ids, wanted), strict=True))
    return [found[request.membership_id] for request in requests]


def is_seen(context: RequestContext, request: AccessRequestRecord) -> bool:
    """Return whether the caller, who is signed in, made the request or may decide it in its organization."""
    assert context.viewer is not None
    if request.user_id == context.viewer.user_id and is_visible(context, request.organization_id):
        return True
    return context.may(ASSIGN_ROLES, request.organization_id)
