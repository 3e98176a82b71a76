"""What was done in an organization and by a person, for those who may know it (K13)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from connectors.directory.records.access import GrantKind
from connectors.directory.records.audit import Author
from connectors.directory.records.memberships import MembershipStatus
from gateway.demo import DEMO_PASSWORD
from gateway.profile_files import load_profile
from permissions.policy import parse_policy
from permissions.vocabulary import Permission
from resolvers.audit import recorded
from tests.portal import NOW, Person, Portal, open_portal
from tests.servers import DatabaseKind

HOLDER, ORDERS, OTHER = "licence.holder@hausgut.example", "orders@hausgut.example", "licence.holder@kappel.example"
REVIEW = "review@vendor.example"

EVENTS = """
query Events(
  $id: ID!, $first: Int, $after: String, $actions: [String!], $actorId: ID, $from: DateTime, $to: DateTime
) {
  organization(id: $id) {
    auditEvents(first: $first, after: $after, actions: $actions, actorId: $actorId, from: $from, to: $to) {
      totalCount pageInfo { hasNextPage endCursor } nodes { ...Event }
    }
  }
}
"""
OWN = "query Own($first: Int, $after: String) { viewer { auditEvents(first: $first, after: $after) { totalCount \
pageInfo { hasNextPage endCursor } nodes { ...Event } } } }"
EVENT = """
fragment Event on AuditEvent {
  id at action actor { displayName } subject { __typename id } subjectId before { name value } after { name value }
  ipAddress requestId reason refusedWith
}
"""
UPDATE = "mutation U($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { errors { code } } }"
SAVE = "mutation S($input: SaveAddressInput!) { saveAddress(input: $input) { entry { id } errors { code } } }"
DELETE = "mutation D($input: NodeActionInput!) { deleteAddress(input: $input) { errors { code } } }"
ASK = """
mutation A($input: RequestOrganizationChangeInput!) {
  requestOrganizationChange(input: $input) { changeRequest { id } errors { code } }
}
"""
DECIDE = (
    "mutation D($input: DecideOrganizationChangeInput!) { decideOrganizationChange(input: $input) { errors { code } } }"
)
ADDRESS = {"street": ["Hof 2"], "postalCode": "80337", "city": "München", "countryCode": "DE"}


@pytest.fixture
async def audited(portal_kind: DatabaseKind) -> AsyncIterator[Portal]:
    """The software house's gateway, on each kind of database in turn."""
    async with open_portal("software_house", kind=portal_kind) as opened:
        yield opened


async def hausgut(portal: Portal) -> tuple[Person, str]:
    """The licence holder of Hausverwaltung Gut, and its id."""
    return await portal.person(HOLDER), await portal.organization_of(HOLDER)


async def events(person: Person, organization_id: str, **more: Any) -> Any:
    """A page of an organization's log; fails on any error."""
    answer = await person.asks(EVENTS + EVENT, id=organization_id, **more)
    assert answer.errors == []
    return answer.at("organization.auditEvents")


async def own(person: Person, **more: Any) -> Any:
    """A page of somebody's own history; fails on any error."""
    answer = await person.asks(OWN + EVENT, **more)
    assert answer.errors == []
    return answer.at("viewer.auditEvents")


async def busy(portal: Portal) -> dict[str, Any]:
    """An organization in which something was done each minute, and the ids of what it was done to."""
    person, organization_id = await hausgut(portal)
    asked = None
    for number, (query, input) in enumerate(
        [
            (UPDATE, {"id": organization_id, "expectedVersion": 1, "phone": "+498912345"}),
            (SAVE, {"organizationId": organization_id, "address": ADDRESS}),
            (ASK, {"organizationId": organization_id, "name": "Gut & Söhne", "message": "Umfirmierung"}),
        ]
    ):
        portal.clock.now = NOW + timedelta(minutes=number)
        answer = await person.asks(query, input=input)
        assert answer.errors == []
        asked = answer.data
    assert asked is not None
    request = asked["requestOrganizationChange"]["changeRequest"]["id"]
    portal.clock.now = NOW + timedelta(minutes=3)
    await (await portal.person(ORDERS)).asks(UPDATE, input={"id": organization_id, "expectedVersion": 2, "phone": None})
    portal.clock.now = NOW + timedelta(minutes=4)
    reviewer = await portal.person(REVIEW)
    await reviewer.asks(DECIDE, input={"id": request, "approve": True, "note": "Geprüft"})
    return {"place": organization_id, "request": request}


async def test_the_licence_holder_sees_all_that_was_done_and_tried(audited: Portal) -> None:
    """K13: who, what, before, after, when, from where, with which request, and why."""
    ids = await busy(audited)
    person = await audited.person(HOLDER)

    page = await events(person, ids["place"])

    shown = [
        (one["action"], one["actor"]["displayName"], one["subject"]["__typename"], one["refusedWith"], one["reason"])
        for one in page["nodes"]
    ]
    reviewer = page["nodes"][0]["actor"]["displayName"]
    assert {*shown[:2]} == {
        ("organization.update", reviewer, "Organization", None, None),
        ("change_request.approve", reviewer, "ChangeRequest", None, "Geprüft"),
    }
    assert shown[2:] == [
        ("updateOrganization", "Thomas Köhler", "Organization", "FORBIDDEN", None),
        ("change_request.open", "Roswitha Gut", "ChangeRequest", None, "Umfirmierung"),
        ("address.add", "Roswitha Gut", "AddressBookEntry", None, None),
        ("organization.update", "Roswitha Gut", "Organization", None, None),
    ]
    assert page["totalCount"] == 6
    opened, updated = page["nodes"][3], page["nodes"][5]
    assert (opened["subject"]["id"], opened["at"]) == (ids["request"], "2026-11-21T09:02:00Z")
    assert opened["before"] == [{"name": "name", "value": "Hausverwaltung Gut"}]
    assert opened["after"] == [{"name": "name", "value": "Gut & Söhne"}]
    assert updated["before"] == [{"name": "phone", "value": None}]
    assert updated["after"] == [{"name": "phone", "value": "+498912345"}]
    assert updated["ipAddress"] == "127.0.0.1"
    assert len({one["requestId"] for one in page["nodes"]}) == 5  # the decision and what it changed share one


async def test_conditions_count_together_and_pages_follow_one_another(audited: Portal) -> None:
    ids = await busy(audited)
    person = await audited.person(HOLDER)
    me = (await person.asks("{ viewer { user { id } } }")).at("viewer.user.id")

    async def actions(**where: Any) -> list[str]:
        page = await events(person, ids["place"], **where)
        assert page["totalCount"] == len(page["nodes"])
        return [one["action"] for one in page["nodes"]]

    assert await actions(actions=["organization.update"]) == ["organization.update"] * 2
    assert await actions(actions=["organization.update"], actorId=me) == ["organization.update"]
    assert await actions(actorId=me) == ["change_request.open", "address.add", "organization.update"]
    instants = {"from": "2026-11-21T09:01:00Z", "to": "2026-11-21T09:03:00Z"}
    assert await actions(**instants) == ["change_request.open", "address.add"]
    assert await actions(**instants, actions=["address.add"], actorId=me) == ["address.add"]
    assert await actions(actions=[]) == []
    assert await actions(actorId="usr_nobody") == []
    pages, after = [], None
    while True:
        page = await events(person, ids["place"], first=2, after=after)
        pages.append([one["id"] for one in page["nodes"]])
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    whole = await events(person, ids["place"])
    assert [len(page) for page in pages] == [2, 2, 2]
    assert [id for page in pages for id in page] == [one["id"] for one in whole["nodes"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"first": -1}, "`first` is -1"),
        ({"first": 101}, "`first` is 101"),
        ({"after": "nonsense"}, "`after` is not a cursor of this list"),
        ({"actions": ["x"] * 51}, "`actions` has 51 entries; at most 50 are allowed."),
        ({"from": "2026-11-21T09:00:00Z", "to": "2026-11-21T09:00:00Z"}, "`from` is not before `to`"),
    ],
    ids=str,
)
async def test_what_cannot_be_asked_is_an_error_that_says_so(
    software: Portal, arguments: dict[str, Any], message: str
) -> None:
    person, organization_id = await hausgut(software)

    answer = await person.asks(EVENTS + EVENT, id=organization_id, **arguments)

    assert answer.codes == {"organization.auditEvents": "BAD_USER_INPUT"}
    assert message in answer.errors[0]["message"]


@pytest.mark.parametrize("login_name", [ORDERS, "contracts@hausgut.example", "suspended@hausgut.example", OTHER, None])
async def test_nobody_else_reads_an_organizations_log(software: Portal, login_name: str | None) -> None:
    person = await software.person(login_name) if login_name else software.anybody()
    _, organization_id = await hausgut(software)

    answer = await person.asks(EVENTS + EVENT, id=organization_id)

    if login_name in (OTHER, None):
        assert answer.data == {"organization": None}
    else:
        assert answer.data == {"organization": {"auditEvents": None}}
        assert answer.codes == {"organization.auditEvents": "UNAUTHORIZED_FIELD_OR_TYPE"}


async def test_no_role_of_the_solar_terminal_reads_the_log_because_none_states_it(solar: Portal) -> None:
    """K13: what is not listed for a role is not allowed, whatever one would like to have."""
    profile = load_profile("solar_terminal")
    policy = parse_policy(profile.policy_text, profile.policy_source)
    person = await solar.person("administration@helios.example")
    helios = await solar.organization_of("administration@helios.example")

    answer = await person.asks(EVENTS + EVENT, id=helios)

    assert not [role.key for role in policy.roles.values() if Permission.AUDIT_VIEW in role.permissions]
    assert answer.data == {"organization": {"auditEvents": None}}
    assert answer.errors[0]["extensions"]["authorization"]["missing"] == ["AUDIT_VIEW"]


async def test_an_organization_sees_of_the_vendors_staff_the_name_and_nothing_else(software_portal: Portal) -> None:
    ids = await busy(software_portal)
    person = await software_portal.person(HOLDER)

    answer = await person.asks(
        "query Q($id: ID!) { organization(id: $id) { auditEvents { nodes "
        "{ action ipAddress actor { displayName email phone locale } } } } }",
        id=ids["place"],
    )

    nodes = answer.at("organization.auditEvents.nodes")
    by_vendor = [one for one in nodes if one["action"] == "change_request.approve"]
    by_member = [one for one in nodes if one["action"] == "updateOrganization"]
    assert [(one["ipAddress"], one["actor"]["email"], one["actor"]["phone"]) for one in by_vendor] == [(None,) * 3]
    assert by_vendor[0]["actor"]["displayName"]
    assert [(one["ipAddress"], one["actor"]["email"]) for one in by_member] == [("127.0.0.1", ORDERS)]


async def test_what_is_gone_or_not_for_the_viewer_is_no_subject(software_portal: Portal) -> None:
    person, organization_id = await hausgut(software_portal)
    saved = await person.asks(SAVE, input={"organizationId": organization_id, "address": ADDRESS})
    entry = saved.at("saveAddress.entry.id")
    await person.asks(DELETE, input={"id": entry})

    page = await events(person, organization_id)

    assert {(one["action"], one["subject"], one["subjectId"]) for one in page["nodes"]} == {
        ("address.add", None, entry), ("address.remove", None, entry),
    }  # fmt: skip


async def test_a_long_page_costs_as_many_statements_as_a_short_one(audited: Portal) -> None:
    person, organization_id = await hausgut(audited)
    for number in range(60):
        await person.asks(
            SAVE, input={"organizationId": organization_id, "address": ADDRESS | {"city": f"Ort {number}"}}
        )

    with audited.statements() as short:
        assert len((await events(person, organization_id, first=2))["nodes"]) == 2
    with audited.statements() as long:
        assert len((await events(person, organization_id, first=60))["nodes"]) == 60

    assert len(long) == len(short)


async def test_a_person_sees_what_they_did_and_what_was_done_to_them(audited: Portal) -> None:
    signed_in = await audited.anybody().asks(
        "mutation S($input: SignInInput!) { signIn(input: $input) { accessToken } }",
        input={"loginName": ORDERS, "password": DEMO_PASSWORD},
    )
    person = Person(audited.client, signed_in.at("signIn.accessToken"))
    audited.clock.move(timedelta(minutes=1))
    await person.asks(
        "mutation P($input: UpdateProfileInput!) { updateProfile(input: $input) { errors { code } } }",
        input={"expectedVersion": 1, "firstName": "Tom"},
    )
    audited.clock.move(timedelta(minutes=1))
    membership = (await person.asks("{ viewer { memberships { nodes { id } } } }")).at("viewer.memberships.nodes.0.id")
    holder, organization_id = await hausgut(audited)
    holder_id = (await holder.asks("{ viewer { user { id } } }")).at("viewer.user.id")
    by = Author(holder_id, "given", "203.0.113.7", "Vertretung")
    async with audited.wiring.backends.directory.change() as change:
        await recorded.give(
            change, membership, GrantKind.PERMISSION, "ORDER_VIEW", until=None, by=by, now=audited.clock()
        )

    page = await own(person)
    first = await own(person, first=1)
    rest = await own(person, first=50, after=first["pageInfo"]["endCursor"])

    assert [(one["action"], one["actor"]["displayName"], one["ipAddress"]) for one in page["nodes"]] == [
        ("grant.give", "Roswitha Gut", None),  # from where is hers to know, and the organization's
        ("profile.update", "Tom Köhler", "127.0.0.1"),
        ("session.begin", "Tom Köhler", "127.0.0.1"),
    ]
    assert page["nodes"][0]["subject"] == {"__typename": "Membership", "id": membership}
    assert (page["nodes"][0]["reason"], page["totalCount"]) == ("Vertretung", None)
    assert first["nodes"] + rest["nodes"] == page["nodes"]
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    seen_by_holder = (await events(holder, organization_id))["nodes"]
    assert [(one["action"], one["ipAddress"]) for one in seen_by_holder] == [("grant.give", "203.0.113.7")]
    assert [one["action"] for one in (await own(await audited.person(OTHER)))["nodes"]] == ["session.begin"]


async def test_who_was_removed_sees_nothing_of_the_organization_in_their_history(software_portal: Portal) -> None:
    ids = await busy(software_portal)
    person = await software_portal.person(ORDERS)
    membership = (await person.asks("{ viewer { memberships { nodes { id } } } }")).at("viewer.memberships.nodes.0.id")
    tried = [one for one in (await own(person))["nodes"] if one["action"] == "updateOrganization"]
    async with software_portal.wiring.backends.directory.change() as change:
        removed = MembershipStatus.REMOVED
        await recorded.set_membership_status(
            change, membership, removed, by=Author(None, "t"), now=software_portal.clock()
        )

    after = await own(person)
    node = await person.asks("query N($id: ID!) { node(id: $id) { id } }", id=tried[0]["id"])

    assert [one["subjectId"] for one in tried] == [ids["place"]]
    assert {one["action"] for one in after["nodes"]} == {"session.begin"}
    assert node.at("node") is None


async def test_who_looks_as_somebody_does_not_see_their_history(software_portal: Portal) -> None:
    await busy(software_portal)
    member, holder = await software_portal.person(ORDERS), await software_portal.person(HOLDER)
    membership = (await member.asks("{ viewer { memberships { nodes { id } } } }")).at("viewer.memberships.nodes.0.id")

    answer = await holder.posts(
        b'{"query": "{ viewer { auditEvents { totalCount nodes { action } pageInfo { hasNextPage } } } }"}',
        forecourt_view_as=membership,
    )

    assert answer.at("viewer.auditEvents") == {"totalCount": None, "nodes": [], "pageInfo": {"hasNextPage": False}}


async def test_an_event_is_a_node_for_those_in_whose_lists_it_stands(software_portal: Portal) -> None:
    ids = await busy(software_portal)
    person = await software_portal.person(HOLDER)
    nodes = (await events(person, ids["place"]))["nodes"]
    tried = next(one["id"] for one in nodes if one["action"] == "updateOrganization")
    added = next(one["id"] for one in nodes if one["action"] == "address.add")
    seen = {}
    for name in (HOLDER, ORDERS, "contracts@hausgut.example", OTHER, REVIEW):
        answer = await (await software_portal.person(name)).asks(
            "query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[tried, added, added[:-6] + "zzzzzz"]
        )
        seen[name] = [one is not None for one in answer.at("nodes")]

    assert seen == {
        HOLDER: [True, True, False], ORDERS: [True, False, False], "contracts@hausgut.example": [False] * 3,
        OTHER: [False] * 3, REVIEW: [False] * 3,
    }  # fmt: skip
