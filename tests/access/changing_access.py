"""What the tests of members' access have in common: asking for changes, and looking at what came of them."""

from typing import Any

from sqlalchemy import func, select

from connectors.directory.tables import memberships, organizations, users
from connectors.ids import MembershipId, OrganizationId
from tests.portal import Answer, Person, Portal

ERRORS = """
errors {
  __typename code message path
  ... on ValidationError { constraint }
  ... on ConflictError { currentVersion conflictingNode { __typename id } }
  ... on PermissionError { reason }
  ... on LastAdministratorError { candidates { id user { displayName } } }
}
"""

PREVIEW = """
{
  permissionsAdded { code } permissionsRemoved { code } applicationsAdded { key } applicationsRemoved { key }
  tiles { application { key } state reason } warnings { permission { code } holders recommended message }
}
"""

MEMBERSHIP = """
{
  id version status
  roleGrants { role { key } validUntil grantedBy { displayName } }
  directGrants { permission { code } validUntil }
  effectivePermissions { permission { code } }
}
"""

REQUEST = """
accessRequest {
  id status message note validUntil expiresAt roles { key } permissions { code } membership { id }
  decidedBy { displayName } viewerCanDecide viewerCanWithdraw
}
warnings { permission { code } holders }
"""

PAYLOADS = {
    "updateMemberAccess": f"membership {MEMBERSHIP} preview {PREVIEW} effectiveFrom warnings {{ holders }} {ERRORS}",
    "updateMembersAccess": (
        f"results {{ membership {MEMBERSHIP} effectiveFrom warnings {{ holders }} {ERRORS} }} {ERRORS}"
    ),
    **dict.fromkeys(
        ("suspendMember", "reactivateMember", "removeMember"), f"membership {{ id version status }} {ERRORS}"
    ),
    "leaveOrganization": f"viewer {{ memberships {{ nodes {{ organization {{ name }} }} }} }} {ERRORS}",
    "transferAdministration": f"from {MEMBERSHIP} to {{ id status version }} {ERRORS}",
    **dict.fromkeys(("requestAccess", "withdrawAccessRequest", "decideAccessRequest"), f"{REQUEST} {ERRORS}"),
}
"""What the tests look at of each mutation's payload."""


async def does(person: Person, mutation: str, **input: Any) -> Any:
    """What the payload of a mutation says; fails the test for an error outside of it."""
    answer = await sends(person, mutation, **input)
    assert answer.errors == [], answer.errors
    return answer.at(mutation)


async def sends(person: Person, mutation: str, **input: Any) -> Answer:
    """What a mutation answers."""
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    if mutation in ("suspendMember", "reactivateMember", "removeMember"):
        kind = "MemberActionInput"
    text = f"mutation M($input: {kind}!) {{ {mutation}(input: $input) {{ {PAYLOADS[mutation]} }} }}"
    return await person.asks(text, input=input)


def codes_of(payload: Any) -> list[tuple[str, list[str] | None]]:
    """The code and the path of each error of a payload."""
    return [(error["code"], error["path"]) for error in payload["errors"]]


def keys_of(membership: Any) -> set[str]:
    """The roles and direct permissions that a membership's fields show."""
    roles = {grant["role"]["key"] for grant in membership["roleGrants"]}
    return roles | {grant["permission"]["code"] for grant in membership["directGrants"]}


def rights_of(membership: Any) -> set[str]:
    """What the person of a membership may do."""
    return {entry["permission"]["code"] for entry in membership["effectivePermissions"]}


async def member_of(portal: Portal, email: str, organization_id: str | None = None) -> MembershipId:
    """The id of somebody's membership, in this organization or in their first."""
    engine = portal.wiring.backends.directory._engine  # type: ignore[attr-defined]
    query = select(memberships.c.id).join(users, users.c.id == memberships.c.user_id)
    query = query.where(func.lower(users.c.email) == email).order_by(memberships.c.id)
    if organization_id is not None:
        query = query.where(memberships.c.organization_id == organization_id)
    async with engine.connect() as connection:
        return MembershipId((await connection.execute(query)).scalars().first())


async def organization_named(portal: Portal, name: str) -> OrganizationId:
    """The id of an organization."""
    engine = portal.wiring.backends.directory._engine  # type: ignore[attr-defined]
    async with engine.connect() as connection:
        return OrganizationId(
            (await connection.execute(select(organizations.c.id).where(organizations.c.name == name))).scalar_one()
        )


async def holds(portal: Portal, membership_id: MembershipId) -> dict[str, str | None]:
    """What is stored as given to a member, each with its end."""
    (grants,) = await portal.wiring.backends.directory.grants_of([membership_id])
    return {grant.key: grant.valid_until.isoformat() if grant.valid_until else None for grant in grants}


async def version_of(portal: Portal, membership_id: MembershipId) -> int:
    """The membership's version."""
    (member,) = await portal.wiring.backends.directory.memberships([membership_id])
    assert member is not None
    return member.version


async def administrators_of(portal: Portal, organization_id: OrganizationId) -> list[str]:
    """The memberships that hold an organization permanently."""
    (found,) = await portal.wiring.backends.directory.lasting_holders_of(
        [organization_id], role_keys=portal.wiring.policy.administrative_role_keys()
    )
    return [member.id for member in found]


async def leave_only(portal: Portal, administrator: Person, keep: str, *others: str) -> None:
    """Let these members of an organization administer it no longer, so that only one is left."""
    for email in others:
        payload = await does(
            administrator, "updateMemberAccess", membershipId=await member_of(portal, email), roleKeys=["purchase"]
        )
        assert payload["errors"] == [], (keep, payload)
