"""From the caller to all that the request knows, once per request."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from os import urandom
from time import monotonic
from typing import Any, Literal

from connectors.directory.records.caller import CallerRecord
from connectors.errors import BackendTimeout
from connectors.identity.tokens import AccessTokens, Identity, IntrospectionPass, TokenProblem
from connectors.ids import MembershipId, OrganizationId
from connectors.quick import quick
from connectors.time_limit import TimeLimit
from connectors.wanted import Wanted
from gateway.auth.authentication import Unauthenticated, authenticate
from gateway.auth.device_cookie import DeviceCookie
from gateway.auth.policy_reloader import PolicyFile
from gateway.auth.view_as import REFUSED
from gateway.server.client_address import client_address
from gateway.server.fast_http import Connection
from gateway.server.header_names import ORGANIZATION, VIEW_AS
from gateway.server.request_errors import RefusedRequest
from gateway.server.wanted_languages import chosen_language, wanted_languages
from gateway.settings import Settings
from resolvers.context import Backends, RequestContext
from resolvers.languages import Reader, reader_of
from resolvers.rate_limiting import network_of
from resolvers.view_as import ViewAsRefused, Views

ONLY_INTROSPECTION = "INTROSPECTION_ONLY"
_ONLY_INTROSPECTION = (
    "This token opens introspection and nothing else. Ask for `__schema` or `__type` alone, or sign in and send the "
    "access token."
)

log = logging.getLogger("forecourt.introspection")


@quick
@dataclass(frozen=True, slots=True)
class Introspection:
    """How much of the schema a request may see, and in which organization its caller looks; None: in any of theirs."""

    mode: Literal["off", "on", "filtered"] = "filtered"
    organization_id: str | None = None


class RequestContexts:
    """Makes the context of each request."""

    def __init__(
        self,
        settings: Settings,
        backends: Backends,
        tokens: AccessTokens,
        policies: PolicyFile,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._backends = backends
        self._tokens = tokens
        self._policies = policies
        self._clock = clock
        self._device_cookie = DeviceCookie(secure=settings.address.startswith("https:"))
        self._views = Views()
        self._time_limit = TimeLimit(settings.request_timeout_seconds)
        self._introspection = Introspection(settings.introspection)

    async def of(
        self,
        connection: Connection,
        *,
        needs_caller: Callable[[], bool] = lambda: True,
        only_introspects: Callable[[], bool] = lambda: False,
        reads_of: Sequence[OrganizationId] | None = None,
        shown: Mapping[type, Wanted[Any]] | None = None,
    ) -> RequestContext:
        """Return the context of a request; its caller is None when no token was sent.

        So it is when a token is not accepted for a request that needs no caller; `not_accepted` then says why. What
        needs one is found out only then. A token for introspection counts for what asks for nothing but the schema.
        A request that changes nothing says by `reads_of` which organizations it names: of a caller in many, what they
        hold in others is read on demand. It says by `shown` which attributes of records it shows, by their class, so
        that no others are read of the caller.

        Raises:
            Unauthenticated: A token was sent that proves nobody, or whose session has ended.
            BackendUnavailable: The directory does not answer, so nobody can be known.
            BackendTimeout: It did not answer before the deadline of the request.
            RefusedRequest: It wants to see the portal as a member whom its caller may not look as, or has several
                tokens, or has one for introspection and asks for something else.
        """
        headers, now, settings = connection.headers, self._clock(), self._settings
        chosen, authorizations = chosen_language(headers), headers.getlist("authorization")
        looks_as, looks_in = headers.getlist(VIEW_AS), headers.get(ORGANIZATION)
        context = RequestContext(
            backends=self._backends,
            policy=self._policies.current,
            now=now,
            request_id=urandom(8).hex(),
            languages=wanted_languages(headers, chosen),
            chosen_language=chosen,
            ip_address=self._address(connection),
            device=headers.get("user-agent", ""),
            introspection=(
                self._introspection if looks_in is None else Introspection(settings.introspection, looks_in)
            ),
            unenforced=[] if settings.authorization_dry_run else None,
            discloses=settings.discloses,
            deadline=monotonic() + settings.request_timeout_seconds,
            device_token=self._device_cookie.token_in(headers),
        )
        if not authorizations and not looks_as:
            return context
        try:
            with self._time_limit.wait():
                await self._recognize(
                    context, looks_as, authorizations, needs_caller, only_introspects, reads_of, shown
                )
        except TimeoutError:
            raise BackendTimeout("directory", "no answer before the deadline of the request") from None
        return context

    async def _recognize(
        self,
        context: RequestContext,
        looks_as: Sequence[str],
        authorizations: Sequence[str],
        needs_caller: Callable[[], bool],
        only_introspects: Callable[[], bool],
        reads_of: Sequence[OrganizationId] | None,
        shown: Mapping[type, Wanted[Any]] | None,
    ) -> None:
        try:
            identity = await authenticate(authorizations, self._tokens, context.now)
            if isinstance(identity, IntrospectionPass):
                if looks_as or not only_introspects():
                    raise RefusedRequest(403, ONLY_INTROSPECTION, _ONLY_INTROSPECTION)
                context.introspection = Introspection("on")
                address = {"token": identity.id, "address": context.ip_address}
                log.info("schema read with an introspection token", extra=address)
            elif identity is not None:
                if looks_as:
                    reads_of = shown = None
                context.become(await self._caller(identity, context.now, reads_of, shown))
        except Unauthenticated as problem:
            if looks_as or needs_caller():
                raise
            context.not_accepted = problem
        if looks_as:
            try:
                await self._views.open(context, MembershipId(", ".join(looks_as)[:100]))
            except ViewAsRefused as refused:
                raise RefusedRequest(403, REFUSED, context.in_words(refused.message)) from None

    def headers_after(self, context: RequestContext) -> dict[str, str] | None:
        """Return what the answer to a request carries besides: the cookie of a device on which somebody signed in."""
        tokens = context.issued_device_tokens
        return {"set-cookie": self._device_cookie.header_of(tokens[-1])} if tokens else None

    def reader(self, connection: Connection) -> Reader:
        """Return who reads an answer for which nobody was recognized."""
        headers, portal = connection.headers, self._backends.portal
        return reader_of(
            [*wanted_languages(headers, chosen_language(headers)), portal.default_locale], portal.time_zone
        )

    def network(self, connection: Connection) -> str:
        """Return the network that a request comes from: an IPv4 address, an IPv6 /64; the same for all unknown ones."""
        return network_of(self._address(connection)) or "unknown"

    async def _caller(
        self,
        identity: Identity,
        now: datetime,
        at_once: Sequence[OrganizationId] | None,
        wanted: Mapping[type, Wanted[Any]] | None,
    ) -> CallerRecord:
        directory = self._backends.directory
        caller = await directory.caller(identity.user_id, identity.session_id, now, at_once=at_once, wanted=wanted)
        if caller is None:
            raise Unauthenticated(TokenProblem.SESSION_ENDED)
        return caller

    def _address(self, connection: Connection) -> str | None:
        settings, client = self._settings, connection.scope.get("client")
        peer = client[0] if client is not None else None
        return client_address(connection.headers, peer, settings.trusted_proxies, settings.forwarded_header)
