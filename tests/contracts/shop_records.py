"""Orders that hang together, for the tests of shops, and a way to be rid of them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import delete

from connectors.database.engine import AsyncEngine
from connectors.ids import OrderEventId, OrderId, OrganizationId, UserId
from connectors.shop.interface import OrderEventRecord, OrderLineRecord, OrderRecord, OrderStatus
from connectors.shop.tables import SHOP_ORDERS
from connectors.values import Address, Money

NOON = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)


def order_of(
    organization_id: OrganizationId,
    name: str,
    *,
    created_at: datetime = NOON,
    status: OrderStatus = OrderStatus.SUBMITTED,
    placed_by_id: UserId | None = None,
    total: int = 0,
    currency: str = "EUR",
    shipping_address: Address | None = None,
    tracking_url: str | None = None,
) -> OrderRecord:
    """Return an order with the id ``ord_{name}`` and the number ``{name}``; without lines its total is 0."""
    return OrderRecord(
        id=OrderId(f"ord_{name}"),
        number=name,
        organization_id=organization_id,
        status=status,
        created_at=created_at,
        placed_at=None if status is OrderStatus.DRAFT else created_at,
        placed_by_id=placed_by_id,
        total=Money(total, currency),
        shipping_address=shipping_address,
        tracking_url=tracking_url,
    )


def line_of(order: OrderRecord, position: int, quantity: int, unit_price: int) -> OrderLineRecord:
    """Return a line of the order."""
    return OrderLineRecord(
        order_id=order.id,
        position=position,
        sku=f"SKU-{position}",
        name=f"Artikel № {position}",
        quantity=quantity,
        unit_price=Money(unit_price, order.total.currency),
        total=Money(quantity * unit_price, order.total.currency),
    )


def event_of(
    order: OrderRecord,
    name: str,
    at: datetime,
    status: OrderStatus,
    actor_id: UserId | None = None,
    messages: Mapping[str, str] | None = None,
) -> OrderEventRecord:
    """Return an event of the order with the id ``evt_{name}``."""
    return OrderEventRecord(
        id=OrderEventId(f"evt_{name}"),
        order_id=order.id,
        organization_id=order.organization_id,
        at=at,
        status=status,
        actor_id=actor_id,
        messages=dict(messages or {}),
    )


async def emptied(engine: AsyncEngine) -> None:
    """Take all orders with their lines and events out of the embedded shop: quicker than another database."""
    async with engine.begin() as connection:
        await connection.execute(delete(SHOP_ORDERS))
