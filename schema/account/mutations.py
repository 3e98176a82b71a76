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


@strawberry.input(description="Another e-mail address.")
class RequestEmailChangeInput:
    """Another e-mail address."""

    new_email: EmailAddress = strawberry.field(description="The new address.")
    current_password: str = strawberry.field(description="Your password, to confirm your identity.")


@strawberry.input(description="Whether to receive the newsletter.")
class SetNewsletterSubscriptionInput:
    """Whether to receive the newsletter."""

    subscribed: bool = strawberry.field(description="Whether to receive it.")


@strawberry.input(description="Your decision on one purpose.")
class SetConsentInput:
    """What somebody decides about one purpose."""

    purpose: ConsentPurpose = strawberry.field(description="The purpose.")
    granted: bool = strawberry.field(description="Whether you consent; taking it back is as easy as giving it.")


@strawberry.input(description="Which account to keep.")
class CancelAccountDeletionInput:
    """Which account to keep."""

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
        AcknowledgementPayload,
        _request_email_change,
        requires=AUTHENTICATED,
        empty={"accepted": False},
        description=(
            "Have another e-mail address linked with your account. The old one stays until you open the link "
            "that is sent to the new one, and is notified. The answer does not say whether somebody has the new "
            "address."
        ),
        cost=PASSWORD_CHECK,
    )
    confirm_email_change: ViewerPayload = mutation(
        ViewerPayload,
        _confirm_email_change,
        requires=OPEN,
        description=(
            "Confirm a new e-mail address with the token of the mail that went there; no need to be signed in. From "
            "now on you sign in with this address, and mails go there."
        ),
    )
    set_newsletter_subscription: ViewerPayload | None = mutation(
        ViewerPayload,
        _set_newsletter_subscription,
        requires=AUTHENTICATED,
        description="Get the newsletter, or get it no more. Nobody gets it who has not asked for it.",
    )
    set_consent: ViewerPayload | None = mutation(
        ViewerPayload,
        _set_consent,
        requires=AUTHENTICATED,
        description="Give or withdraw your consent to something. Every decision is kept with its time.",
    )
    set_default_organization: ViewerPayload | None = mutation(
        ViewerPayload,
        _set_default_organization,
        requires=AUTHENTICATED,
        within=in_organization("input.id"),
        description="Choose the organization that you look at first.",
    )
    revoke_session: ViewerPayload | None = mutation(
        ViewerPayload,
        _revoke_session,
        requires=AUTHENTICATED,
        description=(
            "End one of your sessions, on a device you have lost, say; its next request is refused. When it is this "
            "one, you are signed out."
        ),
    )
    revoke_other_sessions: ViewerPayload | None = mutation(
        ViewerPayload,
        _revoke_other_sessions,
        requires=AUTHENTICATED,
        description="End all your sessions but this one.",
    )
    request_data_export: ViewerPayload | None = mutation(
        ViewerPayload,
        _request_data_export,
        requires=AUTHENTICATED,
        description=(
            "Have all that is kept of you put together, at most once a day (GDPR, Articles 15 and 20). A mail notifies "
            "you when it is ready; `Viewer.dataExports` says where to fetch it."
        ),
    )
    request_account_deletion: AcknowledgementPayload | None = mutation(
        AcknowledgementPayload,
        _request_account_deletion,
        requires=AUTHENTICATED,
        empty={"accepted": False},
        description=(
            "Have your account deleted in 30 days (GDPR, Article 17). Until then you can change your mind. Refused "
            "while you are the last who administers an active organization."
        ),
    )
    cancel_account_deletion: AcknowledgementPayload = mutation(
        AcknowledgementPayload,
        _cancel_account_deletion,
        requires=by_caller_unless("input.token"),
        empty={"accepted": False},
        description="Keep your account, with the token from the mail or while signed in.",
    )
