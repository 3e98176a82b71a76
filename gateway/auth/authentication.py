"""From the Authorization header to the caller (RFC 6750)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors.identity.tokens import AccessTokens, Identity, InvalidToken, TokenProblem, UnknownKey
from gateway.server.request_errors import RefusedRequest
from resolvers.texts import Text

_WHAT_TO_SEND = Text("Please sign in: send the access token as `Authorization: Bearer <token>`.")

_NOT_ACCEPTED: Mapping[TokenProblem, Text] = {
    TokenProblem.EXPIRED: Text("The access token has expired. Get a new one with refreshSession, sent on its own."),
    TokenProblem.SESSION_ENDED: Text("Your session has ended. Please sign in again."),
    TokenProblem.INVALID: Text("This is not a valid access token of this portal. Please sign in again."),
}
"""What helps when an access token is not accepted."""


class Unauthenticated(RefusedRequest):
    """What was sent proves nobody; the message says what to do about it.

    `problem` is what is wrong with the access token; None when there is none.
    """

    def __init__(self, problem: TokenProblem | None = None) -> None:
        message = _NOT_ACCEPTED[problem] if problem is not None else _WHAT_TO_SEND
        # RFC 6750, 3.1: no error code for a client that sent no token, or used another scheme.
        challenge = _challenge() if problem is None else _challenge("invalid_token", str(message))
        reason = {"reason": problem.value} if problem is not None else {}
        super().__init__(401, "UNAUTHENTICATED", message, {"www-authenticate": challenge}, **reason)
        self.problem = problem


async def authenticate(authorizations: Sequence[str], tokens: AccessTokens, now: datetime) -> Identity | None:
    """Return whose token the header carries; None without one and for an empty one, for anybody may ask.

    For a key that is not known, the files of the keys may be looked into, lest a process that has not noticed a new
    key refuse what another has signed with it.

    Raises:
        Unauthenticated: There is a header, and it proves nobody.
        RefusedRequest: There are several.
    """
    if not authorizations:
        return None
    if len(authorizations) > 1:  # a proxy and we could each believe another one
        message = "Send one Authorization header, not several."
        challenge = _challenge("invalid_request", message)
        raise RefusedRequest(400, "BAD_REQUEST", message, {"www-authenticate": challenge})
    authorization = authorizations[0].strip()
    if not authorization:
        return None
    scheme, *rest = authorization.split(maxsplit=1)
    if scheme.lower() != "bearer" or not rest:
        raise Unauthenticated
    try:
        try:
            return tokens.verify(rest[0], now)
        except UnknownKey as unknown:
            if not await tokens.keys.finds(unknown.key_id):
                raise
            return tokens.verify(rest[0], now)
    except InvalidToken as error:
        raise Unauthenticated(error.problem) from None


def _challenge(error: str | None = None, description: str = "") -> str:
    quoted = description.replace('"', "'")
    return 'Bearer realm="forecourt"' + (f', error="{error}", error_description="{quoted}"' if error else "")
