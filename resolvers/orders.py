"""What an organization ordered, asked of the shop."""

from collections.abc import Sequence

from connectors.directory.records.organizations import OrganizationRecord
from connectors.ids import OrganizationId, UserId
from connectors.shop.interface import OrderEventRecord, OrderFilter, OrderLineRecord, OrderRecord, OrderStatus
from resolvers.context import RequestContext
from resolvers.pagination import DEFAULT_PAGE, Listing, check_page, paged

MOST_LINES = 200
MOST_EVENTS = 50


async def orders_of(
    context: RequestContext,
    organizations: Sequence[OrganizationRecord],
    *,
    first: int = DEFAULT_PAGE,
    after: str | None = None,
    status: Sequence[OrderStatus] | None = None,
    placed_by: UserId | None = None,
) -> Sequence[Listing]:
    """Return each organization's orders, newest first, parallel to `organizations`; one call to the shop."""
    check_page(first, after)
    where = OrderFilter(status=tuple(status) if status is not None else None, placed_by_id=placed_by)
    ids = [organization.id for organization in organizations]
    pages = await paged(context.backends.shop.orders_of(ids, first=first, after=after, where=where))
    return [Listing(page, identifier, where, _count_orders) for identifier, page in zip(ids, pages, strict=True)]


async def lines_of(context: RequestContext, orders: Sequence[OrderRecord]) -> Sequence[Sequence[OrderLineRecord]]:
    """Return each order's first 200 lines; one call to the shop."""
    return await context.backends.shop.lines_of([order.id for order in orders], limit=MOST_LINES)


async def events_of(context: RequestContext, orders: Sequence[OrderRecord]) -> Sequence[Sequence[OrderEventRecord]]:
    """Return what happened to each order, oldest first, 50 events at most; one call to the shop."""
    return await context.backends.shop.events_of([order.id for order in orders], limit=MOST_EVENTS)


async def _count_orders(
    context: RequestContext, organization_ids: Sequence[OrganizationId], where: OrderFilter
) -> Sequence[int | None]:
    return await context.backends.shop.count_orders_of(organization_ids, where)
