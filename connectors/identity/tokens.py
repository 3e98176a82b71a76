"""Tokens of the embedded accounts: signed statements of who somebody is, and nothing else; and passes for tools.

JWTs as in RFC 9068, signed with Ed25519 (RFC 8037). A decision never uses a claim but the subject and the session.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import jwt

from connectors.identity.keys import ALGORITHM, KeySet, SigningKeys
from connectors.ids import SessionId, UserId, new_id

TOKEN_TYPE = "at+jwt"
INTROSPECTION_TYPE = "introspection+jwt"
"""A type and an audience of its own, so that whoever verifies access tokens takes no pass for one (RFC 8725, 3.11)."""
LEEWAY = timedelta(seconds=60)
_LEEWAY_SECONDS = LEEWAY.total_seconds()
_NOT_OURS = "This is not an access token of this portal, or it was changed. Sign in again."
_REMEMBERED = 10_000
"""So many verified tokens are kept, so that one is not verified again with each request."""


class TokenProblem(StrEnum):
    """Why an access token is not accepted: its time is over, its session has ended, or it proves nothing here."""

    EXPIRED = "ACCESS_TOKEN_EXPIRED"
    SESSION_ENDED = "SESSION_ENDED"
    INVALID = "ACCESS_TOKEN_INVALID"


class InvalidToken(Exception):
    """The token cannot be accepted; the message says why in words that may be shown to whoever sent it."""

    def __init__(self, message: str, problem: TokenProblem = TokenProblem.INVALID) -> None:
        super().__init__(message)
        self.problem = problem


class UnknownKey(InvalidToken):
    """The token was signed with a key that is not known here: it is forged, or the key is very new or was retired."""

    def __init__(self, key_id: str) -> None:
        super().__init__(
            "The access token was signed with a key that is not in use here. Get a new one with refreshSession, sent "
            "on its own, or sign in again."
        )
        self.key_id = key_id


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token speaks of, and until when (seconds since 1970) it does."""

    user_id: UserId
    session_id: SessionId
    expires: float


@dataclass(frozen=True, slots=True)
class IntrospectionPass:
    """What a token for tools is: it speaks of nobody, and lets whoever sends it read the schema until it expires."""

    id: str
    expires: float


class AccessTokens:
    """Issues access tokens with the key that signs, and verifies those of every key of the set."""

    def __init__(self, keys: SigningKeys, *, issuer: str, audience: str, lifetime: timedelta) -> None:
        self.keys = keys
        self._issuer = issuer
        self._audience = audience
        self._lifetime = lifetime
        self._verified: OrderedDict[str, Identity | IntrospectionPass] = OrderedDict()
        self._verified_with: KeySet = keys.current

    def issue(self, user_id: UserId, session_id: SessionId, now: datetime) -> tuple[str, datetime]:
        """Return a signed access token and when it expires."""
        expires_at = (now + self._lifetime).replace(microsecond=0)
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": user_id,
            "sid": session_id,
            "client_id": self._audience,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": new_id("tok"),
        }
        return self._signed(claims, TOKEN_TYPE, now), expires_at

    def issue_for_introspection(self, now: datetime, lifetime: timedelta) -> tuple[str, str, datetime]:
        """Return a signed token that opens introspection and nothing else, its id, and when it expires."""
        expires_at, token_id = (now + lifetime).replace(microsecond=0), new_id("tok")
        claims = {
            "iss": self._issuer,
            "aud": self._introspection_audience,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": token_id,
        }
        return self._signed(claims, INTROSPECTION_TYPE, now), token_id, expires_at

    def verify(self, token: str, now: datetime) -> Identity | IntrospectionPass:
        """Return who the token speaks of, or that it is for introspection; one seen before is only checked for its end.

        Raises:
            InvalidToken: Expired, forged, of another issuer or for another audience, or no access token (RFC 8725).
            UnknownKey: It names a key that is not known here.
        """
        if self._verified_with is not self.keys.current:  # a key may have been retired
            self._verified.clear()
            self._verified_with = self.keys.current
        known = self._verified.get(token)
        if known is None:
            known = self._verify(token)
            if len(self._verified) >= _REMEMBERED:
                self._verified.popitem(last=False)
            self._verified[token] = known
        if known.expires + _LEEWAY_SECONDS <= now.timestamp():
            self._verified.pop(token, None)
            raise InvalidToken(
                "The access token has expired. Get a new one with refreshSession, sent on its own.",
                TokenProblem.EXPIRED,
            )
        return known

    def key_set(self) -> dict[str, Any]:
        """Return the public keys as a JSON Web Key Set (RFC 7517), those that do not sign yet or any more too."""
        return {"keys": [key.jwk for key in self.keys.current.keys]}

    @property
    def _introspection_audience(self) -> str:
        return f"{self._audience} introspection"

    def _signed(self, claims: dict[str, Any], type_: str, now: datetime) -> str:
        key = self.keys.current.signing_at(now)
        return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"typ": type_, "kid": key.id})

    def _verify(self, token: str) -> Identity | IntrospectionPass:
        if len(token) > 4096:
            raise InvalidToken(_NOT_OURS)
        try:
            header = jwt.get_unverified_header(token)
            # RFC 8725, 3.11: an ID token or a logout token is no access token.
            type_ = str(header.get("typ", "")).lower().removeprefix("application/")
            if type_ not in (TOKEN_TYPE, INTROSPECTION_TYPE):
                raise InvalidToken(
                    "This is not an access token. Send the accessToken that signIn returned, or sign in again."
                )
            key_id = header.get("kid")
            if not isinstance(key_id, str):
                raise InvalidToken(_NOT_OURS)
            key = self.keys.current.get(key_id)
            if key is None:
                raise UnknownKey(key_id)
            claims = jwt.decode(
                token,
                key.public,
                algorithms=[ALGORITHM],  # RFC 8725, 3.1: never the algorithm that the token names
                audience=self._audience if type_ == TOKEN_TYPE else self._introspection_audience,
                issuer=self._issuer,
                # Times are compared with `now`, below and in `verify`; PyJWT would take the machine's clock.
                options={
                    "require": ["exp", "iat", "aud", "iss", *(("sub", "sid") if type_ == TOKEN_TYPE else ("jti",))],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
        except jwt.PyJWTError as error:
            raise InvalidToken(_NOT_OURS) from error
        if type_ == INTROSPECTION_TYPE and isinstance(claims["exp"], (int, float)):
            return IntrospectionPass(str(claims["jti"]), float(claims["exp"]))
        subject, session, expires = claims.get("sub"), claims.get("sid"), claims["exp"]
        if not isinstance(subject, str) or not isinstance(session, str) or not isinstance(expires, (int, float)):
            raise InvalidToken(_NOT_OURS)
        return Identity(UserId(subject), SessionId(session), float(expires))
