"""Who belongs to an organization and what they may do there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.memberships import (
    WITH_PERSON,
    MemberFilter,
    MemberOrder,
    MembershipFilter,
    MembershipRecord,
    MembershipStatus,
)
from connectors.directory.records.organizations import OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord, as_invited
from connectors.ids import OrganizationId, UserId
from connectors.pages import Slice
from connectors.wanted import EVERYTHING, Wanted, reads
from permissions.access_rules import SEE_MEMBERS
from permissions.policy import Role
from permissions.vocabulary import Permission, permissions_in
from resolvers.access.edits import no_such_role
from resolvers.context import RequestContext
from resolvers.organizations.queries import organizations_with
from resolvers.pagination import Listing, check_search, paged
from resolvers.people import organizations_where
from resolvers.refusals import InvalidArgument

_BELONGING = (MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED)
_READ_FOR_PERSON = Wanted.of(MembershipRecord, lambda member: (member.organization_id, member.status))
_STATUS = Wanted.of(OrganizationRecord, lambda organization: organization.status)
_EFFECT = Wanted.of(GrantRecord, lambda grant: (grant.kind, grant.key, grant.valid_until))
_IN_FORCE = Wanted.of(GrantRecord, lambda grant: (grant.kind, grant.valid_until))


@dataclass(frozen=True, slots=True)
class EffectivePermission:
    """A permission that counts for a member now, the grants it comes from, and when the last of them ends."""

    permission: Permission
    sources: tuple[GrantRecord, ...]
    valid_until: datetime | None


@reads(OrganizationRecord, lambda organization: organization.id)
async def members_of(
    context: RequestContext,
    organizations: Sequence[OrganizationRecord],
    *,
    page: Slice,
    status: Sequence[MembershipStatus] | None = None,
    search: str | None = None,
    role_keys: Sequence[str] | None = None,
    order_by: MemberOrder | None = None,
    wanted: Wanted[MembershipRecord] = EVERYTHING,
    people: Wanted[UserRecord] = EVERYTHING,
) -> Sequence[Listing]:
    """Return each organization's members, by name unless `order_by` says otherwise, parallel to `organizations`."""
    check_search(search)
    asked = MemberFilter(
        status=tuple(sorted(set(status))) if status is not None else None,
        search=search,
        role_keys=_known_roles(context, role_keys),
        order=order_by or MemberOrder(),
    )
    where = replace(asked, now=context.now) if role_keys is not None else asked
    ids = [organization.id for organization in organizations]
    directory = context.backends.directory
    shows_people = wanted.covers(WITH_PERSON)
    of_each = wanted | _READ_FOR_PERSON if shows_people else wanted
    pages = await paged(
        page,
        ("members", asked),
        lambda one: directory.members_of(ids, one, where=where, wanted=of_each, people=people),
    )
    if context.people is not None and shows_people:
        knowing = {id for id in ids if context.may_see(SEE_MEMBERS, id)}
        # Of somebody in many organizations, nobody has read whether another one might know better.
        is_alone = context.standings_on_demand is None and len(organizations_where(context, SEE_MEMBERS)) == 1
        context.people.know(
            (
                user
                for found in pages
                for member in found.items
                if member.organization_id in knowing
                and (user := member.user if member.status in _BELONGING else _as_known(member, is_alone=is_alone))
            ),
            people,
        )
    return [Listing(found, identifier, where, _count_members) for identifier, found in zip(ids, pages, strict=True)]


async def memberships_of(
    context: RequestContext,
    callers: Sequence[CallerRecord],
    *,
    page: Slice,
    status: Sequence[MembershipStatus] | None = None,
    search: str | None = None,
    wanted: Wanted[MembershipRecord] = EVERYTHING,
) -> Sequence[Listing]:
    """Return each caller's own memberships by name of the organization, parallel to `callers`."""
    check_search(search)
    ids = [caller.user.id for caller in callers]
    # A removed member sees nothing of the organization, not even that it was left. Who is invited sees the invitation
    # (Viewer.pendingInvitations), and the organization once they have accepted.
    statuses = tuple(one for one in (_BELONGING if status is None else status) if one in _BELONGING)
    # Whoever looks as somebody else sees the one membership that they look at.
    directory, only = context.backends.directory, context.view_as.membership_id if context.view_as is not None else None
    where = MembershipFilter(tuple(sorted(statuses)), search, only)
    pages = await paged(
        page, ("memberships", where), lambda one: directory.memberships_of(ids, one, where=where, wanted=wanted)
    )
    return [Listing(found, user_id, where, _count_memberships) for user_id, found in zip(ids, pages, strict=True)]


async def membership_in(
    context: RequestContext,
    callers: Sequence[CallerRecord],
    *,
    organization_id: OrganizationId,
    wanted: Wanted[MembershipRecord] = EVERYTHING,
) -> Sequence[MembershipRecord | None]:
    """Return each caller's own membership in the organization; None where there is none, or no such organization."""
    standings = [caller.standings.get(organization_id) for caller in callers]
    own = [one if one is not None and one.membership_status in _BELONGING else None for one in standings]
    ids = [standing.membership_id for standing in own if standing is not None]
    found = iter(await context.backends.directory.memberships(ids, wanted) if ids else ())
    return [next(found) if standing is not None else None for standing in own]


@reads(MembershipRecord, lambda member: member.id)
async def role_grants_of(
    context: RequestContext, memberships: Sequence[MembershipRecord], *, wanted: Wanted[GrantRecord] = EVERYTHING
) -> Sequence[Sequence[GrantRecord]]:
    """Return each membership's roles that have not ended."""
    return await _grants(context, memberships, GrantKind.ROLE, wanted)


@reads(MembershipRecord, lambda member: member.id)
async def direct_permissions_of(
    context: RequestContext, memberships: Sequence[MembershipRecord], *, wanted: Wanted[GrantRecord] = EVERYTHING
) -> Sequence[Sequence[GrantRecord]]:
    """Return each membership's single permissions that have not ended."""
    return await _grants(context, memberships, GrantKind.PERMISSION, wanted)


@reads(MembershipRecord, lambda member: (member.id, member.organization_id, member.status))
async def effective_permissions_of(
    context: RequestContext, memberships: Sequence[MembershipRecord], *, wanted: Wanted[GrantRecord] = EVERYTHING
) -> Sequence[Sequence[EffectivePermission]]:
    """Return what each member may do now: the union of their grants, each with its sources.

    Empty for a member who is not active, or in an organization that is not.
    """
    directory = context.backends.directory
    ids = [membership.organization_id for membership in memberships]
    organizations = await organizations_with(context, ids, _STATUS)
    grants = await directory.grants_of([membership.id for membership in memberships], wanted | _EFFECT)
    return [
        _effective(context, own)
        if membership.status is MembershipStatus.ACTIVE
        and (organization := organizations[membership.organization_id]) is not None
        and organization.status is OrganizationStatus.ACTIVE
        else ()
        for membership, own in zip(memberships, grants, strict=True)
    ]


@reads(GrantRecord, lambda grant: grant.key)
def role_of(context: RequestContext, grant: GrantRecord) -> Role | None:
    """Return the role that a grant gives; None when this installation has no such role any more."""
    return context.policy.roles.get(grant.key)


@reads(GrantRecord, lambda grant: grant.key)
def permission_of(_context: RequestContext, grant: GrantRecord) -> Permission | None:
    """Return the permission that a grant gives; None when it is no longer known."""
    return Permission(grant.key) if grant.key in Permission.__members__ else None


async def _grants(
    context: RequestContext, memberships: Sequence[MembershipRecord], kind: GrantKind, wanted: Wanted[GrantRecord]
) -> Sequence[Sequence[GrantRecord]]:
    ids = [membership.id for membership in memberships]
    grants = await context.backends.directory.grants_of(ids, wanted | _IN_FORCE)
    now = context.now
    return [
        [grant for grant in own if grant.kind is kind and (grant.valid_until is None or now < grant.valid_until)]
        for own in grants
    ]


def _effective(context: RequestContext, grants: Sequence[GrantRecord]) -> tuple[EffectivePermission, ...]:
    now = context.now
    sources: dict[Permission, list[GrantRecord]] = {}
    for grant in grants:
        if grant.valid_until is not None and grant.valid_until <= now:
            continue
        is_role = grant.kind is GrantKind.ROLE
        given = context.policy.grant(
            grant.id, role_key=grant.key if is_role else None, permission=None if is_role else grant.key, until=None
        )
        for permission in permissions_in(given.mask):
            sources.setdefault(permission, []).append(grant)
    return tuple(
        EffectivePermission(permission, tuple(sources[permission]), _last_end(sources[permission]))
        for permission in Permission
        if permission in sources
    )


def _last_end(grants: Sequence[GrantRecord]) -> datetime | None:
    ends = [grant.valid_until for grant in grants]
    return None if None in ends else max(end for end in ends if end is not None)


def _as_known(member: MembershipRecord, *, is_alone: bool) -> UserRecord | None:
    """Return the person read along, who is no member yet or any more, as the caller sees them; None for whom other
    organizations may know better. `is_alone` says that there is no other where the caller sees members.
    """
    if member.user is not None and member.status is MembershipStatus.INVITED and is_alone:
        return as_invited(member.user)
    return None


def _known_roles(context: RequestContext, role_keys: Sequence[str] | None) -> tuple[str, ...] | None:
    if role_keys is None:
        return None
    for key in role_keys:
        if key not in context.policy.roles:
            raise InvalidArgument(no_such_role(context, key))
    return tuple(role_keys)


async def _count_members(
    context: RequestContext, organization_ids: Sequence[OrganizationId], where: MemberFilter
) -> Sequence[int]:
    return await context.backends.directory.count_members_of(organization_ids, where)


async def _count_memberships(
    context: RequestContext, user_ids: Sequence[UserId], where: MembershipFilter
) -> Sequence[int]:
    return await context.backends.directory.count_memberships_of(user_ids, where)
