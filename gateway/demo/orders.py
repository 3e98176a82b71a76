"""The orders of a demo organization: believable, in every state, each with the history that leads there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import TypeVar

from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from connectors.ids import OrderEventId, OrderId, UserId
from connectors.shop.interface import OrderEventRecord, OrderLineRecord, OrderRecord, OrderStatus, ShopData
from connectors.values import Address, Money
from gateway.demo.people import Colleague, WorkingOrganization, demo_id
from gateway.demo.written import Basket, Words, WrittenShop

T = TypeVar("T")
S = OrderStatus

_OVER: Mapping[OrderStatus, int] = {S.DELIVERED: 62, S.CANCELLED: 5, S.REJECTED: 2, S.FAILED: 2}
_OPEN: Mapping[OrderStatus, int] = {
    S.DRAFT: 4,
    S.PENDING_APPROVAL: 3,
    S.SUBMITTED: 5,
    S.CONFIRMED: 7,
    S.PARTIALLY_SHIPPED: 4,
    S.SHIPPED: 6,
}
_HOURS_IN_STATE = {
    S.DRAFT: (2, 480),
    S.PENDING_APPROVAL: (2, 90),
    S.SUBMITTED: (1, 30),
    S.CONFIRMED: (2, 110),
    S.PARTIALLY_SHIPPED: (8, 200),
    S.SHIPPED: (4, 70),
}
_MINUTES_UNTIL = {
    S.PENDING_APPROVAL: (4, 90),
    S.REJECTED: (60, 2600),
    S.SUBMITTED: (4, 90),
    S.CONFIRMED: (50, 1500),
    S.PARTIALLY_SHIPPED: (1400, 8000),
    S.SHIPPED: (1400, 9000),
    S.DELIVERED: (1200, 5800),
    S.CANCELLED: (60, 2800),
    S.FAILED: (5, 60),
}
_BEFORE_THE_END = ((S.DRAFT, S.PENDING_APPROVAL), (S.DRAFT, S.SUBMITTED), (S.DRAFT, S.SUBMITTED, S.CONFIRMED))

_DAYS_GONE = 200
"""How long ago suspended and removed members placed their last order, at least."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What an order will be: of what kind, by whom, and when it came into each state."""

    basket: Basket
    buyer: Colleague
    steps: tuple[tuple[OrderStatus, datetime], ...]


def orders_of(
    customer: WorkingOrganization, shop: WrittenShop, words: Words, profile_key: str, reference: datetime
) -> ShopData:
    """Return as many orders as the organization has, numbered by age, none of them after `reference`.

    An organization where nobody may buy has none. From ten orders on, an active organization has one in every state.
    """
    orders: list[OrderRecord] = []
    lines: list[OrderLineRecord] = []
    events: list[OrderEventRecord] = []
    clerk = _Clerk(customer, shop, words, profile_key, reference)
    for sequence, plan in enumerate(clerk.plans(), 1):
        order, ordered = clerk.order(plan, sequence)
        orders.append(order)
        lines.extend(ordered)
        events.extend(clerk.events(plan, order))
    return ShopData(orders=orders, lines=lines, events=events)


class _Clerk:
    """Draws one organization's orders."""

    def __init__(
        self, customer: WorkingOrganization, shop: WrittenShop, words: Words, profile_key: str, reference: datetime
    ) -> None:
        self.customer = customer
        self.shop = shop
        self.words = words
        self.profile_key = profile_key
        self.reference = reference
        self.draw = Random(f"{profile_key}/{customer.written.key}/orders")
        self.articles = {article.sku: article for article in shop.articles}
        self.is_active = customer.record.status is OrganizationStatus.ACTIVE
        self.approvers = [
            colleague
            for colleague in customer.colleagues
            if self._is_there(colleague) and shop.approver_roles.intersection(colleague.written.roles)
        ]

    def plans(self) -> list[_Plan]:
        wanted = self.customer.written.orders
        plans = [
            plan
            for number in range(wanted)
            if (plan := self._plan(list(S)[number] if number < len(S) <= wanted else None)) is not None
        ]
        return sorted(plans, key=lambda plan: plan.steps[0][1])

    def order(self, plan: _Plan, sequence: int) -> tuple[OrderRecord, list[OrderLineRecord]]:
        written = self.customer.written
        number = f"{self.shop.number_prefix}-{written.customer_number}-{sequence:04}"
        created_at = plan.steps[0][1]
        order_id = OrderId(demo_id("ord", created_at, self.profile_key, number))
        status = plan.steps[-1][0]
        lines = self._lines(plan.basket, order_id)
        is_sent = status in (S.PARTIALLY_SHIPPED, S.SHIPPED, S.DELIVERED) and not plan.basket.digital
        order = OrderRecord(
            id=order_id,
            number=number,
            organization_id=self.customer.record.id,
            status=status,
            created_at=created_at,
            placed_at=plan.steps[1][1] if len(plan.steps) > 1 else None,
            placed_by_id=plan.buyer.user_id,
            total=Money(sum(line.total.minor_units for line in lines), written.currency),
            shipping_address=None if plan.basket.digital else self._shipping_address(),
            tracking_url=f"https://tracking.example/{number}" if is_sent else None,
        )
        return order, lines

    def events(self, plan: _Plan, order: OrderRecord) -> list[OrderEventRecord]:
        texts = {**self.words.events, **(self.words.provided if plan.basket.digital else {})}
        return [
            OrderEventRecord(
                id=OrderEventId(demo_id("oev", at, order.id, status)),
                order_id=order.id,
                organization_id=order.organization_id,
                at=at,
                status=status,
                actor_id=self._actor(plan, index),
                messages=texts[status],
            )
            for index, (status, at) in enumerate(plan.steps)
        ]

    def _plan(self, status: OrderStatus | None) -> _Plan | None:
        if status is None or (status in _OPEN and not self.is_active):
            status = self._weighted({**_OVER, **_OPEN} if self.is_active else _OVER)
        buyers = self._buyers(status)
        if not buyers:
            status = S.DELIVERED
            buyers = self._buyers(status)
        if not buyers:
            return None
        index = self._weighted(
            {index: basket.weight for index, basket in enumerate(self.shop.baskets) if index in buyers}
        )
        basket, buyer = self.shop.baskets[index], self.draw.choice(buyers[index])
        return _Plan(basket, buyer, self._steps(status, basket, buyer))

    def _buyers(self, status: OrderStatus) -> dict[int, list[Colleague]]:
        """Return who could have placed an order that is now in this state, for each kind of basket."""
        buyers = {
            index: [
                colleague
                for colleague in self.customer.colleagues
                if self._may_buy(colleague, basket) and (status in _OVER or self._is_there(colleague))
            ]
            for index, basket in enumerate(self.shop.baskets)
        }
        if status in (S.PENDING_APPROVAL, S.REJECTED):
            asking = {index: [one for one in some if one not in self.approvers] for index, some in buyers.items()}
            buyers = asking if any(asking.values()) else buyers
        return {index: some for index, some in buyers.items() if some}

    def _may_buy(self, colleague: Colleague, basket: Basket) -> bool:
        member = colleague.written
        latest = self.reference - timedelta(days=30 if self._is_there(colleague) else _DAYS_GONE + 30)
        if colleague.joined_at is None or colleague.joined_at > latest:
            return False
        held = [key for key in (*member.roles, *member.permissions, *member.formerly) if key not in member.until]
        return not (basket.roles | basket.permissions).isdisjoint(held)

    def _is_there(self, colleague: Colleague) -> bool:
        return colleague.written.status is MembershipStatus.ACTIVE

    def _steps(self, status: OrderStatus, basket: Basket, buyer: Colleague) -> tuple[tuple[OrderStatus, datetime], ...]:
        path = self._path(status)
        gaps = [
            timedelta(0),
            *(self._gap(before, after, basket) for before, after in pairwise(path)),
        ]
        created_at = self.reference - sum(gaps, self._age(status, buyer, sum(gaps, timedelta(0))))
        created_at = created_at.replace(
            hour=self.draw.randint(6, 14), minute=self.draw.randrange(60), second=self.draw.randrange(60), microsecond=0
        )
        while created_at + sum(gaps, timedelta(0)) > self.reference:
            created_at -= timedelta(days=1)
        return tuple((step, created_at + sum(gaps[: index + 1], timedelta(0))) for index, step in enumerate(path))

    def _path(self, status: OrderStatus) -> Sequence[OrderStatus]:
        """Return the states an order went through to get here, as the state machine allows."""
        if status in (S.DRAFT, S.PENDING_APPROVAL):
            return [S.DRAFT, S.PENDING_APPROVAL][: 1 if status is S.DRAFT else 2]
        if status is S.REJECTED:
            return [S.DRAFT, S.PENDING_APPROVAL, S.REJECTED]
        if status is S.CANCELLED:
            return [*self.draw.choice(_BEFORE_THE_END), S.CANCELLED]
        if status is S.FAILED:
            return [*self.draw.choice(_BEFORE_THE_END[1:]), S.FAILED]
        way = [S.SUBMITTED, S.CONFIRMED, S.PARTIALLY_SHIPPED, S.SHIPPED, S.DELIVERED]
        path = [S.DRAFT, *way[: way.index(status) + 1]]
        if self.draw.random() < 0.2:
            path.insert(1, S.PENDING_APPROVAL)
        if status in (S.SHIPPED, S.DELIVERED) and self.draw.random() < 0.8:
            path.remove(S.PARTIALLY_SHIPPED)
        return path

    def _gap(self, before: OrderStatus, after: OrderStatus, basket: Basket) -> timedelta:
        low, high = _MINUTES_UNTIL[after]
        if basket.digital and after in (S.PARTIALLY_SHIPPED, S.SHIPPED, S.DELIVERED):
            low, high = 2, 180
        if before is S.PENDING_APPROVAL and after is S.SUBMITTED:
            low, high = 60, 2600
        return timedelta(minutes=self.draw.randint(low, high), seconds=self.draw.randrange(60))

    def _age(self, status: OrderStatus, buyer: Colleague, duration: timedelta) -> timedelta:
        """Return how long the order has been in its state: not since before the buyer came or after they left."""
        if status in _HOURS_IN_STATE:
            return timedelta(hours=self.draw.uniform(*_HOURS_IN_STATE[status]))
        assert buyer.joined_at is not None
        longest = self.reference - buyer.joined_at - duration - timedelta(days=2)
        shortest = timedelta(days=5 if self._is_there(buyer) else _DAYS_GONE)
        low, high = shortest.total_seconds(), max(longest, shortest).total_seconds()
        return timedelta(seconds=self.draw.triangular(low, high, low))

    def _lines(self, basket: Basket, order_id: OrderId) -> list[OrderLineRecord]:
        language, currency = self.customer.written.language, self.customer.written.currency
        wanted = min(self.draw.randint(*basket.lines), len(basket.articles))
        chosen = set(self.draw.sample(basket.articles, wanted))
        lines: list[OrderLineRecord] = []
        for sku in basket.articles:
            if sku not in chosen:
                continue
            article = self.articles[sku]
            quantity = self.draw.randint(*article.quantity)
            price = int(Decimal(article.price[currency]) * 100)
            lines.append(
                OrderLineRecord(
                    order_id=order_id,
                    position=len(lines) + 1,
                    sku=sku,
                    name=article.name[language],
                    quantity=quantity,
                    unit_price=Money(price, currency),
                    total=Money(price * quantity, currency),
                )
            )
        return lines

    def _shipping_address(self) -> Address | None:
        """Return the organization's registered office or, one time in four, a building site in the same region."""
        seat, written = self.customer.record.seat, self.customer.written
        if seat is None or self.draw.random() < 0.75:
            return seat
        region = self.words.regions[f"{written.country}-{written.language}"]
        postal_code, city = self.draw.choice(region.towns)
        street, number = self.draw.choice(region.streets), self.draw.randint(1, 96)
        line = f"{number} {street}" if written.language == "fr" else f"{street} {number}"
        return replace(seat, street=(line,), postal_code=postal_code, city=city)

    def _actor(self, plan: _Plan, index: int) -> UserId | None:
        """Return who brought the order into the state: the buyer, who approves, or nobody here but the vendor."""
        status = plan.steps[index][0]
        is_decision = index > 0 and plan.steps[index - 1][0] is S.PENDING_APPROVAL
        if status in (S.SUBMITTED, S.REJECTED) and is_decision:
            return next((one.user_id for one in self.approvers if one != plan.buyer), None)
        if status in (S.DRAFT, S.PENDING_APPROVAL, S.SUBMITTED, S.CANCELLED):
            return plan.buyer.user_id
        return None

    def _weighted(self, weights: Mapping[T, int]) -> T:
        return self.draw.choices(list(weights), list(weights.values()))[0]
