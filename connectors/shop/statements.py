"""Every statement with which the embedded shop reads, built once for each database and shape of the question.

A list of ids is one parameter however long it is, an array on PostgreSQL and a JSON array on SQLite: the text of a
statement never depends on it, so nothing is compiled or planned twice and no limit on parameters is met.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    TableValuedAlias,
    Text,
    bindparam,
    func,
    select,
    true,
    tuple_,
)
from sqlalchemy.sql.selectable import FromClause

from connectors.database import IdText, UtcDateTime
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


def id_list(database: str, ids: Sequence[str]) -> Any:
    """Return the ids as the one parameter that stands for them in the statements for this database."""
    return ids if database == POSTGRESQL else orjson.dumps(ids).decode()


@cache
def pages(database: str, *, after: bool, status: bool, placed_by: bool) -> Select[Any]:
    """Select ORDER for the newest `size` orders of each of `organizations`, those after a position if `after`.

    The limit applies in the index, organization by organization; row_number() would first read the whole history of
    each.
    """
    asked = _listed(database, "organizations")
    of_one = ORDERS.alias("of_one")
    newest = (
        select(*(of_one.c[name] for name in (ORDER if database == POSTGRESQL else ("id",))))
        .where(of_one.c.organization_id == asked.c.value, *_filters(database, of_one, status, placed_by))
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
def counts(database: str, *, status: bool, placed_by: bool) -> Select[Any]:
    """Select each of `organizations` that has such orders, and how many."""
    return (
        select(ORDERS.c.organization_id, func.count())
        .where(
            _among(database, ORDERS.c.organization_id, "organizations"), *_filters(database, ORDERS, status, placed_by)
        )
        .group_by(ORDERS.c.organization_id)
    )


@cache
def orders(database: str) -> Select[Any]:
    """Select ORDER for each of `ids`."""
    return select(*(ORDERS.c[name] for name in ORDER)).where(_among(database, ORDERS.c.id, "ids"))


@cache
def lines(database: str) -> Select[Any]:
    """Select the lines of each of `orders`, with the order's currency, by position."""
    return (
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
        .where(_among(database, LINES.c.order_id, "orders"))
        .order_by(LINES.c.order_id, LINES.c.position)
    )


@cache
def events(database: str, *, of_orders: bool) -> Select[Any]:
    """Select each of `ids`, or of the events of each of `orders`, with the order's organization, oldest first."""
    asked = _among(database, EVENTS.c.order_id, "orders") if of_orders else _among(database, EVENTS.c.id, "ids")
    return (
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
        .order_by(EVENTS.c.order_id, EVENTS.c.at, EVENTS.c.id)
    )


def _filters(database: str, orders: FromClause, status: bool, placed_by: bool) -> list[ColumnElement[bool]]:
    filters = []
    if status:
        filters.append(_among(database, orders.c.status, "status"))
    if placed_by:
        filters.append(_among(database, orders.c.placed_by_id, "placed_by"))
    return filters


def _among(database: str, column: ColumnElement[str], parameter: str) -> ColumnElement[bool]:
    if database == POSTGRESQL:
        return column == func.any(bindparam(parameter, type_=ARRAY(Text)))
    return column.in_(select(_listed(database, parameter).c.value))


def _listed(database: str, parameter: str) -> TableValuedAlias:
    if database == POSTGRESQL:
        return (
            func.unnest(bindparam(parameter, type_=ARRAY(Text))).table_valued("value", name=parameter).render_derived()
        )
    return func.json_each(bindparam(parameter, type_=Text)).table_valued("value", name=parameter)
