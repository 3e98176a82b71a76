"""Which requests for access there are, for those who decide them and for those who made them."""

from collections.abc import Sequence

from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.memberships import MembershipRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from connectors.directory.records.requests import RequestStatus
from connectors.ids import AccessRequestId, MembershipId, OrganizationId
from permissions.access_rules import ASSIGN_ROLES
from permissions.policy import Role
from permissions.vocabulary import Permission
from resolvers.context import RequestContext
from resolvers.organizations.queries import is_visible
from resolvers.pagination import DEFAULT_PAGE, Listing, check_page, paged
from resolvers.people import seen


async def access_requests_of(
    context: RequestContext,
    organizations: Sequence[OrganizationRecord],
    *,
    first: int = DEFAULT_PAGE,
    after: str | None = None,
    status: Sequence[RequestStatus] | None = None,
) -> Sequence[Listing]:
    """Return what the members of each organization asked for, newest first."""
    check_page(first, after)
    ids = [organization.id for organization in organizations]
    where = tuple(status) if status is not None else None
    directory, now = context.backends.directory, context.now
    pages = await paged(directory.access_requests_of(ids, first=first, after=after, status=where, now=now))
    return [Listing(page, id, where, _count_of) for id, page in zip(ids, pages, strict=True)]


async def access_requests_by(
    context: RequestContext,
    members: Sequence[MembershipRecord],
    *,
    first: int = DEFAULT_PAGE,
    after: str | None = None,
    status: Sequence[RequestStatus] | None = None,
) -> Sequence[Listing]:
    """Return what each member asked for, newest first."""
    check_page(first, after)
    ids = [member.id for member in members]
    where = tuple(status) if status is not None else None
    directory, now = context.backends.directory, context.now
    pages = await paged(directory.access_requests_by(ids, first=first, after=after, status=where, now=now))
    return [Listing(page, id, where, _count_by) for id, page in zip(ids, pages, strict=True)]


async def visible_access_requests(context: RequestContext, ids: Sequence[str]) -> Sequence[AccessRequestRecord | None]:
    """Return the requests that the caller made, or may decide in their organization; None for the others."""
    if context.viewer is None:
        return [None] * len(ids)
    found = await context.backends.directory.access_requests([AccessRequestId(id) for id in ids])
    return [request if request is not None and _is_seen(context, request) else None for request in found]


async def members_who_ask(
    context: RequestContext, requests: Sequence[AccessRequestRecord]
) -> Sequence[MembershipRecord | None]:
    """Return who made each request."""
    ids = list(dict.fromkeys(request.membership_id for request in requests))
    found = dict(zip(ids, await context.backends.directory.memberships(ids), strict=True))
    return [found[request.membership_id] for request in requests]


async def deciders(context: RequestContext, requests: Sequence[AccessRequestRecord]) -> list[UserRecord | None]:
    """Return who decided each request; None while nobody did."""
    return await seen(context, ((request.decided_by_id, request.organization_id) for request in requests))


def roles_of(context: RequestContext, request: AccessRequestRecord) -> list[Role]:
    """Return the roles asked for that this portal has."""
    return [context.policy.roles[key] for key in request.role_keys if key in context.policy.roles]


def permissions_of(_context: RequestContext, request: AccessRequestRecord) -> list[Permission]:
    """Return the direct permissions asked for that are known."""
    return [Permission(code) for code in request.permissions if code in Permission.__members__]


def status_of(context: RequestContext, request: AccessRequestRecord) -> RequestStatus:
    """Return where the request stands now."""
    return request.status_at(context.now)


def _is_seen(context: RequestContext, request: AccessRequestRecord) -> bool:
    assert context.viewer is not None
    if request.user_id == context.viewer.user_id and is_visible(context, request.organization_id):
        return True
    return context.may(ASSIGN_ROLES, request.organization_id)


async def _count_of(
    context: RequestContext, ids: Sequence[OrganizationId], status: tuple[RequestStatus, ...] | None
) -> Sequence[int]:
    return await context.backends.directory.count_access_requests_of(ids, status, context.now)


async def _count_by(
    context: RequestContext, ids: Sequence[MembershipId], status: tuple[RequestStatus, ...] | None
) -> Sequence[int]:
    return await context.backends.directory.count_access_requests_by(ids, status, context.now)
