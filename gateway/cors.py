"""Which other sites' pages may ask from a browser (CORS): those that are listed, by name, and nobody else."""

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = "GET, POST, OPTIONS"
_ALLOWED_HEADERS = (
    "accept-language, apollo-require-preflight, authorization, content-type, forecourt-cost, forecourt-organization, "
    "forecourt-view-as, x-apollo-operation-name"
)
_EXPOSED_HEADERS = "allow, retry-after, www-authenticate"
_PREFLIGHT_SECONDS = "7200"  # the longest that browsers keep it


class Cors:
    """ASGI middleware that lets pages of the listed origins read answers; without a list it does nothing."""

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer preflights, and mark the other answers for those who may read them."""
        if scope["type"] != "http" or not self._origins:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        allowed = origin if origin is not None and origin.lower() in self._origins else None
        if scope["method"] == "OPTIONS" and origin is not None and "access-control-request-method" in headers:
            await self._preflight(allowed)(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer.add_vary_header("Origin")
                if allowed is not None:
                    answer["access-control-allow-origin"] = allowed
                    answer["access-control-allow-credentials"] = "true"
                    answer["access-control-expose-headers"] = _EXPOSED_HEADERS
            await send(message)

        await self._app(scope, receive, marked)

    def _preflight(self, allowed: str | None) -> Response:
        headers = {"vary": "Origin"}
        if allowed is not None:
            headers |= {
                "access-control-allow-origin": allowed,
                "access-control-allow-credentials": "true",
                "access-control-allow-methods": _METHODS,
                "access-control-allow-headers": _ALLOWED_HEADERS,
                "access-control-max-age": _PREFLIGHT_SECONDS,
            }
        return Response(status_code=204, headers=headers)
