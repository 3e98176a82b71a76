"""A portal whose shop is a live Vendure: somebody orders there, the vendor sends it, and the portal shows it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from gateway.demo.loading import load_demo
from gateway.profile_files import load_profile
from gateway.settings_sources import read_settings
from gateway.wiring import migrate_our_database
from tests.portal import Clock, Portal, open_portal
from tests.servers import fresh_database
from tests.vendure.live import Vendure, running_vendure

BUYER, NUMBER = "purchase@helios.example", "204718"
TRACKED = "https://track.example/1"
ORDERS = """
query($organization: ID!, $search: String) {
  organization(id: $organization) {
    name
    orders(first: 5, search: $search) {
      totalCount
      nodes {
        id number status placedAt trackingUrl
        placedBy { id displayName }
        total { amount currency }
        shippingAddress { name street city countryCode }
        lines { sku name quantity unitPrice { amount } total { amount } }
        events { id status message actor { displayName } }
      }
    }
  }
}
"""

pytestmark = pytest.mark.slow


@pytest.fixture
async def vendure() -> AsyncIterator[Vendure]:
    running = await running_vendure()
    yield running
    await running.emptied()


@pytest.fixture
async def portal(vendure: Vendure) -> AsyncIterator[Portal]:
    """The Solar Terminal's gateway in front of that Vendure."""
    async with open_portal(shop="vendure", shop_url=vendure.url, shop_api_key=vendure.api_key) as opened:
        yield opened


async def ordered(vendure: Vendure, *, sent: bool = False) -> Any:
    """Let the buyer order three of an article in the shop, and the staff send it; return what Vendure says of it."""
    await vendure.customer(NUMBER, BUYER, password="secret-of-the-shop")
    articles = await vendure.articles({"MOD-420": "Solarmodul 420 W"})
    code = await _order_in_shop(vendure, articles["MOD-420"])
    found = await vendure.administers(
        "query($code: String!) { orders(options: {filter: {code: {eq: $code}}}) "
        "{ items { id code totalWithTax lines { id quantity } payments { id } } } }",
        code=code,
    )
    (order,) = found["orders"]["items"]
    if sent:
        await _sent(vendure, order)
    return order


async def _order_in_shop(vendure: Vendure, article: int) -> str:
    shop = vendure.url.replace("admin-api", "shop-api")
    headers: dict[str, str] = {}
    steps: list[tuple[str, dict[str, Any]]] = [
        (
            "mutation($u: String!, $p: String!) { login(username: $u, password: $p) { __typename } }",
            {"u": BUYER, "p": "secret-of-the-shop"},
        ),
        ("mutation($id: ID!) { addItemToOrder(productVariantId: $id, quantity: 3) { __typename } }", {"id": article}),
        (
            "mutation($it: CreateAddressInput!) { setOrderShippingAddress(input: $it) { __typename } }",
            {
                "it": {
                    "fullName": "Jörg Weiß",
                    "streetLine1": "Rampe 3",
                    "city": "Ulm",
                    "postalCode": "89073",
                    "countryCode": "DE",
                }
            },
        ),
        ("mutation { setOrderShippingMethod(shippingMethodId: [1]) { __typename } }", {}),
        ('mutation { transitionOrderToState(state: "ArrangingPayment") { __typename } }', {}),
        (
            'mutation { addPaymentToOrder(input: {method: "rechnung", metadata: {}}) '
            "{ __typename ... on Order { code } } }",
            {},
        ),
    ]
    answer: Any = None
    async with httpx2.AsyncClient(timeout=60) as client:
        for query, variables in steps:
            response = await client.post(shop, json={"query": query, "variables": variables}, headers=headers)
            if token := response.headers.get("vendure-auth-token"):
                headers["authorization"] = f"Bearer {token}"
            (answer,) = response.json()["data"].values()
            assert answer["__typename"] in ("CurrentUser", "Order"), (query, response.json())
    code: str = answer["code"]
    return code


async def _sent(vendure: Vendure, order: Any) -> None:
    await vendure.administers(
        "mutation($id: ID!) { settlePayment(id: $id) { __typename } }", id=order["payments"][0]["id"]
    )
    made = await vendure.administers(
        "mutation($it: FulfillOrderInput!) { addFulfillmentToOrder(input: $it) { ... on Fulfillment { id } } }",
        it={
            "lines": [{"orderLineId": line["id"], "quantity": line["quantity"]} for line in order["lines"]],
            "handler": {
                "code": "manual-fulfillment",
                "arguments": [{"name": "method", "value": "Spedition"}, {"name": "trackingCode", "value": TRACKED}],
            },
        },
    )
    await vendure.administers(
        'mutation($id: ID!) { transitionFulfillmentToState(id: $id, state: "Shipped") { __typename } }',
        id=made["addFulfillmentToOrder"]["id"],
    )
    for note, is_public in (("Kommt am Dienstag", True), ("Zahlt spät", False)):
        await vendure.administers(
            "mutation($it: AddNoteToOrderInput!) { addNoteToOrder(input: $it) { id } }",
            it={"id": order["id"], "note": note, "isPublic": is_public},
        )


async def test_what_somebody_orders_in_the_shop_stands_in_the_portal(vendure: Vendure, portal: Portal) -> None:
    theirs = await ordered(vendure, sent=True)
    buyer, organization = await portal.person(BUYER), await portal.organization_of(BUYER)

    answer = await buyer.asks(ORDERS, organization=organization)

    assert answer.errors == []
    orders = answer.at("organization.orders")
    (order,) = orders["nodes"]
    assert (orders["totalCount"], order["number"], order["status"]) == (1, theirs["code"], "SHIPPED")
    assert order["total"] == {"amount": f"{theirs['totalWithTax'] / 100:.2f}", "currency": "EUR"}
    assert sum(round(float(line["total"]["amount"]) * 100) for line in order["lines"]) == theirs["totalWithTax"]
    assert [(line["sku"], line["name"], line["quantity"]) for line in order["lines"]] == [
        ("MOD-420", "Solarmodul 420 W", 3),
        ("spedition", "Spedition", 1),
    ]
    assert (order["placedBy"]["displayName"], order["trackingUrl"]) == ("Jörg Weiß", TRACKED)
    assert order["shippingAddress"] == {"name": "Jörg Weiß", "street": ["Rampe 3"], "city": "Ulm", "countryCode": "DE"}
    assert [(event["status"], event["message"], event["actor"]) for event in order["events"]] == [
        ("SUBMITTED", None, {"displayName": "Jörg Weiß"}),
        ("CONFIRMED", None, None),
        ("SHIPPED", None, None),
        ("SHIPPED", "Kommt am Dienstag", None),
    ]
    assert "Zahlt" not in str(answer.body)


async def test_an_order_is_found_by_its_id_its_number_and_a_part_of_it_by_those_who_may_see_orders(
    vendure: Vendure, portal: Portal
) -> None:
    theirs = await ordered(vendure)
    buyer, organization = await portal.person(BUYER), await portal.organization_of(BUYER)
    stranger = await portal.person("administration@lumen.example")
    (order,) = (await buyer.asks(ORDERS, organization=organization, search=theirs["code"][2:9].lower())).at(
        "organization.orders.nodes"
    )
    ids = [order["id"], order["events"][0]["id"], order["placedBy"]["id"], "ord_999", "oev_1.999"]
    nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"

    own = await buyer.asks(nodes, ids=ids)
    foreign = await stranger.asks(nodes, ids=ids)
    elsewhere = await buyer.asks(ORDERS, organization=organization, search="nothing-like-it")

    assert own.at("nodes") == [
        {"__typename": "Order", "id": ids[0]},
        {"__typename": "OrderEvent", "id": ids[1]},
        {"__typename": "User", "id": ids[2]},
        None,
        None,
    ]
    assert foreign.at("nodes") == [None] * 5
    assert elsewhere.at("organization.orders") == {"totalCount": 0, "nodes": []}


async def test_a_key_that_is_no_longer_good_hides_only_the_orders(vendure: Vendure) -> None:
    async with open_portal(shop="vendure", shop_url=vendure.url, shop_api_key="lookup:expired") as portal:
        buyer, organization = await portal.person(BUYER), await portal.organization_of(BUYER)

        answer = await buyer.asks(ORDERS, organization=organization)

    assert answer.at("organization") == {"name": "Helios Montage GmbH", "orders": None}
    assert answer.codes == {"organization.orders": "BACKEND_UNAVAILABLE"}


async def test_the_shop_is_named_in_health_and_its_orders_are_not_those_of_the_demo(
    vendure: Vendure, portal: Portal
) -> None:
    buyer, organization = await portal.person(BUYER), await portal.organization_of(BUYER)

    ready = (await portal.client.get("/health/ready")).json()
    answer = await buyer.asks(ORDERS, organization=organization)

    assert (ready["backends"]["shop"], ready["breakers"]) == ("up", {"shop": "CLOSED"})
    assert answer.at("organization.orders") == {"totalCount": 0, "nodes": []}


async def test_a_demo_beside_a_shop_of_ones_own_has_people_and_no_orders() -> None:
    async with fresh_database("sqlite") as url:
        given = {"shop": "vendure", "shop_url": "http://127.0.0.1:9/admin-api", "shop_api_key": "k"}
        settings = read_settings({}, profile="solar_terminal", demo=True, database_url=url, **given)
        await migrate_our_database(settings)
        loaded = await load_demo(settings, load_profile("solar_terminal"), clock=Clock())

    assert (loaded.orders, loaded.people > 0) == (0, True)
