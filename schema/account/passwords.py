"""Passwords of the portal's own accounts; with an OpenID provider these mutations live there."""

import strawberry

from permissions.access_rules import AUTHENTICATED, OPEN
from resolvers.account import passwords
from resolvers.context import RequestContext
from resolvers.sessions import sign_in_help
from schema.graph.cost_directives import PASSWORD_CHECK
from schema.graph.mutations import mutation
from schema.sessions import AcknowledgementPayload, SignInPayload, session_fields


@strawberry.input
class RequestPasswordResetInput:
    """The account concerned."""

    login_identifier: str = strawberry.field(description="The e-mail address or a login name; case does not matter.")


@strawberry.input
class ResetPasswordInput:
    """A new password, and the token that proves that you may set it."""

    token: str = strawberry.field(description="The token from the mail's link; it is valid once, for an hour.")
    new_password: str = strawberry.field(
        description="12 to 256 characters of any kind; not your name, your address or a very common password."
    )


@strawberry.input
class ChangePasswordInput:
    """A new password, and the one you have."""

    current_password: str = strawberry.field(description="Your current password.")
    new_password: str = strawberry.field(
        description="12 to 256 characters of any kind; not your name, your address or a very common password."
    )


@strawberry.type
class PasswordMutations:
    """Getting in again, and changing the password."""

    @mutation(requires=OPEN)
    async def request_password_reset(
        self, context: RequestContext, input: RequestPasswordResetInput
    ) -> AcknowledgementPayload:
        """Request a mail with a link to set a new password; it goes to the e-mail address of the account, never to
        another one. The answer is the same whether or not there is such an account.
        """
        await sign_in_help.request_password_reset(context, input.login_identifier)
        return AcknowledgementPayload(accepted=True)

    @mutation(requires=OPEN)
    async def request_login_name_reminder(
        self, context: RequestContext, input: RequestPasswordResetInput
    ) -> AcknowledgementPayload:
        """Request a mail with your login names; it goes to the e-mail address of the account. The answer is the same
        whether or not there is such an account; if no mail comes, ask an administrator of your organization.
        """
        await sign_in_help.request_login_name_reminder(context, input.login_identifier)
        return AcknowledgementPayload(accepted=True)

    @mutation(requires=OPEN, cost=PASSWORD_CHECK)
    async def reset_password(self, context: RequestContext, input: ResetPasswordInput) -> SignInPayload:
        """Set a new password with the token from a mail, and sign in. All your other sessions end."""
        return SignInPayload(**session_fields(await passwords.reset_password(context, input.token, input.new_password)))

    @mutation(requires=AUTHENTICATED, cost=2 * PASSWORD_CHECK)  # the old one is checked, the new one hashed
    async def change_password(
        self, context: RequestContext, input: ChangePasswordInput
    ) -> AcknowledgementPayload | None:
        """Change your password. Your other sessions end, and a mail notifies you."""
        await passwords.change_password(context, input.current_password, input.new_password)
        return AcknowledgementPayload(accepted=True)
