"""Permissions and roles: what there is to have."""

from collections.abc import Sequence

import strawberry

from connectors.applications.interface import MOST_APPLICATIONS
from permissions import policy
from permissions.access_rules import OPEN
from permissions.policy import MOST_ROLES
from permissions.vocabulary import Permission, most_permissions
from resolvers import launcher
from resolvers.context import RequestContext
from resolvers.localization import localized
from resolvers.members import rules as member_rules
from schema.graph.fields import computed, field, graph_type, listed, root
from schema.graph.references import LaterApplication
from schema.nodes import Node


def _permission_code(_context: RequestContext, permission: Permission) -> Permission:
    return permission


@graph_type(of=Permission, name="Permission")
class DescribedPermission:
    """One thing that somebody may do."""

    code: Permission = computed(_permission_code, requires=OPEN, description="Its key, for programs.")
    label: str = field(localized("labels"), requires=OPEN, description="Its name, for people.")
    description: str = field(localized("descriptions"), requires=OPEN, description="What it allows somebody to do.")


def _role_id(_context: RequestContext, role: policy.Role) -> str:
    return f"role_{role.key}"


@graph_type(of=policy.Role)
class Role(Node):
    """A named set of permissions that is granted as a whole."""

    id: strawberry.ID = computed(_role_id, requires=OPEN, description="The role's id. Opaque: do not take it apart.")
    key: str = strawberry.field(description="Its key, for programs.")
    label: str = field(localized("labels"), requires=OPEN, description="Its name, for people.")
    description: str = field(localized("descriptions"), requires=OPEN, description="Its purpose.")
    permissions: list[DescribedPermission] = listed(
        at_most=most_permissions,
        assumed_size=10,
        description="What it allows somebody to do.",
    )
    applications: list[LaterApplication] = field(
        launcher.applications_of_roles,
        requires=OPEN,
        at_most=MOST_APPLICATIONS,
        assumed_size=10,
        description="The applications that it opens.",
    )
    member_assignable: bool = strawberry.field(description="Whether members of an organization may delegate it.")
    viewer_can_assign: bool = computed(
        member_rules.can_assign,
        requires=OPEN,
        description="Whether you may grant it to others in an organization, and take it back.",
        arguments={"organization_id": "The organization's id; in one that you don't belong to, the answer is false."},
    )
    is_administrative: bool = computed(
        lambda _context, role: role.administrative,
        requires=OPEN,
        description="Whether it is an administrative role: at least one active member of an organization always has "
        "one.",
    )


def _roles(context: RequestContext) -> Sequence[policy.Role]:
    return tuple(context.policy.roles.values())


def _permissions(_context: RequestContext) -> Sequence[Permission]:
    return tuple(Permission)


@strawberry.type
class RoleQueries:
    """Queries about what there is to have."""

    roles: list[Role] = root(
        _roles, requires=OPEN, at_most=MOST_ROLES, assumed_size=10, description="The roles of this portal."
    )
    permissions: list[DescribedPermission] = root(
        _permissions, requires=OPEN, at_most=most_permissions, description="All permissions of this portal."
    )
