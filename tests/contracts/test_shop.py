"""What every shop behind the interface does. Another implementation joins by a way to load it in `shop_with`, and says
in `kept` what of the records it cannot keep.
"""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.database.engine import AsyncEngine, open_database
from connectors.errors import InvalidCursor
from connectors.ids import OrderEventId, OrderId, OrganizationId, UserId, new_id
from connectors.pages import Page, Slice, cursor
from connectors.shop.embedded import EmbeddedShop
from connectors.shop.interface import (
    OrderEventRecord,
    OrderFilter,
    OrderLineRecord,
    OrderRecord,
    OrderStatus,
    ShopData,
)
from connectors.shop.migrations import MIGRATIONS
from connectors.values import Address
from connectors.wanted import EVERYTHING, Wanted, altered
from tests.contracts.renamed_shop import RenamedShop
from tests.contracts.shop_records import NOON, emptied, event_of, line_of, order_of
from tests.examples import examples
from tests.servers import PATIENT, fresh_database
from tests.vendure.live import Known, Vendure, running_vendure, vendure_shop

TestedShop = EmbeddedShop | RenamedShop
ShopWith = Callable[[ShopData], Awaitable[TestedShop]]
Kept = Callable[[Any], Any]
EVERY = OrderFilter()
ACME, BETA, GAMMA = OrganizationId("org_acme"), OrganizationId("org_beta"), OrganizationId("org_gamma")
ANNA, BEN = UserId("usr_anna"), UserId("usr_ben")


@pytest.fixture(scope="module", params=["sqlite", "postgresql", pytest.param("vendure", marks=pytest.mark.slow)])
async def kept_in(request: pytest.FixtureRequest) -> AsyncIterator[AsyncEngine | Vendure]:
    if request.param == "vendure":
        yield await running_vendure()
        return
    async with fresh_database(request.param, MIGRATIONS) as url:
        engine = open_database(url, PATIENT)
        yield engine
        await engine.dispose()


@pytest.fixture
async def shop_with(kept_in: AsyncEngine | Vendure) -> AsyncIterator[ShopWith]:
    """A shop that has what one gives it, added to what it was given before in this test."""
    if isinstance(kept_in, Vendure):
        async with vendure_shop(kept_in, Known()) as shop:
            renamed = RenamedShop(shop)

            async def load_rows(data: ShopData) -> TestedShop:
                renamed.learn(await kept_in.loads(data))
                return renamed

            yield load_rows
        await kept_in.emptied()
        return
    embedded = EmbeddedShop(kept_in)

    async def load(data: ShopData) -> TestedShop:
        await embedded.load(data)
        return embedded

    yield load
    await emptied(kept_in)


@pytest.fixture
def kept(kept_in: AsyncEngine | Vendure) -> Kept:
    """An order or an event as the shop keeps it.

    Vendure has no less than milliseconds, and nothing to say of a step but what its state is called. What was not done
    by the buyer was done by the shop.
    """

    def in_milliseconds(at: datetime | None) -> datetime | None:
        return at and at.replace(microsecond=at.microsecond // 1_000 * 1_000)

    def of_vendure(record: Any) -> Any:
        if isinstance(record, OrderRecord):
            created_at = in_milliseconds(record.created_at)
            return altered(record, created_at=created_at, placed_at=in_milliseconds(record.placed_at))
        actor_id = record.actor_id if record.status is OrderStatus.SUBMITTED else None
        return altered(record, actor_id=actor_id, messages={})

    return of_vendure if isinstance(kept_in, Vendure) else lambda record: record


def after_noon(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def numbers(pages: Sequence[Page[OrderRecord]]) -> list[list[str]]:
    return [[order.number for order in page.items] for page in pages]


async def walk(
    shop: TestedShop, organization_id: OrganizationId, size: int, where: OrderFilter = EVERY
) -> list[OrderRecord]:
    """Return what one finds by turning pages of this size until there are no more."""
    found: list[OrderRecord] = []
    after: str | None = None
    while True:
        [page] = await shop.orders_of([organization_id], Slice(size, after), where=where)
        found += page.items
        if not page.has_next_page:
            return found
        after = page.cursor_of(page.items[-1])


async def test_an_order_comes_back_as_it_was_loaded(shop_with: ShopWith) -> None:
    address = Address(
        street=("Rue de l'Église 4", "Bâtiment B"),
        postal_code="67000",
        city="Strasbourg",
        country_code="FR",
        name="Zoë Müller",
        company="Acme SARL",
        region="Grand Est",
        phone="+33388000000",
    )
    full = order_of(
        ACME,
        "A-1",
        status=OrderStatus.SHIPPED,
        placed_by_id=ANNA,
        total=2 * 1_999,
        currency="CHF",
        shipping_address=address,
        tracking_url="https://track.example/1?a=b",
    )
    bare = order_of(ACME, "A-2", status=OrderStatus.DRAFT)
    shop = await shop_with(ShopData([full, bare], [line_of(full, 1, 2, 1_999)], []))

    found = await shop.orders([bare.id, OrderId("ord_unknown"), full.id, full.id])

    assert found == [bare, None, full, full]


async def test_a_bare_address_comes_back_as_it_was_loaded(shop_with: ShopWith) -> None:
    order = order_of(ACME, "A-1", shipping_address=Address(("Weg 1",), "80331", "München", "DE"))
    shop = await shop_with(ShopData([order], [], []))

    assert await shop.orders([order.id]) == [order]


async def test_instants_come_back_in_utc_as_exactly_as_the_shop_keeps_them(shop_with: ShopWith, kept: Kept) -> None:
    order = order_of(ACME, "A-1", created_at=datetime.fromisoformat("2026-03-29T03:30:00.000001+02:00"))
    shop = await shop_with(ShopData([order], [], []))

    [found] = await shop.orders([order.id])

    assert found is not None
    assert found.created_at == kept(order).created_at
    assert found.created_at.utcoffset() == timedelta(0)
    assert found.placed_at == found.created_at


async def test_an_amount_beyond_thirty_two_bits_is_kept_exactly(shop_with: ShopWith) -> None:
    order = order_of(ACME, "A-1", total=3 * 99_999_999_999)
    line = line_of(order, 1, 3, 99_999_999_999)
    shop = await shop_with(ShopData([order], [line], []))

    assert await shop.orders([order.id]) == [order]
    assert await shop.lines_of([order.id]) == [[line]]


async def test_each_organization_gets_its_own_orders_newest_first(shop_with: ShopWith) -> None:
    shop = await shop_with(
        ShopData(
            [
                order_of(ACME, "A-old", created_at=after_noon(0)),
                order_of(BETA, "B-1", created_at=after_noon(1)),
                order_of(ACME, "A-new", created_at=after_noon(2)),
                order_of(ACME, "A-twin-1", created_at=after_noon(1)),
                order_of(ACME, "A-twin-2", created_at=after_noon(1)),
            ],
            [],
            [],
        )
    )

    pages = await shop.orders_of([BETA, GAMMA, ACME, BETA], Slice(10), where=EVERY)

    assert numbers(pages) == [["B-1"], [], ["A-new", "A-twin-2", "A-twin-1", "A-old"], ["B-1"]]
    assert [page.has_next_page for page in pages] == [False, False, False, False]
    assert [page.has_previous_page for page in pages] == [False, False, False, False]


async def test_a_page_says_whether_more_orders_follow(shop_with: ShopWith) -> None:
    shop = await shop_with(ShopData([order_of(ACME, f"A-{n}", created_at=after_noon(n)) for n in range(3)], [], []))

    [all_but_one] = await shop.orders_of([ACME], Slice(2), where=EVERY)
    [exactly_all] = await shop.orders_of([ACME], Slice(3), where=EVERY)
    [rest] = await shop.orders_of([ACME], Slice(2, all_but_one.cursor_of(all_but_one.items[-1])), where=EVERY)
    [nothing] = await shop.orders_of([ACME], Slice(0), where=EVERY)

    assert numbers([all_but_one, exactly_all, rest, nothing]) == [["A-2", "A-1"], ["A-2", "A-1", "A-0"], ["A-0"], []]
    assert [page.has_next_page for page in (all_but_one, exactly_all, rest, nothing)] == [True, False, False, True]
    assert [page.has_previous_page for page in (all_but_one, exactly_all, rest)] == [False, False, True]


async def test_a_cursor_of_one_organization_opens_nothing_of_it_in_another(shop_with: ShopWith) -> None:
    orders = [
        order_of(ACME, "A-early", created_at=after_noon(0)),
        order_of(BETA, "B-early", created_at=after_noon(0)),
        order_of(BETA, "B-late", created_at=after_noon(1)),
        order_of(ACME, "A-late", created_at=after_noon(2)),
    ]
    shop = await shop_with(ShopData(orders, [], []))
    [of_beta] = await shop.orders_of([BETA], Slice(1), where=EVERY)

    pages = await shop.orders_of([ACME], Slice(9, of_beta.cursor_of(of_beta.items[0])), where=EVERY)

    assert numbers(pages) == [["A-early"]]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (OrderFilter(), ["A-4", "A-3", "A-2", "A-1"]),
        (OrderFilter(status=(OrderStatus.SHIPPED,)), ["A-4", "A-1"]),
        (OrderFilter(status=(OrderStatus.SHIPPED, OrderStatus.DRAFT)), ["A-4", "A-3", "A-1"]),
        (OrderFilter(status=()), []),
        (OrderFilter(placed_by_id=ANNA), ["A-2", "A-1"]),
        (OrderFilter(placed_by_id=UserId("usr_unknown")), []),
        (OrderFilter(placed_by_id=UserId("usr_\0 \ud800")), []),
        (OrderFilter(status=(OrderStatus.SHIPPED,), placed_by_id=ANNA), ["A-1"]),
    ],
)
async def test_a_filter_restricts_pages_and_counts_alike(
    shop_with: ShopWith, where: OrderFilter, expected: list[str]
) -> None:
    shop = await shop_with(
        ShopData(
            [
                order_of(ACME, "A-1", created_at=after_noon(1), status=OrderStatus.SHIPPED, placed_by_id=ANNA),
                order_of(ACME, "A-2", created_at=after_noon(2), status=OrderStatus.FAILED, placed_by_id=ANNA),
                order_of(ACME, "A-3", created_at=after_noon(3), status=OrderStatus.DRAFT),
                order_of(ACME, "A-4", created_at=after_noon(4), status=OrderStatus.SHIPPED, placed_by_id=BEN),
                order_of(BETA, "B-1", created_at=after_noon(5), status=OrderStatus.SHIPPED, placed_by_id=BEN),
            ],
            [],
            [],
        )
    )

    [page] = await shop.orders_of([ACME], Slice(10), where=where)
    counts = await shop.count_orders_of([GAMMA, ACME, ACME], where)
    walked = await walk(shop, ACME, 1, where)

    assert numbers([page]) == [expected]
    assert counts == [0, len(expected), len(expected)]
    assert walked == page.items


async def test_lines_come_by_position_and_events_oldest_first(shop_with: ShopWith, kept: Kept) -> None:
    one = order_of(ACME, "A-1", total=3 * 250 + 4_000, placed_by_id=ANNA)
    other = order_of(BETA, "B-1", total=7, placed_by_id=BEN)
    bare = order_of(ACME, "A-2")
    lines = [line_of(one, 2, 1, 4_000), line_of(other, 1, 7, 1), line_of(one, 1, 3, 250)]
    events = [
        event_of(one, "3", after_noon(9), OrderStatus.SHIPPED, messages={"de": "Versandt → heute", "fr": "Expédiée"}),
        event_of(other, "2", after_noon(0), OrderStatus.SUBMITTED, BEN),
        event_of(one, "1", after_noon(0), OrderStatus.SUBMITTED, ANNA, {"en": "Placed"}),
        event_of(one, "0", after_noon(9), OrderStatus.CONFIRMED),
    ]
    shop = await shop_with(ShopData([one, other, bare], lines, events))
    events = [kept(event) for event in events]
    asked = [bare.id, other.id, OrderId("ord_unknown"), one.id, other.id]

    assert await shop.lines_of(asked) == [[], [lines[1]], [], [lines[2], lines[0]], [lines[1]]]
    assert await shop.lines_of(asked, limit=1) == [[], [lines[1]], [], [lines[2]], [lines[1]]]
    assert await shop.events_of(asked, limit=2) == [[], [events[1]], [], [events[2], events[3]], [events[1]]]
    assert await shop.events_of(asked) == [[], [events[1]], [], [events[2], events[3], events[0]], [events[1]]]
    assert await shop.events([events[0].id, OrderEventId("evt_unknown"), events[1].id]) == [events[0], None, events[1]]


async def test_what_is_wanted_alone_is_filled_in_as_in_a_whole_record(shop_with: ShopWith, kept: Kept) -> None:
    address = Address(("Weg 1",), "80331", "München", "DE")
    tracked = "https://tracking.example/A-1"
    order = order_of(ACME, "A-1", placed_by_id=ANNA, total=500, shipping_address=address, tracking_url=tracked)
    line, step = line_of(order, 1, 2, 250), event_of(order, "1", NOON, OrderStatus.SUBMITTED, ANNA, {"en": "Placed"})
    shop = await shop_with(ShopData([order], [line], [step]))

    async def page(wanted: Wanted[OrderRecord]) -> Sequence[OrderRecord]:
        (found,) = await shop.orders_of([ACME], Slice(10), where=EVERY, wanted=wanted)
        return found.items

    async def numbered(wanted: Wanted[OrderRecord]) -> Sequence[OrderRecord | None]:
        return await shop.orders_with_number([ACME], "A-1", wanted=wanted)

    async def lines(wanted: Wanted[OrderLineRecord]) -> Sequence[OrderLineRecord]:
        (found,) = await shop.lines_of([order.id], wanted=wanted)
        return found

    async def events(wanted: Wanted[OrderEventRecord]) -> Sequence[OrderEventRecord]:
        (found,) = await shop.events_of([order.id], wanted=wanted)
        return found

    asked: list[tuple[Any, Any]] = [(page, order), (numbered, order), (lines, line), (events, kept(step))]
    for read, whole in asked:
        assert await read(EVERYTHING) == [whole]
        for name in (field.name for field in fields(whole)):
            (found,) = await read(Wanted(frozenset({name})))
            assert getattr(found, name) == getattr(whole, name), f"{read.__name__}: {name}"


async def test_nothing_asked_is_nothing_answered(shop_with: ShopWith) -> None:
    shop = await shop_with(ShopData([order_of(ACME, "A-1")], [], []))

    answers: list[Sequence[Any]] = [
        await shop.orders_of([], Slice(10), where=EVERY),
        await shop.count_orders_of([], EVERY),
        await shop.orders([]),
        await shop.lines_of([]),
        await shop.events_of([]),
        await shop.events([]),
    ]

    assert [list(answer) for answer in answers] == [[], [], [], [], [], []]


@pytest.mark.parametrize("strange", ["", "ord_\0", "ord_\ud800", "ord_ä", "ord_'; --", "%", "x" * 10_000])
async def test_an_id_that_cannot_be_is_unknown_like_any_other(shop_with: ShopWith, strange: str) -> None:
    order = order_of(ACME, "A-1")
    shop = await shop_with(ShopData([order], [], []))

    assert await shop.orders([OrderId(strange), order.id]) == [None, order]
    assert await shop.events([OrderEventId(strange)]) == [None]
    assert await shop.lines_of([OrderId(strange)]) == [[]]
    assert await shop.count_orders_of([OrganizationId(strange), ACME], EVERY) == [0, 1]


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param("", id="empty"),
        pytest.param("%%%", id="not base64"),
        pytest.param("äöü", id="not ASCII"),
        pytest.param(encoded(["orders"]), id="without a position"),
        pytest.param(encoded({"orders": 1}), id="not a list"),
        pytest.param(encoded(["orders", 1, 2]), id="numbers"),
        pytest.param(cursor("members", NOON.isoformat(), "ord_A-1"), id="of another list"),
        pytest.param(cursor("orders", "yesterday", "ord_A-1"), id="no instant"),
        pytest.param(cursor("orders", "2026-03-02T12:00:00", "ord_A-1"), id="no time zone"),
        pytest.param(cursor("orders", "0001-01-01T00:00:00+23:59", "ord_A-1"), id="before all time"),
        pytest.param(cursor("orders", NOON.isoformat(), "ord_\0"), id="an impossible id"),
        pytest.param(cursor("orders", NOON.isoformat(), "ord_\ud800"), id="half a character"),
    ],
)
async def test_a_broken_or_foreign_cursor_is_refused(shop_with: ShopWith, broken: str) -> None:
    shop = await shop_with(ShopData([], [], []))

    with pytest.raises(InvalidCursor):
        await shop.orders_of([ACME], Slice(1, broken), where=EVERY)


# What each organization ordered: in which minute, and how many of what price.
HISTORIES = st.lists(
    st.lists(st.tuples(st.integers(0, 3), st.lists(st.tuples(st.integers(1, 9), st.integers(0, 10**9)))), max_size=9),
    min_size=2,
    max_size=3,
)


@examples(25)
@given(histories=HISTORIES, size=st.integers(1, 10))
async def test_turning_pages_of_any_size_shows_each_order_of_one_organization_once(
    shop_with: ShopWith, histories: list[list[tuple[int, list[tuple[int, int]]]]], size: int
) -> None:
    organizations = [OrganizationId(new_id("org")) for _ in histories]
    orders, lines = [], []
    for organization, history in zip(organizations, histories, strict=True):
        for minute, positions in history:
            total = sum(quantity * price for quantity, price in positions)
            order = order_of(organization, new_id("A"), created_at=after_noon(minute), total=total)
            orders.append(order)
            lines += [line_of(order, n, *position) for n, position in enumerate(positions, start=1)]
    shop = await shop_with(ShopData(orders, lines, []))

    walks = [await walk(shop, organization, size) for organization in organizations]

    for organization, walked in zip(organizations, walks, strict=True):
        own = [order for order in orders if order.organization_id == organization]
        assert walked == sorted(own, key=lambda order: (order.created_at, order.id), reverse=True)
        sums = [
            sum(line.total.minor_units for line in of_one) for of_one in await shop.lines_of([o.id for o in walked])
        ]
        assert [order.total.minor_units for order in walked] == sums
    assert await shop.count_orders_of(organizations, EVERY) == [len(history) for history in histories]


async def test_a_shop_that_answers_is_healthy(shop_with: ShopWith) -> None:
    shop = await shop_with(ShopData([], [], []))

    assert await shop.healthy()


async def test_people_are_found_who_placed_an_order_or_did_something_to_one(shop_with: ShopWith, kept: Kept) -> None:
    placed = order_of(ACME, "placed", placed_by_id=ANNA)
    elsewhere = order_of(BETA, "elsewhere", placed_by_id=BEN)
    confirmed = event_of(placed, "confirmed", after_noon(1), OrderStatus.CONFIRMED, actor_id=UserId("usr_clerk"))
    shop = await shop_with(ShopData([placed, elsewhere], [], [confirmed]))
    asked = [ANNA, BEN, UserId("usr_clerk"), UserId("usr_nobody")]

    assert await shop.people_of_orders([ACME], asked) == {
        id: ACME for id in (ANNA, kept(confirmed).actor_id) if id is not None
    }
    assert await shop.people_of_orders([ACME, BETA], [BEN]) == {BEN: BETA}
    assert await shop.people_of_orders([GAMMA], asked) == {}
    assert await shop.people_of_orders([ACME], []) == {}
