"""What Vendure's answers come to, whose they are, and how often it is asked; without a Vendure."""

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.errors import InvalidCursor, NotMapped, UnexpectedAnswer
from connectors.ids import OrderEventId, OrderId, OrganizationId, UserId
from connectors.pages import Slice, SortDirection
from connectors.shop.interface import OrderFilter, OrderSort, OrderSortField, OrderStatus
from connectors.shop.vendure.shop import VendureShop
from connectors.shop.vendure.states import states_with, status_of
from connectors.values import Address, Money
from connectors.wanted import Wanted

ACME, BETA, NEW = OrganizationId("org_acme"), OrganizationId("org_beta"), OrganizationId("org_new")
ANNA = UserId("usr_anna")
EVERY = OrderFilter()
NOON = "2026-03-02T12:00:00.250Z"


class Ids:
    """Two organizations with customer numbers, one without, and one person."""

    async def of_organizations(self, backend: str, ids: Sequence[OrganizationId]) -> list[str | None]:
        assert backend == "shop"
        return [{ACME: "K-1", BETA: "K-2", NEW: None}.get(id, f"K-{id}") for id in ids]

    async def of_people(self, backend: str, ids: Sequence[UserId]) -> list[str | None]:
        return ["anna@acme.example" if id == ANNA else None for id in ids]

    async def organizations(self, backend: str, external_ids: Sequence[str]) -> list[OrganizationId | None]:
        return [{"K-1": ACME, "K-2": BETA}.get(id) for id in external_ids]

    async def people(self, backend: str, external_ids: Sequence[str]) -> list[UserId | None]:
        return [ANNA if id == "anna@acme.example" else None for id in external_ids]


class Scripted:
    """A client whose back end answers each operation in one way, and what it was asked."""

    name = "shop"

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Mapping[str, Any], str]] = []

    async def post(self, path: str, body: Any, *, headers: Mapping[str, str], **_more: Any) -> Any:
        assert path == "/admin-api"
        operation = re.match(r"query (\w+)", body["query"])
        assert operation is not None
        self.asked.append((operation[1], body["variables"], body["query"]))
        answer = self.answers[operation[1]]
        if callable(answer):
            answer = answer(body["variables"])
        settings = {"serverConfig": {"moneyStrategyPrecision": 2}}
        return {"data": {"globalSettings": settings, "activeChannel": {"defaultLanguageCode": "de_AT"}, **answer}}


def shop_of(client: Scripted) -> VendureShop:
    return VendureShop(client, "/admin-api", Ids())  # type: ignore[arg-type]


def order(key: int, **values: Any) -> dict[str, Any]:
    return {
        "id": str(key),
        "createdAt": "2026-03-01T08:00:00.000Z",
        "orderPlacedAt": NOON,
        "code": f"V-{key}",
        "state": "PaymentSettled",
        "currencyCode": "EUR",
        "totalWithTax": 11_900,
        "shippingAddress": None,
        "fulfillments": [],
        "customer": customer(1, "K-1"),
        "lines": [],
        "surcharges": [],
        "shippingLines": [],
        "history": {"items": []},
    } | values


def customer(key: int, *groups: str, orders: Sequence[Any] = (), email: str = "anna@acme.example") -> dict[str, Any]:
    return {
        "id": str(key),
        "emailAddress": email,
        "groups": [{"name": name} for name in groups],
        "placed": {"totalItems": len(orders), "items": list(orders)},
        "unplaced": {"totalItems": 0, "items": []},
    }


def groups(**customers: Sequence[Any]) -> dict[str, Any]:
    return {
        "customerGroups": {
            "items": [
                {"name": name.replace("_", "-"), "customers": {"totalItems": len(some), "items": list(some)}}
                for name, some in customers.items()
            ]
        }
    }


def entry(
    key: int, kind: str, minute: int, data: dict[str, str], *, is_public: bool = True, staff: bool = False
) -> dict[str, Any]:
    return {
        "id": str(key),
        "createdAt": f"2026-03-02T12:{minute:02}:00.000Z",
        "type": kind,
        "isPublic": is_public,
        "data": data,
        "administrator": {"id": "1"} if staff else None,
    }


MOVED, NOTE = "ORDER_STATE_TRANSITION", "ORDER_NOTE"


async def test_an_order_has_what_the_customer_pays_and_where_it_goes() -> None:
    address = {
        "fullName": "Zoë Müller",
        "company": "Acme",
        "streetLine1": "Weg 1",
        "streetLine2": " ",
        "city": "Ulm",
        "province": None,
        "postalCode": "89073",
        "countryCode": "de",
        "phoneNumber": "+49 731 / 12-34",
    }
    shipments = [
        {"id": "10", "trackingCode": "https://track.example/10"},
        {"id": "9", "trackingCode": "https://track.example/9"},
        {"id": "11", "trackingCode": "1Z999"},
    ]
    answer = {"orders": {"items": [order(7, shippingAddress=address, fulfillments=shipments)]}}

    (found,) = await shop_of(Scripted(Orders=answer)).orders([OrderId("ord_7")])

    assert found is not None
    assert (found.id, found.number, found.organization_id, found.placed_by_id) == ("ord_7", "V-7", ACME, ANNA)
    assert (found.status, found.total) == (OrderStatus.CONFIRMED, Money(11_900, "EUR"))
    assert found.placed_at == datetime(2026, 3, 2, 12, 0, 0, 250_000, UTC)
    assert found.tracking_url == "https://track.example/10"
    assert found.shipping_address == Address(
        ("Weg 1",), "89073", "Ulm", "DE", name="Zoë Müller", company="Acme", phone="+497311234"
    )


@pytest.mark.parametrize(
    ("currency", "precision", "amount", "expected"),
    [("EUR", 2, 1_999, 1_999), ("JPY", 2, 120_000, 1_200), ("EUR", 3, 19_990, 1_999), ("KWD", 2, 1_250, 12_500)],
)
async def test_an_amount_is_in_the_minor_units_of_its_currency(
    currency: str, precision: int, amount: int, expected: int
) -> None:
    answer = {
        "orders": {"items": [order(7, currencyCode=currency, totalWithTax=amount)]},
        "globalSettings": {"serverConfig": {"moneyStrategyPrecision": precision}},
    }

    (found,) = await shop_of(Scripted(Orders=answer)).orders([OrderId("ord_7")])

    assert found is not None
    assert found.total == Money(expected, currency)


async def test_lines_surcharges_and_shipping_add_up_to_the_total() -> None:
    lines = [
        {"id": "12", "createdAt": NOON, "quantity": 1, "proratedUnitPriceWithTax": 900, "proratedLinePriceWithTax": 900}
        | {"productVariant": {"sku": "B", "name": "Bolt"}},
        {
            "id": "3",
            "createdAt": NOON,
            "quantity": 3,
            "proratedUnitPriceWithTax": 333,
            "proratedLinePriceWithTax": 1_000,
        }
        | {"productVariant": {"sku": "A", "name": "Anchor"}},
    ]
    surcharge = {"id": "1", "sku": None, "description": "Minderbestellmenge", "priceWithTax": 1_500}
    shipping = [
        {"id": "1", "discountedPriceWithTax": 590, "shippingMethod": {"code": "freight", "name": "Spedition"}},
        {"id": "2", "discountedPriceWithTax": 0, "shippingMethod": {"code": "pickup", "name": "Abholung"}},
    ]
    answer = {"orders": {"items": [order(7, lines=lines, surcharges=[surcharge], shippingLines=shipping)]}}

    found, unknown = await shop_of(Scripted(Lines=answer)).lines_of([OrderId("ord_7"), OrderId("ord_8")])

    assert [(line.position, line.sku, line.name, line.quantity, line.total.minor_units) for line in found] == [
        (1, "A", "Anchor", 3, 1_000),
        (2, "B", "Bolt", 1, 900),
        (3, "", "Minderbestellmenge", 1, 1_500),
        (4, "freight", "Spedition", 1, 590),
    ]
    assert unknown == ()


async def test_events_are_the_states_since_it_was_placed_and_the_notes_for_the_customer() -> None:
    history = [
        entry(1, MOVED, 0, {"from": "Created", "to": "AddingItems"}),
        entry(2, MOVED, 0, {"from": "AddingItems", "to": "ArrangingPayment"}),
        entry(3, MOVED, 1, {"from": "ArrangingPayment", "to": "PaymentAuthorized"}),
        entry(4, NOTE, 2, {"note": "Pays late, be careful"}, is_public=False, staff=True),
        entry(5, NOTE, 3, {"note": " Kommt Dienstag "}, staff=True),
        entry(6, MOVED, 4, {"from": "PaymentAuthorized", "to": "QualityCheck"}, staff=True),
        entry(7, MOVED, 5, {"from": "QualityCheck", "to": "PartiallyDelivered"}, staff=True),
        entry(8, MOVED, 6, {"from": "PartiallyDelivered", "to": "Delivered"}, staff=True),
    ]
    placed = "2026-03-02T12:01:00.400Z"  # which is later than the entry says: that has the start of the transaction
    answer = {"orders": {"items": [order(7, orderPlacedAt=placed, state="Delivered", history={"items": history})]}}
    shop = shop_of(Scripted(Events=answer))

    (events,) = await shop.events_of([OrderId("ord_7")])
    some, nothing, private = await shop.events(
        [OrderEventId("oev_7.6"), OrderEventId("oev_7.99"), OrderEventId("oev_7.4")]
    )

    assert [(event.id, event.status, event.actor_id, event.messages) for event in events] == [
        ("oev_7.3", OrderStatus.SUBMITTED, ANNA, {}),
        ("oev_7.5", OrderStatus.SUBMITTED, None, {"de": "Kommt Dienstag"}),
        ("oev_7.6", OrderStatus.SUBMITTED, None, {"en": "QualityCheck"}),
        ("oev_7.7", OrderStatus.PARTIALLY_SHIPPED, None, {"en": "PartiallyDelivered"}),
        ("oev_7.8", OrderStatus.DELIVERED, None, {}),
    ]
    assert (some, nothing, private) == (events[2], None, None)
    assert "careful" not in repr(events)


@pytest.mark.parametrize(
    ("state", "is_placed", "expected"),
    [
        ("AddingItems", False, OrderStatus.DRAFT),
        ("ArrangingPayment", True, OrderStatus.SUBMITTED),
        ("PaymentAuthorized", True, OrderStatus.SUBMITTED),
        ("Modifying", True, OrderStatus.CONFIRMED),
        ("PendingApproval", False, OrderStatus.PENDING_APPROVAL),
        ("Cancelled", False, OrderStatus.CANCELLED),
        ("NobodyKnows", True, OrderStatus.SUBMITTED),
        ("NobodyKnows", False, OrderStatus.DRAFT),
    ],
)
@pytest.mark.parametrize("asked", [None, *([status] for status in OrderStatus), [*OrderStatus]])
def test_a_state_is_asked_for_by_the_status_that_it_has_and_by_no_other(
    state: str, is_placed: bool, expected: OrderStatus, asked: list[OrderStatus] | None
) -> None:
    assert status_of(state, is_placed=is_placed) is expected

    filtered = states_with(asked, is_placed=is_placed)

    finds = filtered is not None and state in filtered.get("in", [state]) and state not in filtered.get("notIn", [])
    assert finds is (asked is None or expected in asked)


async def test_an_organization_without_a_number_is_not_mapped_and_the_others_stand() -> None:
    client = Scripted(OrdersOf=groups(K_1=[customer(1, "K-1", orders=[order(7)])]), Orders={"orders": {"items": []}})
    client.answers["CountOrdersOf"] = client.answers["OrdersOf"]
    shop = shop_of(client)

    acme, new, beta = await shop.orders_of([ACME, NEW, BETA], Slice(5), where=EVERY)

    assert isinstance(new, NotMapped)
    assert not isinstance(acme, NotMapped)
    assert not isinstance(beta, NotMapped)
    assert ([one.number for one in acme.items], beta.items) == (["V-7"], [])
    assert await shop.count_orders_of([NEW, ACME, BETA], EVERY) == [None, 1, 0]
    with_number = await shop.orders_with_number([NEW, ACME], "V-9")
    assert (isinstance(with_number[0], NotMapped), with_number[1]) == (True, None)


async def test_whoever_is_in_the_groups_of_two_organizations_shows_orders_to_neither(
    caplog: pytest.LogCaptureFixture,
) -> None:
    both = customer(2, "K-1", "K-2", orders=[order(8)])
    favoured = customer(1, "K-1", "Stammkunden", orders=[order(7)])
    client = Scripted(
        OrdersOf=groups(K_1=[favoured, both], K_2=[both]), Orders={"orders": {"items": [order(8, customer=both)]}}
    )
    client.answers["Events"] = client.answers["Orders"]
    shop = shop_of(client)

    for asked in ([ACME], [BETA], [ACME, BETA]):
        pages = await shop.orders_of(asked, Slice(5), where=EVERY)
        shown = [[one.id for one in page.items] for page in pages if not isinstance(page, NotMapped)]
        assert shown == [["ord_7"] if id == ACME else [] for id in asked]

    assert await shop.orders([OrderId("ord_8")]) == [None]
    assert await shop.events_of([OrderId("ord_8")]) == [()]
    (record,) = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert "Customer 2 of Vendure is in the groups of several organizations (K-1, K-2)" in record.getMessage()


async def test_one_call_is_enough_for_one_organization_and_for_a_hundred() -> None:
    client = Scripted(OrdersOf=groups(K_1=[customer(1, "K-1", orders=[order(7)])]), Lines={"orders": {"items": []}})
    client.answers |= {"CountOrdersOf": client.answers["OrdersOf"], "Events": client.answers["Lines"]}
    client.answers["Orders"] = client.answers["Lines"]
    shop = shop_of(client)

    for count in (1, 100):
        organizations = [ACME, *(OrganizationId(f"org_{n}") for n in range(count - 1))]
        orders = [OrderId(f"ord_{n}") for n in range(count)]
        for ask in (
            shop.orders_of(organizations, Slice(20), where=EVERY),
            shop.count_orders_of(organizations, EVERY),
            shop.orders_with_number(organizations, "V-7"),
            shop.orders(orders),
            shop.lines_of(orders),
            shop.events_of(orders),
            shop.people_of_orders(organizations, [ANNA]),
        ):
            client.asked.clear()
            await ask
            assert len(client.asked) == 1


async def test_nothing_is_asked_where_nothing_can_be_found() -> None:
    client = Scripted()
    shop = shop_of(client)

    empty = await shop.orders_of([ACME], Slice(5), where=OrderFilter(placed_by_id=UserId("usr_other")))
    day = datetime(2026, 3, 2, tzinfo=UTC)
    for where in (
        OrderFilter(status=()),
        OrderFilter(search="\0"),
        OrderFilter(since=day, until=day - timedelta(days=1)),
    ):
        assert await shop.count_orders_of([ACME], where) == [0]
    assert await shop.orders([OrderId("ord_x"), OrderId("ord_99999999999")]) == [None, None]
    assert await shop.people_of_orders([ACME], [UserId("usr_other")]) == {}
    with pytest.raises(InvalidCursor):
        await shop.orders_of([ACME], Slice(5, "nonsense"), where=EVERY)

    assert [page.items for page in empty if not isinstance(page, NotMapped)] == [[]]
    assert client.asked == []


async def test_only_what_is_wanted_of_an_order_is_asked_for() -> None:
    client = Scripted(OrdersOf=groups(K_1=[customer(1, "K-1", orders=[order(7)])]))
    shop = shop_of(client)

    await shop.orders_of([ACME], Slice(5), where=EVERY, wanted=Wanted(frozenset({"number"})))

    ((_, _, query),) = client.asked
    assert "fragment Shown on Order{id createdAt orderPlacedAt code}" in query
    assert "globalSettings" not in query


async def test_a_filter_says_it_in_the_words_of_vendure() -> None:
    client = Scripted(CountOrdersOf=groups())
    where = OrderFilter(
        status=(OrderStatus.SHIPPED, OrderStatus.PENDING_APPROVAL),
        placed_by_id=ANNA,
        search="V-1 50%",
        since=datetime(2026, 3, 1, 23, 59, 59, 999_001, UTC),
        until=datetime(2026, 4, 1, tzinfo=UTC),
    )

    await shop_of(client).count_orders_of([ACME], where)

    ((_, variables, _),) = client.asked
    common: dict[str, Any] = {
        "type": {"notEq": "Seller"},
        "_and": [{"code": {"contains": "v-1"}}, {"code": {"contains": "50\\%"}}],
    }
    days: dict[str, Any] = {
        "between": {"start": "2026-03-02T00:00:00.000Z", "end": "9999-12-31T23:59:59.999Z"},
        "before": "2026-04-01T00:00:00.000Z",
    }
    states = {"in": ["Shipped", "PendingApproval"]}
    assert variables["placed"]["filter"] == {
        **common,
        "state": states,
        "orderPlacedAt": {"isNull": False, **days},
    }
    assert variables["unplaced"]["filter"] == {
        **common,
        "state": states,
        "orderPlacedAt": {"isNull": True},
        "createdAt": days,
    }
    assert variables["customers"]["filter"] == {
        "_or": [{"emailAddress": {"in": ["anna@acme.example"]}}, {"id": {"in": []}}]
    }


async def test_a_list_by_total_is_sorted_here_and_only_its_page_is_read_as_a_whole() -> None:
    listed = [order(n, totalWithTax=total, code=f"V-{n}") for n, total in ((1, 50), (2, 900), (3, 50), (10, 70))]
    client = Scripted(OrdersOf=groups(K_1=[customer(1, "K-1", orders=listed)]), Orders={"orders": {"items": listed}})
    shop, where = shop_of(client), OrderFilter(sort=OrderSort(OrderSortField.TOTAL, SortDirection.ASC))

    (first,) = await shop.orders_of([ACME], Slice(3), where=where)
    assert not isinstance(first, NotMapped)
    (rest,) = await shop.orders_of([ACME], Slice(3, first.cursor_of(first.items[-1])), where=where)

    assert not isinstance(rest, NotMapped)
    assert [one.id for one in first.items] == ["ord_1", "ord_3", "ord_10"]
    assert ([one.id for one in rest.items], first.has_next_page, rest.has_next_page) == (["ord_2"], True, False)
    operations = [operation for operation, _, _ in client.asked]
    assert operations == ["OrdersOf", "Orders", "OrdersOf", "Orders"]
    assert client.asked[3][1]["options"]["filter"]["id"] == {"in": ["2"]}


async def test_orders_of_other_groups_than_those_asked_for_are_left_out() -> None:
    other = customer(9, "K-2", orders=[order(9)])
    client = Scripted(OrdersOf=groups(K_2=[other], K_1=[customer(1, "K-1", orders=[order(7)]), other], k_1=[other]))

    (acme,) = await shop_of(client).orders_of([ACME], Slice(5), where=EVERY)

    assert not isinstance(acme, NotMapped)
    assert [one.id for one in acme.items] == ["ord_7"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"totalWithTax": "119.00"}, "totalWithTax is no Money"),
        ({"createdAt": "0001-01-01T00:00:00+14:00"}, "createdAt is no DateTime"),  # in UTC, before the first year
    ],
)
async def test_an_answer_of_another_shape_is_unexpected(wrong: dict[str, str], said: str) -> None:
    client = Scripted(Orders={"orders": {"items": [order(7, **wrong)]}})

    with pytest.raises(UnexpectedAnswer, match=rf"data\.orders\.items\.0\.{said}"):
        await shop_of(client).orders([OrderId("ord_7")])


@pytest.mark.parametrize("size", [1, 2, 5])
async def test_orders_of_one_instant_are_each_shown_once_whichever_of_them_vendure_gives_first(size: int) -> None:
    later = "2026-03-03T12:00:00.000Z"
    orders = [order(n, code=f"V-{n}", orderPlacedAt=later if n % 4 == 0 else NOON) for n in range(1, 13)]
    by_day = sorted(
        orders, key=lambda one: one["orderPlacedAt"], reverse=True
    )  # and by age, where the list is by youth

    def listed(variables: Mapping[str, Any]) -> dict[str, Any]:
        placed = {"totalItems": len(orders), "items": by_day[: variables["placed"]["take"]]}
        return groups(K_1=[customer(1, "K-1") | {"placed": placed}])

    client, walked = Scripted(OrdersOf=listed), list[str]()
    shop, after, calls = shop_of(client), None, []
    while True:
        client.asked.clear()
        (page,) = await shop.orders_of([ACME], Slice(size, after), where=EVERY)
        assert not isinstance(page, NotMapped)
        calls.append(len(client.asked))
        walked += [one.number for one in page.items]
        if not page.has_next_page:
            break
        after = page.cursor_of(page.items[-1])

    assert walked == [f"V-{n}" for n in (12, 8, 4, 11, 10, 9, 7, 6, 5, 3, 2, 1)]
    assert max(calls) <= 3
