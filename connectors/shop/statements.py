"""Every statement with which the embedded shop reads, built once for each database and shape of the query.

A list of ids is one parameter however long it is: the text of a statement never depends on it, so nothing is compiled
or planned twice and no limit on parameters is met.
"""

from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    bindparam,
    func,
    select,
    true,
    tuple_,
    union,
)
from sqlalchemy.sql.selectable import FromClause

from connectors.database.columns import IdText, UtcDateTime
from connectors.database.dialects import listed, one_of
from connectors.shop.tables import SHOP_ORDER_EVENTS as EVENTS
from connectors.shop.tables import SHOP_ORDER_LINES as LINES
from connectors.shop.tables import SHOP_ORDERS as ORDERS

POSTGRESQL = "postgresql"

ORDER = (
    "id",
    "number",
    "organization_id",
    "status",
    "created_at",
    "placed_at",
    "placed_by_id",
    "total_minor_units",
    "currency",
    "shipping_address",
    "tracking_url",
)
"""What is read of an order, in this sequence."""


@cache
def pages(database: str, *, after: bool, status: bool, placed_by: bool) -> Select[Any]:
    """Select ORDER for the newest `size` orders of each of `organizations`, those after a position if `after`.

    The limit applies in the index, organization by organization; row_number() would first read the whole history of
    each.
    """
    asked = listed(database, "organizations")
    of_one = ORDERS.alias("of_one")
    newest = (
        select(*(of_one.c[name] for name in (ORDER if database == POSTGRESQL else ("id",))))
        .where(of_one.c.organization_id == asked.c.value, *_filters(of_one, status, placed_by))
        .order_by(of_one.c.created_at.desc(), of_one.c.id.desc())
        .limit(bindparam("size", type_=Integer))
        .correlate(asked)
    )
    if after:
        newest = newest.where(
            tuple_(of_one.c.created_at, of_one.c.id)
            < tuple_(bindparam("after_at", type_=UtcDateTime()), bindparam("after_id", type_=IdText))
        )
    page: FromClause = ORDERS
    if database == POSTGRESQL:
        page = newest.lateral("page")
        source = asked.join(page, true())
    else:  # SQLite has no LATERAL
        source = asked.join(ORDERS, ORDERS.c.id.in_(newest))
    return (
        select(*(page.c[name] for name in ORDER))
        .select_from(source)
        .order_by(page.c.created_at.desc(), page.c.id.desc())
    )


@cache
def counts(*, status: bool, placed_by: bool) -> Select[Any]:
    """Select each of `organizations` that has such orders, and how many."""
    return (
        select(ORDERS.c.organization_id, func.count())
        .where(one_of(ORDERS.c.organization_id, "organizations"), *_filters(ORDERS, status, placed_by))
        .group_by(ORDERS.c.organization_id)
    )


@cache
def orders() -> Select[Any]:
    """Select ORDER for each of `ids`."""
    return select(*(ORDERS.c[name] for name in ORDER)).where(one_of(ORDERS.c.id, "ids"))


@cache
def lines() -> Select[Any]:
    """Select the first `limit` lines of each of `orders`, with the order's currency, by position."""
    found = (
        select(
            LINES.c.order_id,
            LINES.c.position,
            LINES.c.sku,
            LINES.c.name,
            LINES.c.quantity,
            LINES.c.unit_price_minor_units,
            ORDERS.c.currency,
        )
        .join_from(LINES, ORDERS)
        .where(one_of(LINES.c.order_id, "orders"))
    )
    return _first(found, LINES.c.order_id, LINES.c.position)


@cache
def events(*, of_orders: bool) -> Select[Any]:
    """Select each of `ids`, or the first `limit` events of each of `orders`, with the organization, oldest first."""
    asked = one_of(EVENTS.c.order_id, "orders") if of_orders else one_of(EVENTS.c.id, "ids")
    found = (
        select(
            EVENTS.c.id,
            EVENTS.c.order_id,
            ORDERS.c.organization_id,
            EVENTS.c.at,
            EVENTS.c.status,
            EVENTS.c.actor_id,
            EVENTS.c.messages,
        )
        .join_from(EVENTS, ORDERS)
        .where(asked)
    )
    if of_orders:
        return _first(found, EVENTS.c.order_id, EVENTS.c.at, EVENTS.c.id)
    return found.order_by(EVENTS.c.order_id, EVENTS.c.at, EVENTS.c.id)


@cache
def people() -> CompoundSelect[Any]:
    """Select those of `ids` who placed an order of one of `organizations`, or did something to it, with which one."""
    here = one_of(ORDERS.c.organization_id, "organizations")
    return union(
        select(ORDERS.c.placed_by_id, ORDERS.c.organization_id).where(one_of(ORDERS.c.placed_by_id, "ids"), here),
        select(EVENTS.c.actor_id, ORDERS.c.organization_id)
        .join_from(EVENTS, ORDERS)
        .where(one_of(EVENTS.c.actor_id, "ids"), here),
    )


def _first(found: Select[Any], owner: ColumnElement[Any], *order: ColumnElement[Any]) -> Select[Any]:
    """Select the first `limit` rows of each owner, in this order."""
    numbered = found.add_columns(func.row_number().over(partition_by=owner, order_by=order).label("number")).subquery()
    shown = [column for column in numbered.c if column.key != "number"]
    kept = select(*shown).where(numbered.c.number <= bindparam("limit"))
    return kept.order_by(numbered.c.order_id, numbered.c.number)


def _filters(orders: FromClause, status: bool, placed_by: bool) -> list[ColumnElement[bool]]:
    filters = []
    if status:
        filters.append(one_of(orders.c.status, "status"))
    if placed_by:
        filters.append(one_of(orders.c.placed_by_id, "placed_by"))
    return filters
