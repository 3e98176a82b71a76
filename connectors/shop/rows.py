"""Which records the shop's tables keep."""

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.database.record_rows import Rows
from connectors.folding import searchable
from connectors.shop.interface import OrderEventRecord, OrderLineRecord, OrderRecord
from connectors.shop.tables import SHOP_ORDER_EVENTS, SHOP_ORDER_LINES, SHOP_ORDERS

_order, _line = SHOP_ORDERS.c, SHOP_ORDER_LINES.c


def _listed_at(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"listed_at": values["placed_at"] or values["created_at"]}


ORDERS = Rows(OrderRecord, SHOP_ORDERS, derive=_listed_at, total=(_order.total_minor_units, _order.currency))
LINES = Rows(
    OrderLineRecord,
    SHOP_ORDER_LINES,
    unit_price=(_line.unit_price_minor_units, _line.currency),
    total=(_line.quantity * _line.unit_price_minor_units, _line.currency),
)
EVENTS = Rows(
    OrderEventRecord,
    SHOP_ORDER_EVENTS,
    source=SHOP_ORDER_EVENTS.join(SHOP_ORDERS),
    organization_id=_order.organization_id,
)


def search_text(number: str, articles: Iterable[tuple[str, str]]) -> str:
    """Return what an order is found by: its number, and number and name of each article."""
    return searchable(number, *dict.fromkeys(f"{sku} {name}" for sku, name in articles))


def order_row(order: OrderRecord, lines: Iterable[OrderLineRecord]) -> dict[str, Any]:
    """Return the row of an order with these lines."""
    return ORDERS.row(order) | {"search_text": search_text(order.number, ((line.sku, line.name) for line in lines))}
