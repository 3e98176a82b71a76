"""What the states of Vendure's orders come to."""

from collections.abc import Collection, Mapping

from connectors.shop.interface import OrderStatus

_EXACT: Mapping[str, OrderStatus] = {
    "Created": OrderStatus.DRAFT,
    "AddingItems": OrderStatus.DRAFT,
    "ArrangingPayment": OrderStatus.DRAFT,
    "PaymentAuthorized": OrderStatus.SUBMITTED,
    "PaymentSettled": OrderStatus.CONFIRMED,
    "PartiallyShipped": OrderStatus.PARTIALLY_SHIPPED,
    "Shipped": OrderStatus.SHIPPED,
    "Delivered": OrderStatus.DELIVERED,
    "Cancelled": OrderStatus.CANCELLED,
    # Vendure's own process has none of these: whoever adds a state to it calls it so.
    "PendingApproval": OrderStatus.PENDING_APPROVAL,
    "Rejected": OrderStatus.REJECTED,
    "Submitted": OrderStatus.SUBMITTED,
    "Confirmed": OrderStatus.CONFIRMED,
    "Failed": OrderStatus.FAILED,
}
_NEAREST: Mapping[str, OrderStatus] = {
    "Modifying": OrderStatus.CONFIRMED,
    "ArrangingAdditionalPayment": OrderStatus.CONFIRMED,
    "PartiallyDelivered": OrderStatus.PARTIALLY_SHIPPED,  # some of it is still to come
}
_KNOWN = {**_EXACT, **_NEAREST}
_UNKNOWN = {True: OrderStatus.SUBMITTED, False: OrderStatus.DRAFT}
"""The status of a state that is not known here, by whether the order is placed."""


def status_of(state: str, *, is_placed: bool) -> OrderStatus:
    """Return the status that says what the state does, or the nearest; what is placed is no draft."""
    status = _KNOWN.get(state, _UNKNOWN[is_placed])
    return _UNKNOWN[True] if is_placed and status is OrderStatus.DRAFT else status


def is_exact(state: str) -> bool:
    """Return whether a status of ours says all that the state does."""
    return state in _EXACT


def is_of_cart(state: str) -> bool:
    """Return whether the state is one of a cart, through which an order went before it was anything."""
    return _EXACT.get(state) is OrderStatus.DRAFT or state == "Draft"


def states_with(statuses: Collection[OrderStatus] | None, *, is_placed: bool) -> Mapping[str, list[str]] | None:
    """Return Vendure's filter for the states of these statuses, empty for all of them; None where nothing has one."""
    if statuses is None:
        return {}
    states = {state: status_of(state, is_placed=is_placed) for state in _KNOWN}
    if _UNKNOWN[is_placed] in statuses:
        others = [state for state, status in states.items() if status not in statuses]
        return {"notIn": others} if others else {}
    chosen = [state for state, status in states.items() if status in statuses]
    return {"in": chosen} if chosen else None
