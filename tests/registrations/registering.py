"""How the tests register people and organizations, decide about them, and look at what became of it."""

from typing import Any
from uuid import uuid4

from tests.portal import Answer, Person, Portal

PASSWORD = "drei Dachziegel im Regen"

ERRORS = """
errors {
  __typename code message path
  ... on ValidationError { constraint }
  ... on ConflictError { currentVersion conflictingNode { id } }
  ... on PermissionError { reason missingPermissions { code } }
  ... on RateLimitError { retryAfterSeconds }
}
"""

REGISTRATION = """
id version reference status organizationName kind vatId customerNumber seat { city }
applicantName applicantEmail applicantPhone wantedRoles { key }
submittedAt reviewDueAt overdue decidedAt rejectionReason question answer
organization { id name status customerNumber }
history { status note occurredAt }
"""

REGISTER_PRIVATE = f"""
mutation ($input: RegisterPrivateAccountInput!) {{
  registerPrivateAccount(input: $input) {{ verificationSentTo {ERRORS} }}
}}
"""

REGISTER = f"""
mutation ($input: RegisterOrganizationInput!) {{
  registerOrganization(input: $input) {{
    reference
    state {{ reference status submittedAt reviewDueAt guidance }}
    registration {{ {REGISTRATION} }}
    guidance {{ outcome guidance maskedAdministrators canRequestToJoin }}
    {ERRORS}
  }}
}}
"""

CONFIRM = f"""
mutation ($input: ConfirmRegistrationInput!) {{
  confirmRegistration(input: $input) {{
    accessToken refreshToken expiresAt
    viewer {{ accountKind emailVerified user {{ displayName email phone locale }} }}
    {ERRORS}
  }}
}}
"""

DECIDE = {
    name: f"""
mutation ($input: {name[:1].upper()}{name[1:]}Input!) {{
  {name}(input: $input) {{ registration {{ {REGISTRATION} }} {ERRORS} }}
}}
"""
    for name in ("approveRegistration", "rejectRegistration", "requestRegistrationInformation", "answerRegistration")
}

WITHDRAW = f"""
mutation ($input: WithdrawRegistrationInput!) {{
  withdrawRegistration(input: $input) {{ state {{ status }} registration {{ {REGISTRATION} }} {ERRORS} }}
}}
"""

LIST = f"""
query ($first: Int = 20, $after: String, $status: [RegistrationStatus!]) {{
  registrations(first: $first, after: $after, status: $status) {{
    totalCount pageInfo {{ hasNextPage endCursor }}
    nodes {{
      {REGISTRATION}
      duplicates {{ organization {{ name }} reasons }}
    }}
  }}
}}
"""

STATUS = """
query ($reference: String!, $email: String!) {
  registrationStatus(reference: $reference, email: $email) { reference status submittedAt reviewDueAt guidance }
}
"""

MINE = f"{{ viewer {{ registration {{ {REGISTRATION} }} }} }}"

SIGN_IN = """
mutation ($name: String!, $password: String!) {
  signIn(input: {loginName: $name, password: $password}) { viewer { loginNames } errors { code } }
}
"""

ACCESS = """
{
  viewer {
    accountKind
    memberships {
      nodes {
        status
        organization { id status customerNumber kind }
        roleGrants { role { key } }
        directGrants { permission { code } }
      }
    }
    can(permissions: [MEMBER_MANAGE, ORGANIZATION_MANAGE, ORDER_PLACE]) { allowed reason }
  }
}
"""

ADDRESS = "zoe@firstblick.example"

SEAT = {"street": ["Dachgasse 3"], "postalCode": "79100", "city": "Freiburg", "countryCode": "DE"}


def private(**other: Any) -> dict[str, Any]:
    """What a person writes who wants an account for themself."""
    return {
        "firstName": "Zoë", "lastName": "Žižek", "email": "zoe@privat.example", "acceptTerms": True,
        "idempotencyKey": str(uuid4()), "locale": "de",
    } | other  # fmt: skip


def organization(**other: Any) -> dict[str, Any]:
    """What a person writes who registers an organization."""
    return {
        "confirmFirstRegistration": True, "kind": "INSTALLER", "name": "Firstblick GmbH", "seat": SEAT,
        "acceptTerms": True, "idempotencyKey": str(uuid4()), "vatId": "DE 123 456 789",
        "applicantFirstName": "Zoë", "applicantLastName": "Žižek", "applicantEmail": "zoe@firstblick.example",
        "phone": "+4976112345", "locale": "fr",
    } | other  # fmt: skip


async def reviewer(portal: Portal) -> Person:
    """Somebody of the vendor's staff who reviews registrations."""
    return await portal.person("review@vendor.example")


def templates(mails: list[Any]) -> list[str]:
    """Which mails wait, oldest first."""
    return [mail.template for mail in mails]


async def registers(person: Person, **other: Any) -> Any:
    """Register an organization, and return the payload."""
    return at(await person.asks(REGISTER, input=organization(**other)), "registerOrganization")


async def registers_privately(person: Person, **other: Any) -> Any:
    """Register a person, and return the payload."""
    return at(await person.asks(REGISTER_PRIVATE, input=private(**other)), "registerPrivateAccount")


async def token_of(portal: Portal, email: str) -> str:
    """The token in the last mail to an address that confirms it."""
    mails = [mail for mail in await portal.queued_mails(email) if mail.template == "registration_confirmation"]
    assert mails[-1].token is not None
    return mails[-1].token


async def confirms(portal: Portal, token: str, password: str = PASSWORD) -> Any:
    """Confirm an address, and return the payload."""
    return at(await portal.anybody().asks(CONFIRM, input={"token": token, "password": password}), "confirmRegistration")


async def applicant_of(portal: Portal, **other: Any) -> Person:
    """Somebody who has registered an organization and confirmed their address."""
    payload = await registers(portal.anybody(), **other)
    assert payload["errors"] == []
    token = await token_of(portal, organization(**other)["applicantEmail"])
    confirmed = await confirms(portal, token)
    assert confirmed["errors"] == []
    return Person(portal.client, confirmed["accessToken"])


async def registration_of(person: Person) -> Any:
    """What the person sees of their registration."""
    return (await person.asks(MINE)).at("viewer.registration")


async def decides(person: Person, mutation: str, id: str, **more: Any) -> Any:
    """Decide about a registration, or answer, and return the payload."""
    return at(await person.asks(DECIDE[mutation], input={"id": id} | more), mutation)


async def listed(person: Person, **variables: Any) -> Any:
    """What the person sees of the list of registrations."""
    return (await person.asks(LIST, **variables)).at("registrations")


def at(answer: Answer, mutation: str) -> Any:
    """What the payload of a mutation says; fails the test when the mutation failed as a whole."""
    assert answer.errors == [], answer.errors
    return answer.at(mutation)


def errors_of(payload: Any) -> list[tuple[str, list[str] | None, str | None]]:
    """The code, the path and the rule of each error."""
    return [(error["code"], error["path"], error.get("constraint")) for error in payload["errors"]]
