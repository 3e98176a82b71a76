"""The shop as the rest of Forecourt sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from connectors.errors import NotMapped
from connectors.ids import OrderEventId, OrderId, OrganizationId, UserId
from connectors.pages import ALL, Page, Slice, SortDirection
from connectors.quick import quick
from connectors.values import Address, Money
from connectors.wanted import EVERYTHING, Wanted


class OrderStatus(StrEnum):
    """Where an order stands; a state of a real shop that is unknown here maps to the nearest."""

    DRAFT = "DRAFT"
    PENDING_APPROVAL = "PENDING_APPROVAL"
    REJECTED = "REJECTED"
    SUBMITTED = "SUBMITTED"
    CONFIRMED = "CONFIRMED"
    PARTIALLY_SHIPPED = "PARTIALLY_SHIPPED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


@quick
@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order of an organization; `total` is the sum of its lines, `placed_at` is None for a draft."""

    id: OrderId
    number: str
    organization_id: OrganizationId
    status: OrderStatus
    created_at: datetime
    placed_at: datetime | None
    placed_by_id: UserId | None
    total: Money
    shipping_address: Address | None
    tracking_url: str | None


@quick
@dataclass(frozen=True, slots=True)
class OrderLineRecord:
    """One position of an order; `total` is quantity times unit price."""

    order_id: OrderId
    position: int
    sku: str
    name: str
    quantity: int
    unit_price: Money
    total: Money


@quick
@dataclass(frozen=True, slots=True)
class OrderEventRecord:
    """One step of an order's way; `messages` are what the shop says of it, by language."""

    id: OrderEventId
    order_id: OrderId
    organization_id: OrganizationId
    at: datetime
    status: OrderStatus
    actor_id: UserId | None
    messages: dict[str, str]


class OrderSortField(StrEnum):
    """What orders are sorted by."""

    PLACED_AT = "PLACED_AT"  # the day that a list shows, which for a draft is when it was begun
    NUMBER = "NUMBER"
    TOTAL = "TOTAL"


@dataclass(frozen=True, slots=True)
class OrderSort:
    """How orders are sorted; those alike in it stand by id."""

    field: OrderSortField = OrderSortField.PLACED_AT
    direction: SortDirection = SortDirection.DESC


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders are asked for, and in which order; None means no restriction.

    `search` finds words of the number and of the articles, theirs too, in any order and whatever the case. `since`
    and before `until` are about the day that PLACED_AT sorts by.
    """

    status: tuple[OrderStatus, ...] | None = None
    placed_by_id: UserId | None = None
    search: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    sort: OrderSort = OrderSort()


@dataclass(frozen=True, slots=True)
class ShopData:
    """Whole records to load at once, for demo data and imports."""

    orders: Sequence[OrderRecord]
    lines: Sequence[OrderLineRecord]
    events: Sequence[OrderEventRecord]


class Shop(Protocol):
    """Queries. Every list answer is parallel to the list asked with, None where there is no such record.

    Of each record, what is `wanted` is filled in, and what the shop's own cursors are made of; a shop that gets more
    anyway may fill in all.

    Where no id of the shop stands for an organization (see `connectors.external_ids`), NotMapped is its answer, and the
    others stand.

    Each method costs one call to the shop however long the lists are, and raises BackendUnavailable when the shop
    does not answer.
    """

    async def orders_of(
        self,
        organization_ids: Sequence[OrganizationId],
        page: Slice,
        *,
        where: OrderFilter,
        wanted: Wanted[OrderRecord] = EVERYTHING,
    ) -> Sequence[Page[OrderRecord] | NotMapped]:
        """Return each organization's orders, sorted as `where` says.

        Raises:
            InvalidCursor: A cursor is not one of this list.
        """

    async def count_orders_of(
        self, organization_ids: Sequence[OrganizationId], where: OrderFilter
    ) -> Sequence[int | None]:
        """Return how many orders `orders_of` has for each organization in all; None where the shop cannot count."""

    async def orders_with_number(
        self, organization_ids: Sequence[OrganizationId], number: str, *, wanted: Wanted[OrderRecord] = EVERYTHING
    ) -> Sequence[OrderRecord | NotMapped | None]:
        """Return the order that has this number, for the organization whose it is."""

    async def orders(self, ids: Sequence[OrderId]) -> Sequence[OrderRecord | None]:
        """Return the orders with these ids."""

    async def lines_of(
        self, order_ids: Sequence[OrderId], *, limit: int = ALL, wanted: Wanted[OrderLineRecord] = EVERYTHING
    ) -> Sequence[Sequence[OrderLineRecord]]:
        """Return each order's lines by position, the first `limit` of each."""

    async def events_of(
        self, order_ids: Sequence[OrderId], *, limit: int = ALL, wanted: Wanted[OrderEventRecord] = EVERYTHING
    ) -> Sequence[Sequence[OrderEventRecord]]:
        """Return each order's events, oldest first, the first `limit` of each."""

    async def events(self, ids: Sequence[OrderEventId]) -> Sequence[OrderEventRecord | None]:
        """Return the events with these ids."""

    async def people_of_orders(
        self, organization_ids: Sequence[OrganizationId], user_ids: Sequence[UserId]
    ) -> Mapping[UserId, OrganizationId]:
        """Return those of these people who placed an order of one of the organizations, or did something to it, each
        with such an organization.
        """

    async def healthy(self) -> bool:
        """Return whether the shop answers."""
