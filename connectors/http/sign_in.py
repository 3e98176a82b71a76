"""How the gateway proves to a back end who it is; docs/back-ends.md has the exact form of each kind."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, urlencode

import orjson

from connectors.http.limits import HttpLimits
from connectors.http.messages import NotReached, Outgoing, short
from connectors.http.urls import parsed_url
from connectors.single_flight import SingleFlight

if TYPE_CHECKING:
    from connectors.http.wire import Wire

_SHORTLY = 30.0
"""A token is not used in its last seconds, or its last tenth: it would end on its way."""

_UNSAID_LIFETIME = 300.0


class SignInRefused(Exception):
    """What we prove ourselves with is not accepted; the message is for whoever runs the gateway."""


class SignIn:
    """What a call carries so that the back end knows us: here, nothing."""

    async def headers(self, call: Outgoing) -> Mapping[str, str]:
        """Return the headers that the call gets in addition.

        Raises:
            SignInRefused: There are none, for we are not accepted.
            NoAnswer: Whoever gives them out does not.
        """
        return {}

    def refused(self, headers: Mapping[str, str]) -> bool:
        """Take note that the back end did not accept these headers; return whether there may be others by now."""
        return False

    async def close(self) -> None:
        """Let go of connections."""


NOBODY = SignIn()


@dataclass(frozen=True, slots=True)
class ApiKey(SignIn):
    """A secret in a header, such as ``X-Api-Key``; it may stand behind a word: ``prefix="Bearer "``."""

    header: str
    secret: str = field(repr=False)
    prefix: str = ""

    async def headers(self, call: Outgoing) -> Mapping[str, str]:
        """Return the header with the secret."""
        return {self.header: self.prefix + self.secret}


@dataclass(frozen=True, slots=True)
class Basic(SignIn):
    """A user and a password (RFC 7617)."""

    user: str
    password: str = field(repr=False)

    async def headers(self, call: Outgoing) -> Mapping[str, str]:
        """Return the header with both."""
        return {"Authorization": _basic(self.user, self.password)}


@dataclass(frozen=True, slots=True)
class Signed(SignIn):
    """A signature over method, target, body and time with a secret that both sides know, HMAC with SHA-256.

    ``Forecourt-Signature: key=ID, time=SECONDS, signature=HEX``; what is signed are the method, path and query, the
    SHA-256 of the body in hex and the time, each on its line, without a line end behind the last.
    """

    key: str
    secret: str = field(repr=False)
    clock: Callable[[], float] = time.time

    async def headers(self, call: Outgoing) -> Mapping[str, str]:
        """Return the header with the signature of this call."""
        seconds = int(self.clock())
        digest = hashlib.sha256(call.body or b"").hexdigest()
        signed = f"{call.method}\n{call.target}\n{digest}\n{seconds}"
        signature = hmac.new(self.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
        return {"Forecourt-Signature": f"key={self.key}, time={seconds}, signature={signature}"}


class ClientCredentials(SignIn):
    """An access token for the gateway itself (RFC 6749, 4.4), fetched when it is needed and kept until shortly before
    its end.

    However many calls wait for one, it is fetched once at a time.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str,
        secret: str,
        *,
        scope: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._origin, self._target = parsed_url(token_url)
        self._client = _basic(quote_plus(client_id), quote_plus(secret))  # encoded first: RFC 6749, 2.3.1
        self._scope = scope
        self._clock = clock
        self._token: str | None = None
        self._until = 0.0
        self._fetches = SingleFlight[str]()
        self._wire: Wire | None = None

    async def headers(self, call: Outgoing) -> Mapping[str, str]:
        """Return the header with a token that counts for a while."""
        token = self._token
        if token is None or self._clock() >= self._until:
            token = await self._fetches.answer("token", self._fetched)
        return {"Authorization": f"Bearer {token}"}

    def refused(self, headers: Mapping[str, str]) -> bool:
        """Forget the token, unless there is a newer one already."""
        if headers.get("Authorization") == f"Bearer {self._token}":
            self._token = None
        return True

    async def close(self) -> None:
        """Close the connection to whoever gives out tokens."""
        await self._fetches.close()
        if self._wire is not None:
            await self._wire.close()

    async def _fetched(self) -> str:
        from connectors.http.wire import Wire  # takes aiohttp along

        if self._wire is None:
            self._wire = Wire(self._origin, HttpLimits(at_once=1, connections=1), time.time)
        asked = {"grant_type": "client_credentials"} | ({"scope": self._scope} if self._scope else {})
        headers = {
            "Authorization": self._client,
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        answer = await self._wire.exchange(Outgoing("POST", self._target, headers, urlencode(asked).encode()))
        if answer.status in (400, 401, 403):
            raise SignInRefused(f"the token endpoint answers {answer.status}: {short(answer.body)}")
        if answer.status != 200:
            raise NotReached(f"the token endpoint answers {answer.status}: {short(answer.body)}")
        try:
            given = orjson.loads(answer.body)
            token, lifetime = given["access_token"], float(given.get("expires_in") or _UNSAID_LIFETIME)
        except (ValueError, LookupError, TypeError, AttributeError):
            raise NotReached("the token endpoint gives no token") from None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise NotReached("the token endpoint gives no token that fits a header")
        self._token, self._until = token, self._clock() + lifetime - min(_SHORTLY, lifetime / 10)
        return token


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
