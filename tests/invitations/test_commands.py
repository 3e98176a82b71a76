"""An administrator invites colleagues: each row has its result, its mail and its membership (K26, K28, K29, D21)."""

import asyncio
from datetime import timedelta

import pytest

from connectors.directory.records.access import GrantKind
from connectors.directory.records.audit import Author
from connectors.directory.records.memberships import MemberFilter
from connectors.ids import OrganizationId
from connectors.pages import Slice
from resolvers.audit import recorded
from tests.invitations.inviting import (
    ADMINISTRATOR,
    NEW,
    PURCHASER,
    codes,
    invitation_mails,
    invited,
    invites,
    kept,
    listed,
    row,
)
from tests.portal import NOW, Portal

WEEK = (NOW + timedelta(days=7)).isoformat().replace("+00:00", "Z")


async def test_an_invitation_is_stored_with_its_membership_its_rights_and_its_mail(each_portal: Portal) -> None:
    """K26, K28, K29, D21."""
    administrator = await each_portal.person(ADMINISTRATOR)
    helios = await each_portal.organization_of(ADMINISTRATOR)

    payload = await invites(
        administrator,
        helios,
        row(roleKeys=["purchase", "planning"], firstName=" Nina ", lastName="Neu", locale="fr"),
        message="Salut\nNina",
    )

    (result,) = payload["results"]
    invitation, membership = result["invitation"], result["membership"]
    id, membership_id = invitation.pop("id"), membership.pop("id")
    assert (payload["errors"], result["errors"], result["email"]) == ([], [], NEW)
    assert invitation == {
        "email": NEW, "firstName": "Nina", "lastName": "Neu", "locale": "fr", "message": "Salut\nNina",
        "organizationName": "Helios Montage GmbH", "organization": {"name": "Helios Montage GmbH"},
        "roles": [{"key": "purchase"}, {"key": "planning"}], "permissions": [], "validUntil": None,
        "status": "PENDING", "createdAt": "2026-11-21T09:00:00Z", "expiresAt": WEEK,
        "lastSentAt": "2026-11-21T09:00:00Z", "sendCount": 1, "inviter": {"displayName": "Annegret Kästner"},
        "acceptedBy": None, "viewerCanResend": True, "viewerCanRevoke": True,
    }  # fmt: skip
    assert membership == {
        "status": "INVITED",
        "user": {"displayName": "Nina Neu", "firstName": "Nina", "lastName": "Neu", "email": NEW, "phone": None},
        "roleGrants": [{"role": {"key": "planning"}}, {"role": {"key": "purchase"}}],
    }
    (mail,) = await each_portal.queued_mails()
    assert (mail.template, mail.to, mail.locale) == ("invitation", NEW, "fr")
    assert mail.values == {
        "name": "Nina Neu", "organization": "Helios Montage GmbH", "inviter": "Annegret Kästner",
        "roles": ["Achat", "Planification"],
        "message": "Salut\nNina", "expires_at": (NOW + timedelta(days=7)).isoformat(),
    }  # fmt: skip
    assert mail.token is not None
    assert len(mail.token) >= 43
    (entry,) = await each_portal.audit("invitation.create")
    assert (entry.subject_id, entry.organization_id, mail.token in str(entry)) == (id, helios, False)
    assert (await administrator.asks("query Q($id: ID!) { node(id: $id) { id } }", id=membership_id)).at(
        "node.id"
    ) == membership_id


async def test_each_row_has_its_own_result_and_a_bad_one_hinders_no_other(each_portal: Portal) -> None:
    """K28."""
    administrator = await each_portal.person(ADMINISTRATOR)
    helios = await each_portal.organization_of(ADMINISTRATOR)
    open_id, _ = await invited(each_portal, "open@elsewhere.example")
    purchaser = await administrator.asks(
        'query Q($id: ID!) { organization(id: $id) { members(search: "purchase@helios") { nodes { id } } } }', id=helios
    )

    payload = await invites(
        administrator,
        helios,
        row("first@elsewhere.example"),
        row("none@elsewhere.example", roleKeys=[]),
        row("unknown@elsewhere.example", roleKeys=["purchase", "wizard"]),
        row("FIRST@Elsewhere.example"),
        row(ADMINISTRATOR.upper()),
        row(PURCHASER.upper()),
        row("Open@Elsewhere.example"),
        row("last@elsewhere.example", roleKeys=["planning", "planning"]),
    )

    results = payload["results"]
    assert payload["errors"] == []
    assert [codes(result) for result in results] == [
        [],
        [("INVALID_INPUT", ["invitees", "1", "roleKeys"])],
        [("INVALID_INPUT", ["invitees", "2", "roleKeys", "1"])],
        [("INVALID_INPUT", ["invitees", "3", "email"])],
        [("INVALID_INPUT", ["invitees", "4", "email"])],
        [("ALREADY_MEMBER", ["invitees", "5", "email"])],
        [("ALREADY_INVITED", ["invitees", "6", "email"])],
        [],
    ]
    assert [error.get("constraint") for result in results[1:5] for error in result["errors"]] == [
        "roles or permissions", "known role", "each address once", "not your own",
    ]  # fmt: skip
    assert results[3]["errors"][0]["message"] == "This is also the address of entry 1."
    member = purchaser.at("organization.members.nodes.0.id")
    assert results[5]["errors"][0]["conflictingNode"] == {"__typename": "Membership", "id": member}
    assert results[6]["errors"][0]["conflictingNode"] == {"__typename": "Invitation", "id": open_id}
    assert [result["invitation"] is None for result in results] == [False, *[True] * 6, False]
    assert [mail.to for mail in await invitation_mails(each_portal)] == [
        "open@elsewhere.example", "first@elsewhere.example", "last@elsewhere.example",
    ]  # fmt: skip
    assert (await listed(administrator, helios))["totalCount"] == 3 + 1  # and the demo's own


async def test_direct_permissions_are_enough_where_the_portal_grants_them(software_portal: Portal) -> None:
    """D21, D23; the second profile has direct permissions where the first has roles."""
    holder = await software_portal.person("licence.holder@hausgut.example")
    hausgut = await software_portal.organization_of("licence.holder@hausgut.example")

    payload = await invites(
        holder,
        hausgut,
        {"email": NEW, "permissions": ["ORDER_PLACE", "SOFTWARE_DOWNLOAD"], "locale": "de"},
        row("other@elsewhere.example", roleKeys=["authorised_person"]),
        {"email": "vendor@elsewhere.example", "permissions": ["ORDER_VIEW", "REGISTRATION_REVIEW", "MEMBER_MANAGE"]},
    )

    first, second, third = payload["results"]
    assert (codes(first), codes(second)) == ([], [])
    assert first["invitation"]["permissions"] == [{"code": "ORDER_PLACE"}, {"code": "SOFTWARE_DOWNLOAD"}]
    assert codes(third) == [
        ("ROLE_NOT_ASSIGNABLE", ["invitees", "2", "permissions", "1"]),
        ("ROLE_NOT_ASSIGNABLE", ["invitees", "2", "permissions", "2"]),
    ]
    (mail,) = await invitation_mails(software_portal, NEW)
    assert mail.values["roles"] == ["Im Shop bestellen", "Programme herunterladen"]


async def test_nobody_delegates_what_they_may_not(software_portal: Portal) -> None:
    """A deputy who may manage members may give nothing."""
    holder = await software_portal.person("licence.holder@hausgut.example")
    hausgut = await software_portal.organization_of("licence.holder@hausgut.example")
    orders = await software_portal.person("orders@hausgut.example")
    directory = software_portal.wiring.backends.directory
    (page,) = await directory.members_of([OrganizationId(hausgut)], Slice(1), where=MemberFilter(search="Köhler"))
    async with directory.change() as change:
        await recorded.give(
            change,
            page.items[0].id,
            GrantKind.PERMISSION,
            "MEMBER_MANAGE",
            until=None,
            by=Author(None, "test"),
            now=NOW,
        )

    payload = await invites(
        orders, hausgut, row(roleKeys=["deputy"]), {"email": "b@x.example", "permissions": ["ORDER_VIEW"]}
    )

    assert [codes(result) for result in payload["results"]] == [
        [("ROLE_NOT_ASSIGNABLE", ["invitees", "0", "roleKeys", "0"])],
        [("ROLE_NOT_ASSIGNABLE", ["invitees", "1", "permissions", "0"])],
    ]
    assert {error["reason"] for result in payload["results"] for error in result["errors"]} == {"NOT_DELEGABLE"}
    assert await software_portal.queued_mails() == []
    (result,) = (await invites(holder, hausgut, row(roleKeys=["deputy"])))["results"]
    assert result["errors"] == []


async def test_the_same_key_is_answered_alike_and_done_once(each_portal: Portal) -> None:
    """Also for clients that send it many times at once."""
    administrator = await each_portal.person(ADMINISTRATOR)
    helios = await each_portal.organization_of(ADMINISTRATOR)
    rows = [row(), row("x@elsewhere.example", roleKeys=[]), row(PURCHASER)]

    answers = await asyncio.gather(*(invites(administrator, helios, *rows, idempotencyKey="one") for _ in range(6)))

    assert all(answer == answers[0] for answer in answers)
    assert [codes(result) for result in answers[0]["results"]] == [
        [],
        [("INVALID_INPUT", ["invitees", "1", "roleKeys"])],
        [("ALREADY_MEMBER", ["invitees", "2", "email"])],
    ]
    assert len(await invitation_mails(each_portal)) == 1
    assert len(await each_portal.audit("invitation.create")) == 1
    before = await kept(each_portal)
    other = await invites(administrator, helios, row("other@elsewhere.example"), idempotencyKey="one")
    assert (other["results"], codes(other)) == ([], [("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])])
    assert (await kept(each_portal))[2:] == before[2:]


async def test_the_mail_is_in_the_senders_language_when_none_is_given(portal: Portal) -> None:
    """K29."""
    administrator = await portal.person(ADMINISTRATOR)
    await administrator.asks(
        'mutation { updateProfile(input: { expectedVersion: 1, locale: "fr" }) { errors { code } } }'
    )

    await invited(portal)

    (mail,) = await invitation_mails(portal, NEW)
    assert (mail.locale, mail.values["roles"]) == ("fr", ["Achat"])


async def test_an_invitation_expires_no_later_than_what_it_gives(portal: Portal) -> None:
    administrator = await portal.person(ADMINISTRATOR)
    helios = await portal.organization_of(ADMINISTRATOR)
    tomorrow = (NOW + timedelta(days=1)).isoformat().replace("+00:00", "Z")

    payload = await invites(
        administrator, helios, row(validUntil=tomorrow), row("long@elsewhere.example"), expiresInDays=30
    )

    first, second = (result["invitation"] for result in payload["results"])
    assert (first["validUntil"], first["expiresAt"]) == (tomorrow, tomorrow)
    assert second["expiresAt"] == (NOW + timedelta(days=30)).isoformat().replace("+00:00", "Z")


async def test_an_expired_invitation_blocks_no_new_one(each_portal: Portal) -> None:
    old_id, _ = await invited(each_portal, firstName="Old")
    each_portal.clock.move(timedelta(days=7))

    new_id, _ = await invited(each_portal, NEW.upper(), firstName="New", roleKeys=["planning"])

    administrator = await each_portal.person(ADMINISTRATOR)
    helios = await each_portal.organization_of(ADMINISTRATOR)
    stored = await listed(administrator, helios)
    found = {one["id"]: (one["status"], one["viewerCanResend"], one["viewerCanRevoke"]) for one in stored["nodes"]}
    assert (found[old_id], found[new_id]) == (("EXPIRED", False, False), ("PENDING", True, True))
    members = await administrator.asks(
        """query Q($id: ID!) { organization(id: $id) { members(search: "elsewhere", status: [INVITED, REMOVED]) {
        nodes { status user { displayName email } roleGrants { role { key } } } } } }""",
        id=helios,
    )
    assert members.at("organization.members.nodes") == [
        {
            "status": "INVITED",
            "user": {"displayName": "New", "email": NEW.upper()},
            "roleGrants": [{"role": {"key": "planning"}}],
        }
    ]


async def test_of_many_who_invite_the_same_address_one_does(each_portal: Portal) -> None:
    helios = await each_portal.organization_of(ADMINISTRATOR)
    people = [await each_portal.person(name) for name in (ADMINISTRATOR, "two.companies@helios.example")] * 5

    answers = await asyncio.gather(*(invites(person, helios, row()) for person in people))

    outcomes = sorted(str([error["code"] for error in answer["results"][0]["errors"]]) for answer in answers)
    assert outcomes == ["['ALREADY_INVITED']"] * 9 + ["[]"]
    assert len(await invitation_mails(each_portal)) == 1


async def test_fifty_are_invited_in_as_many_statements_as_two(portal: Portal) -> None:
    administrator = await portal.person(ADMINISTRATOR)
    helios = await portal.organization_of(ADMINISTRATOR)
    taken = []
    for number in (2, 50):
        rows = [row(f"n{membership_id}-of-{number}@elsewhere.example") for membership_id in range(number)]
        with portal.statements() as statements:
            payload = await invites(administrator, helios, *rows)
        assert [result["errors"] for result in payload["results"]] == [[]] * number
        # Each mail is a statement of its own; what is asked for the answer comes in any order.
        taken.append(sorted(one for one in statements if "INTO outbox" not in one))

    assert len(taken[0]) == len(taken[1])


async def test_nobody_is_flooded_with_invitations(portal: Portal) -> None:
    administrator = await portal.person(ADMINISTRATOR)
    helios = await portal.organization_of(ADMINISTRATOR)
    id, _ = await invited(portal)
    resend = "mutation R($id: ID!) { resendInvitation(input: { id: $id }) { errors { code path } } }"
    answers = [await administrator.asks(resend, id=id) for _ in range(10)]

    assert [answer.at("resendInvitation.errors") for answer in answers] == [
        *[[]] * 9, [{"code": "RATE_LIMITED", "path": None}],
    ]  # fmt: skip
    assert len(await invitation_mails(portal, NEW)) == 10
    await administrator.asks("mutation R($id: ID!) { revokeInvitation(input: { id: $id }) { errors { code } } }", id=id)
    again, other = (await invites(administrator, helios, row(), row("x@elsewhere.example")))["results"]
    assert (codes(again), codes(other)) == ([("RATE_LIMITED", ["invitees", "0", "email"])], [])
    assert again["errors"][0]["retryAfterSeconds"] > 0


@pytest.mark.parametrize("login_name", ["administration@nordlicht.example", "suspended@helios.example"])
async def test_in_a_blocked_organization_or_as_a_suspended_member_nobody_is_invited(
    portal: Portal, login_name: str
) -> None:
    person = await portal.person(login_name)
    organization = await portal.organization_of(login_name)

    payload = await invites(person, organization)

    reason = "ORGANIZATION_NOT_ACTIVE" if "nordlicht" in login_name else "MEMBERSHIP_SUSPENDED"
    assert payload["results"] == []
    assert [(error["code"], error["reason"]) for error in payload["errors"]] == [("FORBIDDEN", reason)]
    assert await portal.queued_mails() == []
