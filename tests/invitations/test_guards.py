"""Who may invite, and who may know of an invitation: four callers for each command and each way to look (K26, K27)."""

import json
from typing import Any

import pytest

from tests.invitations.inviting import (
    ADMINISTRATOR,
    INVITE,
    NEW,
    PURCHASER,
    RESEND,
    REVOKE,
    accepts,
    account,
    codes,
    invited,
    kept,
    row,
    token_of,
)
from tests.portal import Answer, Person, Portal

LUMEN = "administration@lumen.example"
BOTH = "two.companies@helios.example"
"""Administration at Helios, and purchase at Lumen."""

COMMANDS = {"inviteMembers": INVITE, "resendInvitation": RESEND, "revokeInvitation": REVOKE}
UNKNOWN = {"organizationId": "org_00000000000000000000000000", "id": "inv_00000000000000000000000000"}


def given(mutation: str, organization: str, invitation: str) -> dict[str, Any]:
    """What the command is done with."""
    if mutation == "inviteMembers":
        return {"organizationId": organization, "invitees": [row("x@elsewhere.example")], "idempotencyKey": "key"}
    return {"id": invitation}


async def asked(portal: Portal, person: Person, mutation: str, at: str) -> Answer:
    """The answer to the command at the organization of this login name, where somebody is invited."""
    invitation, _ = await invited(portal, by=at)
    return await person.asks(COMMANDS[mutation], input=given(mutation, await portal.organization_of(at), invitation))


async def unchanged(portal: Portal) -> tuple[Any, ...]:
    """All but the refusal that is put on record."""
    outbox, _, *rest = await kept(portal)
    return outbox, *rest


@pytest.mark.parametrize("mutation", COMMANDS)
async def test_a_stranger_learns_nothing(portal: Portal, mutation: str) -> None:
    invitation, _ = await invited(portal)
    organization = await portal.organization_of(ADMINISTRATOR)
    before = await kept(portal)

    with portal.statements() as statements:
        answer = await portal.anybody().asks(COMMANDS[mutation], input=given(mutation, organization, invitation))

    assert (answer.data, answer.codes) == ({mutation: None}, {mutation: "UNAUTHENTICATED"})
    assert statements == []
    assert await kept(portal) == before


@pytest.mark.parametrize("mutation", COMMANDS)
@pytest.mark.parametrize("role", ["purchase", "installation", "planning"])
async def test_a_member_without_the_right_learns_what_is_missing(portal: Portal, mutation: str, role: str) -> None:
    """K26."""
    invitation, _ = await invited(portal)
    organization = await portal.organization_of(ADMINISTRATOR)
    member = await portal.person(f"{role}@helios.example")
    before = await unchanged(portal)

    answer = await member.asks(COMMANDS[mutation], input=given(mutation, organization, invitation))

    (error,) = answer.at(f"{mutation}.errors")
    assert (error["__typename"], error["code"], error["reason"], error["missingPermissions"]) == (
        "PermissionError", "FORBIDDEN", "MISSING_PERMISSION", [{"code": "MEMBER_MANAGE"}],
    )  # fmt: skip
    assert await unchanged(portal) == before
    (refused,) = await portal.audit(mutation)
    assert (refused.refused_with, refused.organization_id) == ("FORBIDDEN", organization)


@pytest.mark.parametrize("mutation", COMMANDS)
async def test_a_member_with_the_right_does_it(portal: Portal, mutation: str) -> None:
    answer = await asked(portal, await portal.person(BOTH), mutation, ADMINISTRATOR)

    assert (answer.errors, answer.at(f"{mutation}.errors")) == ([], [])


@pytest.mark.parametrize("mutation", COMMANDS)
async def test_the_right_in_one_organization_is_none_in_another(portal: Portal, mutation: str) -> None:
    """Of an organization that one belongs to, one learns so; of any other, as of one that does not exist."""
    invitation, _ = await invited(portal, by=LUMEN)
    lumen = await portal.organization_of(LUMEN)
    member, foreign = await portal.person(BOTH), await portal.person(ADMINISTRATOR)
    before = await unchanged(portal)

    reported = await member.asks(COMMANDS[mutation], input=given(mutation, lumen, invitation))
    hidden = await foreign.asks(COMMANDS[mutation], input=given(mutation, lumen, invitation))
    unknown = await foreign.asks(COMMANDS[mutation], input=given(mutation, UNKNOWN["organizationId"], UNKNOWN["id"]))
    other_kind = await foreign.asks(COMMANDS[mutation], input=given(mutation, invitation, lumen))

    assert [error["code"] for error in reported.at(f"{mutation}.errors")] == ["FORBIDDEN"]
    assert hidden.body == unknown.body == other_kind.body
    path = "organizationId" if mutation == "inviteMembers" else "id"
    assert codes(hidden.at(mutation)) == [("NOT_FOUND", [path])]
    assert await unchanged(portal) == before


LOOK = """
query Look($id: ID!, $organization: ID!) {
  viewer { accountKind }
  node(id: $id) { ... on Invitation { email } }
  organization(id: $organization) { name invitations { nodes { email } } }
}
"""


async def test_an_invitation_is_seen_by_those_who_invite_and_by_whom_it_is_for(portal: Portal) -> None:
    """K27."""
    id, _ = await invited(portal, LUMEN)
    helios = await portal.organization_of(ADMINISTRATOR)

    found = {}
    for name in (ADMINISTRATOR, BOTH, PURCHASER, LUMEN, "beat.buerki@lumen.example", "review@vendor.example"):
        answer = await (await portal.person(name)).asks(LOOK, id=id, organization=helios)
        listed = (answer.at("organization") or {}).get("invitations")
        found[name] = (answer.at("node") is not None, listed is not None)
    anonymous = await portal.anybody().asks("query L($id: ID!) { node(id: $id) { id } }", id=id)

    assert found == {
        ADMINISTRATOR: (True, True),
        BOTH: (True, True),
        PURCHASER: (False, False),
        LUMEN: (True, False),
        "beat.buerki@lumen.example": (False, False),
        "review@vendor.example": (False, False),
    }
    assert anonymous.data == {"node": None}


async def test_the_invited_see_it_while_it_is_open_only(portal: Portal) -> None:
    id, _ = await invited(portal, LUMEN)
    reto, administrator = await portal.person(LUMEN), await portal.person(ADMINISTRATOR)
    look = "query L($id: ID!) { node(id: $id) { id } viewer { pendingInvitations { id } } }"
    assert (await reto.asks(look, id=id)).data == {"node": {"id": id}, "viewer": {"pendingInvitations": [{"id": id}]}}

    await administrator.asks(REVOKE, input={"id": id})

    assert (await reto.asks(look, id=id)).data == {"node": None, "viewer": {"pendingInvitations": []}}


async def test_who_looks_as_a_member_sees_the_organizations_invitations_and_not_the_members_own(portal: Portal) -> None:
    await invited(portal)
    colleague = "guenther.strauss@helios.example"
    await invited(portal, colleague, by=LUMEN)
    own = await (await portal.person(colleague)).asks(
        "{ viewer { memberships { nodes { id organization { name } } } pendingInvitations { id } } }"
    )
    membership = own.at("viewer.memberships.nodes.0.id")
    helios = await portal.organization_of(ADMINISTRATOR)
    administrator = await portal.person(ADMINISTRATOR)
    query = """
    query L($id: ID!) {
      viewer { pendingInvitations { id } }
      organization(id: $id) { invitations { nodes { viewerCanRevoke } } }
    }
    """
    body = json.dumps({"query": query, "variables": {"id": helios}}).encode()

    seen = await administrator.posts(body, forecourt_view_as=membership)

    assert len(own.at("viewer.pendingInvitations")) == 1
    assert seen.at("viewer.pendingInvitations") == []
    assert len(seen.at("organization.invitations.nodes")) == 2


PEOPLE = """
query People($id: ID!) {
  organization(id: $id) {
    invitations(first: 100) {
      totalCount
      nodes {
        email status roles { key } permissions { code } organizationName organization { name }
        inviter { displayName } acceptedBy { displayName } viewerCanResend viewerCanRevoke
      }
    }
  }
}
"""


async def test_a_hundred_invitations_take_as_many_statements_as_one(portal: Portal) -> None:
    administrator = await portal.person(ADMINISTRATOR)
    helios = await portal.organization_of(ADMINISTRATOR)
    taken = []
    for number in range(3):
        if number:
            rows = [row(f"n{index}-{number}@elsewhere.example") for index in range(49)]
            more = {"organizationId": helios, "invitees": rows, "idempotencyKey": f"key {number}"}
            answer = await administrator.asks(
                "mutation I($input: InviteMembersInput!) { inviteMembers(input: $input) { errors { code } } }",
                input=more,
            )
            assert answer.at("inviteMembers.errors") == []
        with portal.statements() as statements:
            shown = await administrator.asks(PEOPLE, id=helios)
        assert shown.errors == []
        assert shown.at("organization.invitations.totalCount") == 1 + 49 * number
        taken.append(sorted(statements))

    assert taken[0] == taken[1] == taken[2]


async def test_whoever_accepted_is_named(portal: Portal) -> None:
    _, token = await invited(portal)
    await accepts(portal.anybody(), token, **account())
    helios = await portal.organization_of(ADMINISTRATOR)

    shown = await (await portal.person(ADMINISTRATOR)).asks(PEOPLE, id=helios)

    assert shown.at("organization.invitations.nodes.0.acceptedBy") == {"displayName": "Nina Neu"}
    assert await token_of(portal, NEW) == token
