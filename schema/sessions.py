"""Signing in and out with the portal's own accounts; with an OpenID provider these mutations live there."""

from typing import Any

import strawberry

from permissions.access_rules import AUTHENTICATED, OPEN
from resolvers.context import RequestContext
from resolvers.sessions import commands as sessions
from resolvers.sessions.commands import SignedIn
from schema.graph.cost_directives import PASSWORD_CHECK
from schema.graph.mutations import mutation
from schema.graph.scalars import DateTime
from schema.graph.user_errors import Payload
from schema.viewer import Viewer


@strawberry.input
class SignInInput:
    """Who you are, and your password."""

    login_name: str = strawberry.field(description="Your e-mail address or your login name; case does not matter.")
    password: str = strawberry.field(description="Your password.")


@strawberry.input
class RefreshSessionInput:
    """The session to continue."""

    refresh_token: str = strawberry.field(
        description="The last refresh token that you received; the answer contains its successor."
    )


@strawberry.input
class EmptyInput:
    """No input is needed."""

    idempotency_key: str | None = strawberry.UNSET


class SignInPayload(Payload):
    """A session, or why there is none."""

    access_token: str | None = strawberry.field(
        description="Send it as `Authorization: Bearer …`. It identifies you and never says what you may do."
    )
    refresh_token: str | None = strawberry.field(description="Gets the next tokens from `refreshSession`.")
    expires_at: DateTime | None = strawberry.field(description="When the access token expires.")
    viewer: Viewer | None = strawberry.field(description="You, as you are signed in now.")


class AcknowledgementPayload(Payload):
    """Whether the command was carried out."""

    accepted: bool = strawberry.field(description="Whether the command was carried out.")


def session_fields(signed_in: SignedIn) -> dict[str, Any]:
    """Return the fields of a payload that begins or continues a session."""
    return {
        "access_token": signed_in.access_token,
        "refresh_token": signed_in.refresh_token,
        "expires_at": signed_in.expires_at,
        "viewer": signed_in.caller,
    }


@strawberry.type
class SessionMutations:
    """Signing in and out."""

    @mutation(recorded=False, requires=OPEN, cost=PASSWORD_CHECK)
    async def sign_in(self, context: RequestContext, input: SignInInput) -> SignInPayload:
        """Begin a session. The rest of this request is already executed as you."""
        return SignInPayload(**session_fields(await sessions.sign_in(context, input.login_name, input.password)))

    @mutation(recorded=False, requires=OPEN)
    async def refresh_session(self, context: RequestContext, input: RefreshSessionInput) -> SignInPayload:
        """Continue a session with new tokens. A refresh token sent again within a few seconds gets the same successor;
        one sent later ends its session.
        """
        return SignInPayload(**session_fields(await sessions.refresh_session(context, input.refresh_token)))

    @mutation(requires=AUTHENTICATED)
    async def sign_out(self, context: RequestContext, input: EmptyInput) -> AcknowledgementPayload | None:
        """End your session; its tokens are refused from the next request on."""
        await sessions.sign_out(context)
        return AcknowledgementPayload(accepted=True)
