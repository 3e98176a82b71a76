"""How many there are in an organization: members by status, and what waits for somebody, as far as it is theirs to see.

One statement for each kind, however many organizations are asked about.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.directory.approvals import ACCESS_REQUESTS, CHANGE_REQUESTS, INVITATIONS, JOIN_REQUESTS, Kind
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.ids import OrganizationId
from connectors.shop.interface import OrderFilter, OrderStatus
from connectors.wanted import reads
from permissions.access_rules import APPROVE_ORDERS, ASSIGN_ROLES, MANAGE_MEMBERS, SEE_CHANGE_REQUESTS, AccessRule
from resolvers.context import RequestContext


@dataclass(frozen=True, slots=True)
class MemberCount:
    """How many members of an organization stand like this."""

    status: MembershipStatus
    count: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in an organization for a decision."""

    organization_id: OrganizationId


Count = Callable[[RequestContext, Sequence[Waiting]], Awaitable[Sequence[int | None]]]


@reads(OrganizationRecord, lambda organization: organization.id)
async def member_counts(
    context: RequestContext, organizations: Sequence[OrganizationRecord]
) -> Sequence[Sequence[MemberCount]]:
    """Return how many members each organization has by status, every status once."""
    found = await context.backends.directory.member_counts_of([organization.id for organization in organizations])
    return [[MemberCount(status, counted.get(status, 0)) for status in MembershipStatus] for counted in found]


@reads(OrganizationRecord, lambda organization: organization.id)
def waiting_in(_context: RequestContext, organization: OrganizationRecord) -> Waiting:
    """Return what waits in the organization."""
    return Waiting(organization.id)


def _seen_with(rule: AccessRule, count: Callable[..., Awaitable[Sequence[int | None]]]) -> Count:
    """Return the function of a field that counts only where the caller holds what the rule asks for; else it is None.

    A page shows the counts of all who see it: what is not theirs is left out there, and is no refusal.
    """

    async def counts(context: RequestContext, waiting: Sequence[Waiting]) -> Sequence[int | None]:
        ids = list(dict.fromkeys(one.organization_id for one in waiting if context.may(rule, one.organization_id)))
        found = dict(zip(ids, await count(context, ids), strict=True)) if ids else {}
        return [found.get(one.organization_id) for one in waiting]

    return counts


def _pending(kind: Kind[Any]) -> Callable[..., Awaitable[Sequence[int]]]:
    async def count(context: RequestContext, ids: Sequence[OrganizationId]) -> Sequence[int]:
        directory, now = context.backends.directory, context.now
        return await directory.count_approvals_of(kind, "organization_id", ids, [kind.open], now)

    return count


async def _orders_to_approve(context: RequestContext, ids: Sequence[OrganizationId]) -> Sequence[int | None]:
    return await context.backends.shop.count_orders_of(ids, OrderFilter(status=(OrderStatus.PENDING_APPROVAL,)))


access_requests_waiting = _seen_with(ASSIGN_ROLES, _pending(ACCESS_REQUESTS))
join_requests_waiting = _seen_with(MANAGE_MEMBERS, _pending(JOIN_REQUESTS))
invitations_waiting = _seen_with(MANAGE_MEMBERS, _pending(INVITATIONS))
change_requests_waiting = _seen_with(SEE_CHANGE_REQUESTS, _pending(CHANGE_REQUESTS))
order_approvals_waiting = _seen_with(APPROVE_ORDERS, _orders_to_approve)
