"""The same orders in the embedded shop and in a live Vendure: whatever is asked for, both show the same."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.database.engine import open_database
from connectors.ids import OrganizationId, UserId
from connectors.pages import Page, Slice, SortDirection
from connectors.shop.embedded import EmbeddedShop
from connectors.shop.interface import OrderFilter, OrderRecord, OrderSort, OrderSortField, OrderStatus, ShopData
from connectors.shop.migrations import MIGRATIONS
from connectors.shop.vendure.shop import VendureShop
from tests.contracts.shop_records import NOON, line_of, order_of
from tests.examples import examples
from tests.servers import PATIENT, fresh_database
from tests.vendure.live import Known, running_vendure, vendure_shop

ACME, BETA, NONE = OrganizationId("org_acme"), OrganizationId("org_beta"), OrganizationId("org_none")
PEOPLE = [None, UserId("usr_anna"), UserId("usr_ben"), UserId("usr_carl")]
STATUSES = [*OrderStatus]

pytestmark = pytest.mark.slow


def _orders() -> list[OrderRecord]:
    """Return thirty orders, several of each instant, total and status."""
    return [
        order_of(
            ACME if n % 3 else BETA,
            f"{'AB'[n % 2]}-{n * 7 % 30:02}",
            created_at=NOON + timedelta(minutes=n // 12),
            status=STATUSES[n * 3 % len(STATUSES)],
            placed_by_id=None if n % 10 == 0 else PEOPLE[3 if n % 3 == 0 else 2 if n % 8 == 1 else 1],
            total=n % 5 * 100,
            currency="CHF" if n % 7 == 0 else "EUR",
        )
        for n in range(30)
    ]


@pytest.fixture(scope="module")
async def shops() -> AsyncIterator[tuple[EmbeddedShop, VendureShop]]:
    """Both shops with the same orders."""
    vendure, orders = await running_vendure(), sorted(_orders(), key=lambda order: order.id)
    # Vendure does not search articles, so theirs is nothing that is looked for.
    lines = [replace(line_of(one, 1, 1, one.total.minor_units), sku="0", name="0") for one in orders]
    data = ShopData(orders, lines, [])
    async with fresh_database("sqlite", MIGRATIONS) as url, vendure_shop(vendure, Known()) as other:
        engine = open_database(url, PATIENT)
        embedded = EmbeddedShop(engine)
        await embedded.load(data)
        await vendure.loads(data)
        yield embedded, other
        await engine.dispose()
        await vendure.emptied()


def seldom(what: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return mostly None: each restriction leaves fewer orders that have something in common."""
    return st.integers(0, 3).flatmap(lambda n: what if n == 0 else st.none())


instants = seldom(st.integers(-1, 4).map(lambda n: NOON + timedelta(minutes=n)))
filters = st.builds(
    OrderFilter,
    status=seldom(st.lists(st.sampled_from(STATUSES), unique=True).map(tuple)),
    placed_by_id=seldom(st.sampled_from(PEOPLE)),
    search=seldom(st.sampled_from(["", "a", "A-1", "b 2", "-1 a", "%", "_", "z"])),
    since=instants,
    until=instants,
    sort=st.builds(OrderSort, st.sampled_from(OrderSortField), st.sampled_from(SortDirection)),
)


@examples(60)
@given(where=filters, size=st.integers(0, 12), backward=st.booleans(), between=st.tuples(st.booleans(), st.booleans()))
async def test_both_show_the_same(
    shops: tuple[EmbeddedShop, VendureShop],
    where: OrderFilter,
    size: int,
    backward: bool,
    between: tuple[bool, bool],
) -> None:
    seen = [await _seen(shop, where, size, backward, between) for shop in shops]

    assert seen[0] == seen[1]


async def _seen(
    shop: EmbeddedShop | VendureShop, where: OrderFilter, size: int, backward: bool, between: tuple[bool, bool]
) -> Any:
    """Return what a shop counts, its first pages, and what lies between entries of them."""
    asked = [BETA, NONE, ACME]
    counts = await shop.count_orders_of(asked, where)
    first = await shop.orders_of(asked, Slice(size, backward=backward), where=where)
    seen: list[Any] = [counts, *(_shown(page, backward) for page in first)]
    (whole,) = await shop.orders_of([ACME], Slice(50), where=where)
    assert isinstance(whole, Page)
    if len(whole.items) > 2:
        after = whole.cursor_of(whole.items[0]) if between[0] else None
        before = whole.cursor_of(whole.items[-1]) if between[1] else None
        (inside,) = await shop.orders_of([ACME], Slice(size, after, before, backward), where=where)
        seen.append(_shown(inside, backward))
    return seen


def _shown(page: Any, backward: bool) -> Any:
    """Return a page as one sees it: whether there is more where it was cut off, and its orders but for their ids."""
    more = page.has_previous_page if backward else page.has_next_page
    return more, [(one.number, one.status, one.total, one.placed_at, one.placed_by_id) for one in page.items]
