"""What people do with their own account: address, consents, devices, their data, and leaving."""

import strawberry

from connectors.directory.records.accounts import ConsentPurpose
from connectors.ids import OrganizationId, SessionId
from permissions.access_rules import AUTHENTICATED, OPEN, by_caller_unless
from resolvers.account import consents, data_exports, email_changes
from resolvers.account import deletion as account_deletions
from resolvers.context import RequestContext
from resolvers.sessions import queries as own_sessions
from schema.account.profile import ViewerPayload
from schema.graph.common_inputs import NodeActionInput, TokenInput
from schema.graph.cost_directives import PASSWORD_CHECK
from schema.graph.mutations import in_organization, mutation
from schema.graph.scalars import EmailAddress
from schema.sessions import AcknowledgementPayload, EmptyInput


@strawberry.input
class RequestEmailChangeInput:
    """Another e-mail address."""

    new_email: EmailAddress = strawberry.field(description="The new address.")
    current_password: str = strawberry.field(description="Your password, to confirm your identity.")


@strawberry.input
class SetNewsletterSubscriptionInput:
    """Whether to receive the newsletter."""

    subscribed: bool = strawberry.field(description="Whether to receive it.")


@strawberry.input
class SetConsentInput:
    """Your decision on one purpose."""

    purpose: ConsentPurpose = strawberry.field(description="The purpose.")
    granted: bool = strawberry.field(description="Whether you consent; taking it back is as easy as giving it.")


@strawberry.input
class CancelAccountDeletionInput:
    """The account to keep."""

    token: str | None = strawberry.field(
        default=None, description="The token from the mail's link; without it, the account you are signed in with."
    )


def _key(input: EmptyInput) -> str | None:
    return input.idempotency_key if input.idempotency_key is not strawberry.UNSET else None


@strawberry.type
class OwnAccountMutations:
    """What people do with their own account."""

    @mutation(requires=AUTHENTICATED, cost=PASSWORD_CHECK)
    async def request_email_change(
        self, context: RequestContext, input: RequestEmailChangeInput
    ) -> AcknowledgementPayload | None:
        """Request another e-mail address for your account. The old one, which is notified, stays until you open the
        link sent to the new one. The answer does not say whether somebody has the new address already.
        """
        await email_changes.request_email_change(context, input.new_email, input.current_password)
        return AcknowledgementPayload(accepted=True)

    @mutation(requires=OPEN)
    async def confirm_email_change(self, context: RequestContext, input: TokenInput) -> ViewerPayload:
        """Confirm a new e-mail address with the token from the mail sent to it; you need not be signed in. From then on
        you sign in with this address, and mails go there.
        """
        await email_changes.confirm_email_change(context, input.token)
        return ViewerPayload(viewer=context.caller)

    @mutation(requires=AUTHENTICATED)
    async def set_newsletter_subscription(
        self, context: RequestContext, input: SetNewsletterSubscriptionInput
    ) -> ViewerPayload | None:
        """Subscribe to the newsletter, or unsubscribe. Nobody receives it without having subscribed."""
        await consents.set_consent(context, ConsentPurpose.NEWSLETTER, input.subscribed)
        return ViewerPayload(viewer=context.caller)

    @mutation(requires=AUTHENTICATED)
    async def set_consent(self, context: RequestContext, input: SetConsentInput) -> ViewerPayload | None:
        """Give or withdraw your consent to something. Every decision is kept with its time."""
        await consents.set_consent(context, input.purpose, input.granted)
        return ViewerPayload(viewer=context.caller)

    @mutation(requires=AUTHENTICATED, within=in_organization("input.id"))
    async def set_default_organization(self, context: RequestContext, input: NodeActionInput) -> ViewerPayload | None:
        """Choose the organization that you look at first."""
        await own_sessions.set_default_organization(context, OrganizationId(input.id))
        return ViewerPayload(viewer=context.caller)

    @mutation(requires=AUTHENTICATED)
    async def revoke_session(self, context: RequestContext, input: NodeActionInput) -> ViewerPayload | None:
        """End one of your sessions, for example on a lost device; its next request is refused. If it is the current
        one, you are signed out.
        """
        await own_sessions.revoke_session(context, SessionId(input.id))
        return ViewerPayload(viewer=context.caller)

    @mutation(requires=AUTHENTICATED)
    async def revoke_other_sessions(self, context: RequestContext, input: EmptyInput) -> ViewerPayload | None:
        """End all your sessions except this one."""
        await own_sessions.revoke_other_sessions(context)
        return ViewerPayload(viewer=context.caller)

    @mutation(requires=AUTHENTICATED)
    async def request_data_export(self, context: RequestContext, input: EmptyInput) -> ViewerPayload | None:
        """Request an export of all data that is kept about you, at most once a day (GDPR, Articles 15 and 20). A mail
        notifies you when it is ready; `Viewer.dataExports` says where to download it.
        """
        await data_exports.request_data_export(context, _key(input))
        return ViewerPayload(viewer=context.caller)

    @mutation(requires=AUTHENTICATED)
    async def request_account_deletion(
        self, context: RequestContext, input: EmptyInput
    ) -> AcknowledgementPayload | None:
        """Request the deletion of your account in 30 days (GDPR, Article 17). Until then you can change your mind.
        Refused while you are the last administrator of an active organization.
        """
        await account_deletions.request_account_deletion(context, _key(input))
        return AcknowledgementPayload(accepted=True)

    @mutation(requires=by_caller_unless("input.token"))
    async def cancel_account_deletion(
        self, context: RequestContext, input: CancelAccountDeletionInput
    ) -> AcknowledgementPayload:
        """Keep your account, with the token from the mail or while signed in."""
        await account_deletions.cancel_account_deletion(context, input.token)
        return AcknowledgementPayload(accepted=True)
