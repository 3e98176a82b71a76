"""Inviting and accepting, as the tests of it share them."""

from typing import Any

from tests.portal import Answer, Person, Portal, QueuedMail

ADMINISTRATOR = "administration@helios.example"
PURCHASER = "purchase@helios.example"
NEW = "nina.neu@elsewhere.example"
PASSWORD = "correct horse battery"

ERRORS = """
errors {
  __typename code message path
  ... on ValidationError { constraint }
  ... on PermissionError { reason missingPermissions { code } }
  ... on ConflictError { conflictingNode { __typename id } }
  ... on InvitationStateError { status canRequestNew }
  ... on RateLimitError { retryAfterSeconds }
}
"""

INVITATION = """
id email firstName lastName locale message organizationName organization { name } roles { key } permissions { code }
validUntil status createdAt expiresAt lastSentAt sendCount inviter { displayName } acceptedBy { displayName }
viewerCanResend viewerCanRevoke
"""

INVITE = f"""
mutation Invite($input: InviteMembersInput!) {{
  inviteMembers(input: $input) {{
    results {{
      email
      invitation {{ {INVITATION} }}
      membership {{ id status user {{ displayName firstName lastName email phone }} roleGrants {{ role {{ key }} }} }}
      {ERRORS}
    }}
    {ERRORS}
  }}
}}
"""

RESEND = f"""
mutation Resend($input: ResendInvitationInput!) {{
  resendInvitation(input: $input) {{ invitation {{ {INVITATION} }} {ERRORS} }}
}}
"""

REVOKE = f"""
mutation Revoke($input: RevokeInvitationInput!) {{
  revokeInvitation(input: $input) {{ invitation {{ {INVITATION} }} {ERRORS} }}
}}
"""

ACCEPT = f"""
mutation Accept($input: AcceptInvitationInput!) {{
  acceptInvitation(input: $input) {{
    membership {{ id status joinedAt user {{ displayName }} organization {{ name }} }}
    viewer {{ user {{ id displayName email locale }} memberships {{ nodes {{ organization {{ name }} }} }} }}
    accessToken refreshToken expiresAt continueUrl
    {ERRORS}
  }}
}}
"""

DECLINE = f"""
mutation Decline($input: TokenInput!) {{ declineInvitation(input: $input) {{ invitation {{ status }} {ERRORS} }} }}
"""

WANT = f"""
mutation Want($input: TokenInput!) {{ requestNewInvitation(input: $input) {{ accepted {ERRORS} }} }}
"""

PREVIEW = """
query Preview($token: String!) {
  invitationPreview(token: $token) {
    organizationName maskedEmail roleLabels status expiresAt firstName lastName needsNewAccount
  }
}
"""

LIST = f"""
query Invitations($id: ID!, $status: [InvitationStatus!], $first: Int = 20, $after: String) {{
  organization(id: $id) {{
    invitations(status: $status, first: $first, after: $after) {{
      totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {INVITATION} }}
    }}
  }}
}}
"""


def row(email: str = NEW, **more: Any) -> dict[str, Any]:
    """Whom to invite: somebody for the purchase, unless the test says otherwise."""
    return {"email": email, "roleKeys": ["purchase"]} | more


async def invites(person: Person, organization: str, *rows: dict[str, Any], **more: Any) -> Any:
    """What `inviteMembers` answers; each call has a key of its own unless the test gives one."""
    invites.calls += 1  # type: ignore[attr-defined]
    given = {
        "organizationId": organization,
        "invitees": list(rows) or [row()],
        "idempotencyKey": f"key {invites.calls}",  # type: ignore[attr-defined]
    }
    answer = await person.asks(INVITE, input=given | more)
    assert answer.errors == [], answer.errors
    return answer.at("inviteMembers")


invites.calls = 0  # type: ignore[attr-defined]


async def invited(portal: Portal, email: str = NEW, by: str = ADMINISTRATOR, **more: Any) -> tuple[str, str]:
    """Invite somebody to the inviter's organization; returns the invitation's id and the token of its mail."""
    answer = await invites(await portal.person(by), await portal.organization_of(by), row(email, **more))
    (result,) = answer["results"]
    assert result["errors"] == [], result["errors"]
    return result["invitation"]["id"], await token_of(portal, email)


async def token_of(portal: Portal, email: str) -> str:
    """The token of the last invitation mailed to the address."""
    token = (await invitation_mails(portal, email))[-1].token
    assert token is not None
    return token


async def invitation_mails(portal: Portal, email: str | None = None) -> list[QueuedMail]:
    """The invitations that wait to be mailed."""
    return [mail for mail in await portal.queued_mails(email) if mail.template == "invitation"]


async def accepts(person: Person, token: str, **more: Any) -> Any:
    """What `acceptInvitation` answers; fails the test when there are other errors."""
    answer = await person.asks(ACCEPT, input={"token": token} | more)
    assert answer.errors == [], answer.errors
    return answer.at("acceptInvitation")


def account(**more: Any) -> dict[str, Any]:
    """What a new account needs."""
    return {"firstName": "Nina", "lastName": "Neu", "password": PASSWORD, "acceptTerms": True} | more


def codes(payload: Any) -> list[tuple[str, list[str] | None]]:
    """The codes and paths of a payload's errors."""
    return [(error["code"], error["path"]) for error in payload["errors"]]


async def listed(person: Person, organization: str, **more: Any) -> Any:
    """The organization's invitations as the person sees them."""
    answer: Answer = await person.asks(LIST, id=organization, **more)
    assert answer.errors == [], answer.errors
    return answer.at("organization.invitations")


async def kept(portal: Portal) -> tuple[int, ...]:
    """How much there is that a change would leave a trace in: mails, records of the log, and rows."""
    tables = ("outbox", "audit_events", "invitations", "memberships", "users", "grants", "idempotency_records")
    async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        found = [await connection.exec_driver_sql(f"SELECT count(*) FROM {table}") for table in tables]
        return tuple(one.scalar_one() for one in found)
