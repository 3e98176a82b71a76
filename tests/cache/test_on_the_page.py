"""A page whose orders are kept: who may see them is decided each time, and what is stale says so."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from connectors.cache.embedded import EmbeddedCache
from connectors.cache.fetches import CachedFetch, Caching, Scope
from connectors.errors import BackendUnavailable
from connectors.pages import Page
from tests.access.changing_access import does, member_of
from tests.portal import Portal

ORDERS = "viewer.memberships.nodes.0.organization.orders"
PAGE = "{ viewer { memberships { nodes { organization { orders(first: 1) { pageInfo { hasNextPage } } } } } } }"


class Shop:
    """Orders from a back end, which counts how often it was asked."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.asked = 0
        self.is_away = False

    async def fetch(self, keys: Sequence[str]) -> list[bool]:
        self.asked += 1
        if self.is_away:
            raise BackendUnavailable("shop")
        return [True for _ in keys]


@pytest.fixture
def shop(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Shop]:
    """Let orders be kept in this scope."""

    def kept(scope: str) -> Shop:
        shop = Shop()
        caching = Caching(30, Scope(scope), 600)
        fetch = CachedFetch("shop", "/orders", shop.fetch, caching, EmbeddedCache(), clock=lambda: shop.now)

        async def orders_of(ids: Sequence[str], *_args: Any, **_more: Any) -> Any:
            return [Page([], more, False, str) for more in await fetch(ids, organizations=ids)]

        monkeypatch.setattr(portal.wiring.backends.shop, "orders_of", orders_of)
        monkeypatch.setattr(portal.app.graphql, "_calls_http", True)  # type: ignore[attr-defined]
        return shop

    return kept


async def test_what_is_kept_for_an_organization_is_for_all_who_may_see_it_and_for_nobody_else(
    portal: Portal, shop: Callable[[str], Shop]
) -> None:
    kept = shop("organization")

    for login in ("purchase@helios.example", "purchase.planning@helios.example"):
        answer = await (await portal.person(login)).asks(PAGE)
        assert answer.at(ORDERS) == {"pageInfo": {"hasNextPage": True}}
    planner = await (await portal.person("planning@helios.example")).asks(PAGE)

    assert planner.codes == {ORDERS: "UNAUTHORIZED_FIELD_OR_TYPE"}
    assert kept.asked == 1


@pytest.mark.parametrize("scope", ["organization", "viewer"])
async def test_a_permission_that_is_taken_counts_at_once_whatever_is_kept(
    portal: Portal, shop: Callable[[str], Shop], scope: str
) -> None:
    kept = shop(scope)
    administration = await portal.person("administration@helios.example")
    purchase = await portal.person("purchase@helios.example")
    membership = await member_of(portal, "purchase@helios.example")
    assert (await purchase.asks(PAGE)).codes == {}

    await does(administration, "updateMemberAccess", membershipId=membership, roleKeys=["planning"])
    assert (await purchase.asks(PAGE)).codes == {ORDERS: "UNAUTHORIZED_FIELD_OR_TYPE"}
    assert kept.asked == 1

    await does(administration, "updateMemberAccess", membershipId=membership, roleKeys=["purchase"])
    assert (await purchase.asks(PAGE)).codes == {}
    assert kept.asked == (1 if scope == "organization" else 2)


async def test_what_is_kept_for_a_viewer_is_asked_for_the_next_one(portal: Portal, shop: Callable[[str], Shop]) -> None:
    kept = shop("viewer")

    for login in ("purchase@helios.example", "purchase.planning@helios.example", "purchase@helios.example"):
        await (await portal.person(login)).asks(PAGE)

    assert kept.asked == 2


async def test_an_answer_that_is_stale_is_shown_and_marked_while_the_back_end_is_away(
    portal: Portal, shop: Callable[[str], Shop]
) -> None:
    kept = shop("organization")
    purchase = await portal.person("purchase@helios.example")
    fresh = await purchase.asks(PAGE)

    kept.now += 95
    kept.is_away = True
    stale = await purchase.asks(PAGE)
    kept.now += 600
    none = await purchase.asks(PAGE)

    assert "extensions" not in fresh.body
    assert stale.body["data"] == fresh.body["data"]
    assert stale.body["extensions"] == {"stale": [{"backend": "SHOP", "ageSeconds": 95}]}
    assert none.codes == {ORDERS: "BACKEND_UNAVAILABLE"}
    assert "extensions" not in none.body
