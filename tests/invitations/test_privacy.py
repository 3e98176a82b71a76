"""Inviting an address reveals to nobody whether it has an account elsewhere, nor whose it is."""

import re
from typing import Any

import pytest

from connectors.directory.approvals import INVITATIONS
from tests.invitations.inviting import ADMINISTRATOR, ERRORS, accepts, account, invited, invites, row, token_of
from tests.portal import Portal, open_portal

KNOWN, UNKNOWN = "administration@lumen.example", "administratiom@lumen.example"

SEEN = """
query Seen($id: ID!, $user: ID!, $membership: ID!) {
  organization(id: $id) {
    members(status: [INVITED], search: "lumen") {
      totalCount
      nodes {
        status joinedAt roleGrants { validUntil }
        user { displayName firstName lastName email phone locale createdAt }
      }
    }
    invitations(status: [PENDING]) { nodes { status sendCount acceptedBy { id } viewerCanResend } }
  }
  nodes(ids: [$user, $membership]) { __typename ... on User { displayName phone locale } }
}
"""

RESEND = f"mutation R($id: ID!) {{ resendInvitation(input: {{ id: $id }}) {{ invitation {{ sendCount }} {ERRORS} }} }}"
REVOKE = f"mutation R($id: ID!) {{ revokeInvitation(input: {{ id: $id }}) {{ invitation {{ status }} {ERRORS} }} }}"


async def seen_of(portal: Portal, email: str) -> tuple[Any, list[int]]:
    """All that the inviter learns of an address, without ids and the address itself; and what each step costs."""
    administrator = await portal.person(ADMINISTRATOR)
    helios = await portal.organization_of(ADMINISTRATOR)
    steps: list[Any] = []
    taken: list[int] = []

    async def step(query: str, **variables: Any) -> Any:
        with portal.statements() as statements:
            answer = await administrator.asks(query, **variables)
        assert answer.errors == []
        steps.append(answer.data)
        taken.append(len(statements))
        return answer

    with portal.statements() as statements:
        payload = await invites(administrator, helios, row(email, firstName="A"), row(email), idempotencyKey=email)
    steps.append(payload)
    taken.append(len(statements))
    invitation, membership = (payload["results"][0][key]["id"] for key in ("invitation", "membership"))
    directory = portal.wiring.backends.directory
    (found,) = await directory.memberships([membership])
    assert found is not None
    await step(SEEN, id=helios, user=found.user_id, membership=membership)
    await step(RESEND, id=invitation)
    await step(REVOKE, id=invitation)
    again = await invites(administrator, helios, row(email, firstName="A"), idempotencyKey=f"{email} again")
    steps.append(again)
    await step(SEEN, id=helios, user=found.user_id, membership=membership)
    return re.sub(r"\b(inv|mbr|usr)_[0-9a-z]+", "ID", str(steps)).replace(email, "ADDRESS"), taken


async def test_a_known_address_is_answered_like_an_unknown_one_at_the_same_cost() -> None:
    answers = []
    for email in (KNOWN, UNKNOWN):
        async with open_portal() as portal:
            answers.append(await seen_of(portal, email))

    (known, cost), (unknown, other_cost) = answers
    assert known == unknown
    assert cost == other_cost
    assert "Reto" not in known


async def test_who_accepts_is_another_row_than_the_one_that_waited_known_or_not(each_portal: Portal) -> None:
    """Else the id would reveal, afterwards, whether there was an account before."""
    directory = each_portal.wiring.backends.directory
    for email in (KNOWN, UNKNOWN):
        id, token = await invited(each_portal, email)
        (invitation,) = await directory.approvals(INVITATIONS, [id])  # type: ignore[list-item]
        assert invitation is not None
        (before,) = await directory.memberships([invitation.membership_id])
        assert (await accepts(each_portal.anybody(), token, **account()))["errors"] == []
        (after,) = await directory.memberships([invitation.membership_id])
        assert before is not None
        assert after is not None
        assert before.user_id != after.user_id
        assert await directory.users([before.user_id]) == [None]


async def test_a_former_member_with_an_account_shows_nothing_new_before_they_accept(portal: Portal) -> None:
    """K30: an invited person's membership says what the invitation says, though the organization knows them."""
    administrator = await portal.person(ADMINISTRATOR)
    helios = await portal.organization_of(ADMINISTRATOR)
    directory = portal.wiring.backends.directory
    user_id = await directory.user_id_of_login_name("heike.preuss@helios.example")
    assert user_id is not None

    payload = await invites(administrator, helios, row("heike.preuss@helios.example"))

    membership = payload["results"][0]["membership"]
    assert (membership["status"], membership["user"]["phone"]) == ("INVITED", None)
    node = await administrator.asks("query N($id: ID!) { node(id: $id) { ... on User { phone } } }", id=user_id)
    assert node.data == {"node": {"phone": None}}  # as by every other path
    await accepts(portal.anybody(), await token_of(portal, "heike.preuss@helios.example"))
    node = await administrator.asks("query N($id: ID!) { node(id: $id) { ... on User { phone } } }", id=user_id)
    assert node.at("node.phone").startswith("+49")


@pytest.mark.parametrize("email", [KNOWN, UNKNOWN])
async def test_what_the_log_and_the_outbox_keep_of_an_invitation_has_no_token_in_it(portal: Portal, email: str) -> None:
    _, token = await invited(portal, email)

    async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        found = [
            str((await connection.exec_driver_sql(f"SELECT * FROM {table}")).all())
            for table in ("outbox", "audit_events", "invitations", "idempotency_records")
        ]

    assert [token in text for text in found] == [False] * 4
