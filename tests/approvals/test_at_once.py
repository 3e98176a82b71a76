"""Several bring the same person in, or give them the same, at once: one of them does, and nothing is left waiting."""

import asyncio
from typing import Any

from connectors.directory.approvals import ACCESS_REQUESTS, INVITATIONS, JOIN_REQUESTS, Kind
from connectors.directory.records.memberships import MembershipStatus
from connectors.ids import MembershipId, OrganizationId
from connectors.pages import Slice
from tests.access.changing_access import codes_of, does, member_of
from tests.account.test_email_changes import confirms, token_for
from tests.invitations.inviting import ADMINISTRATOR, PURCHASER, accepts, account, codes, invited
from tests.join_requests.joining import joins
from tests.members.test_job_titles import UPDATE
from tests.portal import Portal
from tests.registrations.registering import applicant_of, decides, registration_of, reviewer

STRANGER, PLANNING = "private@home.example", "planning@helios.example"
HELIOS = {"organizationName": "Helios Montage GmbH", "customerNumber": "204718"}
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


async def number(portal: Portal, statement: str) -> int:
    """What PostgreSQL says; 0 without it."""
    if not portal.changes_overlap:
        return 0
    async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        return int((await connection.exec_driver_sql(statement)).scalar_one())


async def until_somebody_waits(portal: Portal) -> None:
    """Return when a change waits for the lock of another, or could not begin."""
    for _ in range(100):
        await asyncio.sleep(0.05)
        if not portal.changes_overlap or await number(portal, WAITING):
            return


async def open_ones(portal: Portal, kind: Kind[Any], owner: str, id: str) -> list[Any]:
    """What waits of this owner."""
    directory = portal.wiring.backends.directory
    (page,) = await directory.approvals_of(kind, owner, [id], Slice(100), status=[kind.open], now=portal.clock())
    return list(page.items)


async def test_an_invitation_and_a_request_to_join_answered_at_once_make_one_member(each_portal: Portal) -> None:
    portal = each_portal
    directory = portal.wiring.backends.directory
    person = await portal.person(STRANGER)
    helios = OrganizationId(await portal.organization_of(ADMINISTRATOR))
    id = await directory.user_id_of_login_name(STRANGER)
    assert id is not None
    before = await number(portal, DEADLOCKS)

    for _ in portal.rounds:
        portal.forget_attempts()
        request = (await joins(person, **HELIOS))["joinRequest"]["id"]
        _, token = await invited(portal, STRANGER)
        administrator = await portal.person(ADMINISTRATOR)  # whose earlier sessions end when there are too many

        accepted, approved = await asyncio.gather(
            accepts(person, token), joins(administrator, "approveJoinRequest", id=request, roleKeys=["planning"])
        )

        assert sorted(len(payload["errors"]) for payload in (accepted, approved)) == [0, 1]
        member = await directory.membership_of(id, helios)
        assert member is not None
        assert member.status is MembershipStatus.ACTIVE
        (grants,) = await directory.grants_of([member.id])
        assert [grant.key for grant in grants] == [["planning"], ["purchase"]][len(approved["errors"])]
        assert await open_ones(portal, INVITATIONS, "membership_id", member.id) == []
        assert await open_ones(portal, JOIN_REQUESTS, "user_id", id) == []
        assert (await does(administrator, "removeMember", id=member.id))["errors"] == []

    assert await number(portal, DEADLOCKS) == before


async def test_access_that_is_given_and_approved_at_once_is_given_once(each_portal: Portal) -> None:
    portal = each_portal
    directory = portal.wiring.backends.directory
    administrator, person = await portal.person(ADMINISTRATOR), await portal.person(PLANNING)
    helios, member = await portal.organization_of(ADMINISTRATOR), await member_of(portal, PLANNING)
    before = await number(portal, DEADLOCKS)

    for _ in portal.rounds:
        portal.forget_attempts()
        asked = await does(person, "requestAccess", organizationId=helios, roleKeys=["purchase"])
        assert asked["errors"] == []

        given, decided = await asyncio.gather(
            does(administrator, "updateMemberAccess", membershipId=member, roleKeys=["planning", "purchase"]),
            does(administrator, "decideAccessRequest", id=asked["accessRequest"]["id"], approve=True),
        )

        assert given["errors"] == []
        assert [code for code, _ in codes_of(decided)] in ([], ["CONFLICT"])
        (grants,) = await directory.grants_of([member])
        assert [grant.key for grant in grants] == ["planning", "purchase"]
        (request,) = await directory.approvals(ACCESS_REQUESTS, [asked["accessRequest"]["id"]])
        assert request is not None
        assert request.status == "APPROVED"
        taken = await does(administrator, "updateMemberAccess", membershipId=member, roleKeys=["planning"])
        assert taken["errors"] == []

    assert await number(portal, DEADLOCKS) == before


async def test_a_registration_that_is_approved_ends_the_requests_to_join_of_its_applicant(each_portal: Portal) -> None:
    """Sent when there was no such organization, and taken back by its author at the same time."""
    portal = each_portal
    applicant, review = await applicant_of(portal), await reviewer(portal)
    registration = await registration_of(applicant)
    named = await joins(applicant, organizationName="firstblick GmbH", customerNumber="999999")
    other = await joins(applicant, organizationName="Firstblick GmbH & Co. KG", customerNumber="999999")
    assert named["errors"] == other["errors"] == []

    approved, again, taken = await asyncio.gather(
        decides(review, "approveRegistration", registration["id"]),
        decides(review, "approveRegistration", registration["id"]),
        joins(applicant, "withdrawJoinRequest", id=named["joinRequest"]["id"]),
    )

    assert sorted(len(payload["errors"]) for payload in (approved, again)) == [0, 1]
    assert [code for code, _ in codes_of(taken)] in ([], ["CONFLICT"])
    requests = (await applicant.asks("{ viewer { joinRequests { wanted status } } }")).at("viewer.joinRequests")
    assert sorted((one["wanted"], one["status"]) for one in requests) == [
        ("Firstblick GmbH & Co. KG, 999999", "PENDING"),
        ("firstblick GmbH, 999999", "WITHDRAWN"),
    ]
    assert len(await portal.audit("join_request.withdraw")) == 1


async def test_who_is_deleted_while_they_accept_becomes_no_member(each_portal: Portal) -> None:
    portal = each_portal
    directory = portal.wiring.backends.directory
    id = await directory.user_id_of_login_name(STRANGER)
    assert id is not None
    _, token = await invited(portal, STRANGER)
    helios = OrganizationId(await portal.organization_of(ADMINISTRATOR))

    async with directory.change() as change:
        await change.lock_user(id)
        accepting = asyncio.ensure_future(accepts(portal.anybody(), token, **account()))
        await until_somebody_waits(portal)
        await change.forget_person(id, portal.clock())

    payload = await accepting
    assert codes(payload) == [("INVALID_INPUT", ["password"])]
    assert await directory.membership_of(id, helios) is None
    assert (await accepts(portal.anybody(), token, **account()))["errors"] == []  # as whoever has the address now


async def test_the_job_title_of_an_invited_person_who_comes_back_meanwhile_is_of_nobody(each_portal: Portal) -> None:
    """Who was a member once gets their own membership back; the one that stood for the invited person is gone."""
    portal = each_portal
    directory = portal.wiring.backends.directory
    administrator = await portal.person(ADMINISTRATOR)
    helios = OrganizationId(await portal.organization_of(ADMINISTRATOR))
    removed = await does(administrator, "removeMember", id=await member_of(portal, PURCHASER))
    assert removed["errors"] == []
    former = await portal.person(PURCHASER)
    id, _ = await invited(portal, "back@helios.example")
    (invitation,) = await directory.approvals(INVITATIONS, [id])
    assert invitation is not None
    assert (await confirms(portal, await token_for(portal, former, "back@helios.example"), former))["errors"] == []
    user = await directory.user_id_of_login_name("back@helios.example")
    assert user is not None

    async with directory.change() as change:
        await change.lock_organization(helios)
        updating = asyncio.ensure_future(
            administrator.asks(UPDATE, id=MembershipId(invitation.membership_id), title="Einkauf")
        )
        await until_somebody_waits(portal)
        await change.hand_over(invitation, user)

    answer = (await updating).at("updateMember")
    assert answer == {"membership": None, "errors": [{"code": "NOT_FOUND", "path": ["id"]}]}
