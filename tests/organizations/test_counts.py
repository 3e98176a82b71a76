"""How many there are: members by status, and what waits, without a refusal for whoever may not see it."""

from datetime import timedelta
from typing import Any

import pytest

from tests.access.changing_access import organization_named
from tests.portal import Portal

HOLDER, HELIOS, ADMINISTRATION = (
    "licence.holder@hausgut.example",
    "Helios Montage GmbH",
    "administration@helios.example",
)

COUNTS = """
query Counts($id: ID!) {
  organization(id: $id) {
    memberCounts { status count }
    waiting { accessRequests joinRequests invitations changeRequests }
  }
}
"""
LISTS = """
query Lists($id: ID!) {
  organization(id: $id) {
    ACTIVE: members(first: 1, status: [ACTIVE]) { totalCount }
    INVITED: members(first: 1, status: [INVITED]) { totalCount }
    SUSPENDED: members(first: 1, status: [SUSPENDED]) { totalCount }
    REMOVED: members(first: 1, status: [REMOVED]) { totalCount }
    accessRequests(first: 1, status: [PENDING]) { totalCount }
    joinRequests(first: 1, status: [PENDING]) { totalCount }
    invitations(first: 1, status: [PENDING]) { totalCount }
    changeRequests(first: 1, status: [PENDING]) { totalCount }
  }
}
"""
STATUSES = ["INVITED", "ACTIVE", "SUSPENDED", "REMOVED"]
WAITING = ["accessRequests", "joinRequests", "invitations", "changeRequests"]


async def test_the_counts_are_those_of_the_lists(each_portal: Portal) -> None:
    """Also when the time of some of it is over and nothing has stored that yet."""
    portal = each_portal
    helios = await organization_named(portal, HELIOS)
    await _let_something_wait(portal, helios)
    counted = []

    for later in (timedelta(), timedelta(days=10)):
        portal.clock.move(later)
        person = await portal.person(ADMINISTRATION)
        counts = (await person.asks(COUNTS, id=helios)).at("organization")
        lists = (await person.asks(LISTS, id=helios)).at("organization")

        assert counts["memberCounts"] == [
            {"status": status, "count": lists[status]["totalCount"]} for status in STATUSES
        ]
        assert counts["waiting"] == {name: lists[name]["totalCount"] for name in WAITING}
        counted.append(counts["waiting"]["invitations"])

    assert counted[0] > counted[1] >= 0


@pytest.mark.parametrize(
    ("login_name", "name", "seen"),
    [
        ("administration@helios.example", HELIOS, set(WAITING)),
        ("purchase@helios.example", HELIOS, set()),
        ("suspended@helios.example", HELIOS, set()),
        ("two.companies@helios.example", HELIOS, set(WAITING)),
        ("two.companies@helios.example", "Lumen Handels AG", set()),  # where they do not administer
    ],
)
async def test_a_count_that_is_not_ones_to_see_is_null_and_no_error(
    portal: Portal, login_name: str, name: str, seen: set[str]
) -> None:
    id = await organization_named(portal, name)
    person = await portal.person(login_name)

    answer = await person.asks(
        "query W($id: ID!) { organization(id: $id) { waiting { accessRequests joinRequests invitations changeRequests "
        "orderApprovals } } }",
        id=id,
    )

    assert answer.errors == []
    waiting = answer.at("organization.waiting")
    assert {name for name in WAITING if waiting[name] is not None} == seen
    assert waiting["orderApprovals"] is None  # nobody approves orders in this profile


async def test_a_stranger_learns_no_count(portal: Portal) -> None:
    helios = await organization_named(portal, HELIOS)

    answer = await portal.anybody().asks(COUNTS, id=helios)

    assert answer.data == {"organization": None}


async def test_orders_to_approve_are_counted_for_whoever_approves(software_portal: Portal) -> None:
    gut = await organization_named(software_portal, "Hausverwaltung Gut")
    query = """
    query W($id: ID!) {
      organization(id: $id) {
        waiting { orderApprovals }
        viewerCanPlaceOrders
      }
    }
    """
    listed = (
        "query L($id: ID!) { organization(id: $id) { orders(first: 1, status: [PENDING_APPROVAL]) { totalCount } } }"
    )
    holder, colleague = await software_portal.person(HOLDER), await software_portal.person("orders@hausgut.example")

    counted = (await holder.asks(query, id=gut)).at("organization.waiting.orderApprovals")

    assert counted == (await holder.asks(listed, id=gut)).at("organization.orders.totalCount")
    assert (await colleague.asks(query, id=gut)).at("organization.waiting") == {"orderApprovals": None}


async def test_a_shop_that_is_down_hides_only_the_orders_to_approve(software_portal: Portal) -> None:
    gut = await organization_named(software_portal, "Hausverwaltung Gut")
    holder = await software_portal.person(HOLDER)
    query = "query W($id: ID!) { organization(id: $id) { waiting { invitations orderApprovals } } }"

    with software_portal.without_shop():
        answer = await holder.asks(query, id=gut)

    assert answer.codes == {"organization.waiting.orderApprovals": "BACKEND_UNAVAILABLE"}
    assert answer.at("organization.waiting.invitations") is not None


async def test_one_statement_counts_for_all_of_ones_organizations(portal: Portal) -> None:
    person = await portal.person("two.companies@helios.example")
    query = "{{ viewer {{ memberships(first: {first}) {{ nodes {{ organization {{ {fields} }} }} }} }} }}"
    fields = "waiting { accessRequests joinRequests invitations changeRequests }"

    async def statements(first: int, fields: str) -> int:
        with portal.statements() as sent:
            answer = await person.asks(query.format(first=first, fields=fields))
        assert answer.errors == []
        return len(sent)

    plain = await statements(2, "id")
    assert await statements(2, fields) - plain <= len(WAITING)
    assert await statements(2, fields) <= await statements(1, fields) + len(WAITING)


async def _let_something_wait(portal: Portal, organization_id: str) -> None:
    administrator = await portal.person(ADMINISTRATION)
    invited: Any = await administrator.asks(
        "mutation I($input: InviteMembersInput!) { inviteMembers(input: $input) { errors { code } } }",
        input={
            "organizationId": organization_id,
            "idempotencyKey": "counts",
            "invitees": [{"email": f"new{number}@helios.example", "roleKeys": ["planning"]} for number in range(3)],
        },
    )
    assert invited.at("inviteMembers.errors") == []
    asked = await (await portal.person("planning@helios.example")).asks(
        "mutation R($input: RequestAccessInput!) { requestAccess(input: $input) { errors { code } } }",
        input={"organizationId": organization_id, "roleKeys": ["purchase"]},
    )
    assert asked.at("requestAccess.errors") == []
    changed = await administrator.asks(
        "mutation C($input: RequestOrganizationChangeInput!) { requestOrganizationChange(input: $input) "
        "{ errors { code } } }",
        input={"organizationId": organization_id, "name": "Helios Montage AG"},
    )
    assert changed.at("requestOrganizationChange.errors") == []
