"""What people do with their own account: address, consents, devices, their data, and leaving."""

from typing import Any

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


async def _request_email_change(context: RequestContext, *, input: RequestEmailChangeInput) -> dict[str, Any]:
    await email_changes.request_email_change(context, input.new_email, input.current_password)
    return {"accepted": True}


async def _confirm_email_change(context: RequestContext, *, input: TokenInput) -> dict[str, Any]:
    await email_changes.confirm_email_change(context, input.token)
    return {"viewer": context.caller}


async def _set_newsletter_subscription(
    context: RequestContext, *, input: SetNewsletterSubscriptionInput
) -> dict[str, Any]:
    await consents.set_consent(context, ConsentPurpose.NEWSLETTER, input.subscribed)
    return {"viewer": context.caller}


async def _set_consent(context: RequestContext, *, input: SetConsentInput) -> dict[str, Any]:
    await consents.set_consent(context, input.purpose, input.granted)
    return {"viewer": context.caller}


async def _set_default_organization(context: RequestContext, *, input: NodeActionInput) -> dict[str, Any]:
    await own_sessions.set_default_organization(context, OrganizationId(input.id))
    return {"viewer": context.caller}


async def _revoke_session(context: RequestContext, *, input: NodeActionInput) -> dict[str, Any]:
    await own_sessions.revoke_session(context, SessionId(input.id))
    return {"viewer": context.caller}


async def _revoke_other_sessions(context: RequestContext, *, input: EmptyInput) -> dict[str, Any]:
    await own_sessions.revoke_other_sessions(context)
    return {"viewer": context.caller}


async def _request_data_export(context: RequestContext, *, input: EmptyInput) -> dict[str, Any]:
    await data_exports.request_data_export(context, _key(input))
    return {"viewer": context.caller}


async def _request_account_deletion(context: RequestContext, *, input: EmptyInput) -> dict[str, Any]:
    await account_deletions.request_account_deletion(context, _key(input))
    return {"accepted": True}


async def _cancel_account_deletion(context: RequestContext, *, input: CancelAccountDeletionInput) -> dict[str, Any]:
    await account_deletions.cancel_account_deletion(context, input.token)
    return {"accepted": True}


@strawberry.type
class OwnAccountMutations:
    """What people do with their own account."""

    request_email_change: AcknowledgementPayload | None = mutation(
        _request_email_change,
        requires=AUTHENTICATED,
        description=(
            "Request another e-mail address for your account. The old one, which is notified, stays until you "
            "open the link sent to the new one. The answer does not say whether somebody has the new address "
            "already."
        ),
        cost=PASSWORD_CHECK,
    )
    confirm_email_change: ViewerPayload = mutation(
        _confirm_email_change,
        requires=OPEN,
        description=(
            "Confirm a new e-mail address with the token from the mail sent to it; you need not be signed in. "
            "From then on you sign in with this address, and mails go there."
        ),
    )
    set_newsletter_subscription: ViewerPayload | None = mutation(
        _set_newsletter_subscription,
        requires=AUTHENTICATED,
        description="Subscribe to the newsletter, or unsubscribe. Nobody receives it without having subscribed.",
    )
    set_consent: ViewerPayload | None = mutation(
        _set_consent,
        requires=AUTHENTICATED,
        description="Give or withdraw your consent to something. Every decision is kept with its time.",
    )
    set_default_organization: ViewerPayload | None = mutation(
        _set_default_organization,
        requires=AUTHENTICATED,
        within=in_organization("input.id"),
        description="Choose the organization that you look at first.",
    )
    revoke_session: ViewerPayload | None = mutation(
        _revoke_session,
        requires=AUTHENTICATED,
        description=(
            "End one of your sessions, for example on a lost device; its next request is refused. If it is the "
            "current one, you are signed out."
        ),
    )
    revoke_other_sessions: ViewerPayload | None = mutation(
        _revoke_other_sessions,
        requires=AUTHENTICATED,
        description="End all your sessions except this one.",
    )
    request_data_export: ViewerPayload | None = mutation(
        _request_data_export,
        requires=AUTHENTICATED,
        description=(
            "Request an export of all data that is kept about you, at most once a day (GDPR, Articles 15 and "
            "20). A mail notifies you when it is ready; `Viewer.dataExports` says where to download it."
        ),
    )
    request_account_deletion: AcknowledgementPayload | None = mutation(
        _request_account_deletion,
        requires=AUTHENTICATED,
        description=(
            "Request the deletion of your account in 30 days (GDPR, Article 17). Until then you can change your "
            "mind. Refused while you are the last administrator of an active organization."
        ),
    )
    cancel_account_deletion: AcknowledgementPayload = mutation(
        _cancel_account_deletion,
        requires=by_caller_unless("input.token"),
        description="Keep your account, with the token from the mail or while signed in.",
    )
