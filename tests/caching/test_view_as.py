"""Seen as a member, the same object has other values: such an answer says to which cache it belongs."""

import json

from tests.portal import Portal
from tests.view_as.test_view_as import membership_of

ADMINISTRATION, PURCHASE = "administration@helios.example", "purchase@helios.example"
QUERY = "query Q($id: ID!) { node(id: $id) { id ... on Organization { viewerCanManageMembers viewerCanPlaceOrders } } }"


async def test_an_answer_of_a_view_names_the_cache_it_belongs_to_and_the_own_answers_none(solar: Portal) -> None:
    person = await solar.person(ADMINISTRATION)
    helios = await solar.organization_of(ADMINISTRATION)
    membership_id = await membership_of(solar, PURCHASE)
    body = json.dumps({"query": QUERY, "variables": {"id": helios}}).encode()

    own = await person.posts(body)
    seen = await person.posts(body, forecourt_view_as=membership_id)

    assert own.at("node") == {"id": helios, "viewerCanManageMembers": True, "viewerCanPlaceOrders": False}
    assert seen.at("node") == {"id": helios, "viewerCanManageMembers": False, "viewerCanPlaceOrders": True}
    assert "viewAs" not in own.body.get("extensions", {})
    assert seen.body["extensions"]["viewAs"]["membershipId"] == membership_id
