"""Registrations are for their applicants and for the vendor's reviewers; everybody else finds nothing (K21)."""

from typing import Any

import pytest

from connectors.directory.records.audit import Author
from resolvers.audit import recorded
from tests.portal import NOW, Person, Portal
from tests.registrations.registering import (
    DECIDE,
    LIST,
    WITHDRAW,
    applicant_of,
    at,
    decides,
    listed,
    registers,
    registration_of,
)

UNKNOWN = "reg_00000000000000000000000000"

NODE = """
query ($id: ID!) {
  node(id: $id) {
    ... on OrganizationRegistration { status duplicates { reasons } history { status by { displayName } } }
  }
}
"""

DECISIONS: dict[str, dict[str, Any]] = {
    "approveRegistration": {},
    "rejectRegistration": {"reason": "No."},
    "requestRegistrationInformation": {"question": "Why?"},
}


async def somebody(portal: Portal, who: str) -> Person:
    """A caller by what they are."""
    match who:
        case "stranger":
            return portal.anybody()
        case "administrator elsewhere":
            return await portal.person("administration@helios.example")
        case "vendor staff without it":
            directory = portal.wiring.backends.directory
            user_id = await directory.user_id_of_login_name("installation@helios.example")
            assert user_id is not None
            async with directory.change() as change:
                await recorded.set_vendor_permissions(
                    change, user_id, ["CHANGE_REQUEST_REVIEW"], by=Author(None, "test"), now=NOW
                )
            return await portal.person("installation@helios.example")
    return await portal.person("zoe@firstblick.example")


@pytest.mark.parametrize("mutation", DECISIONS)
@pytest.mark.parametrize("who", ["stranger", "applicant", "administrator elsewhere", "vendor staff without it"])
async def test_only_reviewers_decide(portal: Portal, who: str, mutation: str) -> None:
    registration = await registration_of(await applicant_of(portal))
    caller = await somebody(portal, who)
    mails = await portal.queued_mails()

    answer = await caller.asks(DECIDE[mutation], input={"id": registration["id"]} | DECISIONS[mutation])

    if who == "stranger":
        assert (answer.data, answer.codes) == ({mutation: None}, {mutation: "UNAUTHENTICATED"})
    else:
        (error,) = answer.at(f"{mutation}.errors")
        assert (error["code"], error["reason"]) == ("FORBIDDEN", "MISSING_PERMISSION")
        assert error["missingPermissions"] == [{"code": "REGISTRATION_REVIEW"}]
        (row,) = await portal.audit(mutation)
        assert row.refused_with == "FORBIDDEN"
    assert await registration_of(await portal.person("zoe@firstblick.example")) == registration
    assert await portal.queued_mails() == mails


@pytest.mark.parametrize(
    ("who", "codes"),
    [
        ("stranger", {"registrations": "UNAUTHENTICATED"}),
        ("applicant", {"registrations": "UNAUTHORIZED_FIELD_OR_TYPE"}),
        ("administrator elsewhere", {"registrations": "UNAUTHORIZED_FIELD_OR_TYPE"}),
        ("vendor staff without it", {"registrations": "UNAUTHORIZED_FIELD_OR_TYPE"}),
    ],
)
async def test_only_reviewers_see_the_list(portal: Portal, who: str, codes: dict[str, str]) -> None:
    await applicant_of(portal)

    answer = await (await somebody(portal, who)).asks(LIST)

    assert (answer.data, answer.codes) == ({"registrations": None}, codes)


async def test_a_registration_is_a_node_for_its_applicant_and_for_reviewers_only(each_portal: Portal) -> None:
    portal = each_portal
    applicant = await applicant_of(portal)
    id = (await registration_of(applicant))["id"]
    review = await portal.person("review@vendor.example")
    await decides(review, "requestRegistrationInformation", id, question="Why?")

    seen = await review.asks(NODE, id=id)
    own = await applicant.asks(NODE, id=id)

    steps = ["EMAIL_UNVERIFIED", "PENDING_REVIEW", "INFORMATION_REQUESTED"]
    assert seen.errors == []
    assert seen.at("node") == {
        "status": "INFORMATION_REQUESTED",
        "duplicates": [],
        "history": [
            {"status": status, "by": {"displayName": name} if name else None}
            for status, name in zip(steps, (None, "Zoë Žižek", "Claire Hübner"), strict=True)
        ],
    }
    # Which of the vendor's people decides, and who else is a customer, is not the applicant's business.
    assert own.at("node") == {
        "status": "INFORMATION_REQUESTED",
        "duplicates": None,
        "history": [{"status": status, "by": None} for status in steps],
    }
    assert set(own.codes.values()) == {"UNAUTHORIZED_FIELD_OR_TYPE"}
    for who in ("stranger", "administrator elsewhere", "vendor staff without it"):
        caller = await somebody(portal, who)
        assert (await caller.asks(NODE, id=id)).data == (await caller.asks(NODE, id=UNKNOWN)).data == {"node": None}


async def test_what_is_not_confirmed_or_has_no_organization_is_nobodys_business(portal: Portal) -> None:
    await registers(portal.anybody())
    review = await portal.person("review@vendor.example")
    (row,) = await portal.audit("registration.create")

    assert (await review.asks(NODE, id=row.subject_id)).data == {"node": None}
    for mutation, more in DECISIONS.items():
        refused = await decides(review, mutation, row.subject_id, **more)
        unknown = await decides(review, mutation, UNKNOWN, **more)
        assert refused == unknown
        assert [error["code"] for error in refused["errors"]] == ["NOT_FOUND"]


async def test_somebody_elses_registration_is_answered_and_withdrawn_like_an_unknown_one(each_portal: Portal) -> None:
    portal = each_portal
    registration = await registration_of(await applicant_of(portal))
    review = await portal.person("review@vendor.example")
    await decides(review, "requestRegistrationInformation", registration["id"], question="Why?")
    other = await portal.person("administration@helios.example")

    for caller in (other, review):
        foreign = await decides(caller, "answerRegistration", registration["id"], answer="Because.")
        unknown = await decides(caller, "answerRegistration", UNKNOWN, answer="Because.")
        assert foreign == unknown
        assert [(error["code"], error["path"]) for error in foreign["errors"]] == [("NOT_FOUND", ["id"])]
    for caller in (other, review, portal.anybody()):
        for named in ({"id": registration["id"]}, {"id": UNKNOWN}):
            payload = at(await caller.asks(WITHDRAW, input=named), "withdrawRegistration")
            assert [(error["code"], error["path"]) for error in payload["errors"]] == [("NOT_FOUND", ["id"])]
        for reference in (registration["reference"], "R-XXXXX"):
            payload = at(await caller.asks(WITHDRAW, input={"reference": reference}), "withdrawRegistration")
            assert [(error["code"], error["path"]) for error in payload["errors"]] == [("NOT_FOUND", ["reference"])]
    assert (await listed(review, status=["INFORMATION_REQUESTED"]))["totalCount"] == 1


async def test_a_reviewer_does_not_decide_about_their_own_organization(portal: Portal) -> None:
    review = await portal.person("review@vendor.example")
    founded = await registers(review, applicantFirstName=None, applicantLastName=None, applicantEmail=None, vatId=None)
    assert founded["errors"] == []

    for mutation, more in DECISIONS.items():
        refused = await decides(review, mutation, founded["registration"]["id"], **more)
        assert [error["code"] for error in refused["errors"]] == ["CONFLICT"]
    assert await portal.audit("registration.approve", "registration.reject") == []


async def test_the_list_comes_in_pages_and_by_status(each_portal: Portal) -> None:
    portal = each_portal
    names = [f"Firstblick {number}" for number in range(3)]
    for number, name in enumerate(names):
        await applicant_of(portal, name=name, applicantEmail=f"{number}@firstblick{number}.example", vatId=None)
    review = await portal.person("review@vendor.example")
    (first, *_) = (await listed(review))["nodes"]
    await decides(review, "rejectRegistration", first["id"], reason="No.")

    page = await listed(review, first=1)
    rest = await listed(review, first=5, after=page["pageInfo"]["endCursor"])
    rejected = await listed(review, status=["REJECTED", "EMAIL_UNVERIFIED"])
    wrong = [(await review.asks(LIST, **bad)).codes for bad in ({"first": 101}, {"first": -1}, {"after": "x"})]

    assert [node["organizationName"] for node in (*page["nodes"], *rest["nodes"])] == names[1:]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (2, True, False)
    assert [node["organizationName"] for node in rejected["nodes"]] == names[:1]
    assert wrong == [{"registrations": "BAD_USER_INPUT"}] * 3


async def test_a_page_of_registrations_costs_the_same_statements_however_long_it_is(portal: Portal) -> None:
    review = await portal.person("review@vendor.example")
    counts = []
    for number in range(4):
        email = f"{number}@firstblick{number}.example"
        await applicant_of(portal, name=f"Firstblick {number}", applicantEmail=email, vatId=None)
        if number in (0, 3):
            with portal.statements() as statements:
                await listed(review)
            counts.append(len(statements))

    assert counts[0] == counts[1]
