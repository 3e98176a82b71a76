"""From the Authorization header to who it is that asks (RFC 6750)."""

from collections.abc import Sequence
from datetime import datetime

from connectors.identity.tokens import AccessTokens, Identity, InvalidToken


class Unauthenticated(Exception):
    """What was sent proves nobody; `error` is RFC 6750's code, `description` what to do about it."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description

    @property
    def challenge(self) -> str:
        """Return the value of the WWW-Authenticate header."""
        quoted = self.description.replace('"', "'")
        return f'Bearer realm="forecourt", error="{self.error}", error_description="{quoted}"'


def authenticate(authorizations: Sequence[str], tokens: AccessTokens, now: datetime) -> Identity | None:
    """Return whose token the header carries; None without a header, for anybody may ask.

    Raises:
        Unauthenticated: There is a header, and it proves nobody; or there are several.
    """
    if not authorizations:
        return None
    authorization, *others = authorizations
    if others:  # a proxy and we could each believe another one
        raise Unauthenticated("invalid_request", "Send one Authorization header, not several.")
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("invalid_request", "Send the access token as `Authorization: Bearer <token>`.")
    try:
        return tokens.verify(token.strip(), now)
    except InvalidToken as error:
        raise Unauthenticated("invalid_token", str(error)) from None
