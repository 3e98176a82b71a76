"""Somebody asks to join an organization that is registered.

Its administrators let them in with what they may give (K19).
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from resolvers.audit import recorded
from tests.join_requests.joining import LISTED, MUTATIONS, joins, notified
from tests.portal import Person, Portal

HELIOS = {"customerNumber": "204718"}
UNKNOWN = "jrq_00000000000000000000000000"

MINE = "{ viewer { joinRequests { id status wanted } } }"

ACCESS = """
query ($id: ID!) {
  viewer {
    membership(organizationId: $id) {
      status roleGrants { role { key } } directGrants { permission { code } }
    }
  }
}
"""


async def helios_of(portal: Portal) -> dict[str, str]:
    """By what Helios is known."""
    administrator = await portal.person("administration@helios.example")
    answer = await administrator.asks("{ viewer { defaultOrganization { id name customerNumber vatId } } }")
    found: dict[str, str] = answer.at("viewer.defaultOrganization")
    return found


async def asked(portal: Portal, login: str = "private@home.example", **other: Any) -> tuple[Person, str, str]:
    """Somebody who has asked to join Helios, the id of their request, and that of Helios."""
    helios = await helios_of(portal)
    person = await portal.person(login)
    payload = await joins(person, **({"customerNumber": helios["customerNumber"]} | other))
    assert payload["errors"] == []
    return person, payload["joinRequest"]["id"], helios["id"]


async def test_all_administrators_hear_of_it_and_one_lets_the_person_in(each_portal: Portal) -> None:
    portal = each_portal
    person, id, helios = await asked(portal, message="I am the new buyer.\nThanks.")
    await notified(portal)

    administrator = await portal.person("administration@helios.example")
    seen = (await administrator.asks(LISTED, id=helios)).at("organization.joinRequests")
    holders = (await administrator.asks(
        "query ($id: ID!) { organization(id: $id) { administrators { user { email } } } }", id=helios
    )).at("organization.administrators")  # fmt: skip
    mails = [mail for mail in await portal.queued_mails() if mail.template == "join_request"]

    assert sorted(mail.to for mail in mails) == sorted(holder["user"]["email"] for holder in holders)
    assert {mail.values["message"] for mail in mails} == {"I am the new buyer.\nThanks."}
    assert {mail.values["email"] for mail in mails} == {"private@home.example"}
    (node,) = seen["nodes"]
    assert (seen["totalCount"], node["id"], node["status"]) == (1, id, "PENDING")
    assert node["user"]["email"] == "private@home.example"

    approved = await joins(administrator, "approveJoinRequest", id=id, roleKeys=["purchase", "planning"])

    assert approved["errors"] == []
    assert (approved["joinRequest"]["status"], approved["joinRequest"]["organization"]["name"]) == (
        "APPROVED", "Helios Montage GmbH",
    )  # fmt: skip
    membership = (await person.asks(ACCESS, id=helios)).at("viewer.membership")
    assert membership == {
        "status": "ACTIVE",
        "roleGrants": [{"role": {"key": "planning"}}, {"role": {"key": "purchase"}}],
        "directGrants": [],
    }
    mail = (await portal.queued_mails("private@home.example"))[-1]
    assert mail.template == "join_request_decided"
    assert mail.values == {"organization": "Helios Montage GmbH", "decision": "approved", "note": None}
    (row,) = await portal.audit("join_request.approve")
    assert (row.subject_id, row.organization_id) == (id, helios)


async def test_nobody_finds_out_whether_there_is_such_an_organization(each_portal: Portal) -> None:
    portal = each_portal
    helios = await helios_of(portal)
    person = await portal.person("private@home.example")

    answers = {}
    for name, given in {
        "known by number": {"customerNumber": helios["customerNumber"]},
        "known by VAT id": {"vatId": helios["vatId"]},
        "known by name": {"organizationName": "HELIOS montage"},
        "all of it": {"organizationName": helios["name"], "vatId": helios["vatId"]},
        "unknown": {"customerNumber": "999999"},
        "contradicting": {"customerNumber": helios["customerNumber"], "organizationName": "Somebody else"},
    }.items():
        payload = await joins(person, **given)
        assert payload["errors"] == []
        request = payload["joinRequest"]
        assert request.pop("wanted") != ""
        assert request.pop("id") != ""
        answers[name] = request
    await notified(portal)

    assert [answer for answer in answers.values() if answer != answers["unknown"]] == []
    assert answers["unknown"]["organization"] is None
    assert len((await person.asks(MINE)).at("viewer.joinRequests")) == 6
    # The organization was asked once, however often it was named.
    administrator = await portal.person("administration@helios.example")
    assert (await administrator.asks(LISTED, id=helios["id"])).at("organization.joinRequests.totalCount") == 1


@pytest.mark.parametrize("status", ["BLOCKED", "CLOSED", "PENDING_REVIEW", "REJECTED"])
async def test_an_organization_that_is_not_active_is_not_asked(portal: Portal, status: str) -> None:
    from connectors.directory.records.audit import Author
    from connectors.directory.records.organizations import OrganizationStatus
    from connectors.ids import OrganizationId

    helios = await helios_of(portal)
    async with portal.wiring.backends.directory.change() as change:
        await recorded.set_organization_status(
            change,
            OrganizationId(helios["id"]),
            OrganizationStatus(status),
            by=Author(None, "test"),
            now=portal.clock(),
        )

    payload = await joins(await portal.person("private@home.example"), customerNumber=helios["customerNumber"])
    await notified(portal)

    assert (payload["errors"], payload["joinRequest"]["status"]) == ([], "PENDING")
    assert await portal.queued_mails() == []


async def test_the_same_request_again_is_the_same_request(each_portal: Portal) -> None:
    portal = each_portal
    person, id, _ = await asked(portal)
    number = (await helios_of(portal))["customerNumber"]

    again = await joins(person, customerNumber=number)
    by_key = [await joins(person, vatId="DE999999999", idempotencyKey="one") for _ in range(2)]
    reused = await joins(person, vatId="DE999999998", idempotencyKey="one")

    assert again["joinRequest"]["id"] == id
    assert by_key[0] == by_key[1]
    assert [error["code"] for error in reused["errors"]] == ["IDEMPOTENCY_KEY_REUSED"]


async def test_members_belong_already(portal: Portal) -> None:
    helios = await helios_of(portal)
    for login in ("purchase@helios.example", "suspended@helios.example"):
        payload = await joins(await portal.person(login), customerNumber=helios["customerNumber"])
        assert [error["code"] for error in payload["errors"]] == ["ALREADY_MEMBER"]
    assert await portal.audit("join_request.open") == []


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        ({}, [("INVALID_INPUT", ["customerNumber"])]),
        ({"organizationName": " "}, [("INVALID_INPUT", ["customerNumber"])]),
        ({"organizationName": "x" * 10_000}, [("INVALID_INPUT", ["organizationName"])]),
        ({"vatId": "nonsense"}, [("INVALID_INPUT", ["vatId"])]),
        ({"customerNumber": "1; DROP"}, [("INVALID_INPUT", ["customerNumber"])]),
        ({"customerNumber": "1", "message": "x" * 10_000}, [("INVALID_INPUT", ["message"])]),
        ({"customerNumber": "1", "message": "a\u0000b"}, [("INVALID_INPUT", ["message"])]),
        ({"customerNumber": "1", "idempotencyKey": ""}, [("INVALID_INPUT", ["idempotencyKey"])]),
        (
            {"vatId": "?", "organizationName": "\u0000", "message": "\u0000"},
            [("INVALID_INPUT", ["organizationName"]), ("INVALID_INPUT", ["vatId"]), ("INVALID_INPUT", ["message"])],
        ),
    ],
)
async def test_a_request_that_cannot_be_used_is_refused_and_nothing_is_stored(
    portal: Portal, given: dict[str, Any], errors: list[Any]
) -> None:
    payload = await joins(await portal.person("private@home.example"), **given)

    assert [(error["code"], error["path"]) for error in payload["errors"]] == errors
    assert payload["joinRequest"] is None
    assert await portal.audit("join_request.open") == []
    assert await portal.queued_mails() == []


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        ({"roleKeys": []}, [("INVALID_INPUT", ["roleKeys"])]),
        ({"roleKeys": ["nonsense"]}, [("INVALID_INPUT", ["roleKeys", "0"])]),
        ({"roleKeys": ["purchase", "purchase"]}, [("INVALID_INPUT", ["roleKeys", "1"])]),
        ({"roleKeys": ["x"] * 1_000}, [("INVALID_INPUT", ["roleKeys"])]),
        ({"roleKeys": [], "permissions": ["ORDER_PLACE"]}, [("ROLE_NOT_ASSIGNABLE", ["permissions", "0"])]),
        (
            {"roleKeys": ["purchase"], "permissions": ["REGISTRATION_REVIEW"]},
            [("ROLE_NOT_ASSIGNABLE", ["permissions", "0"])],
        ),
        (
            {"roleKeys": ["purchase", "x"], "permissions": ["ORDER_VIEW"]},
            [("INVALID_INPUT", ["roleKeys", "1"]), ("ROLE_NOT_ASSIGNABLE", ["permissions", "0"])],
        ),
    ],
)
async def test_nobody_is_let_in_with_what_may_not_be_given(
    each_portal: Portal, given: dict[str, Any], errors: list[Any]
) -> None:
    portal = each_portal
    person, id, helios = await asked(portal)
    administrator = await portal.person("administration@helios.example")

    refused = await joins(administrator, "approveJoinRequest", id=id, **given)

    assert [(error["code"], error["path"]) for error in refused["errors"]] == errors
    assert (await person.asks(ACCESS, id=helios)).at("viewer.membership") is None
    assert (await person.asks(MINE)).at("viewer.joinRequests.0.status") == "PENDING"
    assert await portal.queued_mails("private@home.example") == []


async def test_direct_permissions_are_given_where_the_policy_has_them(software_portal: Portal) -> None:
    portal = software_portal
    person = await portal.person("orders@hausgut.example")
    holder = await portal.person("licence.holder@kappel.example")
    kappel = await portal.organization_of("licence.holder@kappel.example")
    request = (await joins(person, customerNumber="67890"))["joinRequest"]["id"]

    given = {"roleKeys": ["authorised_person"], "permissions": ["ORDER_PLACE"]}
    approved = await joins(holder, "approveJoinRequest", id=request, **given)

    assert approved["errors"] == []
    assert (await person.asks(ACCESS, id=kappel)).at("viewer.membership") == {
        "status": "ACTIVE",
        "roleGrants": [{"role": {"key": "authorised_person"}}],
        "directGrants": [{"permission": {"code": "ORDER_PLACE"}}],
    }


@pytest.mark.parametrize("mutation", ["approveJoinRequest", "declineJoinRequest"])
async def test_only_who_manages_members_there_decides(each_portal: Portal, mutation: str) -> None:
    """A stranger, a member without the permission, one with it elsewhere, and whoever asked."""
    portal = each_portal
    person, id, helios = await asked(portal)
    given = {"roleKeys": ["purchase"]} if mutation == "approveJoinRequest" else {}

    stranger = await portal.anybody().asks(MUTATIONS[mutation], input={"id": id} | given)
    member = await joins(await portal.person("purchase@helios.example"), mutation, id=id, **given)
    elsewhere = await joins(await portal.person("administration@lumen.example"), mutation, id=id, **given)
    own = await joins(person, mutation, id=id, **given)
    unknown = await joins(person, mutation, id=UNKNOWN, **given)

    assert (stranger.data, stranger.codes) == ({mutation: None}, {mutation: "UNAUTHENTICATED"})
    assert [(error["code"], error["missingPermissions"]) for error in member["errors"]] == [
        ("FORBIDDEN", [{"code": "MEMBER_MANAGE"}])
    ]
    assert elsewhere == own == unknown
    assert [(error["code"], error["path"]) for error in own["errors"]] == [("NOT_FOUND", ["id"])]
    assert (await person.asks(MINE)).at("viewer.joinRequests.0.status") == "PENDING"
    assert (await person.asks(ACCESS, id=helios)).at("viewer.membership") is None
    rows = await portal.audit(mutation)
    assert sorted(row.refused_with for row in rows) == ["FORBIDDEN", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND"]
    assert [row.organization_id for row in rows if row.refused_with == "FORBIDDEN"] == [helios]


async def test_requests_are_seen_by_those_who_manage_members_there_and_by_those_who_asked(each_portal: Portal) -> None:
    portal = each_portal
    person, id, helios = await asked(portal)
    administrator = await portal.person("administration@helios.example")
    await joins(administrator, "declineJoinRequest", id=id, note="Ask your boss.")
    node = "query ($id: ID!) { node(id: $id) { ... on JoinRequest { note decidedBy { id } organization { id } } } }"

    own, seen = await person.asks(node, id=id), await administrator.asks(node, id=id)

    assert seen.errors == []
    assert seen.at("node.organization") == {"id": helios}
    assert seen.at("node.decidedBy") is not None
    assert own.at("node") == {"note": "Ask your boss.", "decidedBy": None, "organization": None}
    assert own.codes == {"node.decidedBy": "UNAUTHORIZED_FIELD_OR_TYPE"}
    for other in ("purchase@helios.example", "administration@lumen.example"):
        assert (await (await portal.person(other)).asks(node, id=id)).data == {"node": None}
        denied = await (await portal.person(other)).asks(LISTED, id=helios)
        assert denied.at("organization") in (None, {"joinRequests": None})
    assert (await portal.anybody().asks(node, id=id)).data == {"node": None}


async def test_a_request_is_decided_once(each_portal: Portal) -> None:
    portal = each_portal
    _, id, _ = await asked(portal)
    administrator = await portal.person("administration@helios.example")
    first = await joins(administrator, "approveJoinRequest", id=id, roleKeys=["purchase"], idempotencyKey="k")

    again = await joins(administrator, "approveJoinRequest", id=id, roleKeys=["purchase"], idempotencyKey="k")
    declined = await joins(administrator, "declineJoinRequest", id=id)

    assert first == again
    assert [(error["code"], error["conflictingNode"]) for error in declined["errors"]] == [("CONFLICT", {"id": id})]
    assert len(await portal.audit("join_request.approve")) == 1


async def test_of_two_who_decide_at_once_one_does(each_portal: Portal) -> None:
    portal = each_portal
    _, id, _ = await asked(portal)
    administrator = await portal.person("administration@helios.example")

    payloads = await asyncio.gather(
        *(joins(administrator, "approveJoinRequest", id=id, roleKeys=["purchase"]) for _ in range(4)),
        *(joins(administrator, "declineJoinRequest", id=id) for _ in range(4)),
    )

    assert sorted(len(payload["errors"]) for payload in payloads) == [0] + [1] * 7
    assert {error["code"] for payload in payloads for error in payload["errors"]} == {"CONFLICT"}
    assert len(await portal.audit("join_request.approve", "join_request.decline")) == 1
    assert len(await portal.queued_mails("private@home.example")) == 1


async def test_a_request_expires_after_thirty_days_and_blocks_no_new_one(each_portal: Portal) -> None:
    portal = each_portal
    _, id, helios = await asked(portal)

    portal.clock.move(timedelta(days=30))
    administrator, person = [
        await portal.person(login) for login in ("administration@helios.example", "private@home.example")
    ]
    late = await joins(administrator, "approveJoinRequest", id=id, roleKeys=["purchase"])
    again = await joins(person, customerNumber=(await helios_of(portal))["customerNumber"])

    assert [error["code"] for error in late["errors"]] == ["CONFLICT"]
    assert again["joinRequest"]["id"] != id
    for status, ids in (("EXPIRED", [id]), ("PENDING", [again["joinRequest"]["id"]])):
        page = (await administrator.asks(LISTED, id=helios, status=[status])).at("organization.joinRequests")
        assert ([node["id"] for node in page["nodes"]], page["totalCount"]) == (ids, 1)


async def test_whoever_asked_takes_it_back_and_nobody_else(each_portal: Portal) -> None:
    portal = each_portal
    person, id, helios = await asked(portal)
    administrator = await portal.person("administration@helios.example")

    foreign = await joins(administrator, "withdrawJoinRequest", id=id)
    unknown = await joins(administrator, "withdrawJoinRequest", id=UNKNOWN)
    stranger = await portal.anybody().asks(MUTATIONS["withdrawJoinRequest"], input={"id": id})
    withdrawn = await joins(person, "withdrawJoinRequest", id=id)
    again = await joins(person, "withdrawJoinRequest", id=id)
    await notified(portal)

    assert foreign == unknown
    assert [error["code"] for error in foreign["errors"]] == ["NOT_FOUND"]
    assert stranger.codes == {"withdrawJoinRequest": "UNAUTHENTICATED"}
    assert (withdrawn["errors"], withdrawn["joinRequest"]["status"]) == ([], "WITHDRAWN")
    assert [error["code"] for error in again["errors"]] == ["CONFLICT"]
    assert [mail for mail in await portal.queued_mails() if mail.template == "join_request"] == []
    page = (await administrator.asks(LISTED, id=helios, status=["WITHDRAWN"])).at("organization.joinRequests")
    assert page["totalCount"] == 1


async def test_whoever_comes_back_holds_only_what_they_are_given_now(each_portal: Portal) -> None:
    from connectors.directory.records.audit import Author
    from connectors.directory.records.memberships import MembershipStatus

    portal = each_portal
    helios = await helios_of(portal)
    buyer = await portal.person("purchase@helios.example")
    membership = (
        await buyer.asks("query ($id: ID!) { viewer { membership(organizationId: $id) { id } } }", id=helios["id"])
    ).at("viewer.membership.id")
    async with portal.wiring.backends.directory.change() as change:
        await recorded.set_membership_status(
            change, membership, MembershipStatus.REMOVED, by=Author(None, "test"), now=portal.clock()
        )
    _, id, _ = await asked(portal, "purchase@helios.example")

    administrator = await portal.person("administration@helios.example")
    approved = await joins(administrator, "approveJoinRequest", id=id, roleKeys=["planning"])

    assert approved["errors"] == []
    access = (await buyer.asks(ACCESS, id=helios["id"])).at("viewer.membership")
    assert access == {"status": "ACTIVE", "roleGrants": [{"role": {"key": "planning"}}], "directGrants": []}


async def test_nobody_asks_without_end(portal: Portal) -> None:
    person = await portal.person("private@home.example")

    for number in range(10):
        assert (await joins(person, customerNumber=str(number)))["errors"] == []
    limited = await joins(person, customerNumber="10")
    other = await joins(await portal.person("administration@lumen.example"), customerNumber="10")

    assert [error["code"] for error in limited["errors"]] == ["RATE_LIMITED"]
    assert other["errors"] == []
