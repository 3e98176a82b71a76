"""A shop that makes its own ids, tested with records that have ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from connectors.errors import NotMapped
from connectors.ids import OrderEventId, OrderId, OrganizationId, UserId
from connectors.pages import ALL, Page, Slice
from connectors.shop.interface import OrderEventRecord, OrderFilter, OrderLineRecord, OrderRecord, Shop
from connectors.wanted import EVERYTHING, Wanted, altered

T = TypeVar("T", bound=str)
R = TypeVar("R")


@dataclass
class RenamedShop:
    """The shop with each id replaced by the one that a test knows; an id that is not known is handed on as it is.

    It knows every organization.
    """

    shop: Shop
    theirs: dict[str, str] = field(default_factory=dict)

    def learn(self, ids: Mapping[str, str]) -> None:
        """Take note of the shop's ids by those of the test."""
        self.theirs |= ids

    async def orders_of(
        self,
        organization_ids: Sequence[OrganizationId],
        page: Slice,
        *,
        where: OrderFilter,
        wanted: Wanted[OrderRecord] = EVERYTHING,
    ) -> Sequence[Page[OrderRecord]]:
        found = await self.shop.orders_of(organization_ids, page, where=where, wanted=wanted)
        return [self._page(_known(one)) for one in found]

    async def count_orders_of(
        self, organization_ids: Sequence[OrganizationId], where: OrderFilter
    ) -> Sequence[int | None]:
        return await self.shop.count_orders_of(organization_ids, where)

    async def orders_with_number(
        self, organization_ids: Sequence[OrganizationId], number: str, *, wanted: Wanted[OrderRecord] = EVERYTHING
    ) -> Sequence[OrderRecord | None]:
        found = await self.shop.orders_with_number(organization_ids, number, wanted=wanted)
        return self._ours([_known(one) for one in found])

    async def orders(self, ids: Sequence[OrderId]) -> Sequence[OrderRecord | None]:
        return self._ours(await self.shop.orders(self._asked(ids)))

    async def lines_of(
        self, order_ids: Sequence[OrderId], *, limit: int = ALL, wanted: Wanted[OrderLineRecord] = EVERYTHING
    ) -> Sequence[Sequence[OrderLineRecord]]:
        found = await self.shop.lines_of(self._asked(order_ids), limit=limit, wanted=wanted)
        return [self._ours(one) for one in found]

    async def events_of(
        self, order_ids: Sequence[OrderId], *, limit: int = ALL, wanted: Wanted[OrderEventRecord] = EVERYTHING
    ) -> Sequence[Sequence[OrderEventRecord]]:
        found = await self.shop.events_of(self._asked(order_ids), limit=limit, wanted=wanted)
        return [self._ours(one) for one in found]

    async def events(self, ids: Sequence[OrderEventId]) -> Sequence[OrderEventRecord | None]:
        return self._ours(await self.shop.events(self._asked(ids)))

    async def people_of_orders(
        self, organization_ids: Sequence[OrganizationId], user_ids: Sequence[UserId]
    ) -> Mapping[UserId, OrganizationId]:
        return await self.shop.people_of_orders(organization_ids, user_ids)

    async def healthy(self) -> bool:
        return await self.shop.healthy()

    def _asked(self, ids: Sequence[T]) -> list[T]:
        return [self.theirs.get(id, id) for id in ids]  # type: ignore[misc]

    def _ours(self, records: Sequence[Any]) -> list[Any]:
        ours = {theirs: ours for ours, theirs in self.theirs.items()}
        return [
            one and altered(one, **{name: ours.get(value, value) for name, value in _ids_of(one).items()})
            for one in records
        ]

    def _page(self, page: Page[OrderRecord]) -> Page[OrderRecord]:
        items = self._ours(page.items)
        theirs = {item.id: one for item, one in zip(items, page.items, strict=True)}
        return Page(items, page.has_next_page, page.has_previous_page, lambda item: page.cursor_of(theirs[item.id]))


def _known(answer: R | NotMapped) -> R:
    assert not isinstance(answer, NotMapped)
    return answer


def _ids_of(record: object) -> dict[str, str]:
    return {name: getattr(record, name) for name in ("id", "order_id") if hasattr(record, name)}
