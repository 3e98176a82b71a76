"""From who asks to all that the request knows, once per request."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from time import monotonic

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from connectors.errors import BackendTimeout
from connectors.identity.tokens import AccessTokens, Identity
from connectors.ids import MembershipId
from gateway.authentication import Unauthenticated, authenticate
from gateway.authorization_report import Disclosure
from gateway.graphql_request import RefusedRequest
from gateway.introspection import ORGANIZATION_HEADER, Introspection, Mode
from gateway.policy_file import PolicyFile
from gateway.view_as import REFUSED, VIEW_AS_HEADER
from resolvers.context import Backends, RequestContext
from resolvers.view_as import ViewAsRefused, Views


class RequestContexts:
    """Makes the context of each request."""

    def __init__(
        self,
        backends: Backends,
        tokens: AccessTokens,
        policies: PolicyFile,
        *,
        clock: Callable[[], datetime],
        trusted_proxies: int = 0,
        introspection: Mode = "filtered",
        dry_run: bool = False,
        timeout: float | None = None,
        discloses: Disclosure = "full",
    ) -> None:
        self._backends = backends
        self._tokens = tokens
        self._policies = policies
        self._clock = clock
        self._trusted_proxies = trusted_proxies
        self._introspection: Mode = introspection
        self._dry_run = dry_run
        self._timeout = timeout
        self._discloses: Disclosure = discloses
        self._views = Views()

    async def of(self, connection: HTTPConnection) -> RequestContext:
        """Return the context of a request; its caller is None when no token was sent.

        Raises:
            Unauthenticated: A token was sent that proves nobody, or whose session is over.
            BackendUnavailable: The directory does not answer, so nobody can be known.
            BackendTimeout: It did not answer before the deadline of the request.
            RefusedRequest: It wants to see the portal as a member whom its caller may not look as.
        """
        headers, now = connection.headers, self._clock()
        identity = authenticate(headers.getlist("authorization"), self._tokens, now)
        context = RequestContext(
            backends=self._backends,
            policy=self._policies.current,
            now=now,
            request_id=secrets.token_hex(8),
            languages=accepted_languages(headers.get("accept-language", "")[:500]),
            ip_address=self._address(connection),
            device=headers.get("user-agent", ""),
            introspection=Introspection(self._introspection, headers.get(ORGANIZATION_HEADER)),
            unenforced=[] if self._dry_run else None,
            discloses=self._discloses,
            deadline=monotonic() + self._timeout if self._timeout is not None else None,
        )
        if identity is not None or VIEW_AS_HEADER in headers:
            try:
                async with asyncio.timeout_at(context.deadline):
                    await self._recognize(context, identity, headers)
            except TimeoutError:
                raise BackendTimeout("directory", "no answer before the deadline of the request") from None
        return context

    async def _recognize(self, context: RequestContext, identity: Identity | None, headers: Headers) -> None:
        if identity is not None:
            caller = await self._backends.directory.caller(identity.user_id, identity.session_id, context.now)
            if caller is None:
                raise Unauthenticated("invalid_token", "The session of this access token is over. Sign in again.")
            context.become(caller)
        if VIEW_AS_HEADER in headers:
            try:
                await self._views.open(context, MembershipId(", ".join(headers.getlist(VIEW_AS_HEADER))[:100]))
            except ViewAsRefused as refused:
                raise RefusedRequest(403, REFUSED, str(refused)) from None

    def _address(self, connection: HTTPConnection) -> str | None:
        # Each trusted proxy appends the address it saw; what stands further left may be invented by the client.
        if self._trusted_proxies:
            seen = [part.strip() for part in connection.headers.get("x-forwarded-for", "").split(",") if part.strip()]
            if len(seen) >= self._trusted_proxies:
                return seen[-self._trusted_proxies][:64]
        return connection.client.host if connection.client is not None else None


@lru_cache(maxsize=200)
def accepted_languages(header: str) -> Sequence[str]:
    """Return the languages of Accept-Language, best first (RFC 9110, 12.5.4); at most ten."""
    weighted = []
    for place, part in enumerate(header.split(",")[:10]):
        tag, _, parameters = part.strip().partition(";")
        weight = parameters.strip().removeprefix("q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if tag and tag != "*" and quality > 0:
            weighted.append((-quality, place, tag.strip()))
    return tuple(tag for _, _, tag in sorted(weighted))
