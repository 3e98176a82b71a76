"""One decision for all: guards, capabilities, tiles and mutations ask here and so can never disagree."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from permissions.access_rules import granting_roles
from permissions.policy import Policy
from permissions.viewer import Grant, Viewer
from permissions.vocabulary import DenialReason, Permission, PermissionScope, mask_of, permissions_in


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


def may(viewer: Viewer | None, any_of: int, organization_id: str | None, now: datetime) -> bool:
    """Return whether the viewer holds one of the permissions (a mask) in the organization; None: as vendor staff."""
    if viewer is None:
        return False
    if organization_id is None:
        return bool(viewer.vendor_mask & any_of)
    standing = viewer.standings.get(organization_id)
    return standing is not None and bool(standing.held_at(now) & any_of)


def decide(
    viewer: Viewer | None,
    any_of: Iterable[Permission],
    *,
    organization_id: str | None,
    now: datetime,
    scope: PermissionScope = PermissionScope.ORGANIZATION,
    policy: Policy | None = None,
) -> Decision:
    """Return whether the viewer may, and why; agrees with `may` always.

    `organization_id` is the organization of the object concerned; None with the scope ORGANIZATION means an object
    of nobody, which needs no membership that could be had. Without the policy, nothing is said of who could grant it.
    """
    asked = mask_of(any_of)
    missing = permissions_in(asked)
    if viewer is None:
        return Decision(False, DenialReason.UNAUTHENTICATED, missing)
    if scope is PermissionScope.VENDOR:
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
        requestable=bool(policy.requestable_mask & asked),
        grantable_by_roles=tuple(role.key for role in granting_roles(policy, missing)),
    )
