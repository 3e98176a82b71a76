"""To which organization an object belongs that a request names by its id, before anything is done with it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from connectors.directory.approvals import ACCESS_REQUESTS, CHANGE_REQUESTS, INVITATIONS, JOIN_REQUESTS
from connectors.directory.approvals import Kind as ApprovalKind
from connectors.ids import AddressId, MembershipId, OrganizationId
from resolvers.approvals.decisions import WHAT
from resolvers.context import RequestContext
from resolvers.organizations.queries import is_visible
from resolvers.refusals import What


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: what people call it, and how to find the organization of one by its id."""

    what: What
    organization_of: Callable[[RequestContext, str], Awaitable[OrganizationId | None]]


async def visible_organization_of(context: RequestContext, kind: str, id: str) -> OrganizationId | None:
    """Return the organization of the object with this id, for a caller who belongs to it, be it suspended.

    None for an unknown id, an id of another kind of object, and an object of somebody else's organization alike.
    `kind` is the beginning of its ids, such as ``mbr``.
    """
    if not id.startswith(f"{kind}_"):
        return None
    organization_id = await KINDS[kind].organization_of(context, id)
    await context.learn([organization_id or OrganizationId("")])  # so that both take as many statements
    return organization_id if organization_id is not None and is_visible(context, organization_id) else None


async def _of_organization(_context: RequestContext, id: str) -> OrganizationId | None:
    return OrganizationId(id)


async def _of_membership(context: RequestContext, id: str) -> OrganizationId | None:
    (found,) = await context.backends.directory.memberships([MembershipId(id)])
    return found.organization_id if found is not None else None


async def _of_address(context: RequestContext, id: str) -> OrganizationId | None:
    (found,) = await context.backends.directory.addresses([AddressId(id)])
    return found.organization_id if found is not None else None


def _of_waiting(kind: ApprovalKind[Any]) -> Kind:
    async def organization_of(context: RequestContext, id: str) -> OrganizationId | None:
        found: Any
        (found,) = await context.backends.directory.approvals(kind, [id])
        return found.organization_id if found is not None else None

    return Kind(WHAT[kind], organization_of)


KINDS: dict[str, Kind] = {
    "org": Kind("organization", _of_organization),
    "mbr": Kind("member", _of_membership),
    "adr": Kind("address", _of_address),
    "chg": _of_waiting(CHANGE_REQUESTS),
    "arq": _of_waiting(ACCESS_REQUESTS),
    "inv": _of_waiting(INVITATIONS),
    "jrq": _of_waiting(JOIN_REQUESTS),
}
"""By the beginning of their ids."""
