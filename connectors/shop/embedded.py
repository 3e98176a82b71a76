"""The embedded shop: orders in tables of our own, on SQLite or PostgreSQL, for the demo and where no shop is."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from connectors.database.engine import AsyncEngine
from connectors.database.reader import Reader, Statement
from connectors.database.sql_errors import database_errors
from connectors.errors import BackendUnavailable, InvalidCursor
from connectors.ids import OrderEventId, OrderId, OrganizationId, UserId
from connectors.pages import ALL, Page, cursor, position
from connectors.shop import statements
from connectors.shop.interface import (
    OrderEventRecord,
    OrderFilter,
    OrderLineRecord,
    OrderRecord,
    OrderStatus,
    ShopData,
)
from connectors.shop.rows import event_from, event_row, line_row, lines_from, order_from, order_row
from connectors.shop.tables import SHOP_ORDER_EVENTS, SHOP_ORDER_LINES, SHOP_ORDERS

BACKEND = "shop"
LISTING = "orders"

_NOTHING = select(1)
_ANY_ORDER = select(SHOP_ORDERS.c.id).limit(1)


class EmbeddedShop:
    """A `Shop` in the database that the engine opens, whose tables `connectors.shop.migrations` makes.

    Each query is one statement outside any transaction, and none at all when nothing is asked for.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._database = engine.dialect.name
        self._reader = Reader(engine, BACKEND)

    async def orders_of(
        self, organization_ids: Sequence[OrganizationId], *, first: int, after: str | None, where: OrderFilter
    ) -> Sequence[Page[OrderRecord]]:
        """Return each organization's orders, newest (by `created_at`, then id) first.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        if first < 0:
            raise ValueError(f"first must not be negative, but is {first}.")
        parameters = _asked("organizations", organization_ids) | _restricted(where)
        parameters["size"] = first + 1
        if after is not None:
            parameters["after_at"], parameters["after_id"] = _position(after)
        statement = statements.pages(
            self._database,
            after=after is not None,
            status=where.status is not None,
            placed_by=where.placed_by_id is not None,
        )
        found: defaultdict[str, list[OrderRecord]] = defaultdict(list)
        for row in await self._rows(statement, parameters, needed=organization_ids):
            found[row[2]].append(order_from(row))
        return [
            Page(
                items=found[organization_id][:first],
                has_next_page=len(found[organization_id]) > first,
                has_previous_page=after is not None,
                cursor_of=_cursor_of,
            )
            for organization_id in organization_ids
        ]

    async def count_orders_of(self, organization_ids: Sequence[OrganizationId], where: OrderFilter) -> Sequence[int]:
        """Return how many orders `orders_of` has for each organization in all."""
        statement = statements.counts(status=where.status is not None, placed_by=where.placed_by_id is not None)
        parameters = _asked("organizations", organization_ids) | _restricted(where)
        counts: dict[str, int] = dict(await self._rows(statement, parameters, needed=organization_ids))
        return [counts.get(organization_id, 0) for organization_id in organization_ids]

    async def orders(self, ids: Sequence[OrderId]) -> Sequence[OrderRecord | None]:
        """Return the orders with these ids."""
        rows = await self._rows(statements.orders(), _asked("ids", ids), needed=ids)
        found = {row[0]: order_from(row) for row in rows}
        return [found.get(id) for id in ids]

    async def lines_of(self, order_ids: Sequence[OrderId], *, limit: int = ALL) -> Sequence[Sequence[OrderLineRecord]]:
        """Return each order's lines by position, the first `limit` of each."""
        asked = {**_asked("orders", order_ids), "limit": limit}
        rows = await self._rows(statements.lines(), asked, needed=order_ids)
        found: defaultdict[str, list[OrderLineRecord]] = defaultdict(list)
        for line in lines_from(rows):
            found[line.order_id].append(line)
        return [found[order_id] for order_id in order_ids]

    async def events_of(
        self, order_ids: Sequence[OrderId], *, limit: int = ALL
    ) -> Sequence[Sequence[OrderEventRecord]]:
        """Return each order's events, oldest first, the first `limit` of each."""
        statement, asked = statements.events(of_orders=True), {**_asked("orders", order_ids), "limit": limit}
        found: defaultdict[str, list[OrderEventRecord]] = defaultdict(list)
        for row in await self._rows(statement, asked, needed=order_ids):
            found[row[1]].append(event_from(row))
        return [found[order_id] for order_id in order_ids]

    async def events(self, ids: Sequence[OrderEventId]) -> Sequence[OrderEventRecord | None]:
        """Return the events with these ids."""
        statement = statements.events(of_orders=False)
        found = {row[0]: event_from(row) for row in await self._rows(statement, _asked("ids", ids), needed=ids)}
        return [found.get(id) for id in ids]

    async def people_of_orders(
        self, organization_ids: Sequence[OrganizationId], user_ids: Sequence[UserId]
    ) -> Mapping[UserId, OrganizationId]:
        """Return those of these people who placed an order of one of the organizations, or did something to it, each
        with such an organization.
        """
        asked = _asked("organizations", organization_ids) | _asked("ids", user_ids)
        return dict(await self._rows(statements.people(), asked, needed=user_ids))

    async def healthy(self) -> bool:
        """Return whether the shop answers."""
        try:
            await self._rows(_NOTHING, {}, needed=(1,))
        except BackendUnavailable:
            return False
        return True

    async def is_empty(self) -> bool:
        """Return whether the shop has no order at all."""
        return not await self._rows(_ANY_ORDER, {}, needed=(1,))

    async def load(self, data: ShopData) -> None:
        """Add these orders with their lines and events, all of them or none.

        Raises:
            ValueError: An order and its lines or events contradict each other; the message names the order.
        """
        _refuse_contradictions(data)
        async with database_errors(BACKEND), self._engine.begin() as connection:
            for table, rows in (
                (SHOP_ORDERS, [order_row(order) for order in data.orders]),
                (SHOP_ORDER_LINES, [line_row(line) for line in data.lines]),
                (SHOP_ORDER_EVENTS, [event_row(event) for event in data.events]),
            ):
                if rows:
                    await connection.execute(insert(table), rows)

    async def _rows(
        self, statement: Statement, parameters: Mapping[str, Any], *, needed: Sequence[object]
    ) -> Sequence[Any]:
        return await self._reader.read(statement, **parameters) if needed else ()


def _asked(parameter: str, ids: Sequence[str]) -> dict[str, Any]:
    return {parameter: list(dict.fromkeys(ids))}


def _restricted(where: OrderFilter) -> dict[str, Any]:
    restrictions: dict[str, Any] = {}
    if where.status is not None:
        restrictions |= _asked("status", where.status)
    if where.placed_by_id is not None:
        restrictions |= _asked("placed_by", (where.placed_by_id,))
    return restrictions


def _may_exist(id: str) -> bool:
    return id.isascii() and "\0" not in id  # PostgreSQL refuses the whole statement for what it cannot store


def _cursor_of(order: OrderRecord) -> str:
    return cursor(LISTING, order.created_at.isoformat(), order.id)


def _position(after: str) -> tuple[datetime, str]:
    at, id = position(LISTING, after, 2)
    try:
        created_at = datetime.fromisoformat(at)
    except ValueError as error:
        raise InvalidCursor(f"{after!r} is not a cursor of {LISTING}.") from error
    if created_at.utcoffset() != timedelta(0) or not _may_exist(id):
        raise InvalidCursor(f"{after!r} is not a cursor of {LISTING}.")
    return created_at, id


def _refuse_contradictions(data: ShopData) -> None:
    orders = {order.id: order for order in data.orders}
    sums = dict.fromkeys(orders, 0)
    for line in data.lines:
        order = orders.get(line.order_id)
        if order is None:
            raise ValueError(f"Line {line.position} is of order {line.order_id}, which is not among the orders.")
        if {line.unit_price.currency, line.total.currency} != {order.total.currency}:
            raise ValueError(f"Order {order.number} is in {order.total.currency}, but line {line.position} is not.")
        if line.total.minor_units != line.quantity * line.unit_price.minor_units:
            raise ValueError(f"Line {line.position} of order {order.number} is not quantity times unit price.")
        sums[order.id] += line.total.minor_units
    for order in data.orders:
        if order.total.minor_units != sums[order.id]:
            raise ValueError(
                f"Order {order.number} has a total of {order.total.minor_units}, but its lines add up to "
                f"{sums[order.id]} {order.total.currency} (minor units)."
            )
        if order.status is OrderStatus.DRAFT and order.placed_at is not None:
            raise ValueError(f"Order {order.number} is a draft, but was placed at {order.placed_at.isoformat()}.")
    for event in data.events:
        order = orders.get(event.order_id)
        if order is None:
            raise ValueError(f"Event {event.id} is of order {event.order_id}, which is not among the orders.")
        if event.organization_id != order.organization_id:
            raise ValueError(f"Event {event.id} of order {order.number} names another organization.")
