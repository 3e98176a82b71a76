"""Which other sites' pages may ask from a browser (CORS): those that are listed, by name, and nobody else.

Starlette's middleware answers a preflight 400 when one header is not allowed, so that the browser cannot say which, and
leaves out `Vary` where no page asked, so that a cache gives that answer to one.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.server.header_names import COST, ORGANIZATION, VIEW_AS
from gateway.settings import Settings

_METHODS = "GET, POST, OPTIONS"

ALLOWED_HEADERS = frozenset(
    {
        # What the gateway reads, or the standards say it may ignore.
        *("accept", "accept-language", "authorization", "content-type", "idempotency-key", "last-event-id"),
        *(COST, ORGANIZATION, VIEW_AS, "x-requested-with"),
        # What GraphQL clients say of themselves and of the operation.
        *("apollo-require-preflight", "apollographql-client-name", "apollographql-client-version"),
        *("graphql-client-name", "graphql-client-version", "graphql-require-preflight"),
        *("x-apollo-cache-do-not-store", "x-apollo-cache-key", "x-apollo-operation-id", "x-apollo-operation-name"),
        "x-apollo-operation-type",
        # What observability adds to each request: W3C Trace Context and Baggage, Sentry, Zipkin, Datadog, Elastic,
        # New Relic, Application Insights, AWS.
        *("traceparent", "tracestate", "baggage", "sentry-trace", "b3", "x-b3-traceid", "x-b3-spanid"),
        *("x-b3-parentspanid", "x-b3-sampled", "x-b3-flags", "x-datadog-trace-id", "x-datadog-parent-id"),
        *("x-datadog-origin", "x-datadog-sampling-priority", "elastic-apm-traceparent", "newrelic", "request-id"),
        *("request-context", "x-amzn-trace-id", "x-request-id", "x-correlation-id"),
    }
)
"""What pages of the listed origins may send in any case: headers that ask for nothing a page may not ask for."""


class Cors:
    """ASGI middleware that lets pages of the listed origins read answers; without a list it does nothing."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._origins = frozenset(settings.cors_origins)
        self._exposed = ", ".join(settings.cors_expose_headers)
        self._preflight_headers = {
            "access-control-allow-methods": _METHODS,
            "access-control-allow-headers": ", ".join(
                sorted(ALLOWED_HEADERS.union(settings.cors_headers, settings.csrf_required_headers))
            ),
            "access-control-max-age": str(settings.cors_max_age_seconds),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer preflights, and mark the other answers for those who may read them."""
        if scope["type"] != "http" or not self._origins:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        allowed = origin if origin in self._origins else None
        if scope["method"] == "OPTIONS" and origin is not None and "access-control-request-method" in headers:
            await self._preflight(allowed)(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer.add_vary_header("Origin")
                if allowed is not None:
                    answer.update(_allowed(allowed))
                    answer["access-control-expose-headers"] = self._exposed
            await send(message)

        await self._app(scope, receive, marked)

    def _preflight(self, allowed: str | None) -> Response:
        """Return what is allowed, not what was asked for: the browser compares, and says what is missing."""
        headers = {"vary": "Origin"}
        if allowed is not None:
            headers |= _allowed(allowed) | self._preflight_headers
        return Response(status_code=204, headers=headers)


def _allowed(origin: str) -> dict[str, str]:
    # Nothing of ours is a cookie; a proxy in front that signs people in by cookies needs them.
    return {"access-control-allow-origin": origin, "access-control-allow-credentials": "true"}
