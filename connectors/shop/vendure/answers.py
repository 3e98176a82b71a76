"""Records of what Vendure answers, and its ids, instants and amounts as ours."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from babel.numbers import get_currency_precision

from connectors.http.graphql import Scalars, read_integer
from connectors.ids import OrderEventId, OrderId, OrganizationId, UserId
from connectors.shop.interface import OrderEventRecord, OrderLineRecord, OrderRecord, OrderStatus
from connectors.shop.vendure.states import is_exact, is_of_cart, status_of
from connectors.values import Address, Money

R = TypeVar("R")

Answer = Mapping[str, Any]
"""An object of an answer, of the shape that the schema says."""

_ORDER_ID = re.compile(r"ord_([0-9]{1,9}|1[0-9]{9}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_EVENT_ID = re.compile(rf"oev_({_ORDER_ID.pattern[5:-1]})\.([0-9a-f-]{{1,36}})")
_PHONE = re.compile(r"\+[1-9][0-9]{5,14}")
_LANGUAGE_OF_STATES = "en"
"""The language of Vendure's states, which are words of its code."""


def _instant(value: Any) -> datetime:
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError("no time zone")
    return found.astimezone(UTC)


SCALARS: Scalars = {"DateTime": _instant, "Money": read_integer}


def order_key(order_id: OrderId) -> str | None:
    """Return Vendure's id of an order, None for what cannot be one of its ids."""
    found = _ORDER_ID.fullmatch(order_id)
    return found[1] if found else None


def event_keys(event_id: OrderEventId) -> tuple[str, str] | None:
    """Return Vendure's ids of an event's order and of the event, None for what cannot be."""
    found = _EVENT_ID.fullmatch(event_id)
    return (found[1], found[2]) if found else None


def by_age(key: str) -> tuple[int, str]:
    """Return what ids of Vendure are sorted by: numbers as numbers."""
    return (len(key), key)


def order_record(answer: Answer, organization_id: OrganizationId, placed_by: UserId | None, scale: int) -> OrderRecord:
    """Return an order, with those of its attributes that were asked for."""
    values: dict[str, Any] = {
        "id": OrderId(f"ord_{answer['id']}"),
        "organization_id": organization_id,
        "created_at": answer["createdAt"],
        "placed_at": answer["orderPlacedAt"],
        "placed_by_id": placed_by,
    }
    if "code" in answer:
        values["number"] = answer["code"]
    if "state" in answer:
        values["status"] = status_of(answer["state"], is_placed=answer["orderPlacedAt"] is not None)
    if "totalWithTax" in answer:
        values["total"] = money(answer["totalWithTax"], answer["currencyCode"], scale)
    if "shippingAddress" in answer:
        values["shipping_address"] = _address(answer["shippingAddress"])
    if "fulfillments" in answer:
        values["tracking_url"] = _tracking_url(answer["fulfillments"] or ())
    return _record(OrderRecord, values)


def line_records(order: Answer, scale: int) -> list[OrderLineRecord]:
    """Return the lines of an order, then its surcharges, then what its shipping costs: they add up to its total."""
    lines: list[tuple[Answer, int, int | None, int | None]] = [
        (
            line.get("productVariant", {}),
            line["quantity"],
            line.get("proratedUnitPriceWithTax"),
            line.get("proratedLinePriceWithTax"),
        )
        for line in sorted(order["lines"], key=lambda line: (line["createdAt"], by_age(line["id"])))
    ]
    for one in sorted(order["surcharges"], key=lambda one: by_age(one["id"])):
        amount = one["priceWithTax"]
        lines.append(({"sku": one["sku"] or "", "name": one["description"]}, 1, amount, amount))
    for one in sorted(order["shippingLines"], key=lambda one: by_age(one["id"])):
        if amount := one["discountedPriceWithTax"]:
            method = one["shippingMethod"]
            lines.append(({"sku": method["code"], "name": method["name"]}, 1, amount, amount))
    records = []
    for position, (article, quantity, unit_price, total) in enumerate(lines, start=1):
        values = {"order_id": OrderId(f"ord_{order['id']}"), "position": position, "quantity": quantity, **article}
        for name, amount in (("unit_price", unit_price), ("total", total)):
            if amount is not None:
                values[name] = money(amount, order["currencyCode"], scale)
        records.append(_record(OrderLineRecord, values))
    return records


def event_records(
    order: Answer, organization_id: OrganizationId, customer: UserId | None, language: str
) -> list[OrderEventRecord]:
    """Return what customers may know of an order's history, oldest first.

    That is its states, but for those of a cart, and the notes that are meant for customers, which are in `language`.
    `customer` did what placed the order; all else was the shop.
    """
    entries = [
        entry
        for entry in sorted(order["history"]["items"], key=lambda entry: (entry["createdAt"], by_age(entry["id"])))
        if entry["isPublic"] and isinstance(entry["data"], dict)
    ]
    placing = _placing(order, [entry for entry in entries if _state_of(entry) is not None])
    is_placed = order["orderPlacedAt"] is not None and placing is None
    status = status_of(order["state"], is_placed=is_placed) if is_placed else OrderStatus.DRAFT
    records: list[OrderEventRecord] = []
    for entry in entries:
        state, note = _state_of(entry), str(entry["data"].get("note") or "").strip()
        actor: UserId | None = None
        messages: dict[str, str] = {}
        if state is not None:
            is_placing = entry is placing
            is_placed = is_placed or is_placing
            status = status_of(state, is_placed=is_placed)
            if is_of_cart(state):
                continue
            if is_placing and entry["administrator"] is None:
                actor = customer
            if not is_exact(state):
                messages = {_LANGUAGE_OF_STATES: state}
        elif entry["type"] == "ORDER_NOTE" and note:
            messages = {language: note}
        else:
            continue
        records.append(
            OrderEventRecord(
                id=OrderEventId(f"oev_{order['id']}.{entry['id']}"),
                order_id=OrderId(f"ord_{order['id']}"),
                organization_id=organization_id,
                at=entry["createdAt"],
                status=status,
                actor_id=actor,
                messages=messages,
            )
        )
    return records


def _state_of(entry: Answer) -> str | None:
    """Return the state that an order got by a step of its history."""
    state = entry["data"].get("to") if entry["type"] == "ORDER_STATE_TRANSITION" else None
    return state if isinstance(state, str) else None


def _placing(order: Answer, transitions: Sequence[Answer]) -> Answer | None:
    """Return the step that placed the order: of those out of the cart, the nearest in time.

    Vendure notes it with the instant at which its transaction began, which is before the order was placed.
    """
    placed_at = order["orderPlacedAt"]
    steps = [entry for entry in transitions if not is_of_cart(entry["data"]["to"])]
    if placed_at is None or not steps:
        return None
    return min(steps, key=lambda entry: abs(entry["createdAt"] - placed_at))


def money(amount: int, currency: str, scale: int) -> Money:
    """Return an amount in the minor units of its currency, given to how many decimals Vendure keeps all amounts."""
    decimals = get_currency_precision(currency)
    if decimals == scale:
        return Money(amount, currency)
    return Money(int(Decimal(amount).scaleb(decimals - scale).to_integral_value()), currency)


def _address(answer: Answer | None) -> Address | None:
    """Return a postal address, None where there is no street, town or country."""
    given = {name: (value or "").strip() for name, value in (answer or {}).items()}
    if not (given.get("streetLine1") and given["city"] and given["countryCode"]):
        return None
    return Address(
        street=tuple(line for line in (given["streetLine1"], given["streetLine2"]) if line),
        postal_code=given["postalCode"],
        city=given["city"],
        country_code=given["countryCode"].upper(),
        name=given["fullName"] or None,
        company=given["company"] or None,
        region=given["province"] or None,
        phone=phone if _PHONE.fullmatch(phone := re.sub(r"[\s()/.-]", "", given["phoneNumber"])) else None,
    )


def _tracking_url(fulfillments: Sequence[Answer]) -> str | None:
    """Return where the shipment that was made last can be tracked, where its tracking code is an address."""
    codes = [
        one["trackingCode"] for one in sorted(fulfillments, key=lambda one: by_age(one["id"])) if one["trackingCode"]
    ]
    return next((code for code in reversed(codes) if code.startswith(("https://", "http://"))), None)


def _record(kind: type[R], values: Mapping[str, Any]) -> R:
    """Return a record with these attributes and no others."""
    record = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(record, name, value)
    return record
