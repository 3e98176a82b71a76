"""Invitations: who was asked to join an organization, and where that stands."""

from operator import attrgetter

import strawberry

from connectors.directory.records.invitations import InvitationRecord, InvitationStatus
from permissions.access_rules import OPEN
from permissions.policy import MOST_ROLES
from permissions.vocabulary import most_permissions
from resolvers.approvals import lists as approvals
from resolvers.invitations import queries as invitations
from resolvers.nodes.visible import invited_memberships
from resolvers.people import person
from schema.graph.fields import computed, field, graph_type
from schema.graph.references import LaterMembership, LaterOrganization
from schema.graph.scalars import DateTime, EmailAddress, Locale
from schema.graph.user_errors import Payload
from schema.nodes import Node
from schema.people import User
from schema.roles import DescribedPermission, Role


@graph_type(of=InvitationRecord, organization=attrgetter("organization_id"))
class Invitation(Node):
    """An invitation to join an organization. Visible to those who manage its members, and to the person invited."""

    email: EmailAddress = strawberry.field(description="The address to which it was sent.")
    first_name: str | None = strawberry.field(description="The first name given for the person.")
    last_name: str | None = strawberry.field(description="The last name given for the person.")
    locale: Locale | None = strawberry.field(description="The language given for the person.")
    message: str | None = strawberry.field(description="The inviter's message to the person.")
    organization_name: str | None = field(
        invitations.organization_names_of, requires=OPEN, description="The organization's name."
    )
    organization: LaterOrganization | None = field(
        invitations.organizations_of,
        requires=OPEN,
        description="The organization; null for somebody who does not belong to it yet.",
    )
    membership: LaterMembership | None = field(
        invited_memberships,
        requires=OPEN,
        description="The membership that waits for the person, as it is now; null for somebody who may not see the "
        "members.",
    )
    roles: list[Role] = computed(
        approvals.roles_of,
        requires=OPEN,
        at_most=MOST_ROLES,
        assumed_size=2,
        description="The roles that it gives.",
    )
    permissions: list[DescribedPermission] = computed(
        approvals.permissions_of,
        requires=OPEN,
        at_most=most_permissions,
        assumed_size=2,
        description="The direct permissions that it gives.",
    )
    valid_until: DateTime | None = strawberry.field(
        description="When what it gives ends automatically; null when it does not."
    )
    status: InvitationStatus = computed(
        approvals.status_of, requires=OPEN, description="Its status now; past its expiry it is EXPIRED."
    )
    created_at: DateTime = strawberry.field(description="When it was first sent.")
    expires_at: DateTime = strawberry.field(description="When it expires.")
    last_sent_at: DateTime = strawberry.field(description="When it was last sent.")
    send_count: int = strawberry.field(description="How often it was sent.")
    inviter: User | None = field(
        person("inviter_id"), requires=OPEN, description="Who sent it; null when it was the portal itself."
    )
    accepted_by: User | None = field(
        person("accepted_by_id"), requires=OPEN, description="Who accepted it; null until then."
    )
    viewer_can_resend: bool = field(
        invitations.viewer_can_resend, requires=OPEN, description="Whether `resendInvitation` would send it again."
    )
    viewer_can_revoke: bool = computed(
        invitations.viewer_can_revoke, requires=OPEN, description="Whether `revokeInvitation` would revoke it."
    )


class InvitationPayload(Payload):
    """An invitation as it is now, or why nothing was done."""

    invitation: Invitation | None = strawberry.field(description="The invitation; null when nothing was done.")
