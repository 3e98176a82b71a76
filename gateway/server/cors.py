"""Which other sites' pages may ask from a browser (CORS): those that are listed, by name, and nobody else.

Starlette itself answers a preflight 400 when one header is not allowed, so that the browser cannot say which.
"""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from gateway.server.header_names import COST, LANGUAGE, ORGANIZATION, VIEW_AS
from gateway.settings import Settings

ALLOWED_HEADERS = frozenset(
    {
        # What the gateway reads, or the standards say it may ignore.
        *("accept", "accept-language", "authorization", "content-type", "idempotency-key", "last-event-id"),
        *(COST, LANGUAGE, ORGANIZATION, VIEW_AS, "x-requested-with"),
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


class Cors(CORSMiddleware):
    """Starlette's middleware, but that its preflights say what is allowed: the browser compares, and names the rest."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        super().__init__(
            app,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "POST", "OPTIONS"),
            allow_headers=[*ALLOWED_HEADERS.union(settings.cors_headers, settings.csrf_required_headers)],
            # Nothing of ours is a cookie; a proxy in front that signs people in by cookies needs them.
            allow_credentials=True,
            expose_headers=settings.cors_expose_headers,
            max_age=settings.cors_max_age_seconds,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return what is allowed, not whether all that was asked for is."""
        headers = {"Vary": "Origin"}
        if self.is_allowed_origin(request_headers["origin"]):
            headers = self.preflight_headers | headers | {"Access-Control-Allow-Origin": request_headers["origin"]}
        return Response(status_code=204, headers=headers)
