"""Name and seat of a company change when the vendor approves, and in no other way (D15; DOMAIN, invariant 8)."""

import asyncio
import json
from typing import Any

import pytest

from connectors.directory.interface import Author, MembershipStatus, OrganizationStatus
from tests.portal import Person, Portal, QueuedMail

ASK = """
mutation Ask($input: RequestOrganizationChangeInput!) {
  requestOrganizationChange(input: $input) { changeRequest { ...Request } errors { ...Wrong } }
}
"""
WITHDRAW = """
mutation Withdraw($input: NodeActionInput!) {
  withdrawOrganizationChange(input: $input) { changeRequest { ...Request } errors { ...Wrong } }
}
"""
DECIDE = """
mutation Decide($input: DecideOrganizationChangeInput!) {
  decideOrganizationChange(input: $input) { changeRequest { ...Request } errors { ...Wrong } }
}
"""
FRAGMENTS = """
fragment Request on ChangeRequest {
  id organization { name version seat { city } } requestedBy { displayName } requestedName requestedLegalName
  requestedSeat { city countryCode } message status createdAt decidedAt decidedBy { displayName } decisionNote
  viewerCanWithdraw viewerCanDecide
}
fragment Wrong on UserError {
  __typename code path
  ... on ConflictError { currentVersion conflictingNode { id } }
  ... on ValidationError { constraint }
  ... on PermissionError { missingPermissions { code } }
}
"""
OF_COMPANY = """
query Of($id: ID!, $first: Int, $after: String, $status: [RequestStatus!]) {
  organization(id: $id) {
    name legalName version seat { city }
    changeRequests(first: $first, after: $after, status: $status) {
      totalCount pageInfo { hasNextPage endCursor } nodes { id status requestedName }
    }
  }
}
"""
OF_ALL = """
query All($first: Int, $after: String, $status: [RequestStatus!]) {
  organizationChangeRequests(first: $first, after: $after, status: $status) {
    totalCount pageInfo { hasNextPage endCursor } nodes { id status organization { name } }
  }
}
"""

ADMINISTRATION, PURCHASE, LUMEN = (
    "administration@helios.example", "purchase@helios.example", "administration@lumen.example",
)  # fmt: skip
REVIEW = "review@vendor.example"
SEAT: dict[str, Any] = {"street": ["Am Ring 1"], "postalCode": "34117", "city": "Kassel", "countryCode": "DE"}


async def asks(person: Person, query: str, **input: Any) -> Any:
    """The payload of a mutation."""
    answer = await person.asks(query + FRAGMENTS, input=input)
    assert answer.errors == []
    (payload,) = answer.data.values()
    return payload


async def requested(portal: Portal, login_name: str = ADMINISTRATION, **wish: Any) -> Any:
    """A request for another name, or for what is wished."""
    person, place = await portal.person(login_name), await portal.organization_of(login_name)
    payload = await asks(person, ASK, organizationId=place, **(wish or {"name": "Helios Solar GmbH"}))
    assert payload["errors"] == []
    return payload["changeRequest"]


async def company(portal: Portal, login_name: str = ADMINISTRATION, **more: Any) -> Any:
    """A company and its requests, as somebody sees them."""
    person, place = await portal.person(login_name), await portal.organization_of(login_name)
    return (await person.asks(OF_COMPANY, id=place, **more)).at("organization")


async def mails(portal: Portal, template: str) -> list[QueuedMail]:
    """The mails of one kind that wait to be sent."""
    return [mail for mail in await portal.queued_mails() if mail.template == template]


async def test_a_company_asks_the_vendor_approves_and_the_name_changes(each_portal: Portal) -> None:
    """D15."""
    wish = {"name": " Helios Solar GmbH ", "legalName": "Helios Solar GmbH", "seat": SEAT, "message": "Neu gegründet"}
    asked = await requested(each_portal, **wish)
    reviewer = await each_portal.person(REVIEW)

    assert asked | {"id": "", "createdAt": ""} == {
        "id": "",
        "organization": {"name": "Helios Montage GmbH", "version": 1, "seat": {"city": "Freiburg im Breisgau"}},
        "requestedBy": {"displayName": "Annegret Kästner"}, "requestedName": "Helios Solar GmbH",
        "requestedLegalName": "Helios Solar GmbH",
        "requestedSeat": {"city": "Kassel", "countryCode": "DE"}, "message": "Neu gegründet", "status": "PENDING",
        "createdAt": "", "decidedAt": None, "decidedBy": None, "decisionNote": None, "viewerCanWithdraw": True,
        "viewerCanDecide": False,
    }  # fmt: skip
    (to_review,) = await mails(each_portal, "organization_change_to_review")
    assert (to_review.to, to_review.token) == (REVIEW, None)
    assert to_review.values["organization"] == "Helios Montage GmbH"
    assert to_review.values["person"] == "Annegret Kästner"
    assert [line.split(": ")[1] for line in to_review.values["wanted"]] == [
        "Helios Solar GmbH", "Helios Solar GmbH", "Am Ring 1, 34117 Kassel, DE",
    ]  # fmt: skip
    assert (await company(each_portal))["name"] == "Helios Montage GmbH"
    queue = await reviewer.asks(OF_ALL, status=["PENDING"])
    assert queue.at("organizationChangeRequests.nodes") == [
        {"id": asked["id"], "status": "PENDING", "organization": {"name": "Helios Montage GmbH"}}
    ]

    decided = await asks(reviewer, DECIDE, id=asked["id"], approve=True, note="Willkommen", expectedVersion=1)

    request = decided["changeRequest"]
    assert (request["status"], request["decisionNote"], request["viewerCanDecide"]) == ("APPROVED", "Willkommen", False)
    assert request["organization"] == {"name": "Helios Solar GmbH", "version": 2, "seat": {"city": "Kassel"}}
    now = await company(each_portal)
    assert (now["name"], now["legalName"], now["version"]) == ("Helios Solar GmbH", "Helios Solar GmbH", 2)
    assert now["changeRequests"]["nodes"] == [
        {"id": asked["id"], "status": "APPROVED", "requestedName": "Helios Solar GmbH"}
    ]
    (answer,) = await mails(each_portal, "organization_change_decided")
    assert (answer.to, answer.locale) == (ADMINISTRATION, "de-DE")
    assert answer.values == {
        "organization": "Helios Solar GmbH",
        "decision": "approved",
        "note": "Willkommen",
        "wanted": [
            "Name: Helios Solar GmbH",
            "Name im Handelsregister: Helios Solar GmbH",
            "Sitz: Am Ring 1, 34117 Kassel, DE",
        ],
    }
    rows = await each_portal.audit("change_request.open", "change_request.approve", "organization.update")
    assert [(row.action, row.reason) for row in rows] == [
        ("change_request.open", "Neu gegründet"), ("change_request.approve", "Willkommen"),
        ("organization.update", None),
    ]  # fmt: skip
    assert len({row.organization_id for row in rows}) == 1
    assert rows[1].request_id == rows[2].request_id
    assert json.loads(rows[2].before)["name"] == "Helios Montage GmbH"
    assert json.loads(rows[2].after) == {
        "name": "Helios Solar GmbH", "legal_name": "Helios Solar GmbH", "seat": "Am Ring 1, 34117 Kassel, DE",
    }  # fmt: skip


async def test_a_request_is_declined_with_a_reason_and_nothing_changes(each_portal: Portal) -> None:
    asked = await requested(each_portal)
    reviewer = await each_portal.person(REVIEW)

    silent = await asks(reviewer, DECIDE, id=asked["id"], approve=False, note="  ")
    declined = await asks(reviewer, DECIDE, id=asked["id"], approve=False, note="Bitte den Auszug senden")

    assert silent["errors"] == [
        {"__typename": "ValidationError", "code": "INVALID_INPUT", "path": ["note"], "constraint": "length 1..2000"}
    ]
    assert declined["changeRequest"]["status"] == "DECLINED"
    now = await company(each_portal)
    assert (now["name"], now["version"]) == ("Helios Montage GmbH", 1)
    (mail,) = await mails(each_portal, "organization_change_decided")
    assert (mail.values["decision"], mail.values["note"]) == ("declined", "Bitte den Auszug senden")
    assert await each_portal.audit("organization.update") == []


async def test_a_request_is_decided_once_however_many_decide(each_portal: Portal) -> None:
    asked = await requested(each_portal)
    reviewer = await each_portal.person(REVIEW)

    payloads = await asyncio.gather(
        *(
            asks(reviewer, DECIDE, id=asked["id"], approve=number % 2 == 0, note=f"Nummer {number}")
            for number in range(6)
        )
    )

    refused = [payload["errors"] for payload in payloads if payload["errors"]]
    assert refused == [
        [
            {
                "__typename": "ConflictError", "code": "CONFLICT", "path": ["id"], "currentVersion": None,
                "conflictingNode": {"id": asked["id"]},
            }
        ]
    ] * 5  # fmt: skip
    assert len(await mails(each_portal, "organization_change_decided")) == 1
    assert len(await each_portal.audit("change_request.approve", "change_request.decline")) == 1
    approved = await each_portal.audit("change_request.approve")
    assert (await company(each_portal))["version"] == (2 if approved else 1)


async def test_one_request_of_a_company_is_open_at_a_time(each_portal: Portal) -> None:
    person, helios = await each_portal.person(ADMINISTRATION), await each_portal.organization_of(ADMINISTRATION)

    payloads = await asyncio.gather(
        *(asks(person, ASK, organizationId=helios, name=f"Helios {number}") for number in range(6))
    )

    (made,) = [payload["changeRequest"] for payload in payloads if payload["changeRequest"]]
    refused = [payload["errors"] for payload in payloads if payload["errors"]]
    assert [(error["code"], error["conflictingNode"]) for (error,) in refused] == [("CONFLICT", {"id": made["id"]})] * 5
    assert len(await mails(each_portal, "organization_change_to_review")) == 1
    assert (await company(each_portal))["changeRequests"]["totalCount"] == 1


async def test_a_request_is_withdrawn_and_another_one_made(each_portal: Portal) -> None:
    asked = await requested(each_portal)
    colleague = await each_portal.person("two.companies@helios.example")
    reviewer = await each_portal.person(REVIEW)

    withdrawn = await asks(colleague, WITHDRAW, id=asked["id"])
    again = await asks(colleague, WITHDRAW, id=asked["id"])
    late = await asks(reviewer, DECIDE, id=asked["id"], approve=True)

    request = withdrawn["changeRequest"]
    assert (request["status"], request["viewerCanWithdraw"]) == ("WITHDRAWN", False)
    assert request["decidedBy"] == {"displayName": "Regula Oberhänsli"}
    assert [error["code"] for payload in (again, late) for error in payload["errors"]] == ["CONFLICT", "CONFLICT"]
    assert (await company(each_portal))["name"] == "Helios Montage GmbH"
    await requested(each_portal, name="Helios Zwei")
    assert await mails(each_portal, "organization_change_decided") == []


async def test_the_same_request_sent_again_with_its_key_is_made_once(each_portal: Portal) -> None:
    person, helios = await each_portal.person(ADMINISTRATION), await each_portal.organization_of(ADMINISTRATION)
    wish = {"organizationId": helios, "name": "Helios Solar", "seat": SEAT, "idempotencyKey": "a-key"}

    first, second = [await asks(person, ASK, **wish) for _ in range(2)]
    other = await asks(person, ASK, **wish | {"name": "Helios Wind"})

    assert first == second
    assert [error["code"] for error in other["errors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert len(await mails(each_portal, "organization_change_to_review")) == 1


WRONG: list[tuple[dict[str, Any], list[tuple[list[str], str]]]] = [
    ({}, [([], "one of them")]),
    ({"message": "Hallo"}, [([], "one of them")]),
    ({"name": ""}, [(["name"], "length 1..100")]),
    ({"name": "x" * 10_000}, [(["name"], "length 1..100")]),
    ({"name": "Helios\nSolar"}, [(["name"], "printable")]),
    ({"legalName": "  "}, [(["legalName"], "length 1..100")]),
    ({"seat": SEAT | {"countryCode": "ZZ"}}, [(["seat", "countryCode"], "ISO 3166-1 alpha-2")]),
    ({"name": "Helios Montage GmbH"}, [(["name"], "different from now")]),
    ({"name": "Neu", "message": "x" * 2_001}, [(["message"], "length 0..2000")]),
    (
        {"name": "", "seat": SEAT | {"city": ""}, "message": "\u0000"},
        [(["name"], "length 1..100"), (["seat", "city"], "length 1..200"), (["message"], "printable")],
    ),
]


@pytest.mark.parametrize(("wish", "faults"), WRONG, ids=lambda value: str(value)[:50])
async def test_a_request_that_asks_for_nothing_or_for_what_cannot_be_is_refused(
    solar: Portal, wish: dict[str, Any], faults: list[tuple[list[str], str]]
) -> None:
    person, helios = await solar.person(ADMINISTRATION), await solar.organization_of(ADMINISTRATION)

    payload = await asks(person, ASK, organizationId=helios, **wish)

    assert payload["changeRequest"] is None
    assert [(error["path"], error["constraint"]) for error in payload["errors"]] == faults
    assert (await company(solar))["changeRequests"]["totalCount"] == 0
    assert await mails(solar, "organization_change_to_review") == []


async def test_what_is_so_already_is_not_asked_for(portal: Portal) -> None:
    asked = await requested(portal, name="Helios Montage GmbH", seat=SEAT)

    assert (asked["requestedName"], asked["requestedSeat"]["city"]) == (None, "Kassel")


async def test_the_vendor_notices_that_the_company_changed_meanwhile(portal: Portal) -> None:
    asked, reviewer = await requested(portal), await portal.person(REVIEW)

    payload = await asks(reviewer, DECIDE, id=asked["id"], approve=True, expectedVersion=7)

    assert payload["errors"] == [
        {
            "__typename": "ConflictError", "code": "STALE_VERSION", "path": ["expectedVersion"], "currentVersion": 1,
            "conflictingNode": None,
        }
    ]  # fmt: skip
    assert (await company(portal))["changeRequests"]["nodes"][0]["status"] == "PENDING"
    assert await mails(portal, "organization_change_decided") == []


async def test_of_a_company_closed_for_good_nothing_is_approved(portal: Portal) -> None:
    asked, reviewer = await requested(portal), await portal.person(REVIEW)
    helios = await portal.organization_of(ADMINISTRATION)
    async with portal.wiring.backends.directory.change() as change:
        closed = OrganizationStatus.CLOSED
        await change.set_organization_status(helios, closed, by=Author(None, "t"), now=portal.clock())  # type: ignore[arg-type]

    approved = await asks(reviewer, DECIDE, id=asked["id"], approve=True)
    declined = await asks(reviewer, DECIDE, id=asked["id"], approve=False, note="Geschlossen")

    assert [error["code"] for error in approved["errors"]] == ["CONFLICT"]
    assert declined["changeRequest"]["organization"]["name"] == "Helios Montage GmbH"
    assert declined["changeRequest"]["status"] == "DECLINED"


async def test_who_left_the_company_is_not_told_of_the_decision(portal: Portal) -> None:
    """Invariant 14."""
    asked, reviewer = await requested(portal), await portal.person(REVIEW)
    person = await portal.person(ADMINISTRATION)
    membership = (await person.asks("{ viewer { memberships { nodes { id } } } }")).at("viewer.memberships.nodes.0.id")
    async with portal.wiring.backends.directory.change() as change:
        await change.set_membership_status(
            membership, MembershipStatus.REMOVED, by=Author(None, "test"), now=portal.clock()
        )

    await asks(reviewer, DECIDE, id=asked["id"], approve=True)

    assert await mails(portal, "organization_change_decided") == []


async def test_only_who_may_asks_withdraws_and_decides(portal: Portal) -> None:
    asked, helios = await requested(portal), await portal.organization_of(ADMINISTRATION)
    buyer, elsewhere = await portal.person(PURCHASE), await portal.person(LUMEN)
    reviewer, administrator = await portal.person(REVIEW), await portal.person(ADMINISTRATION)
    decision = {"id": asked["id"], "approve": True}
    unknown = asked["id"][:-6] + "zzzzzz"

    refused = [
        await asks(buyer, ASK, organizationId=helios, name="Neu"),
        await asks(buyer, WITHDRAW, id=asked["id"]),
        await asks(administrator, DECIDE, **decision),
        await asks(buyer, DECIDE, **decision),
        await asks(elsewhere, DECIDE, **decision | {"id": unknown}),
    ]
    not_found = [
        await asks(elsewhere, ASK, organizationId=helios, name="Neu"),
        await asks(elsewhere, WITHDRAW, id=asked["id"]),
        await asks(elsewhere, WITHDRAW, id=unknown),
        await asks(reviewer, ASK, organizationId=helios, name="Neu"),
        await asks(reviewer, WITHDRAW, id=asked["id"]),
        await asks(reviewer, DECIDE, id=unknown, approve=True),
        await asks(reviewer, DECIDE, id=helios, approve=True),
    ]
    for query in (ASK, WITHDRAW, DECIDE):
        given = {"organizationId": helios} if query is ASK else {"id": asked["id"]}
        given |= {"approve": True} if query is DECIDE else {}
        answer = await portal.anybody().asks(query + FRAGMENTS, input=given)
        assert list(answer.codes.values()) == ["UNAUTHENTICATED"]

    assert {error["__typename"] for payload in refused for error in payload["errors"]} == {"PermissionError"}
    assert {error["code"] for payload in not_found for error in payload["errors"]} == {"NOT_FOUND"}
    assert [len(payload["errors"]) for payload in (*refused, *not_found)] == [1] * 12
    assert not_found[1] == not_found[2]
    (request,) = (await company(portal))["changeRequests"]["nodes"]
    assert request["status"] == "PENDING"
    assert await mails(portal, "organization_change_decided") == []


async def test_requests_are_seen_by_those_who_may_ask_and_by_the_reviewers(portal: Portal) -> None:
    asked = await requested(portal)
    question = "query Q($id: ID!) { node(id: $id) { ... on ChangeRequest { status viewerCanDecide } } }"
    seen = {}
    for name in (ADMINISTRATION, PURCHASE, LUMEN, REVIEW):
        seen[name] = (await (await portal.person(name)).asks(question, id=asked["id"])).at("node")
    buyer = await portal.person(PURCHASE)
    refused = await buyer.asks(OF_COMPANY, id=await portal.organization_of(PURCHASE))
    listed = await buyer.asks(OF_ALL)
    by_administration = await (await portal.person(ADMINISTRATION)).asks(OF_ALL)
    by_stranger = await portal.anybody().asks(OF_ALL)

    assert seen == {
        ADMINISTRATION: {"status": "PENDING", "viewerCanDecide": False}, PURCHASE: None, LUMEN: None,
        REVIEW: {"status": "PENDING", "viewerCanDecide": True},
    }  # fmt: skip
    assert (refused.at("organization.changeRequests"), listed.at("organizationChangeRequests")) == (None, None)
    codes = {*refused.codes.values(), *listed.codes.values(), *by_administration.codes.values()}
    assert codes == {"UNAUTHORIZED_FIELD_OR_TYPE"}
    assert by_stranger.body["data"] == by_administration.data == {"organizationChangeRequests": None}
    assert by_stranger.codes == {"organizationChangeRequests": "UNAUTHENTICATED"}


async def test_a_deputy_of_a_licence_holder_asks_and_sees_too(software_portal: Portal) -> None:
    """D22: changes of the account are for the licence holder and one deputy."""
    asked = await requested(software_portal, "deputy@kappel.example", name="Kappel GmbH")

    seen = await company(software_portal, "licence.holder@kappel.example")

    assert [one["id"] for one in seen["changeRequests"]["nodes"]] == [asked["id"]]


async def test_the_vendor_sees_of_a_company_what_it_needs_to_decide(portal: Portal) -> None:
    asked, reviewer = await requested(portal), await portal.person(REVIEW)

    answer = await reviewer.asks(
        "query Q($id: ID!) { node(id: $id) { ... on ChangeRequest { requestedBy { displayName email } "
        "organization { name vatId members { totalCount } auditEvents { nodes { id } } } } } }",
        id=asked["id"],
    )

    assert answer.at("node") == {
        "requestedBy": {"displayName": "Annegret Kästner", "email": None},
        "organization": {"name": "Helios Montage GmbH", "vatId": "DE000204718", "members": None, "auditEvents": None},
    }


async def test_the_company_sees_of_the_vendors_staff_the_name_only(portal: Portal) -> None:
    asked, reviewer = await requested(portal), await portal.person(REVIEW)
    await asks(reviewer, DECIDE, id=asked["id"], approve=False, note="Nein")
    person = await portal.person(ADMINISTRATION)

    answer = await person.asks(
        "query Q($id: ID!) { node(id: $id) { ... on ChangeRequest { decidedBy { displayName email phone } } } }",
        id=asked["id"],
    )

    assert set(answer.at("node.decidedBy")) == {"displayName", "email", "phone"}
    assert answer.at("node.decidedBy")["displayName"]
    assert (answer.at("node.decidedBy.email"), answer.at("node.decidedBy.phone")) == (None, None)


async def test_requests_are_paged_newest_first(portal: Portal) -> None:
    names = ["Eins", "Zwei", "Drei", "Vier", "Fünf"]
    person, reviewer = await portal.person(ADMINISTRATION), await portal.person(REVIEW)
    for name in names:
        asked = await requested(portal, name=name)
        if name != names[-1]:
            await asks(person, WITHDRAW, id=asked["id"])
    await requested(portal, LUMEN, name="Lumen Zwei")

    first = (await company(portal, first=2))["changeRequests"]
    second = (await company(portal, first=9, after=first["pageInfo"]["endCursor"]))["changeRequests"]
    pending = (await company(portal, status=["PENDING"]))["changeRequests"]
    everywhere = (await reviewer.asks(OF_ALL, first=2)).at("organizationChangeRequests")
    wrong = await reviewer.asks(OF_ALL, after="nonsense")

    pages = [[one["requestedName"] for one in page["nodes"]] for page in (first, second, pending)]
    assert pages == [["Fünf", "Vier"], ["Drei", "Zwei", "Eins"], ["Fünf"]]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"], pending["totalCount"]) == (5, True, 1)
    assert [one["organization"]["name"] for one in everywhere["nodes"]] == ["Lumen Handels AG", "Helios Montage GmbH"]
    assert (everywhere["totalCount"], everywhere["pageInfo"]["hasNextPage"]) == (6, True)
    assert wrong.codes == {"organizationChangeRequests": "BAD_USER_INPUT"}
