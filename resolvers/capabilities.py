"""What somebody may do, asked beforehand: the same decision that the guards take."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.directory.interface import CallerRecord, GrantRecord, MembershipRecord
from connectors.ids import OrganizationId
from permissions.decision import Decision, decide
from permissions.vocabulary import VENDOR_PERMISSIONS, DenialReason, Permission, PermissionScope
from resolvers.context import RequestContext
from resolvers.organizations import default_organization_id


@dataclass(frozen=True, slots=True)
class AccessDecision:
    """Whether the caller may do one thing in one organization, and from which grants, or why not."""

    permission: Permission
    decision: Decision
    organization_id: OrganizationId | None
    sources: tuple[GrantRecord, ...]


async def decisions_of(
    context: RequestContext,
    callers: Sequence[CallerRecord],
    *,
    permissions: Sequence[Permission],
    organization_id: OrganizationId | None = None,
) -> Sequence[Sequence[AccessDecision]]:
    """Return a decision for each permission, in the organization given, else in the caller's first; asks no back end.

    Vendor permissions are decided without an organization.
    """
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
        decision.organization_id
        if not decision.decision.allowed and decision.decision.reason is DenialReason.MISSING_PERMISSION
        else None
        for decision in decisions
    ]
    ids = list(dict.fromkeys(identifier for identifier in asked if identifier is not None))
    if not ids:
        return [()] * len(decisions)
    found = await context.backends.directory.holders_of(
        ids,
        role_keys=[role.key for role in context.policy.roles_with([Permission.ROLE_ASSIGN])],
        permissions=[Permission.ROLE_ASSIGN.value],
        now=context.now,
    )
    holders = dict(zip(ids, found, strict=True))
    return [holders[identifier] if identifier is not None else () for identifier in asked]


def _decided(
    context: RequestContext, caller: CallerRecord, permission: Permission, organization_id: OrganizationId | None
) -> AccessDecision:
    if permission in VENDOR_PERMISSIONS:
        decision = decide(
            context.viewer, [permission], organization_id=None, now=context.now, scope=PermissionScope.VENDOR
        )
        return AccessDecision(permission, decision, None, ())
    decision = decide(context.viewer, [permission], organization_id=organization_id, now=context.now)
    counting = {grant.id for grant in decision.sources}
    records = tuple(grant for standing in caller.standings for grant in standing.grants if grant.id in counting)
    return AccessDecision(permission, decision, organization_id, records)
