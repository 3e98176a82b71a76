"""What the holder of an invitation's token may ask and do, signed in or not."""

import strawberry

from connectors.directory.records.invitations import InvitationStatus
from permissions.access_rules import OPEN
from permissions.policy import MOST_ROLES
from permissions.vocabulary import most_permissions
from resolvers.context import RequestContext
from resolvers.invitations import acceptance as invited
from schema.graph.common_inputs import TokenInput
from schema.graph.cost_directives import PASSWORD_CHECK
from schema.graph.fields import computed, graph_type, root
from schema.graph.mutations import mutation
from schema.graph.scalars import URL, DateTime, Locale
from schema.graph.user_errors import Payload
from schema.invitations.types import InvitationPayload
from schema.members.types import Membership
from schema.sessions import AcknowledgementPayload
from schema.viewer import Viewer


@graph_type(of=invited.InvitationPreview)
class InvitationPreview:
    """What an invitation is about, shown to the person invited."""

    organization_name: str = strawberry.field(description="The organization's name.")
    masked_email: str = strawberry.field(
        description="The address it was sent to, masked so that only its owner recognizes it."
    )
    role_labels: list[str] = computed(
        invited.role_labels_of,
        requires=OPEN,
        at_most=lambda: MOST_ROLES + most_permissions(),
        description="The names of what it gives: roles, then direct permissions.",
    )
    status: InvitationStatus = strawberry.field(description="Its status now.")
    expires_at: DateTime = strawberry.field(description="When it expires.")
    first_name: str | None = strawberry.field(description="The first name that the inviter gave.")
    last_name: str | None = strawberry.field(description="The last name that the inviter gave.")
    needs_new_account: bool = strawberry.field(
        description="Whether accepting it creates an account, which requires a password and accepting the terms."
    )


@strawberry.input
class AcceptInvitationInput:
    """The acceptance of an invitation. Without an account, give a password and accept the terms."""

    token: str = strawberry.field(description="The token from the mail's link.")
    first_name: str | None = strawberry.field(
        default=None, description="Your first name; without it, the one that the inviter gave."
    )
    last_name: str | None = strawberry.field(
        default=None, description="Your last name; without it, the one that the inviter gave."
    )
    locale: Locale | None = strawberry.field(
        default=None, description="Your language; without it, the one that the inviter gave."
    )
    time_zone: str | None = strawberry.field(
        default=None,
        description="Your time zone, such as `Europe/Berlin`; a browser knows it "
        "(`Intl.DateTimeFormat().resolvedOptions().timeZone`).",
    )
    password: str | None = strawberry.field(
        default=None, description="The password of your new account: 12 to 256 characters."
    )
    accept_terms: bool = strawberry.field(default=False, description="Whether you accept the terms of the portal.")


class AcceptInvitationPayload(Payload):
    """Your membership of the organization, or why there is none."""

    membership: Membership | None = strawberry.field(description="Your membership of the organization.")
    viewer: Viewer | None = strawberry.field(
        description="You, for the rest of this request; null when you have an account and are not signed in."
    )
    access_token: str | None = strawberry.field(
        description="For a new account only: send it as `Authorization: Bearer …`."
    )
    refresh_token: str | None = strawberry.field(
        description="For a new account only: gets the next tokens from `refreshSession`."
    )
    expires_at: DateTime | None = strawberry.field(description="When the access token expires.")
    continue_url: URL | None = strawberry.field(
        description="The portal's start page; null when the operator has not configured its address."
    )


@strawberry.type
class InvitationQueries:
    """Queries with the token of an invitation."""

    invitation_preview: InvitationPreview | None = root(
        invited.preview,
        requires=OPEN,
        cost=20,
        description="What an invitation is about; null for a token that is unknown or was replaced by a later one.",
        arguments={"token": "The token from the mail's link."},
    )


@strawberry.type
class InvitedMutations:
    """What the holder of an invitation's token may do."""

    @mutation(requires=OPEN, cost=PASSWORD_CHECK)
    async def accept_invitation(self, context: RequestContext, input: AcceptInvitationInput) -> AcceptInvitationPayload:
        """Join the organization that invited you. With an account, sign in as usual afterwards."""
        accepted = await invited.accept(
            context,
            invited.Acceptance(
                token=input.token,
                first_name=input.first_name,
                last_name=input.last_name,
                locale=input.locale,
                time_zone=input.time_zone,
                password=input.password,
                accepts_terms=input.accept_terms,
            ),
        )
        session = accepted.session
        return AcceptInvitationPayload(
            membership=accepted.membership,
            viewer=accepted.caller,
            access_token=session.access_token if session is not None else None,
            refresh_token=session.refresh_token if session is not None else None,
            expires_at=session.expires_at if session is not None else None,
            continue_url=accepted.continue_url,
        )

    @mutation(requires=OPEN)
    async def decline_invitation(self, context: RequestContext, input: TokenInput) -> InvitationPayload:
        """Decline an invitation; its sender is notified."""
        return InvitationPayload(invitation=await invited.decline(context, input.token))

    @mutation(requires=OPEN)
    async def request_new_invitation(self, context: RequestContext, input: TokenInput) -> AcknowledgementPayload:
        """Request another invitation when yours has expired; the answer is the same for every token."""
        await invited.request_new(context, input.token)
        return AcknowledgementPayload(accepted=True)
