"""What somebody may do, asked beforehand: the same decision that the guards take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.directory.directory import DirectoryQueries
from connectors.directory.records.access import GrantRecord
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.memberships import MembershipRecord
from connectors.ids import OrganizationId
from permissions.access_rules import ASSIGN_ROLES, any_of
from permissions.decision import Decision, decide
from permissions.viewer import Standing
from permissions.vocabulary import VENDOR_PERMISSIONS, DenialReason, Permission, PermissionScope, mask_of
from resolvers.context import RequestContext
from resolvers.organizations.queries import default_organization_id
from resolvers.refusals import Forbidden, InvalidArgument
from resolvers.texts import Text
from resolvers.viewer import grants_under

MOST_ASKED = 100
"""So many permissions may be asked about at once."""

MOST_GRANTERS = 5
"""So many members are named who could give a permission."""

_MOST_ASSIGNERS = 100
"""Among so many members of an organization they are looked for, by name."""


@dataclass(frozen=True, slots=True)
class AccessDecision:
    """Whether the caller may do one thing in one organization, and from which grants, or why not."""

    permission: Permission
    decision: Decision
    organization_id: OrganizationId | None
    sources: tuple[GrantRecord, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a permission: a role or a direct permission, and the members of the organization who may give it."""

    role_key: str | None
    permission: Permission | None
    members: tuple[MembershipRecord, ...]


async def decisions_of(
    context: RequestContext,
    callers: Sequence[CallerRecord],
    *,
    permissions: Sequence[Permission],
    organization_id: OrganizationId | None = None,
) -> Sequence[Sequence[AccessDecision]]:
    """Return a decision for each permission, in the organization given, else in the caller's first; asks no back end.

    Vendor permissions are decided without an organization.

    Raises:
        InvalidArgument: More than 100 permissions.
    """
    if len(permissions) > MOST_ASKED:
        raise InvalidArgument(
            Text(
                "`permissions` has {given} entries; ask for at most {most} at once.",
                given=len(permissions),
                most=MOST_ASKED,
            )
        )
    return [
        [
            _decided(context, caller, permission, organization_id or default_organization_id(caller))
            for permission in permissions
        ]
        for caller in callers
    ]


async def granters_of(
    context: RequestContext, decisions: Sequence[AccessDecision]
) -> Sequence[Sequence[MembershipRecord]]:
    """Return for each refusal the members of the organization who could give the permission; nobody for the rest.

    Only to a member: of an organization that is not theirs, nobody is named.
    """
    asked = [
        (decision.organization_id, decision.decision.missing)
        if decision.organization_id is not None and decision.decision.reason is DenialReason.MISSING_PERMISSION
        else None
        for decision in decisions
    ]
    found = iter(await ways_to(context, [one for one in asked if one is not None]))
    return [_members_of(next(found)) if one is not None else () for one in asked]


async def granters_of_refusals(
    context: RequestContext, refusals: Sequence[Forbidden]
) -> Sequence[Sequence[MembershipRecord]]:
    """Return for each refused member those of the organization who could give what is missing; nobody for the rest."""
    asked = [
        (OrganizationId(refusal.organization_id), refusal.decision.missing)
        if refusal.organization_id is not None and refusal.decision.reason is DenialReason.MISSING_PERMISSION
        else None
        for refusal in refusals
    ]
    found = iter(await ways_to(context, [one for one in asked if one is not None]))
    return [_members_of(next(found)) if one is not None else () for one in asked]


async def ways_to(
    context: RequestContext, wanted: Sequence[tuple[OrganizationId, Sequence[Permission]]]
) -> Sequence[Sequence[Way]]:
    """Return for each organization and permissions how a member of it could come to one of them, and through whom.

    Two statements, however many are asked about; none when the policy lets nobody give any of it.
    """
    policy = context.policy
    ids = list(
        dict.fromkeys(
            organization_id for organization_id, permissions in wanted if policy.delegable.mask & mask_of(permissions)
        )
    )
    if not ids:
        return [()] * len(wanted)
    standings = await assigners_of(context, context.backends.directory, ids, limit=_MOST_ASSIGNERS)
    return [_ways(context, permissions, standings.get(organization_id, {})) for organization_id, permissions in wanted]


async def assigners_of(
    context: RequestContext, directory: DirectoryQueries, ids: Sequence[OrganizationId], *, limit: int | None = None
) -> Mapping[OrganizationId, Mapping[MembershipRecord, Standing]]:
    """Return the members of each organization who hold ROLE_ASSIGN, by name, and what they hold."""
    policy = context.policy
    found = await directory.holders_of(
        ids,
        role_keys=[role.key for role in policy.roles_with(ASSIGN_ROLES.any_of)],
        permissions=[permission.value for permission in ASSIGN_ROLES.any_of],
        now=context.now,
        limit=limit,
    )
    members = [member for holders in found for member in holders]
    grants = dict(zip(members, await directory.grants_of([member.id for member in members]), strict=True))
    return {
        organization_id: {
            member: Standing(organization_id, member.id, grants_under(policy, grants[member])) for member in holders
        }
        for organization_id, holders in zip(ids, found, strict=True)
    }


def _ways(
    context: RequestContext, permissions: Sequence[Permission], standings: Mapping[MembershipRecord, Standing]
) -> list[Way]:
    policy = context.policy
    may_give = {member: policy.delegable_by(standing, context.now) for member, standing in standings.items()}
    by_role = [
        Way(role.key, None, tuple(member for member, own in may_give.items() if own.has(role_key=role.key)))
        for role in policy.delegable_roles_with(permissions)
    ]
    return by_role + [
        Way(None, right, tuple(member for member, own in may_give.items() if own.has(permission=right)))
        for right in permissions
        if policy.delegable.has(permission=right)
    ]


def _members_of(ways: Sequence[Way]) -> list[MembershipRecord]:
    return list(dict.fromkeys(member for way in ways for member in way.members))[:MOST_GRANTERS]


def _decided(
    context: RequestContext, caller: CallerRecord, permission: Permission, organization_id: OrganizationId | None
) -> AccessDecision:
    if permission in VENDOR_PERMISSIONS:
        rule = any_of(permission, scope=PermissionScope.VENDOR)
        return AccessDecision(permission, decide(context.viewer, rule, organization_id=None, now=context.now), None, ())
    decision = decide(
        context.viewer,
        any_of(permission),
        organization_id=organization_id,
        now=context.now,
        policy=context.policy,
    )
    counting = {grant.id for grant in decision.sources}
    standing = caller.standings.get(organization_id) if organization_id is not None else None
    records = tuple(grant for grant in standing.grants if grant.id in counting) if standing is not None else ()
    return AccessDecision(permission, decision, organization_id, records)
