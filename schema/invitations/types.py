"""Invitations: who was asked to join a company, and where that stands."""

from operator import attrgetter
from typing import Annotated

import strawberry

from connectors.directory.records.invitations import InvitationRecord, InvitationStatus
from permissions.access_rules import OPEN
from permissions.policy import MOST_ROLES
from permissions.vocabulary import MOST_PERMISSIONS
from resolvers.approvals import lists as approvals
from resolvers.invitations import queries as invitations
from resolvers.people import person
from schema.graph.fields import computed, field, graph_type
from schema.graph.scalars import DateTime, EmailAddress, Locale
from schema.graph.user_errors import UserError, entries
from schema.nodes import Node
from schema.people import User
from schema.roles import Permission, Role


@graph_type(
    of=InvitationRecord,
    description="Somebody was asked to join a company. Seen by those who manage its members, and by whom it is for.",
    organization=attrgetter("organization_id"),
)
class Invitation(Node):
    """Somebody was asked to join a company."""

    email: EmailAddress = strawberry.field(description="The address to which it was sent.")
    first_name: str | None = strawberry.field(description="The first name that was given for the person.")
    last_name: str | None = strawberry.field(description="The last name that was given for the person.")
    locale: Locale | None = strawberry.field(description="The language that was given for the person.")
    message: str | None = strawberry.field(description="What the inviter wrote to the person.")
    organization_name: str | None = field(
        invitations.organization_names_of, requires=OPEN, description="What the company is called."
    )
    organization: Annotated["Organization", strawberry.lazy("schema.organizations.types")] | None = field(  # type: ignore[name-defined]  # noqa: F821
        invitations.organizations_of,
        requires=OPEN,
        description="The company; null for somebody who does not belong to it yet.",
    )
    roles: list[Role] = computed(
        approvals.roles_of,
        requires=OPEN,
        at_most=MOST_ROLES,
        assumed_size=2,
        description="The roles that it gives.",
    )
    permissions: list[Permission] = computed(
        approvals.permissions_of,
        requires=OPEN,
        at_most=MOST_PERMISSIONS,
        assumed_size=2,
        description="The single permissions that it gives.",
    )
    valid_until: DateTime | None = strawberry.field(
        description="When what it gives ends by itself; null when it does not."
    )
    status: InvitationStatus = computed(
        approvals.status_of, requires=OPEN, description="Where it stands now; past its time it is EXPIRED."
    )
    created_at: DateTime = strawberry.field(description="When it was sent first.")
    expires_at: DateTime = strawberry.field(description="Until when it can be accepted.")
    last_sent_at: DateTime = strawberry.field(description="When it was sent last.")
    send_count: int = strawberry.field(description="How often it was sent.")
    inviter: User | None = field(
        person("inviter_id"), requires=OPEN, description="Who sent it; null when the portal itself did."
    )
    accepted_by: User | None = field(
        person("accepted_by_id"), requires=OPEN, description="Who accepted it; null before."
    )
    viewer_can_resend: bool = field(
        invitations.viewer_can_resend, requires=OPEN, description="Whether `resendInvitation` would send it anew."
    )
    viewer_can_revoke: bool = computed(
        invitations.viewer_can_revoke, requires=OPEN, description="Whether `revokeInvitation` would take it back."
    )


@strawberry.type(description="An invitation as it is now, or why nothing was done.")
class InvitationPayload:
    """An invitation as it is now, or why nothing was done."""

    invitation: Invitation | None = strawberry.field(description="The invitation; null when nothing was done.")
    errors: list[UserError] = entries("Why nothing was done; empty when it was.")
