"""Access tokens of the embedded accounts: signed statements of who somebody is, and nothing else.

JWTs as in RFC 9068, signed with Ed25519 (RFC 8037). A decision never uses a claim but the subject and the session.
"""

import base64
import hashlib
import os
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from connectors.ids import SessionId, UserId, new_id
from connectors.private_files import keep_private, make_private_folder

ALGORITHM = "EdDSA"
TOKEN_TYPE = "at+jwt"
LEEWAY = timedelta(seconds=60)
_REMEMBERED = 10_000
"""So many verified tokens are kept, so that one is not verified again with each request."""


class InvalidToken(Exception):
    """The token cannot be accepted; the message says why in words that may be shown to whoever sent it."""


class UnusableKey(Exception):
    """The signing key cannot be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token speaks of, and until when (seconds since 1970) it does."""

    user_id: UserId
    session_id: SessionId
    expires: float


class AccessTokens:
    """Issues and verifies access tokens with one key."""

    def __init__(self, key: Ed25519PrivateKey, *, issuer: str, audience: str, lifetime: timedelta) -> None:
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
        # RFC 7638: the thumbprint of the key is its name.
        thumbprint = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
        self._key = key
        self._public = key.public_key()
        self._key_id = base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode()
        self._x = x
        self._issuer = issuer
        self._audience = audience
        self._lifetime = lifetime
        self._verified: OrderedDict[str, Identity] = OrderedDict()

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
        token = jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"typ": TOKEN_TYPE, "kid": self._key_id})
        return token, expires_at

    def verify(self, token: str, now: datetime) -> Identity:
        """Return who the token speaks of; a token seen before is only checked for its end.

        Raises:
            InvalidToken: Expired, forged, of another issuer or for another audience, or no access token (RFC 8725).
        """
        known = self._verified.get(token)
        if known is None:
            known = self._verify(token)
            if len(self._verified) >= _REMEMBERED:
                self._verified.popitem(last=False)
            self._verified[token] = known
        if known.expires + LEEWAY.total_seconds() <= now.timestamp():
            self._verified.pop(token, None)
            raise InvalidToken("The access token has expired. Get a new one with refreshSession, or sign in again.")
        return known

    def key_set(self) -> dict[str, Any]:
        """Return the public key as a JSON Web Key Set (RFC 7517)."""
        return {
            "keys": [
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "x": self._x,
                    "kid": self._key_id,
                    "use": "sig",
                    "alg": ALGORITHM,
                }
            ]
        }

    def _verify(self, token: str) -> Identity:
        if len(token) > 4096:
            raise InvalidToken("The access token is too long to be one of ours.")
        try:
            header = jwt.get_unverified_header(token)
            # RFC 8725, 3.11: an ID token or a logout token is no access token.
            if str(header.get("typ", "")).lower().removeprefix("application/") != TOKEN_TYPE:
                raise InvalidToken("This is no access token; send the accessToken that signIn returned.")
            if header.get("kid") != self._key_id:
                raise InvalidToken("The access token was signed with a key that is not in use here.")
            claims = jwt.decode(
                token,
                self._public,
                algorithms=[ALGORITHM],  # RFC 8725, 3.1: never the algorithm that the token names
                audience=self._audience,
                issuer=self._issuer,
                # Times are compared with `now`, below and in `verify`; PyJWT would take the machine's clock.
                options={
                    "require": ["exp", "iat", "sub", "sid", "aud", "iss"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
        except jwt.PyJWTError as error:
            raise InvalidToken("The access token is not valid. Sign in again.") from error
        subject, session, expires = claims["sub"], claims["sid"], claims["exp"]
        if not isinstance(subject, str) or not isinstance(session, str) or not isinstance(expires, (int, float)):
            raise InvalidToken("The access token is not valid. Sign in again.")
        return Identity(UserId(subject), SessionId(session), float(expires))


def read_key(file: Path) -> Ed25519PrivateKey:
    """Return the Ed25519 private key in a PEM file (PKCS #8).

    Raises:
        UnusableKey: The file cannot be read, or holds no such key.
    """
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise UnusableKey(f"The signing key {file} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError) as error:
        raise UnusableKey(_no_key(file)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UnusableKey(_no_key(file))
    return key


def read_or_make_key(file: Path) -> Ed25519PrivateKey:
    """Return the key in the file, made at first use and readable by its owner only.

    Raises:
        UnusableKey: The file exists and holds no such key.
    """
    if not file.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        make_private_folder(file.parent)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return read_key(file)
        with os.fdopen(handle, "wb") as opened:
            opened.write(pem)
    keep_private(file)
    return read_key(file)


def _no_key(file: Path) -> str:
    return (
        f"{file} holds no Ed25519 private key in PEM. Make one with "
        f"`openssl genpkey -algorithm ed25519 -out {file.name}`."
    )
