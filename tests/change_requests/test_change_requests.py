"""The name and registered office of an organization change when the vendor approves, and in no other way (D15)."""

import asyncio
import json
from typing import Any

import pytest

from connectors.directory.records.audit import Author
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from resolvers.audit import recorded
from tests.change_requests.changing import (
    ADMINISTRATION,
    ASK,
    DECIDE,
    OF_ALL,
    REVIEW,
    SEAT,
    WITHDRAW,
    asks,
    mails,
    organization,
    requested,
)
from tests.portal import Portal


async def test_an_organization_asks_the_vendor_approves_and_the_name_changes(each_portal: Portal) -> None:
    """D15."""
    wanted = {"name": " Helios Solar GmbH ", "legalName": "Helios Solar GmbH", "seat": SEAT, "message": "Neu gegründet"}
    asked = await requested(each_portal, **wanted)
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
    assert (await organization(each_portal))["name"] == "Helios Montage GmbH"
    queue = await reviewer.asks(OF_ALL, status=["PENDING"])
    assert queue.at("organizationChangeRequests.nodes") == [
        {"id": asked["id"], "status": "PENDING", "organization": {"name": "Helios Montage GmbH"}}
    ]

    decided = await asks(reviewer, DECIDE, id=asked["id"], approve=True, note="Willkommen", expectedVersion=1)

    request = decided["changeRequest"]
    assert (request["status"], request["decisionNote"], request["viewerCanDecide"]) == ("APPROVED", "Willkommen", False)
    assert request["organization"] == {"name": "Helios Solar GmbH", "version": 2, "seat": {"city": "Kassel"}}
    now = await organization(each_portal)
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
    now = await organization(each_portal)
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
    assert (await organization(each_portal))["version"] == (2 if approved else 1)


async def test_one_request_of_an_organization_is_open_at_a_time(each_portal: Portal) -> None:
    person, helios = await each_portal.person(ADMINISTRATION), await each_portal.organization_of(ADMINISTRATION)

    payloads = await asyncio.gather(
        *(asks(person, ASK, organizationId=helios, name=f"Helios {number}") for number in range(6))
    )

    (made,) = [payload["changeRequest"] for payload in payloads if payload["changeRequest"]]
    refused = [payload["errors"] for payload in payloads if payload["errors"]]
    assert [(error["code"], error["conflictingNode"]) for (error,) in refused] == [("CONFLICT", {"id": made["id"]})] * 5
    assert len(await mails(each_portal, "organization_change_to_review")) == 1
    assert (await organization(each_portal))["changeRequests"]["totalCount"] == 1


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
    assert (await organization(each_portal))["name"] == "Helios Montage GmbH"
    await requested(each_portal, name="Helios Zwei")
    assert await mails(each_portal, "organization_change_decided") == []


async def test_the_same_request_sent_again_with_its_key_is_made_once(each_portal: Portal) -> None:
    person, helios = await each_portal.person(ADMINISTRATION), await each_portal.organization_of(ADMINISTRATION)
    wanted = {"organizationId": helios, "name": "Helios Solar", "seat": SEAT, "idempotencyKey": "a-key"}

    first, second = [await asks(person, ASK, **wanted) for _ in range(2)]
    other = await asks(person, ASK, **wanted | {"name": "Helios Wind"})

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


@pytest.mark.parametrize(("wanted", "problems"), WRONG, ids=lambda value: str(value)[:50])
async def test_a_request_that_asks_for_nothing_or_for_what_cannot_be_is_refused(
    solar: Portal, wanted: dict[str, Any], problems: list[tuple[list[str], str]]
) -> None:
    person, helios = await solar.person(ADMINISTRATION), await solar.organization_of(ADMINISTRATION)

    payload = await asks(person, ASK, organizationId=helios, **wanted)

    assert payload["changeRequest"] is None
    assert [(error["path"], error["constraint"]) for error in payload["errors"]] == problems
    assert (await organization(solar))["changeRequests"]["totalCount"] == 0
    assert await mails(solar, "organization_change_to_review") == []


async def test_what_is_so_already_is_not_asked_for(portal: Portal) -> None:
    asked = await requested(portal, name="Helios Montage GmbH", seat=SEAT)

    assert (asked["requestedName"], asked["requestedSeat"]["city"]) == (None, "Kassel")


async def test_the_vendor_notices_that_the_organization_changed_meanwhile(portal: Portal) -> None:
    asked, reviewer = await requested(portal), await portal.person(REVIEW)

    payload = await asks(reviewer, DECIDE, id=asked["id"], approve=True, expectedVersion=7)

    assert payload["errors"] == [
        {
            "__typename": "ConflictError", "code": "STALE_VERSION", "path": ["expectedVersion"], "currentVersion": 1,
            "conflictingNode": {"id": await portal.organization_of(ADMINISTRATION)},
        }
    ]  # fmt: skip
    assert (await organization(portal))["changeRequests"]["nodes"][0]["status"] == "PENDING"
    assert await mails(portal, "organization_change_decided") == []


async def test_of_a_permanently_closed_organization_nothing_is_approved(portal: Portal) -> None:
    asked, reviewer = await requested(portal), await portal.person(REVIEW)
    helios = await portal.organization_of(ADMINISTRATION)
    async with portal.wiring.backends.directory.change() as change:
        closed = OrganizationStatus.CLOSED
        await recorded.set_organization_status(change, helios, closed, by=Author(None, "t"), now=portal.clock())  # type: ignore[arg-type]

    approved = await asks(reviewer, DECIDE, id=asked["id"], approve=True)
    declined = await asks(reviewer, DECIDE, id=asked["id"], approve=False, note="Geschlossen")

    assert [error["code"] for error in approved["errors"]] == ["CONFLICT"]
    assert declined["changeRequest"]["organization"]["name"] == "Helios Montage GmbH"
    assert declined["changeRequest"]["status"] == "DECLINED"


async def test_whoever_left_the_organization_is_not_notified_of_the_decision(portal: Portal) -> None:
    asked, reviewer = await requested(portal), await portal.person(REVIEW)
    person = await portal.person(ADMINISTRATION)
    membership = (await person.asks("{ viewer { memberships { nodes { id } } } }")).at("viewer.memberships.nodes.0.id")
    async with portal.wiring.backends.directory.change() as change:
        await recorded.set_membership_status(
            change, membership, MembershipStatus.REMOVED, by=Author(None, "test"), now=portal.clock()
        )

    await asks(reviewer, DECIDE, id=asked["id"], approve=False, note="Bitte erneut stellen.")

    assert await mails(portal, "organization_change_decided") == []
