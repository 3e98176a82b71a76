"""Inviting colleagues, and what becomes of their invitations."""

import strawberry

from connectors.ids import InvitationId, OrganizationId
from permissions.access_rules import MANAGE_MEMBERS, OPEN
from permissions.vocabulary import Permission
from resolvers.context import RequestContext
from resolvers.invitations import commands as inviting
from resolvers.invitations.sent import resend, revoke
from resolvers.organizations import queries as organizations
from schema.graph.fields import attribute, computed, graph_type, listed
from schema.graph.mutations import in_organization, mutation, of_object
from schema.graph.scalars import DateTime, EmailAddress, Locale
from schema.graph.user_errors import Entry, Payload, UserError, entries, entry_of
from schema.invitations.types import Invitation, InvitationPayload
from schema.members.types import Membership
from schema.organizations.types import Organization


@strawberry.input
class InviteeInput:
    """A person to invite, and what they are given. Give at least one role or permission."""

    email: EmailAddress = strawberry.field(description="The address to which the invitation is sent.")
    first_name: str | None = strawberry.field(
        default=None, description="The first name, suggested when the invitation is accepted."
    )
    last_name: str | None = strawberry.field(
        default=None, description="The last name, suggested when the invitation is accepted."
    )
    role_keys: list[str] = strawberry.field(default_factory=list, description="The keys of the roles to give.")
    permissions: list[Permission] = strawberry.field(
        default_factory=list, description="The direct permissions to give."
    )
    locale: Locale | None = strawberry.field(
        default=None, description="The person's language; without it, the mail is in yours."
    )
    valid_until: DateTime | None = strawberry.field(
        default=None, description="When what is given ends automatically; without it, it does not."
    )


@strawberry.input
class InviteMembersInput:
    """The people to invite, and the organization."""

    organization_id: strawberry.ID
    invitees: list[InviteeInput] = strawberry.field(description="Whom to invite: 1 to 50 people.")
    idempotency_key: str
    message: str | None = strawberry.field(
        default=None, description="Your message to all of them, 2,000 characters at most."
    )
    expires_in_days: int = strawberry.field(
        default=inviting.DEFAULT_DAYS, description="The number of days for which the invitations are valid: 1 to 30."
    )


@strawberry.input
class ResendInvitationInput:
    """The invitation to send again."""

    id: strawberry.ID
    idempotency_key: str | None = None


@strawberry.input
class RevokeInvitationInput:
    """The invitation to revoke, and the reason."""

    id: strawberry.ID
    reason: str | None = strawberry.field(
        default=None, description="The reason, for the audit log; 500 characters at most."
    )
    idempotency_key: str | None = None


def _errors(context: RequestContext, outcome: inviting.InvitationOutcome) -> list[Entry]:
    return [entry_of(context, refusal) for refusal in outcome.refusals]


@graph_type(of=inviting.InvitationOutcome)
class InviteResult:
    """The result of inviting one person."""

    email: str = attribute("email", requires=OPEN, description="The address as you sent it, 320 characters at most.")
    invitation: Invitation | None = attribute(
        "invitation", requires=OPEN, description="The invitation; null when the person was not invited."
    )
    membership: Membership | None = attribute(
        "membership", requires=OPEN, description="The membership that waits for the person; it counts once they accept."
    )
    errors: list[UserError] = computed(
        _errors,
        requires=OPEN,
        at_most=20,
        assumed_size=1,
        description="Why the person was not invited; empty when they were.",
    )


class InviteMembersPayload(Payload):
    """The result for each invitee."""

    results: list[InviteResult] = listed(
        at_most=inviting.MOST_AT_ONCE,
        description="One entry for each of `invitees`, in the same order; an error in one does not affect the others.",
    )
    organization: Organization | None = strawberry.field(
        description="The organization, with its invitations as they are now; null when nobody was invited."
    )
    errors: list[UserError] = entries("Why nobody was invited; empty when each invitee has a result.")


@strawberry.type
class InvitingMutations:
    """Inviting colleagues."""

    @mutation(requires=MANAGE_MEMBERS, within=in_organization(), results_of="input.invitees")
    async def invite_members(self, context: RequestContext, input: InviteMembersInput) -> InviteMembersPayload | None:
        """Invite people to an organization by mail, many at once."""
        rows = [
            inviting.InviteeRow(
                email=row.email,
                first_name=row.first_name,
                last_name=row.last_name,
                role_keys=tuple(row.role_keys),
                permissions=tuple(code.value for code in row.permissions),
                locale=row.locale,
                valid_until=row.valid_until,
            )
            for row in input.invitees
        ]
        organization_id = OrganizationId(input.organization_id)
        outcomes = await inviting.invite(
            context,
            organization_id,
            rows,
            said=input.message,
            days=input.expires_in_days,
            key=input.idempotency_key,
        )
        return InviteMembersPayload(
            results=outcomes, organization=await organizations.organization(context, id=organization_id)
        )

    @mutation(requires=MANAGE_MEMBERS, within=of_object("inv", "input.id"))
    async def resend_invitation(
        self, context: RequestContext, input: ResendInvitationInput
    ) -> InvitationPayload | None:
        """Send an invitation again, even one that has expired: its validity begins again, and the links in older mails
        are no longer valid.
        """
        return InvitationPayload(invitation=await resend(context, InvitationId(input.id), key=input.idempotency_key))

    @mutation(requires=MANAGE_MEMBERS, within=of_object("inv", "input.id"))
    async def revoke_invitation(
        self, context: RequestContext, input: RevokeInvitationInput
    ) -> InvitationPayload | None:
        """Revoke an open invitation."""
        ended = await revoke(context, InvitationId(input.id), reason=input.reason, key=input.idempotency_key)
        return InvitationPayload(invitation=ended)
