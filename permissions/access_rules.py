"""What needs more than a permission: who may give a role or a direct permission to others."""

from collections.abc import Iterable
from datetime import datetime

from permissions.policy import Policy, Role
from permissions.viewer import Standing
from permissions.vocabulary import VENDOR_PERMISSIONS, Permission, mask_of

_ROLE_ASSIGN = mask_of([Permission.ROLE_ASSIGN])


def may_assign_role(policy: Policy, standing: Standing, role_key: str, now: datetime) -> bool:
    """Return whether somebody may give the role to others in their organization, and take it away.

    They hold ROLE_ASSIGN, and one of their roles lists it as assignable. A role that is not member-assignable, or
    unknown, nobody assigns.
    """
    role = policy.roles.get(role_key)
    if role is None or not role.member_assignable or not standing.held_at(now) & _ROLE_ASSIGN:
        return False
    return any(own in policy.roles and role_key in policy.roles[own].assignable for own in standing.roles_at(now))


def may_grant_directly(policy: Policy, standing: Standing, permission: Permission, now: datetime) -> bool:
    """Return whether somebody may switch the direct permission on and off for others in their organization.

    They hold ROLE_ASSIGN, and the policy lists it among its direct permissions; the vendor's permissions never.
    """
    if permission in VENDOR_PERMISSIONS or permission not in policy.direct_permissions:
        return False
    return bool(standing.held_at(now) & _ROLE_ASSIGN)


def granting_roles(policy: Policy, any_of: Iterable[Permission]) -> tuple[Role, ...]:
    """Return the roles that give one of these permissions and that somebody in an organization may delegate."""
    return tuple(role for role in policy.roles_with(any_of) if policy.delegates(role.key))


def granted_singly(policy: Policy, any_of: Iterable[Permission]) -> tuple[Permission, ...]:
    """Return those of these permissions that may be switched on for one person."""
    return tuple(permission for permission in any_of if permission in policy.direct_permissions)
