"""What has come true in another way waits no longer: it ends with the change that makes it true."""

from typing import Any

import pytest

from tests.access.changing_access import member_of
from tests.account.test_email_changes import confirms, token_for
from tests.invitations.inviting import ADMINISTRATOR, PREVIEW, PURCHASER, accepts, account, codes, invited, invites, row
from tests.join_requests.joining import joins
from tests.portal import Portal

STRANGER, PLANNING = "private@home.example", "planning@helios.example"
HELIOS = "Helios Montage GmbH"
OWN = "{ viewer { joinRequests { status decidedAt } pendingInvitations { organizationName } } }"
UPDATE = """
mutation ($id: ID!, $roles: [String!], $until: DateTime) {
  updateMemberAccess(input: { membershipId: $id, roleKeys: $roles, validUntil: $until }) { errors { code message } }
}
"""
ASK = """
mutation ($id: ID!, $roles: [String!]!) {
  requestAccess(input: { organizationId: $id, roleKeys: $roles }) { accessRequest { id status } errors { code } }
}
"""
WAITING = """
query ($id: ID!) {
  organization(id: $id) {
    joinRequests(status: [PENDING]) { totalCount }
    accessRequests(status: [PENDING]) { totalCount }
    invitations(status: [PENDING]) { nodes { email } }
  }
}
"""


async def waiting(portal: Portal) -> Any:
    """What waits in Helios, as its administrator sees it."""
    helios = await portal.organization_of(ADMINISTRATOR)
    return (await (await portal.person(ADMINISTRATOR)).asks(WAITING, id=helios)).at("organization")


async def asks_to_join(portal: Portal) -> str:
    """Let the stranger ask to join Helios, and return the request's id."""
    person = await portal.person(STRANGER)
    payload = await joins(person, organizationName=HELIOS, customerNumber="204718")
    assert payload["errors"] == []
    return str(payload["joinRequest"]["id"])


async def test_a_request_to_join_ends_when_its_author_accepts_an_invitation(each_portal: Portal) -> None:
    await asks_to_join(each_portal)
    _, token = await invited(each_portal, STRANGER)
    person = await each_portal.person(STRANGER)

    accepted = await accepts(person, token)

    own = (await person.asks(OWN)).at("viewer")
    assert accepted["errors"] == []
    assert [request["status"] for request in own["joinRequests"]] == ["WITHDRAWN"]
    assert own["joinRequests"][0]["decidedAt"] is not None
    assert (await waiting(each_portal))["joinRequests"] == {"totalCount": 0}


async def test_an_invitation_ends_when_the_invited_person_is_let_in_by_their_request(each_portal: Portal) -> None:
    before = (await waiting(each_portal))["invitations"]
    id = await asks_to_join(each_portal)
    _, token = await invited(each_portal, STRANGER)
    administrator, person = await each_portal.person(ADMINISTRATOR), await each_portal.person(STRANGER)

    approved = await joins(administrator, "approveJoinRequest", id=id, roleKeys=["planning"])

    late = await accepts(person, token)
    own = (await person.asks(OWN)).at("viewer")
    helios = await each_portal.organization_of(ADMINISTRATOR)
    member = await each_portal.wiring.backends.directory.membership_of(
        (await each_portal.wiring.backends.directory.user_id_of_login_name(STRANGER)), helios
    )
    assert approved["errors"] == []
    assert own == {
        "joinRequests": [{"status": "APPROVED", "decidedAt": own["joinRequests"][0]["decidedAt"]}],
        "pendingInvitations": [],
    }
    assert codes(late) == [("INVITATION_REVOKED", ["token"])]
    assert (await waiting(each_portal))["invitations"] == before
    assert member is not None
    (grants,) = await each_portal.wiring.backends.directory.grants_of([member.id])
    assert [grant.key for grant in grants] == ["planning"]  # and nothing of what the invitation would have given


async def test_a_former_member_who_is_invited_can_be_let_in_by_their_request(each_portal: Portal) -> None:
    administrator = await each_portal.person(ADMINISTRATOR)
    await administrator.asks(
        "mutation ($id: ID!) { removeMember(input: { id: $id }) { errors { code } } }",
        id=await member_of(each_portal, PURCHASER),
    )
    former = await each_portal.person(PURCHASER)
    request = (await joins(former, organizationName=HELIOS, customerNumber="204718"))["joinRequest"]["id"]
    await invited(each_portal, PURCHASER)

    approved = await joins(administrator, "approveJoinRequest", id=request, roleKeys=["planning"])

    assert approved["errors"] == []
    assert PURCHASER not in [one["email"] for one in (await waiting(each_portal))["invitations"]["nodes"]]


@pytest.mark.parametrize(("until", "status"), [(None, "APPROVED"), ("2027-01-01T00:00:00Z", "PENDING")])
async def test_a_request_for_access_ends_when_all_of_it_is_given_for_good(
    each_portal: Portal, until: str | None, status: str
) -> None:
    person, administrator = await each_portal.person(PLANNING), await each_portal.person(ADMINISTRATOR)
    helios = await each_portal.organization_of(ADMINISTRATOR)
    wanted = (await person.asks(ASK, id=helios, roles=["purchase"])).at("requestAccess")
    more = (await person.asks(ASK, id=helios, roles=["purchase", "installation"])).at("requestAccess")
    assert wanted["errors"] == more["errors"] == []

    given = await administrator.asks(
        UPDATE, id=await member_of(each_portal, PLANNING), roles=["planning", "purchase"], until=until
    )

    assert given.at("updateMemberAccess.errors") == []
    found = await person.asks(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on AccessRequest { status decidedBy { displayName } } } }",
        ids=[wanted["accessRequest"]["id"], more["accessRequest"]["id"]],
    )
    assert [one["status"] for one in found.at("nodes")] == [status, "PENDING"]
    assert (found.at("nodes")[0]["decidedBy"] is not None) is (status == "APPROVED")


async def changes_address(portal: Portal, login_name: str, to: str) -> None:
    person = await portal.person(login_name)
    confirmed = await confirms(portal, await token_for(portal, person, to), person)
    assert confirmed["errors"] == []


@pytest.mark.parametrize("signed_in", [True, False])
async def test_an_invitation_stays_with_the_account_whose_address_it_was(each_portal: Portal, signed_in: bool) -> None:
    _, token = await invited(each_portal, STRANGER)
    person = await each_portal.person(STRANGER)
    await changes_address(each_portal, STRANGER, "hannelore@new.example")
    people = await _number_of_people(each_portal)

    preview = (await each_portal.anybody().asks(PREVIEW, token=token)).at("invitationPreview")
    pending = (await person.asks(OWN)).at("viewer.pendingInvitations")
    payload = await accepts(person if signed_in else each_portal.anybody(), token, **({} if signed_in else account()))

    assert (preview["needsNewAccount"], preview["status"]) == (False, "PENDING")
    assert pending == [{"organizationName": HELIOS}]
    assert payload["errors"] == []
    assert payload["accessToken"] is None
    memberships = (await person.asks("{ viewer { memberships { nodes { organization { name } } } } }")).at("viewer")
    assert memberships["memberships"]["nodes"] == [{"organization": {"name": HELIOS}}]
    assert await _number_of_people(each_portal) == people - 1  # the row that stood for the invited person


async def test_an_invitation_to_an_address_that_got_an_account_later_follows_it_too(each_portal: Portal) -> None:
    _, token = await invited(each_portal, "hannelore@old.example")
    await changes_address(each_portal, STRANGER, "hannelore@old.example")
    person = await each_portal.person("hannelore@old.example")
    await changes_address(each_portal, "hannelore@old.example", "hannelore@new.example")

    payload = await accepts(person, token)

    assert payload["errors"] == []
    assert payload["membership"]["organization"] == {"name": HELIOS}


async def test_whoever_has_the_address_now_does_not_get_what_was_sent_to_another_account(each_portal: Portal) -> None:
    _, token = await invited(each_portal, STRANGER)
    await changes_address(each_portal, STRANGER, "hannelore@new.example")
    await changes_address(each_portal, PURCHASER, STRANGER)
    other = await each_portal.person(STRANGER)

    payload = await accepts(other, token)

    assert codes(payload) == [("INVITATION_EMAIL_MISMATCH", ["token"])]
    assert (await other.asks(OWN)).at("viewer.pendingInvitations") == []


async def test_a_second_invitation_of_the_same_person_ends_when_the_first_is_accepted(each_portal: Portal) -> None:
    _, token = await invited(each_portal, STRANGER)
    await changes_address(each_portal, STRANGER, "hannelore@new.example")
    administrator = await each_portal.person(ADMINISTRATOR)
    helios = await each_portal.organization_of(ADMINISTRATOR)
    await invites(administrator, helios, row("hannelore@new.example"))
    person = await each_portal.person("hannelore@new.example")
    assert len((await person.asks(OWN)).at("viewer.pendingInvitations")) == 2

    await accepts(person, token)

    assert (await person.asks(OWN)).at("viewer.pendingInvitations") == []
    assert not {STRANGER, "hannelore@new.example"} & {
        one["email"] for one in (await waiting(each_portal))["invitations"]["nodes"]
    }


async def _number_of_people(portal: Portal) -> int:
    async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        found = (await connection.exec_driver_sql("SELECT count(*) FROM users")).scalar_one()
        assert isinstance(found, int)
        return found
