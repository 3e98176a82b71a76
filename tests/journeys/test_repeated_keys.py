"""A key that somebody used before opens nothing to them: only their own request is answered again."""

from typing import Any

import pytest

from tests.portal import Portal

EXPORT = 'mutation { requestDataExport(input: { idempotencyKey: "mine" }) { errors { code } } }'
OTHERS = "{ viewer { memberships(first: 1) { nodes { id organization { id } } } } }"
DRY_RUN = """
mutation ($id: ID!) {
  updateMemberAccess(input: { membershipId: $id, dryRun: true, permissions: [], idempotencyKey: "mine" }) {
    membership { id user { displayName } } preview { permissionsAdded { code } } errors { code }
  }
}
"""
CHANGE = DRY_RUN.replace("dryRun: true, ", "")
INVITE = """
mutation ($organization: ID!) {
  inviteMembers(
    input: {
      organizationId: $organization, idempotencyKey: "mine"
      invitees: [{ email: "x@y.example", roleKeys: ["planning"] }]
    }
  ) { results { email } errors { code } }
}
"""


async def membership_of(portal: Portal, login_name: str) -> tuple[str, str]:
    """The ids of somebody's membership and organization."""
    node: dict[str, Any] = (await (await portal.person(login_name)).asks(OTHERS)).at("viewer.memberships.nodes.0")
    return node["id"], node["organization"]["id"]


@pytest.mark.parametrize(
    ("query", "whose", "code"),
    [
        (DRY_RUN, "administration@helios.example", "FORBIDDEN"),
        (DRY_RUN, "administration@lumen.example", "NOT_FOUND"),
        (CHANGE, "administration@helios.example", "IDEMPOTENCY_KEY_REUSED"),
        (CHANGE, "administration@lumen.example", "NOT_FOUND"),
    ],
    ids=["dry run here", "dry run elsewhere", "change here", "change elsewhere"],
)
async def test_a_key_of_ones_own_opens_no_members_access(portal: Portal, query: str, whose: str, code: str) -> None:
    id, _ = await membership_of(portal, whose)
    person = await portal.person("purchase@helios.example")
    await person.asks(EXPORT)

    answer = await person.asks(query, id=id)

    assert answer.errors == []
    assert answer.at("updateMemberAccess") == {"membership": None, "preview": None, "errors": [{"code": code}]}


@pytest.mark.parametrize(
    ("whose", "code"), [("administration@helios.example", "FORBIDDEN"), ("administration@lumen.example", "NOT_FOUND")]
)
async def test_a_key_of_ones_own_invites_nobody(portal: Portal, whose: str, code: str) -> None:
    _, organization = await membership_of(portal, whose)
    person = await portal.person("purchase@helios.example")
    await person.asks(EXPORT)

    answer = await person.asks(INVITE, organization=organization)

    assert answer.at("inviteMembers") == {"results": [], "errors": [{"code": code}]}
    assert await portal.queued_mails("x@y.example") == []
