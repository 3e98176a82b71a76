"""What calls over HTTP know of the request that they are made for, from the endpoint to the header."""

import json
import time
from typing import Any

import pytest

from connectors.errors import BackendUnavailable
from connectors.http.current_request import CurrentRequest, current_request
from tests.http_client.back_end import BackEnd, reply
from tests.http_client.conftest import Client
from tests.portal import Person, Portal

ORDERS = "{ viewer { memberships { nodes { organization { orders(first: 1) { totalCount } } } } } }"
TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture
def seen(portal: Portal, client: Client, monkeypatch: pytest.MonkeyPatch) -> list[CurrentRequest]:
    """What the shop, which is asked over HTTP here, knows of each request."""
    monkeypatch.setattr(portal.app.graphql, "_calls_http", True)  # type: ignore[attr-defined]
    shop = client(clock=time.monotonic)
    found: list[CurrentRequest] = []

    async def asked(*_args: Any, **_more: Any) -> Any:
        request = current_request()
        assert request is not None
        found.append(request)
        await shop.get("/orders")
        raise BackendUnavailable("shop")

    monkeypatch.setattr(portal.wiring.backends.shop, "orders_of", asked)
    return found


async def ask(person: Person, query: str = ORDERS, **headers: str) -> Any:
    return await person.posts(json.dumps({"query": query}).encode(), **headers)


async def test_a_call_knows_who_asks_until_when_and_in_which_trace(
    portal: Portal, back_end: BackEnd, seen: list[CurrentRequest]
) -> None:
    purchase = await portal.person("purchase@helios.example")

    await ask(purchase, traceparent=TRACEPARENT, forecourt_language="de")

    (request,) = seen
    assert request.deadline is not None
    assert (request.traceparent, request.language) == (TRACEPARENT, "de")
    assert [part.partition("_")[0] for part in request.caller] == ["usr", "0"]
    assert back_end.asked[0].headers["x-request-id"] == request.request_id
    assert back_end.asked[0].headers["traceparent"] == TRACEPARENT
    assert "authorization" not in back_end.asked[0].headers
    assert current_request() is None


@pytest.mark.parametrize("sent", ["", "00-1-2-01", f"00-{'0' * 32}-{'b' * 16}-01", f"{TRACEPARENT}-more"])
async def test_what_is_no_trace_is_not_passed_on(
    portal: Portal, back_end: BackEnd, seen: list[CurrentRequest], sent: str
) -> None:
    await ask(await portal.person("purchase@helios.example"), traceparent=sent)

    assert "traceparent" not in back_end.asked[0].headers


async def test_two_queries_of_one_person_have_the_same_caller_and_those_of_two_people_have_not(
    portal: Portal, back_end: BackEnd, seen: list[CurrentRequest]
) -> None:
    back_end.answers = [reply([])]
    for login in ("purchase@helios.example", "purchase@helios.example", "purchase.planning@helios.example"):
        await ask(await portal.person(login))

    first, second, third = [request.caller for request in seen]
    assert first == second != third


async def test_a_request_that_changes_something_shares_its_calls_with_no_other(
    portal: Portal, seen: list[CurrentRequest]
) -> None:
    purchase = await portal.person("purchase@helios.example")
    change = """mutation { setNewsletterSubscription(input: { subscribed: true }) { viewer {
        memberships { nodes { organization { orders(first: 1) { totalCount } } } } } } }"""

    await ask(purchase, change)
    await ask(purchase, change)

    first, second = [request.caller for request in seen]
    assert first != second
