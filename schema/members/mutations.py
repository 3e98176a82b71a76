"""Suspending, reactivating and removing members, leaving, and handing the administration over."""

import strawberry

from connectors.ids import MembershipId, OrganizationId
from permissions.access_rules import ASSIGN_ROLES, AUTHENTICATED, MANAGE_MEMBERS, OPEN
from resolvers.approvals.initiators import MOST_SHOWN
from resolvers.context import RequestContext
from resolvers.members import commands
from resolvers.members import transfer as transfers
from resolvers.members.commands import MemberCommand
from schema.account.profile import ViewerPayload
from schema.graph.fields import attribute
from schema.graph.mutations import in_organization, mutation, of_object
from schema.graph.user_errors import Payload
from schema.invitations.types import Invitation
from schema.members.types import Membership


@strawberry.input
class MemberActionInput:
    """A member, and the reason for the change."""

    id: strawberry.ID
    expected_version: int | None = None
    reason: str | None = None
    idempotency_key: str | None = None


@strawberry.input
class UpdateMemberInput:
    """What a member does in the organization."""

    id: strawberry.ID
    job_title: str | None = strawberry.field(description="The job title; null or an empty text removes it.")
    expected_version: int | None = None
    reason: str | None = None
    idempotency_key: str | None = None


@strawberry.input
class LeaveOrganizationInput:
    """The organization to leave."""

    organization_id: strawberry.ID
    reason: str | None = None
    idempotency_key: str | None = None


@strawberry.input
class TransferAdministrationInput:
    """To whom the administration of an organization is transferred."""

    organization_id: strawberry.ID
    to_membership_id: strawberry.ID = strawberry.field(description="The active member who will administer it.")
    idempotency_key: str
    keep_own_role_keys: list[str] | None = strawberry.field(
        default=None, description="The keys of your other roles that you keep; left out, all of them."
    )
    reason: str | None = None


class MembershipPayload(Payload):
    """A member as they are now, or why nothing was done."""

    membership: Membership | None = strawberry.field(description="The member as they are now; null when refused.")
    revoked_invitations: list[Invitation] | None = attribute(
        "revoked_invitations",
        requires=OPEN,
        at_most=MOST_SHOWN,
        description=(
            "The member's open invitations that were revoked by `removeMember`, newest first; empty for other "
            "changes, null when refused."
        ),
    )


class TransferAdministrationPayload(Payload):
    """The former and the new administrator, or why nothing was done."""

    from_: Membership | None = strawberry.field(name="from", description="You as you are now; null when refused.")
    to: Membership | None = strawberry.field(description="Who administers the organization now; null when refused.")


def _command_of(input: MemberActionInput) -> MemberCommand:
    return MemberCommand(MembershipId(input.id), input.expected_version, input.reason, input.idempotency_key)


@strawberry.type
class MemberMutations:
    """What can be done with members as such."""

    @mutation(requires=AUTHENTICATED, within=of_object("mbr", "input.id"))
    async def update_member(self, context: RequestContext, input: UpdateMemberInput) -> MembershipPayload | None:
        """Change the job title of a member: your own, or with MEMBER_MANAGE anybody's."""
        command = MemberCommand(MembershipId(input.id), input.expected_version, input.reason, input.idempotency_key)
        return MembershipPayload(
            membership=await commands.update_member(context, command, input.job_title), revoked_invitations=[]
        )

    @mutation(requires=MANAGE_MEMBERS, within=of_object("mbr", "input.id"))
    async def suspend_member(self, context: RequestContext, input: MemberActionInput) -> MembershipPayload | None:
        """Suspend a member, who may then do nothing; once reactivated, their roles and permissions apply again."""
        return MembershipPayload(
            membership=await commands.suspend_member(context, _command_of(input)), revoked_invitations=[]
        )

    @mutation(requires=MANAGE_MEMBERS, within=of_object("mbr", "input.id"))
    async def reactivate_member(self, context: RequestContext, input: MemberActionInput) -> MembershipPayload | None:
        """Reactivate a suspended member."""
        return MembershipPayload(
            membership=await commands.reactivate_member(context, _command_of(input)), revoked_invitations=[]
        )

    @mutation(requires=MANAGE_MEMBERS, within=of_object("mbr", "input.id"))
    async def remove_member(self, context: RequestContext, input: MemberActionInput) -> MembershipPayload | None:
        """Remove a member from the organization: they lose their roles and permissions, their open invitations are
        revoked, and the history stays.
        """
        member, revoked = await commands.remove_member(context, _command_of(input))
        return MembershipPayload(membership=member, revoked_invitations=[one for one in revoked if one is not None])

    @mutation(requires=AUTHENTICATED, within=in_organization(), answers_again=True)
    async def leave_organization(self, context: RequestContext, input: LeaveOrganizationInput) -> ViewerPayload | None:
        """Leave an organization."""
        organization_id = OrganizationId(input.organization_id)
        viewer = await commands.leave_organization(
            context, organization_id, reason=input.reason, key=input.idempotency_key
        )
        return ViewerPayload(viewer=viewer)

    @mutation(requires=ASSIGN_ROLES, within=in_organization(), answers_again=True)
    async def transfer_administration(
        self, context: RequestContext, input: TransferAdministrationInput
    ) -> TransferAdministrationPayload | None:
        """Transfer your administrative roles to another member, in one transaction."""
        own, successor = await transfers.transfer_administration(
            context,
            OrganizationId(input.organization_id),
            MembershipId(input.to_membership_id),
            keep_own_role_keys=input.keep_own_role_keys,
            reason=input.reason,
            key=input.idempotency_key,
        )
        return TransferAdministrationPayload(from_=own, to=successor)
