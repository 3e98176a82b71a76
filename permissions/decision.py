"""One decision for all: guards, capabilities, tiles and mutations ask here and so can never disagree."""

from dataclasses import dataclass
from datetime import datetime

from permissions.access_rules import AccessRule
from permissions.policy import Policy
from permissions.viewer import Grant, Viewer
from permissions.vocabulary import DenialReason, Permission, PermissionScope, permissions_in


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether somebody may do something, and why.

    `sources` are the grants it comes from. When it is refused, `missing` lists the permissions of which any one
    would do, `grantable_by_roles` the keys of the roles that give one of them and that members delegate, and
    `requestable` says whether asking for it makes sense: somebody in the organization could be able to grant it.
    """

    allowed: bool
    reason: DenialReason | None = None
    missing: tuple[Permission, ...] = ()
    sources: tuple[Grant, ...] = ()
    requestable: bool = False
    grantable_by_roles: tuple[str, ...] = ()


def may(viewer: Viewer | None, rule: AccessRule, organization_id: str | None, now: datetime) -> bool:
    """Return whether the viewer holds what the rule asks for, in the organization or as vendor staff."""
    if viewer is None:
        return False
    if rule.scope is PermissionScope.VENDOR:
        return bool(viewer.vendor_mask & rule.mask)
    standing = viewer.standings.get(organization_id) if organization_id is not None else None
    return standing is not None and bool(standing.held_at(now) & rule.mask)


def decide(
    viewer: Viewer | None,
    rule: AccessRule,
    *,
    organization_id: str | None,
    now: datetime,
    policy: Policy | None = None,
) -> Decision:
    """Return whether the viewer may, and why; agrees with `may` always.

    `organization_id` is the organization of the object concerned; None means an object of nobody, which needs no
    membership that could be had. Without the policy, nothing is said of who could grant it.
    """
    asked, missing = rule.mask, permissions_in(rule.mask)
    if viewer is None:
        return Decision(False, DenialReason.UNAUTHENTICATED, missing)
    if rule.scope is PermissionScope.VENDOR:
        if viewer.vendor_mask & asked:
            return Decision(True)
        return Decision(False, DenialReason.MISSING_PERMISSION, missing)
    standing = viewer.standings.get(organization_id) if organization_id is not None else None
    if standing is None:
        return Decision(False, DenialReason.NOT_A_MEMBER, missing)
    if standing.obstacle is not None:
        return Decision(False, standing.obstacle, missing)
    if not standing.held_at(now) & asked:
        return _missing(asked, missing, policy)
    return Decision(
        True, sources=tuple(grant for grant in standing.grants if grant.mask & asked and grant.counts_at(now))
    )


def _missing(asked: int, missing: tuple[Permission, ...], policy: Policy | None) -> Decision:
    if policy is None:
        return Decision(False, DenialReason.MISSING_PERMISSION, missing)
    return Decision(
        False,
        DenialReason.MISSING_PERMISSION,
        missing,
        requestable=bool(policy.delegable.mask & asked),
        grantable_by_roles=tuple(role.key for role in policy.delegable_roles_with(missing)),
    )
