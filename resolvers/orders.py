"""What an organization ordered, asked of the shop."""

from collections.abc import Sequence
from datetime import datetime

from connectors.directory.records.organizations import OrganizationRecord
from connectors.errors import NotMapped
from connectors.ids import OrganizationId, UserId
from connectors.pages import Slice
from connectors.shop.interface import (
    OrderEventRecord,
    OrderFilter,
    OrderLineRecord,
    OrderRecord,
    OrderSort,
    OrderStatus,
)
from connectors.wanted import EVERYTHING, Wanted, reads
from resolvers.context import RequestContext
from resolvers.pagination import Listing, check_range, check_search, paged

MOST_LINES = 200
MOST_EVENTS = 50
PLACED = tuple(sorted(status for status in OrderStatus if status is not OrderStatus.DRAFT))


@reads(OrganizationRecord, lambda organization: organization.id)
async def orders_of(
    context: RequestContext,
    organizations: Sequence[OrganizationRecord],
    *,
    page: Slice,
    status: Sequence[OrderStatus] | None = None,
    placed_by: UserId | None = None,
    search: str | None = None,
    from_: datetime | None = None,
    to: datetime | None = None,
    order_by: OrderSort | None = None,
    wanted: Wanted[OrderRecord] = EVERYTHING,
) -> Sequence[Listing | NotMapped]:
    """Return each organization's orders, parallel to `organizations`; one call to the shop.

    Without `status`, drafts are left out: they are not placed yet.
    """
    check_search(search)
    check_range(from_, to)
    statuses = PLACED if status is None else tuple(sorted(set(status)))
    where = OrderFilter(statuses, placed_by, search, from_, to, order_by or OrderSort())
    ids = [organization.id for organization in organizations]
    shop = context.backends.shop
    pages = await paged(page, ("orders", where), lambda one: shop.orders_of(ids, one, where=where, wanted=wanted))
    return [
        found if isinstance(found, NotMapped) else Listing(found, identifier, where, _count_orders)
        for identifier, found in zip(ids, pages, strict=True)
    ]


@reads(OrganizationRecord, lambda organization: organization.id)
async def order_with_number(
    context: RequestContext,
    organizations: Sequence[OrganizationRecord],
    *,
    number: str,
    wanted: Wanted[OrderRecord] = EVERYTHING,
) -> Sequence[OrderRecord | NotMapped | None]:
    """Return each organization's order with this number, drafts too; one call to the shop."""
    ids = [organization.id for organization in organizations]
    return await context.backends.shop.orders_with_number(ids, number.strip(), wanted=wanted)


@reads(OrderRecord, lambda order: order.id)
async def lines_of(
    context: RequestContext, orders: Sequence[OrderRecord], *, wanted: Wanted[OrderLineRecord] = EVERYTHING
) -> Sequence[Sequence[OrderLineRecord]]:
    """Return each order's first 200 lines; one call to the shop."""
    ids = [order.id for order in orders]
    return await context.backends.shop.lines_of(ids, limit=MOST_LINES, wanted=wanted)


@reads(OrderRecord, lambda order: order.id)
async def events_of(
    context: RequestContext, orders: Sequence[OrderRecord], *, wanted: Wanted[OrderEventRecord] = EVERYTHING
) -> Sequence[Sequence[OrderEventRecord]]:
    """Return what happened to each order, oldest first, 50 events at most; one call to the shop."""
    ids = [order.id for order in orders]
    return await context.backends.shop.events_of(ids, limit=MOST_EVENTS, wanted=wanted)


async def _count_orders(
    context: RequestContext, organization_ids: Sequence[OrganizationId], where: OrderFilter
) -> Sequence[int | None]:
    return await context.backends.shop.count_orders_of(organization_ids, where)
