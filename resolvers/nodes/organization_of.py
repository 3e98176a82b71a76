"""To which organization an object belongs that a request names by its id, before anything is done with it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from connectors.ids import (
    AccessRequestId,
    AddressId,
    ChangeRequestId,
    InvitationId,
    JoinRequestId,
    MembershipId,
    OrganizationId,
)
from resolvers.context import RequestContext
from resolvers.organizations.queries import is_visible


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: what people call it, and how to find the organization of one by its id."""

    what: str
    organization_of: Callable[[RequestContext, str], Awaitable[OrganizationId | None]]


async def visible_organization_of(context: RequestContext, kind: str, id: str) -> OrganizationId | None:
    """Return the organization of the object with this id, for a caller who belongs to it, be it suspended.

    None for an unknown id, an id of another kind of object, and an object of somebody else's organization alike.
    `kind` is the beginning of its ids, such as ``mbr``.
    """
    if not id.startswith(f"{kind}_"):
        return None
    organization_id = await KINDS[kind].organization_of(context, id)
    return organization_id if organization_id is not None and is_visible(context, organization_id) else None


async def _of_organization(_context: RequestContext, id: str) -> OrganizationId | None:
    return OrganizationId(id)


async def _of_membership(context: RequestContext, id: str) -> OrganizationId | None:
    (found,) = await context.backends.directory.memberships([MembershipId(id)])
    return found.organization_id if found is not None else None


async def _of_address(context: RequestContext, id: str) -> OrganizationId | None:
    (found,) = await context.backends.directory.addresses([AddressId(id)])
    return found.organization_id if found is not None else None


async def _of_change_request(context: RequestContext, id: str) -> OrganizationId | None:
    (found,) = await context.backends.directory.change_requests([ChangeRequestId(id)])
    return found.organization_id if found is not None else None


async def _of_access_request(context: RequestContext, id: str) -> OrganizationId | None:
    (found,) = await context.backends.directory.access_requests([AccessRequestId(id)])
    return found.organization_id if found is not None else None


async def _of_invitation(context: RequestContext, id: str) -> OrganizationId | None:
    (found,) = await context.backends.directory.invitations([InvitationId(id)])
    return found.organization_id if found is not None else None


async def _of_join_request(context: RequestContext, id: str) -> OrganizationId | None:
    (found,) = await context.backends.directory.join_requests([JoinRequestId(id)])
    return found.organization_id if found is not None else None


KINDS: dict[str, Kind] = {
    "org": Kind("organization", _of_organization),
    "mbr": Kind("member", _of_membership),
    "adr": Kind("address", _of_address),
    "chg": Kind("change request", _of_change_request),
    "arq": Kind("request", _of_access_request),
    "inv": Kind("invitation", _of_invitation),
    "jrq": Kind("request to join", _of_join_request),
}
"""By the beginning of their ids."""
