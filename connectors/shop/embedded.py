"""The embedded shop: orders in tables of our own, on SQLite or PostgreSQL, for the demo and where no shop is."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import Select, and_, bindparam, insert, literal_column, select, union

from connectors.database.columns import IdText, UtcDateTime
from connectors.database.dialects import contains_each, one_of
from connectors.database.engine import AsyncEngine
from connectors.database.lists import Each, Listing, ListReader, Rare, first_of_owners
from connectors.database.reader import gathered, parallel
from connectors.database.record_rows import MOST_PROJECTIONS, Projection
from connectors.database.sql_errors import database_errors
from connectors.database.text_search import contains_pieces, pieces_of
from connectors.errors import BackendUnavailable
from connectors.folding import search_words
from connectors.ids import OrderEventId, OrderId, OrganizationId, UserId
from connectors.pages import ALL, Page, Slice, SortDirection
from connectors.shop.interface import (
    OrderEventRecord,
    OrderFilter,
    OrderLineRecord,
    OrderRecord,
    OrderSort,
    OrderSortField,
    OrderStatus,
    ShopData,
)
from connectors.shop.rows import EVENTS, LINES, ORDERS, order_row
from connectors.shop.tables import SHOP_ORDER_EVENTS, SHOP_ORDER_LINES, SHOP_ORDERS
from connectors.wanted import EVERYTHING, Wanted

BACKEND = "shop"

T = TypeVar("T")

_order, _line, _event = SHOP_ORDERS.c, SHOP_ORDER_LINES.c, SHOP_ORDER_EVENTS.c

_ORGANIZATION_ID, _ORDER_ID = _order.organization_id, _event.order_id
_ORDER_OF = attrgetter("order_id")
_NOTHING = select(1)
_ANY_ORDER = select(_order.id).limit(1)
_HERE = one_of(_order.organization_id, "organization_ids")
_PEOPLE = union(
    select(_order.placed_by_id, _order.organization_id).where(one_of(_order.placed_by_id, "ids"), _HERE),
    select(_event.actor_id, _order.organization_id)
    .join_from(SHOP_ORDER_EVENTS, SHOP_ORDERS)
    .where(one_of(_event.actor_id, "ids"), _HERE),
)
_CONDITIONS = {
    "status": _order.status == bindparam("status", type_=_order.status.type),
    "placed_by": _order.placed_by_id == bindparam("placed_by", type_=IdText),
    # All that are placed, in the words of the index that has them by day.
    "placed": _order.status != literal_column(f"'{OrderStatus.DRAFT.value}'"),
    "since": _order.listed_at >= bindparam("since", type_=UtcDateTime()),
    "until": _order.listed_at < bindparam("until", type_=UtcDateTime()),
}
"""What can be asked for, by the names of the values; lists are built once for each set of them."""

_WORDS, _STATUSES, _PLACED = "words", "statuses", "placed"
_ALL_PLACED = {*OrderStatus} - {OrderStatus.DRAFT}
_BY_STATUS = Rare(
    lambda row: one_of(row.status, _STATUSES),
    lambda organization: and_(_order.organization_id == organization, one_of(_order.status, _STATUSES)),
    (_order.status,),
)
_BY_TEXT = Rare(
    lambda row: contains_each(row.search_text, _WORDS),
    lambda organization: contains_pieces(_order.search_text, _order.organization_id, organization),
    (_order.search_text,),
)

_SORTED = {
    OrderSortField.PLACED_AT: ("orders", (_order.listed_at, _order.id)),
    OrderSortField.NUMBER: ("orders by number", (_order.number, _order.id)),
    OrderSortField.TOTAL: ("orders by total", (_order.currency, _order.total_minor_units, _order.id)),
}
"""How the list is sorted: its name, which the cursors carry, and its columns."""


@lru_cache(MOST_PROJECTIONS)
def _with_number(projection: Projection[OrderRecord]) -> Select[Any]:
    number = _order.number == bindparam("number", type_=IdText)
    return projection.select.where(number, one_of(_order.organization_id, "ids"))


@lru_cache(MOST_PROJECTIONS)
def _lines(database: str, projection: Projection[OrderLineRecord]) -> Select[Any]:
    return first_of_owners(database, projection, _line.order_id, [_line.position])


@lru_cache(MOST_PROJECTIONS)
def _events(database: str, projection: Projection[OrderEventRecord]) -> Select[Any]:
    return first_of_owners(database, projection, _event.order_id, [_event.at, _event.id])


@lru_cache(MOST_PROJECTIONS)
def _listing(asked: tuple[str, ...], sort: OrderSort, wanted: Wanted[OrderRecord] = EVERYTHING) -> Listing[OrderRecord]:
    name, order = _SORTED[sort.field]
    ascending = sort.direction is SortDirection.ASC
    is_in_index = sort.field is OrderSortField.PLACED_AT  # the one for each status
    return Listing(
        f"{name}, ascending" if ascending else name,
        ORDERS,
        *(_CONDITIONS[one] for one in asked if one in _CONDITIONS),
        owner=_order.organization_id,
        order=order,
        ascending=ascending,
        each=Each(_order.status, _STATUSES) if _STATUSES in asked and is_in_index else None,
        rare=[
            *([_BY_TEXT] if _WORDS in asked else []),
            *([_BY_STATUS] if _STATUSES in asked and not is_in_index else []),
        ],
        wanted=wanted,
    )


class EmbeddedShop(ListReader):
    """A `Shop` in the database that the engine opens, whose tables `connectors.shop.migrations` makes.

    Each query is one statement outside any transaction, and none at all when nothing is asked for.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine, BACKEND)

    async def orders_of(
        self,
        organization_ids: Sequence[OrganizationId],
        page: Slice,
        *,
        where: OrderFilter,
        wanted: Wanted[OrderRecord] = EVERYTHING,
    ) -> Sequence[Page[OrderRecord]]:
        """Return each organization's orders, sorted as `where` says.

        Raises:
            InvalidCursor: A cursor is not one of this list.
        """
        values = _values(where)
        return await self.pages(_listing(tuple(values), where.sort, wanted), organization_ids, page, **values)

    async def count_orders_of(self, organization_ids: Sequence[OrganizationId], where: OrderFilter) -> Sequence[int]:
        """Return how many orders `orders_of` has for each organization in all."""
        values = _values(where)
        return await self.counts(_listing(tuple(values), where.sort), organization_ids, **values)

    async def orders_with_number(
        self, organization_ids: Sequence[OrganizationId], number: str, *, wanted: Wanted[OrderRecord] = EVERYTHING
    ) -> Sequence[OrderRecord | None]:
        """Return the order that has this number, for the organization whose it is."""
        projection = ORDERS.projected(wanted, _ORGANIZATION_ID)
        found = projection.records(await self.read_of(organization_ids, _with_number(projection), number=number))
        return parallel(organization_ids, {order.organization_id: order for order in found})

    async def orders(self, ids: Sequence[OrderId]) -> Sequence[OrderRecord | None]:
        """Return the orders with these ids."""
        return await self.records(ORDERS, ids)

    async def lines_of(
        self, order_ids: Sequence[OrderId], *, limit: int = ALL, wanted: Wanted[OrderLineRecord] = EVERYTHING
    ) -> Sequence[Sequence[OrderLineRecord]]:
        """Return each order's lines by position, the first `limit` of each."""
        projection = LINES.projected(wanted)
        rows = await self.read_of(_once(order_ids), _lines(self.database, projection), limit=limit)
        return projection.unmade(order_ids, "order_id", rows)

    async def events_of(
        self, order_ids: Sequence[OrderId], *, limit: int = ALL, wanted: Wanted[OrderEventRecord] = EVERYTHING
    ) -> Sequence[Sequence[OrderEventRecord]]:
        """Return each order's events, oldest first, the first `limit` of each."""
        projection = EVENTS.projected(wanted, _ORDER_ID)
        rows = await self.read_of(_once(order_ids), _events(self.database, projection), limit=limit)
        return projection.unmade(order_ids, "order_id", rows)

    async def events(self, ids: Sequence[OrderEventId]) -> Sequence[OrderEventRecord | None]:
        """Return the events with these ids."""
        return await self.records(EVENTS, ids)

    async def people_of_orders(
        self, organization_ids: Sequence[OrganizationId], user_ids: Sequence[UserId]
    ) -> Mapping[UserId, OrganizationId]:
        """Return those of these people who placed an order of one of the organizations, or did something to it, each
        with such an organization.
        """
        rows = await self.read_of(_once(user_ids), _PEOPLE, organization_ids=_once(organization_ids))
        return {UserId(row[0]): OrganizationId(row[1]) for row in rows}

    async def healthy(self) -> bool:
        """Return whether the shop answers."""
        try:
            await self.read(_NOTHING)
        except BackendUnavailable:
            return False
        return True

    async def is_empty(self) -> bool:
        """Return whether the shop has no order at all."""
        return not await self.read(_ANY_ORDER)

    async def load(self, data: ShopData) -> None:
        """Add these orders with their lines and events, all of them or none.

        Raises:
            ValueError: An order and its lines or events contradict each other; the message names the order.
        """
        _refuse_contradictions(data)
        of_each = gathered((order.id for order in data.orders), data.lines, _ORDER_OF)
        async with database_errors(BACKEND), self._engine.begin() as connection:
            for table, rows in (
                (SHOP_ORDERS, [order_row(order, lines) for order, lines in zip(data.orders, of_each, strict=True)]),
                (SHOP_ORDER_LINES, [LINES.row(line) for line in data.lines]),
                (SHOP_ORDER_EVENTS, [EVENTS.row(event) for event in data.events]),
            ):
                if rows:
                    await connection.execute(insert(table), rows)


def _values(where: OrderFilter) -> dict[str, Any]:
    """Return the values of what is asked for; one status alone is an equality, which an index has in its order."""
    status = tuple(dict.fromkeys(where.status)) if where.status is not None else None
    words = search_words(where.search or "")
    is_placed = status is not None and {*status} == _ALL_PLACED
    in_one_index = is_placed and where.sort.field is OrderSortField.PLACED_AT and not words
    values = {
        _PLACED: True if in_one_index else None,
        "status": status[0] if status is not None and len(status) == 1 else None,
        _STATUSES: status if status is not None and len(status) != 1 and not in_one_index else None,
        "placed_by": where.placed_by_id,
        _WORDS: words or None,
        "pieces": pieces_of(words) or None,
        "since": where.since,
        "until": where.until,
    }
    return {name: value for name, value in values.items() if value is not None}


def _once(ids: Sequence[T]) -> list[T]:
    return list(dict.fromkeys(ids))


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
