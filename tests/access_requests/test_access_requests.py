"""A member asks for a right where it was refused, and who may hand all of it out decides."""

from datetime import timedelta
from typing import Any

import pytest

from tests.access.changing_access import codes_of, does, holds, member_of, organization_named, version_of
from tests.portal import Person, Portal

ADMINISTRATION, PURCHASE, PLANNING = (
    "administration@helios.example",
    "purchase@helios.example",
    "planning@helios.example",
)
HELIOS = "Helios Montage GmbH"
HOLDER, LENA, GUT = "licence.holder@hausgut.example", "lena.strauss@hausgut.example", "Hausverwaltung Gut"
OPEN_REQUESTS = """
query R($id: ID!, $status: [RequestStatus!]) {
  organization(id: $id) { accessRequests(status: $status) { totalCount nodes { id status membership { id } } } }
}
"""
OWN_REQUESTS = """
{ viewer { memberships { nodes { accessRequests { totalCount nodes { id status decidedBy { displayName } } } } } } }
"""


async def asked(portal: Portal, person: Person, **input: Any) -> Any:
    """The request that a member of Helios makes."""
    payload = await does(person, "requestAccess", organizationId=await organization_named(portal, HELIOS), **input)
    assert payload["errors"] == [], payload
    return payload["accessRequest"]


async def test_from_a_refusal_to_the_right_in_three_steps(each_portal: Portal) -> None:
    """K31: what a refusal says is missing is asked for, granted, and counts on the next request."""
    helios, planner = await organization_named(each_portal, HELIOS), await each_portal.person(PLANNING)
    orders = "query O($id: ID!) { organization(id: $id) { orders(first: 1) { totalCount } } }"
    refusal = (await planner.asks(orders, id=helios)).errors[0]["extensions"]["authorization"]

    request = await asked(each_portal, planner, permissions=["ORDER_PLACE"], message="I order the modules.")

    administrator = await each_portal.person(ADMINISTRATION)
    listed = await administrator.asks(OPEN_REQUESTS, id=helios, status=["PENDING"])
    decided = await does(administrator, "decideAccessRequest", id=request["id"], approve=True, note="Welcome.")
    assert "ORDER_PLACE" in refusal["missing"]
    assert refusal["requestable"] is True
    assert (request["status"], request["roles"], request["permissions"]) == ("PENDING", [{"key": "purchase"}], [])
    assert (request["viewerCanDecide"], request["viewerCanWithdraw"]) == (False, True)
    assert [node["id"] for node in listed.at("organization.accessRequests.nodes")] == [request["id"]]
    assert decided["errors"] == []
    assert decided["accessRequest"]["status"] == "APPROVED"
    assert decided["accessRequest"]["decidedBy"] == {"displayName": "Annegret Kästner"}
    assert (await planner.asks(orders, id=helios)).errors == []
    assert await version_of(each_portal, await member_of(each_portal, PLANNING)) == 2


async def test_everybody_who_may_grant_it_is_written_to_and_the_member_is_notified(each_portal: Portal) -> None:
    planner = await each_portal.person(PLANNING)
    until = (each_portal.clock.now + timedelta(days=30)).isoformat()

    request = await asked(each_portal, planner, roleKeys=["purchase"], message="I order the modules.")
    await does(
        await each_portal.person(ADMINISTRATION),
        "decideAccessRequest",
        id=request["id"],
        approve=True,
        validUntil=until,
    )

    *asking, notice = await each_portal.queued_mails()
    assert sorted(mail.to for mail in asking) == [
        ADMINISTRATION, "guenther.strauss@helios.example", "two.companies@helios.example",
    ]  # fmt: skip
    assert asking[0].values == {
        "organization": HELIOS, "person": "Franziska Löffler", "wanted": ["Einkauf"], "message": "I order the modules.",
    }  # fmt: skip
    assert (notice.template, notice.to, notice.values) == (
        "access_request_decided",
        PLANNING,
        {"organization": HELIOS, "decision": "approved", "wanted": ["Einkauf"], "note": None, "until": until},
    )
    held = await holds(each_portal, await member_of(each_portal, PLANNING))
    assert held == {"planning": None, "purchase": until}
    rows = await each_portal.audit("access_request.open", "access_request.approve", "grant.give")
    assert [row.action for row in rows] == ["access_request.open", "grant.give", "access_request.approve"]


async def test_what_is_declined_gives_nothing(each_portal: Portal) -> None:
    planner, administrator = await each_portal.person(PLANNING), await each_portal.person(ADMINISTRATION)
    request = await asked(each_portal, planner, roleKeys=["purchase"])

    payload = await does(administrator, "decideAccessRequest", id=request["id"], approve=False, note="Not now.")

    own = await planner.asks(OWN_REQUESTS)
    assert (payload["accessRequest"]["status"], payload["accessRequest"]["note"]) == ("DECLINED", "Not now.")
    assert await holds(each_portal, await member_of(each_portal, PLANNING)) == {"planning": None}
    assert own.at("viewer.memberships.nodes.0.accessRequests") == {
        "totalCount": 1,
        "nodes": [{"id": request["id"], "status": "DECLINED", "decidedBy": {"displayName": "Annegret Kästner"}}],
    }


async def test_an_application_is_asked_for_by_what_opens_it(portal: Portal, software_portal: Portal) -> None:
    """A direct permission where there is one, else the smallest role."""
    planner, lena = await portal.person(PLANNING), await software_portal.person(LENA)
    gut = await organization_named(software_portal, GUT)

    by_role = await asked(portal, await portal.person(PURCHASE), applicationId="app_solar_plan")
    by_right = await does(lena, "requestAccess", organizationId=gut, applicationId="app_contract_documents")
    already = await does(
        planner,
        "requestAccess",
        organizationId=await organization_named(portal, HELIOS),
        applicationId="app_solar_plan",
    )

    assert (by_role["roles"], by_role["permissions"]) == ([{"key": "planning"}], [])
    assert by_right["accessRequest"]["permissions"] == [{"code": "CONTRACT_DOCUMENT_VIEW"}]
    assert codes_of(already) == [("CONFLICT", ["applicationId"])]


async def test_an_approval_for_a_third_holder_deserves_a_warning(software_portal: Portal) -> None:
    """D28."""
    kappel = await organization_named(software_portal, "Kappel Immobilien KG")
    verena = await software_portal.person("verena.jaeger@kappel.example")
    request = await does(verena, "requestAccess", organizationId=kappel, permissions=["CONTRACT_DOCUMENT_VIEW"])
    holder = await software_portal.person("licence.holder@kappel.example")

    first = await does(
        holder, "decideAccessRequest", id=request["accessRequest"]["id"], approve=True, idempotencyKey="k"
    )
    again = await does(
        holder, "decideAccessRequest", id=request["accessRequest"]["id"], approve=True, idempotencyKey="k"
    )

    assert first["warnings"] == [{"permission": {"code": "CONTRACT_DOCUMENT_VIEW"}, "holders": 3}]
    assert again == first


async def test_the_same_request_is_open_once_and_may_be_made_again_when_it_is_over(each_portal: Portal) -> None:
    planner, helios = await each_portal.person(PLANNING), await organization_named(each_portal, HELIOS)
    first = await asked(each_portal, planner, roleKeys=["purchase"])

    twice = await does(planner, "requestAccess", organizationId=helios, permissions=["ORDER_PLACE"])
    other = await asked(each_portal, planner, roleKeys=["installation"])
    taken_back = await does(planner, "withdrawAccessRequest", id=first["id"])
    again = await asked(each_portal, planner, roleKeys=["purchase"])

    (error,) = twice["errors"]
    assert (error["code"], error["conflictingNode"]) == ("CONFLICT", {"__typename": "AccessRequest", "id": first["id"]})
    assert taken_back["accessRequest"]["status"] == "WITHDRAWN"
    assert len({first["id"], other["id"], again["id"]}) == 3


async def test_nobody_decides_in_thirty_days_and_it_expires_automatically(each_portal: Portal) -> None:
    planner, helios = await each_portal.person(PLANNING), await organization_named(each_portal, HELIOS)
    first = await asked(each_portal, planner, roleKeys=["purchase"])
    each_portal.clock.move(timedelta(days=30))
    planner, administrator = await each_portal.person(PLANNING), await each_portal.person(ADMINISTRATION)

    late = await does(administrator, "decideAccessRequest", id=first["id"], approve=True)
    open_ones = await administrator.asks(OPEN_REQUESTS, id=helios, status=["PENDING"])
    expired = await administrator.asks(OPEN_REQUESTS, id=helios, status=["EXPIRED"])
    second = await asked(each_portal, planner, roleKeys=["purchase"])
    everything = await administrator.asks(OPEN_REQUESTS, id=helios)

    assert codes_of(late) == [("CONFLICT", ["id"])]
    assert open_ones.at("organization.accessRequests") == {"totalCount": 0, "nodes": []}
    assert [node["status"] for node in expired.at("organization.accessRequests.nodes")] == ["EXPIRED"]
    assert [(node["id"], node["status"]) for node in everything.at("organization.accessRequests.nodes")] == [
        (second["id"], "PENDING"), (first["id"], "EXPIRED"),
    ]  # fmt: skip


async def test_what_is_held_for_longer_already_is_left_alone(portal: Portal) -> None:
    planner, administrator = await portal.person(PLANNING), await portal.person(ADMINISTRATION)
    me, until = await member_of(portal, PLANNING), (portal.clock.now + timedelta(days=9)).isoformat()
    later = (portal.clock.now + timedelta(days=20)).isoformat()
    request = await asked(portal, planner, roleKeys=["purchase"])
    given = {"roleKeys": ["planning", "purchase"], "validUntil": later}
    await does(administrator, "updateMemberAccess", membershipId=me, **given)

    payload = await does(administrator, "decideAccessRequest", id=request["id"], approve=True, validUntil=until)

    assert payload["errors"] == []
    assert (await holds(portal, me))["purchase"] == later


async def test_a_removed_members_requests_are_over_and_a_suspended_members_wait(portal: Portal) -> None:
    planner, administrator = await portal.person(PLANNING), await portal.person(ADMINISTRATION)
    me, helios = await member_of(portal, PLANNING), await organization_named(portal, HELIOS)
    request = await asked(portal, planner, roleKeys=["purchase"])
    await does(administrator, "suspendMember", id=me)

    waiting = await does(administrator, "decideAccessRequest", id=request["id"], approve=True)
    asking = await does(planner, "requestAccess", organizationId=helios, roleKeys=["installation"])
    await does(administrator, "removeMember", id=me)

    listed = await administrator.asks(OPEN_REQUESTS, id=helios)
    assert codes_of(waiting) == [("CONFLICT", ["id"])]
    assert [(error["code"], error["reason"]) for error in asking["errors"]] == [("FORBIDDEN", "MEMBERSHIP_SUSPENDED")]
    assert [node["status"] for node in listed.at("organization.accessRequests.nodes")] == ["WITHDRAWN"]
    assert (await planner.asks("query N($id: ID!) { node(id: $id) { id } }", id=request["id"])).at("node") is None


REQUESTED = [
    ({}, [("INVALID_INPUT", ["permissions"])]),
    ({"permissions": [], "roleKeys": []}, [("INVALID_INPUT", ["permissions"])]),
    ({"roleKeys": ["nonsense", ""]}, [("INVALID_INPUT", ["roleKeys", "0"]), ("INVALID_INPUT", ["roleKeys", "1"])]),
    ({"roleKeys": ["purchase", "purchase"]}, [("INVALID_INPUT", ["roleKeys", "1"])]),
    ({"roleKeys": ["purchase"] * 101}, [("INVALID_INPUT", ["permissions"])]),
    ({"permissions": ["ORDER_PLACE", "ORDER_PLACE"]}, [("INVALID_INPUT", ["permissions", "1"])]),
    ({"permissions": ["REGISTRATION_REVIEW"]}, [("ROLE_NOT_ASSIGNABLE", ["permissions", "0"])]),
    ({"permissions": ["AUDIT_VIEW"]}, [("ROLE_NOT_ASSIGNABLE", ["permissions", "0"])]),
    ({"permissions": ["PLANNING_TOOL_USE"]}, [("CONFLICT", ["permissions", "0"])]),
    ({"roleKeys": ["planning"]}, [("CONFLICT", ["roleKeys", "0"])]),
    ({"applicationId": "app_nonsense"}, [("NOT_FOUND", ["applicationId"])]),
    ({"applicationId": "solar_plan"}, [("NOT_FOUND", ["applicationId"])]),
    ({"roleKeys": ["purchase"], "message": "x" * 2_001}, [("INVALID_INPUT", ["message"])]),
    ({"roleKeys": ["purchase"], "message": "a\u0000"}, [("INVALID_INPUT", ["message"])]),
    ({"roleKeys": ["purchase"], "idempotencyKey": ""}, [("INVALID_INPUT", ["idempotencyKey"])]),
    ({"organizationId": "org_x", "roleKeys": ["purchase"]}, [("NOT_FOUND", ["organizationId"])]),
]


@pytest.mark.parametrize(("requested", "errors"), REQUESTED, ids=lambda value: str(value)[:50])
async def test_what_cannot_be_asked_for_is_named_by_its_path_and_nobody_is_written_to(
    solar: Portal, requested: Any, errors: Any
) -> None:
    planner, helios = await solar.person(PLANNING), await organization_named(solar, HELIOS)
    before = await solar.queued_mails()

    payload = await does(planner, "requestAccess", **{"organizationId": helios} | requested)

    assert codes_of(payload) == errors
    assert payload["accessRequest"] is None
    assert (await planner.asks(OWN_REQUESTS)).at("viewer.memberships.nodes.0.accessRequests.totalCount") == 0
    assert await solar.queued_mails() == before


async def test_somebody_who_asks_all_day_is_stopped(portal: Portal) -> None:
    planner, helios = await portal.person(PLANNING), await organization_named(portal, HELIOS)

    payloads = [await does(planner, "requestAccess", organizationId=helios, roleKeys=["nonsense"]) for _ in range(31)]

    assert [payload["errors"][0]["code"] for payload in payloads] == ["INVALID_INPUT"] * 30 + ["RATE_LIMITED"]


@pytest.fixture
async def with_request(portal: Portal) -> tuple[Portal, str]:
    """A portal in which a member asks for the role purchase, and the id of the request."""
    request = await asked(portal, await portal.person(PLANNING), roleKeys=["purchase"])
    return portal, request["id"]


async def test_who_may_decide_and_take_back_and_see_a_request(with_request: tuple[Portal, str]) -> None:
    """Stranger, member without the right, member with it, member with it elsewhere, the person concerned."""
    portal, id = with_request
    see = "query N($id: ID!) { node(id: $id) { ... on AccessRequest { viewerCanDecide viewerCanWithdraw } } }"
    callers = {
        "private@home.example": (None, ["NOT_FOUND"], ["NOT_FOUND"]),
        PURCHASE: (None, ["FORBIDDEN"], ["NOT_FOUND"]),
        "administration@lumen.example": (None, ["NOT_FOUND"], ["NOT_FOUND"]),
        PLANNING: ({"viewerCanDecide": False, "viewerCanWithdraw": True}, ["FORBIDDEN"], None),
        ADMINISTRATION: ({"viewerCanDecide": True, "viewerCanWithdraw": False}, None, ["CONFLICT"]),
    }

    for login_name, (seen, deciding, withdrawing) in callers.items():
        person = await portal.person(login_name)
        assert (await person.asks(see, id=id)).at("node") == seen, login_name
        if deciding is not None:
            payload = await does(person, "decideAccessRequest", id=id, approve=True)
            assert [error["code"] for error in payload["errors"]] == deciding, login_name
        if withdrawing is not None:
            payload = await does(person, "withdrawAccessRequest", id=id)
            assert [error["code"] for error in payload["errors"]] == withdrawing, login_name
    assert await holds(portal, await member_of(portal, PLANNING)) == {"planning": None}
    assert (await portal.anybody().asks(see, id=id)).at("node") is None


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"id": "arq_unknown"}, [("NOT_FOUND", ["id"])]),
        ({"id": "mbr_unknown"}, [("NOT_FOUND", ["id"])]),
        ({"validUntil": "2026-11-21T09:00:00Z"}, [("INVALID_INPUT", ["validUntil"])]),
        ({"approve": False, "validUntil": "2027-11-21T09:00:00Z"}, [("INVALID_INPUT", ["validUntil"])]),
        ({"note": "x" * 2_001}, [("INVALID_INPUT", ["note"])]),
        ({"idempotencyKey": "x" * 201}, [("INVALID_INPUT", ["idempotencyKey"])]),
    ],
    ids=str,
)
async def test_a_decision_that_cannot_be_meant_decides_nothing(
    with_request: tuple[Portal, str], wrong: Any, errors: Any
) -> None:
    portal, id = with_request
    administrator = await portal.person(ADMINISTRATION)
    mails = await portal.queued_mails()

    payload = await does(administrator, "decideAccessRequest", **{"id": id, "approve": True} | wrong)

    assert codes_of(payload) == errors
    assert await holds(portal, await member_of(portal, PLANNING)) == {"planning": None}
    assert await portal.queued_mails() == mails


async def test_a_decided_request_is_not_decided_or_taken_back_again(with_request: tuple[Portal, str]) -> None:
    portal, id = with_request
    administrator, planner = await portal.person(ADMINISTRATION), await portal.person(PLANNING)
    await does(administrator, "decideAccessRequest", id=id, approve=False)

    again = await does(administrator, "decideAccessRequest", id=id, approve=True)
    back = await does(planner, "withdrawAccessRequest", id=id)

    assert codes_of(again) == codes_of(back) == [("CONFLICT", ["id"])]
    assert again["errors"][0]["conflictingNode"] == {"__typename": "AccessRequest", "id": id}


async def test_the_pages_of_requests_go_on_where_the_one_before_ended(portal: Portal) -> None:
    helios, administrator = await organization_named(portal, HELIOS), await portal.person(ADMINISTRATION)
    emails = [PLANNING, "lena.hartwig@helios.example", "aurelie.schmitt@helios.example"]
    made = [(await asked(portal, await portal.person(email), roleKeys=["installation"]))["id"] for email in emails]
    page = (
        "query P($id: ID!, $after: String) { organization(id: $id) { accessRequests(first: 2, after: $after) "
        "{ totalCount nodes { id } pageInfo { hasNextPage endCursor } } } }"
    )

    first = (await administrator.asks(page, id=helios)).at("organization.accessRequests")
    second = await administrator.asks(page, id=helios, after=first["pageInfo"]["endCursor"])
    wrong = await administrator.asks(page, id=helios, after="nonsense")

    rest = second.at("organization.accessRequests")
    assert [node["id"] for node in first["nodes"] + rest["nodes"]] == made[::-1]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (3, True, False)
    assert list(wrong.codes.values()) == ["BAD_USER_INPUT"]
