"""Who holds an organization: somebody always does, and the login name of its customer number is theirs."""

from collections.abc import Collection, Sequence

from connectors.directory.directory import DirectoryChange, DirectoryQueries
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.audit import Author
from connectors.directory.records.memberships import MemberFilter, MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.ids import MembershipId, OrganizationId
from connectors.pages import Slice
from connectors.wanted import EVERYTHING, Wanted
from permissions.policy import Policy
from resolvers.context import RequestContext
from resolvers.refusals import LastAdministrator

MOST_CANDIDATES = 20


async def lasting_administrators(
    context: RequestContext,
    ask: DirectoryQueries,
    ids: Sequence[OrganizationId],
    wanted: Wanted[MembershipRecord] = EVERYTHING,
) -> Sequence[Sequence[MembershipRecord]]:
    """Return the active members of each organization with an administrative role that does not end automatically.

    Only these count as its last administrators, so no grant that ends automatically leaves an organization to nobody.
    """
    role_keys = context.policy.administrative_role_keys()
    return await ask.lasting_holders_of(ids, role_keys=role_keys, wanted=wanted)


def holds_permanently(policy: Policy, grants: Sequence[GrantRecord]) -> bool:
    """Return whether one of the grants is an administrative role that does not end automatically."""
    return any(
        grant.kind is GrantKind.ROLE
        and grant.valid_until is None
        and (role := policy.roles.get(grant.key)) is not None
        and role.administrative
        for grant in grants
    )


def is_last(administrators: Collection[MembershipRecord], membership_id: MembershipId) -> bool:
    """Return whether nobody would be left without this member."""
    return [administrator.id for administrator in administrators] == [membership_id]


async def last_administrator(
    ask: DirectoryQueries,
    organization_id: OrganizationId,
    path: Sequence[str] | None,
    leaving: Collection[MembershipId],
) -> LastAdministrator:
    """Return the refusal to leave an organization to nobody, with active members who could administer it instead."""
    (page,) = await ask.members_of(
        [organization_id],
        Slice(MOST_CANDIDATES + len(leaving)),
        where=MemberFilter(status=(MembershipStatus.ACTIVE,)),
    )
    return LastAdministrator([member for member in page.items if member.id not in leaving][:MOST_CANDIDATES], path)


async def hand_on_login_name(
    context: RequestContext,
    change: DirectoryChange,
    organization: OrganizationRecord,
    *,
    by: Author,
    preferred: MembershipId | None = None,
) -> None:
    """Let the login name of the customer number denote somebody who holds the organization.

    When it denotes somebody who no longer does, it is the preferred one's from now on if they do, else the first's.
    Ask after the last command.
    """
    prefix = context.policy.customer_number_prefix
    if prefix is None or organization.customer_number is None:
        return
    name = prefix + organization.customer_number
    owner = await change.ask.user_id_of_login_name(name)
    (administrators,) = await lasting_administrators(context, change.ask, [organization.id])
    if owner is None or not administrators or owner in [one.user_id for one in administrators]:
        return
    successor = next((one for one in administrators if one.id == preferred), administrators[0])
    before = await change.move_login_name(name, successor.user_id)
    if before is not None:
        shown = {"user": before}, {"user": successor.user_id}
        entry = by.entry("login_name.move", successor.user_id, organization.id, before=shown[0], after=shown[1])
        await change.record(entry, context.now)
