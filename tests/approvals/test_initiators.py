"""What waits counts only as long as whoever began it may still begin it: asked again at its end, on both databases."""

from datetime import timedelta
from typing import Any

import pytest

from resolvers.account.deletion import delete_due_accounts
from tests.access.changing_access import codes_of, does, holds, member_of
from tests.account.own_account import as_the_portal
from tests.account.test_deletion import asks_to_leave
from tests.change_requests import changing as change_requests
from tests.change_requests.changing import ASK, DECIDE, REVIEW
from tests.invitations.inviting import (
    ADMINISTRATOR,
    NEW,
    PREVIEW,
    PURCHASER,
    RESEND,
    WANT,
    accepts,
    account,
    codes,
    invited,
    listed,
    token_of,
)
from tests.portal import Person, Portal

REMOVE = """
mutation Remove($input: MemberActionInput!) {
  removeMember(input: $input) { membership { status } revokedInvitations { email status } errors { code } }
}
"""
OPEN = """
query Open($id: ID!, $first: Int!) {
  node(id: $id) { ... on Membership { openInvitations(first: $first) { email inviter { displayName } } } }
}
"""
SECOND_ADDRESS = "second.address@elsewhere.example"


async def promoted(portal: Portal) -> Person:
    """The buyer, who administers the organization from now on as well."""
    administrator = await portal.person(ADMINISTRATOR)
    id = await member_of(portal, PURCHASER)
    payload = await does(administrator, "updateMemberAccess", membershipId=id, roleKeys=["administration", "purchase"])
    assert payload["errors"] == []
    return await portal.person(PURCHASER)


async def invited_as_administrator(portal: Portal) -> str:
    """The token of an invitation by which the promoted buyer would let another address of theirs administer."""
    await promoted(portal)
    await invited(portal, SECOND_ADDRESS, by=PURCHASER, roleKeys=["administration"])
    return await token_of(portal, SECOND_ADDRESS)


async def removed(portal: Portal) -> Any:
    """What the answer says to the administrator who removes the buyer."""
    administrator = await portal.person(ADMINISTRATOR)
    answer = await administrator.asks(REMOVE, input={"id": await member_of(portal, PURCHASER)})
    assert answer.errors == []
    return answer.at("removeMember")


async def test_who_was_removed_does_not_come_back_by_an_invitation_they_sent(each_portal: Portal) -> None:
    token = await invited_as_administrator(each_portal)

    payload = await removed(each_portal)

    assert payload == {
        "membership": {"status": "REMOVED"},
        "revokedInvitations": [{"email": SECOND_ADDRESS, "status": "REVOKED"}],
        "errors": [],
    }
    accepted = await accepts(each_portal.anybody(), token, **account())
    assert (codes(accepted), accepted["accessToken"]) == ([("INVITATION_REVOKED", ["token"])], None)
    (row,) = await each_portal.audit("invitation.revoke")
    assert row.reason == "The person who began this is no longer permitted to."
    assert await holds(each_portal, await member_of(each_portal, SECOND_ADDRESS)) == {}


async def test_an_administrator_sees_beforehand_what_ends_with_a_member(each_portal: Portal) -> None:
    await invited_as_administrator(each_portal)
    await invited(each_portal, NEW, by=PURCHASER)
    administrator, member = await each_portal.person(ADMINISTRATOR), await each_portal.person(PURCHASER)
    id = await member_of(each_portal, PURCHASER)
    planning = await each_portal.person("planning@helios.example")

    seen = await administrator.asks(OPEN, id=id, first=50)
    newest = await administrator.asks(OPEN, id=id, first=1)
    none_sent = await member.asks(OPEN, id=await member_of(each_portal, "planning@helios.example"), first=10)
    refused = await planning.asks(OPEN, id=id, first=10)
    too_many = await administrator.asks(OPEN, id=id, first=51)

    by = {"inviter": {"displayName": "Jörg Weiß"}}
    assert seen.at("node.openInvitations") == [{"email": NEW} | by, {"email": SECOND_ADDRESS} | by]
    assert newest.at("node.openInvitations") == [{"email": NEW} | by]
    assert none_sent.at("node.openInvitations") == []
    assert refused.at("node") is None or refused.codes == {"node.openInvitations": "UNAUTHORIZED_FIELD_OR_TYPE"}
    assert too_many.codes == {"node.openInvitations": "BAD_USER_INPUT"}


@pytest.mark.parametrize("how", ["takes the role", "leaves", "hands over"])
async def test_an_invitation_ends_with_the_right_to_send_it(each_portal: Portal, how: str) -> None:
    token = await invited_as_administrator(each_portal)
    sender, helios = await each_portal.person(PURCHASER), await each_portal.organization_of(PURCHASER)
    own, administrator = await member_of(each_portal, PURCHASER), await each_portal.person(ADMINISTRATOR)

    match how:
        case "takes the role":
            done = await does(administrator, "updateMemberAccess", membershipId=own, roleKeys=["purchase"])
        case "leaves":
            done = await does(sender, "leaveOrganization", organizationId=helios)
        case _:
            to = await member_of(each_portal, "planning@helios.example")
            done = await does(
                sender, "transferAdministration", organizationId=helios, toMembershipId=to, idempotencyKey="k"
            )

    assert done["errors"] == []
    (listing,) = (await listed(administrator, helios, status=["REVOKED"]))["nodes"]
    assert (listing["email"], listing["status"]) == (SECOND_ADDRESS, "REVOKED")
    assert codes(await accepts(each_portal.anybody(), token, **account())) == [("INVITATION_REVOKED", ["token"])]


async def test_an_invitation_ends_with_its_senders_account(each_portal: Portal) -> None:
    await promoted(each_portal)
    assert (await asks_to_leave(await each_portal.person(PURCHASER)))["errors"] == []
    each_portal.clock.move(timedelta(days=28))
    await invited(each_portal, SECOND_ADDRESS, by=PURCHASER)
    token = await token_of(each_portal, SECOND_ADDRESS)
    each_portal.clock.move(timedelta(days=2))

    await delete_due_accounts(as_the_portal(each_portal))

    assert codes(await accepts(each_portal.anybody(), token, **account())) == [("INVITATION_REVOKED", ["token"])]


@pytest.mark.parametrize("how", ["suspended", "ended"])
async def test_a_right_that_does_not_count_just_now_is_asked_about_at_the_end(each_portal: Portal, how: str) -> None:
    token = await invited_as_administrator(each_portal)
    administrator, anybody = await each_portal.person(ADMINISTRATOR), each_portal.anybody()
    own = await member_of(each_portal, PURCHASER)

    if how == "suspended":
        await does(administrator, "suspendMember", id=own)
    else:
        ends = [{"roleKey": "administration", "validUntil": "2026-11-21T09:30:00Z"}]
        await does(administrator, "updateMemberAccess", membershipId=own, ends=ends)
        each_portal.clock.move(timedelta(minutes=31))
        administrator = await each_portal.person(ADMINISTRATOR)
    shown = (await anybody.asks(PREVIEW, token=token)).at("invitationPreview.status")
    accepted = await accepts(anybody, token, **account())
    wanted = await anybody.asks(WANT, input={"token": token})

    assert (shown, codes(accepted)) == ("REVOKED", [("INVITATION_REVOKED", ["token"])])
    assert accepted["errors"][0]["canRequestNew"]
    assert wanted.at("requestNewInvitation") == {"accepted": True, "errors": []}
    mails = await each_portal.queued_mails(ADMINISTRATOR)
    assert [mail.template for mail in mails] == ["invitation_renewal_wanted"]


async def test_who_is_let_in_again_may_have_their_invitation_accepted(each_portal: Portal) -> None:
    token = await invited_as_administrator(each_portal)
    administrator, own = await each_portal.person(ADMINISTRATOR), await member_of(each_portal, PURCHASER)

    await does(administrator, "suspendMember", id=own)
    refused = await accepts(each_portal.anybody(), token, **account())
    await does(administrator, "reactivateMember", id=own)
    accepted = await accepts(each_portal.anybody(), token, **account())

    assert codes(refused) == [("INVITATION_REVOKED", ["token"])]
    assert (accepted["errors"], accepted["membership"]["status"]) == ([], "ACTIVE")


async def test_an_invitation_that_somebody_else_sent_again_is_theirs(each_portal: Portal) -> None:
    await invited_as_administrator(each_portal)
    administrator, helios = await each_portal.person(ADMINISTRATOR), await each_portal.organization_of(ADMINISTRATOR)
    (sent,) = [one for one in (await listed(administrator, helios))["nodes"] if one["email"] == SECOND_ADDRESS]

    again = (await administrator.asks(RESEND, input={"id": sent["id"]})).at("resendInvitation")
    payload = await removed(each_portal)
    accepted = await accepts(each_portal.anybody(), await token_of(each_portal, SECOND_ADDRESS), **account())

    assert (sent["inviter"], again["errors"]) == ({"displayName": "Jörg Weiß"}, [])
    assert again["invitation"]["inviter"] != sent["inviter"]
    assert payload["revokedInvitations"] == []
    assert (accepted["errors"], accepted["membership"]["status"]) == ([], "ACTIVE")


async def test_a_colleague_is_still_let_in_when_the_inviter_keeps_the_right(each_portal: Portal) -> None:
    await promoted(each_portal)
    _, token = await invited(each_portal, by=PURCHASER)
    administrator, own = await each_portal.person(ADMINISTRATOR), await member_of(each_portal, PURCHASER)

    await does(administrator, "updateMemberAccess", membershipId=own, roleKeys=["administration"])
    accepted = await accepts(each_portal.anybody(), token, **account())

    assert (accepted["errors"], accepted["membership"]["status"]) == ([], "ACTIVE")


async def test_a_removed_administrators_request_for_another_name_is_withdrawn(each_portal: Portal) -> None:
    await promoted(each_portal)
    asked = await change_requests.requested(each_portal, PURCHASER)
    administrator, helios = await each_portal.person(ADMINISTRATOR), await each_portal.organization_of(ADMINISTRATOR)

    await removed(each_portal)
    decided = await change_requests.asks(await each_portal.person(REVIEW), DECIDE, id=asked["id"], approve=True)
    another = await change_requests.asks(administrator, ASK, organizationId=helios, name="Helios Sonne GmbH")

    assert codes_of(decided) == [("CONFLICT", ["id"])]
    seen = await change_requests.organization(each_portal)
    assert (seen["name"], another["errors"]) == ("Helios Montage GmbH", [])
    stands = {one["id"]: one["status"] for one in seen["changeRequests"]["nodes"]}
    assert stands == {asked["id"]: "WITHDRAWN", another["changeRequest"]["id"]: "PENDING"}


async def test_a_request_for_another_name_of_somebody_who_is_suspended_is_not_approved(each_portal: Portal) -> None:
    await promoted(each_portal)
    asked = await change_requests.requested(each_portal, PURCHASER)
    administrator, own = await each_portal.person(ADMINISTRATOR), await member_of(each_portal, PURCHASER)
    reviewer = await each_portal.person(REVIEW)

    await does(administrator, "suspendMember", id=own)
    refused = await change_requests.asks(reviewer, DECIDE, id=asked["id"], approve=True)
    declined = await change_requests.asks(reviewer, DECIDE, id=asked["id"], approve=False, note="Bitte erneut stellen.")

    assert [error["code"] for error in refused["errors"]] == ["CONFLICT"]
    assert declined["changeRequest"]["status"] == "DECLINED"
    assert (await change_requests.organization(each_portal))["name"] == "Helios Montage GmbH"
