"""Who belongs to an organization, and what they may do there."""

from operator import attrgetter
from typing import Annotated

import strawberry

from connectors.applications.interface import MOST_APPLICATIONS
from connectors.directory.approvals import ACCESS_REQUESTS
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.wanted import reads
from permissions.access_rules import MANAGE_MEMBERS, OPEN, SEE_ACCESS_REQUESTS, SEE_RIGHTS
from permissions.policy import MOST_ROLES, MOST_SOURCES
from permissions.vocabulary import DenialReason, most_permissions
from resolvers import launcher, people
from resolvers.approvals import initiators
from resolvers.approvals.lists import pages_of
from resolvers.members import queries as memberships
from resolvers.members.rules import (
    against_reactivating,
    against_removing,
    against_suspending,
    against_updating,
    allowed,
    denied,
)
from resolvers.organizations import queries as organizations
from resolvers.people import person
from schema.access_requests.types import AccessRequest
from schema.graph.connections import Connection
from schema.graph.cost_directives import CostDirective
from schema.graph.fields import computed, field, graph_type, listed
from schema.graph.references import LaterApplication, LaterApplicationTile, LaterInvitation, LaterOrganization
from schema.graph.scalars import DateTime
from schema.nodes import Node
from schema.people import User
from schema.roles import DescribedPermission, Role


@reads(GrantRecord, lambda grant: grant.kind)
def _gives_role(grant: GrantRecord) -> bool:
    return grant.kind is GrantKind.ROLE


@reads(GrantRecord, lambda grant: grant.kind)
def _gives_permission(grant: GrantRecord) -> bool:
    return grant.kind is GrantKind.PERMISSION


@graph_type(
    of=GrantRecord,
    when=_gives_role,
    organization=attrgetter("organization_id"),
    person=attrgetter("user_id"),
)
class RoleGrant(Node):
    """A role given to a member."""

    role: Role | None = computed(
        memberships.role_of, requires=OPEN, cost=0, description="The role; null when this portal no longer has it."
    )
    granted_at: DateTime = strawberry.field(description="When the request was made.")
    granted_by: User | None = field(
        person("granted_by_id"), requires=OPEN, description="Who granted it; null when it was the portal itself."
    )
    valid_until: DateTime | None = strawberry.field(description="When it ends automatically; null when it does not.")


@graph_type(
    of=GrantRecord,
    when=_gives_permission,
    organization=attrgetter("organization_id"),
    person=attrgetter("user_id"),
)
class DirectGrant(Node):
    """A direct permission given to a member."""

    permission: DescribedPermission | None = computed(
        memberships.permission_of, requires=OPEN, cost=0, description="The permission; null when it no longer exists."
    )
    granted_at: DateTime = strawberry.field(description="When the request was made.")
    granted_by: User | None = field(
        person("granted_by_id"), requires=OPEN, description="Who granted it; null when it was the portal itself."
    )
    valid_until: DateTime | None = strawberry.field(description="When it ends automatically; null when it does not.")


PermissionSource = Annotated[
    RoleGrant | DirectGrant, strawberry.union("PermissionSource", description="Where a permission comes from.")
]


@graph_type(of=memberships.EffectivePermission)
class EffectivePermission:
    """A permission in effect now, and where it comes from."""

    permission: DescribedPermission = strawberry.field(
        description="The permission.", directives=[CostDirective(weight=0)]
    )
    sources: list[PermissionSource] = listed(
        at_most=MOST_SOURCES,
        assumed_size=1,
        description="The grants it comes from, any one of which is enough.",
    )
    valid_until: DateTime | None = strawberry.field(
        description="When the last of its sources ends; null when one of them does not."
    )


@graph_type(of=MembershipRecord, organization=attrgetter("organization_id"), person=attrgetter("user_id"))
class Membership(Node):
    """One person's membership of one organization."""

    version: int = strawberry.field(
        description="Incremented by each change; send it along with a change, so that nobody else's is overwritten."
    )
    user: User = field(people.member_users, requires=OPEN, description="The person.")
    organization: LaterOrganization = field(
        organizations.member_organizations, requires=OPEN, description="The organization."
    )
    status: MembershipStatus = strawberry.field(description="The status of the membership.")
    joined_at: DateTime | None = strawberry.field(description="When the person joined the organization.")
    job_title: str | None = strawberry.field(description="The person's job title.")
    role_grants: list[RoleGrant] | None = field(
        memberships.role_grants_of,
        requires=SEE_RIGHTS,
        at_most=MOST_ROLES,
        assumed_size=2,
        description="The person's current roles.",
    )
    direct_grants: list[DirectGrant] | None = field(
        memberships.direct_permissions_of,
        requires=SEE_RIGHTS,
        at_most=most_permissions,
        assumed_size=1,
        description="The person's current direct permissions.",
    )
    effective_permissions: list[EffectivePermission] | None = field(
        memberships.effective_permissions_of,
        requires=SEE_RIGHTS,
        at_most=most_permissions,
        assumed_size=6,
        description=(
            "What the person may do now: everything that their roles and direct permissions give. Empty while "
            "the membership or the organization is not active."
        ),
    )
    applications: list[LaterApplication] | None = field(
        launcher.applications_of_members,
        requires=SEE_RIGHTS,
        at_most=MOST_APPLICATIONS,
        assumed_size=10,
        description="The applications that the person can open in this organization.",
    )
    tiles: list[LaterApplicationTile] | None = field(
        launcher.tiles_of_members,
        requires=SEE_RIGHTS,
        at_most=MOST_APPLICATIONS,
        assumed_size=20,
        description="The applications on the person's page in this organization, in a fixed order; only those that "
        "open, unless you ask for all.",
        arguments={"include_unavailable": "Whether to include those that do not open, each with the reason."},
    )
    access_requests: Connection[AccessRequest] | None = field(
        pages_of(ACCESS_REQUESTS, "membership_id"),
        requires=SEE_ACCESS_REQUESTS,
        assumed_size=5,
        description="The person's access requests, newest first.",
    )
    open_invitations: list[LaterInvitation] | None = field(
        initiators.open_invitations_by,
        requires=MANAGE_MEMBERS,
        sliced_by="first",
        at_most=initiators.MOST_SHOWN,
        description=(
            "The open invitations that the person sent, newest first. They are revoked when the person is "
            "removed or may no longer send them."
        ),
        arguments={"first": "The maximum number to return; 50 at most."},
    )
    viewer_can_update_roles: bool = field(
        allowed(against_updating),
        requires=OPEN,
        description="Whether you may change what the person holds: `updateMemberAccess`.",
    )
    viewer_cannot_update_roles_reasons: list[DenialReason] = field(
        denied(against_updating),
        requires=OPEN,
        at_most=len(DenialReason),
        assumed_size=1,
        description="Why you may not change what the person holds; empty when you may.",
    )
    viewer_can_suspend: bool = field(
        allowed(against_suspending), requires=OPEN, description="Whether you may `suspendMember`."
    )
    viewer_can_reactivate: bool = field(
        allowed(against_reactivating), requires=OPEN, description="Whether you may `reactivateMember`."
    )
    viewer_can_remove: bool = field(
        allowed(against_removing), requires=OPEN, description="Whether you may `removeMember`."
    )
    viewer_cannot_remove_reasons: list[DenialReason] = field(
        denied(against_removing),
        requires=OPEN,
        at_most=len(DenialReason),
        assumed_size=1,
        description="Why you may not remove the person; empty when you may.",
    )
