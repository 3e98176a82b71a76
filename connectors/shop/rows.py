"""The shop's records as rows of its tables, and back."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import orjson

from connectors.shop.interface import OrderEventRecord, OrderLineRecord, OrderRecord, OrderStatus
from connectors.values import Money, address_from

_STATUSES: dict[str, OrderStatus] = {status.value: status for status in OrderStatus}


def order_from(row: Any) -> OrderRecord:
    """Return the order that was read as `statements.ORDER`."""
    id, number, organization_id, status, created_at, placed_at, placed_by_id, total, currency, address, tracking = row
    return OrderRecord(
        id,
        number,
        organization_id,
        _STATUSES[status],
        created_at,
        placed_at,
        placed_by_id,
        Money(total, currency),
        None if address is None else address_from(address),
        tracking,
    )


def lines_from(rows: Iterable[Any]) -> list[OrderLineRecord]:
    """Return the lines that were read by `statements.lines`: by far the most of all records."""
    return [
        OrderLineRecord(
            order_id, position, sku, name, quantity, Money(unit_price, currency), Money(quantity * unit_price, currency)
        )
        for order_id, position, sku, name, quantity, unit_price, currency in rows
    ]


def event_from(row: Any) -> OrderEventRecord:
    """Return the event that was read by `statements.events`."""
    id, order_id, organization_id, at, status, actor_id, messages = row
    return OrderEventRecord(id, order_id, organization_id, at, _STATUSES[status], actor_id, orjson.loads(messages))


def order_row(order: OrderRecord) -> dict[str, Any]:
    """Return the values of an order's row."""
    address = order.shipping_address
    return {
        "id": order.id,
        "number": order.number,
        "organization_id": order.organization_id,
        "status": order.status.value,
        "created_at": order.created_at,
        "placed_at": order.placed_at,
        "placed_by_id": order.placed_by_id,
        "total_minor_units": order.total.minor_units,
        "currency": order.total.currency,
        "shipping_address": None if address is None else orjson.dumps(asdict(address)).decode(),
        "tracking_url": order.tracking_url,
    }


def line_row(line: OrderLineRecord) -> dict[str, Any]:
    """Return the values of a line's row; its currency stands in the order."""
    return {
        "order_id": line.order_id,
        "position": line.position,
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price_minor_units": line.unit_price.minor_units,
    }


def event_row(event: OrderEventRecord) -> dict[str, Any]:
    """Return the values of an event's row; its organization stands in the order."""
    return {
        "id": event.id,
        "order_id": event.order_id,
        "at": event.at,
        "status": event.status.value,
        "actor_id": event.actor_id,
        "messages": orjson.dumps(event.messages).decode(),
    }
