"""The shop's records as rows of its tables, and back."""

from dataclasses import asdict
from typing import Any

import orjson

from connectors.shop.interface import OrderEventRecord, OrderLineRecord, OrderRecord, OrderStatus
from connectors.values import Address, Money


def order_from(row: Any) -> OrderRecord:
    """Return the order that was read as `statements.ORDER`."""
    id, number, organization_id, status, created_at, placed_at, placed_by_id, total, currency, address, tracking = row
    return OrderRecord(
        id=id,
        number=number,
        organization_id=organization_id,
        status=OrderStatus(status),
        created_at=created_at,
        placed_at=placed_at,
        placed_by_id=placed_by_id,
        total=Money(total, currency),
        shipping_address=None if address is None else _address_from(address),
        tracking_url=tracking,
    )


def line_from(row: Any) -> OrderLineRecord:
    """Return the line that was read by `statements.lines`."""
    order_id, position, sku, name, quantity, unit_price, currency = row
    return OrderLineRecord(
        order_id=order_id,
        position=position,
        sku=sku,
        name=name,
        quantity=quantity,
        unit_price=Money(unit_price, currency),
        total=Money(quantity * unit_price, currency),
    )


def event_from(row: Any) -> OrderEventRecord:
    """Return the event that was read by `statements.events`."""
    id, order_id, organization_id, at, status, actor_id, messages = row
    return OrderEventRecord(
        id=id,
        order_id=order_id,
        organization_id=organization_id,
        at=at,
        status=OrderStatus(status),
        actor_id=actor_id,
        messages=orjson.loads(messages),
    )


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


def _address_from(text: str) -> Address:
    values = orjson.loads(text)
    return Address(**{**values, "street": tuple(values["street"])})
