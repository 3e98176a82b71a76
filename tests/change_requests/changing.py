"""How organizations ask for a change of name or registered office in the tests, and how the vendor decides."""

from typing import Any

from tests.portal import Person, Portal, QueuedMail

ASK = """
mutation Ask($input: RequestOrganizationChangeInput!) {
  requestOrganizationChange(input: $input) { changeRequest { ...Request } errors { ...Wrong } }
}
"""
WITHDRAW = """
mutation Withdraw($input: NodeActionInput!) {
  withdrawOrganizationChange(input: $input) { changeRequest { ...Request } errors { ...Wrong } }
}
"""
DECIDE = """
mutation Decide($input: DecideOrganizationChangeInput!) {
  decideOrganizationChange(input: $input) { changeRequest { ...Request } errors { ...Wrong } }
}
"""
FRAGMENTS = """
fragment Request on ChangeRequest {
  id organization { name version seat { city } } requestedBy { displayName } requestedName requestedLegalName
  requestedSeat { city countryCode } message status createdAt decidedAt decidedBy { displayName } decisionNote
  viewerCanWithdraw viewerCanDecide
}
fragment Wrong on UserError {
  __typename code path
  ... on ConflictError { currentVersion conflictingNode { id } }
  ... on ValidationError { constraint }
  ... on PermissionError { missingPermissions { code } }
}
"""
OF_ORGANIZATION = """
query Of($id: ID!, $first: Int, $after: String, $status: [RequestStatus!]) {
  organization(id: $id) {
    name legalName version seat { city }
    changeRequests(first: $first, after: $after, status: $status) {
      totalCount pageInfo { hasNextPage endCursor } nodes { id status requestedName }
    }
  }
}
"""
OF_ALL = """
query All($first: Int, $after: String, $status: [RequestStatus!]) {
  organizationChangeRequests(first: $first, after: $after, status: $status) {
    totalCount pageInfo { hasNextPage endCursor } nodes { id status organization { name } }
  }
}
"""

ADMINISTRATION, PURCHASE, LUMEN = (
    "administration@helios.example", "purchase@helios.example", "administration@lumen.example",
)  # fmt: skip
REVIEW = "review@vendor.example"
SEAT: dict[str, Any] = {"street": ["Am Ring 1"], "postalCode": "34117", "city": "Kassel", "countryCode": "DE"}


async def asks(person: Person, query: str, **input: Any) -> Any:
    """The payload of a mutation."""
    answer = await person.asks(query + FRAGMENTS, input=input)
    assert answer.errors == []
    (payload,) = answer.data.values()
    return payload


async def requested(portal: Portal, login_name: str = ADMINISTRATION, **wanted: Any) -> Any:
    """A request for another name, or for what is given."""
    person, organization_id = await portal.person(login_name), await portal.organization_of(login_name)
    payload = await asks(person, ASK, organizationId=organization_id, **(wanted or {"name": "Helios Solar GmbH"}))
    assert payload["errors"] == []
    return payload["changeRequest"]


async def organization(portal: Portal, login_name: str = ADMINISTRATION, **more: Any) -> Any:
    """An organization and its requests, as somebody sees them."""
    person, organization_id = await portal.person(login_name), await portal.organization_of(login_name)
    return (await person.asks(OF_ORGANIZATION, id=organization_id, **more)).at("organization")


async def mails(portal: Portal, template: str) -> list[QueuedMail]:
    """The mails of one kind that wait to be sent."""
    return [mail for mail in await portal.queued_mails() if mail.template == template]
