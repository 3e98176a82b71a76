"""The last resort: whatever fails unforeseen is answered as JSON with a reference, and logged with its traceback."""

import logging
import secrets

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.server.request_errors import MASKED, request_error, unexpected
from gateway.server.wanted_languages import wanted_languages
from resolvers.languages import reader_of

log = logging.getLogger("forecourt.http")


class UnexpectedErrors:
    """ASGI middleware that turns an exception nobody expected into an answer that discloses nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer 500 when that fails before an answer has begun."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as error:
            reference = secrets.token_hex(8)
            log.error("unexpected error", exc_info=error, extra={"reference": reference, "path": scope["path"]})
            if begun:
                raise  # half an answer cannot be taken back; the server closes the connection
            message = unexpected(reference).to(reader_of(wanted_languages(Headers(scope=scope))))
            body = orjson.dumps(request_error(message, MASKED, reference=reference))
            headers = {"cache-control": "no-store"}
            await Response(body, 500, headers, "application/json; charset=utf-8")(scope, receive, send)
