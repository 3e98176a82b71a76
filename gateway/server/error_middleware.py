"""The last resort: whatever fails unforeseen is answered as JSON with a reference, and logged with its traceback."""

import logging
import secrets

import orjson
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.server.fast_http import Answer, raw_headers
from gateway.server.request_errors import MASKED, request_error, unexpected
from gateway.server.wanted_languages import chosen_language, wanted_languages
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
            answer = answer_to_unexpected(error, scope)
            if begun:
                raise  # half an answer cannot be taken back; the server closes the connection
            await answer(scope, receive, send)


def answer_to_unexpected(error: Exception, scope: Scope) -> Answer:
    """Return the answer to a request that failed unforeseen, and log why."""
    reference = secrets.token_hex(8)
    log.error("unexpected error", exc_info=error, extra={"reference": reference, "path": scope["path"]})
    headers = Headers(scope=scope)
    message = unexpected(reference).to(reader_of(wanted_languages(headers, chosen_language(headers))))
    return Answer(500, _HEADERS, orjson.dumps(request_error(message, MASKED, reference=reference)))


_HEADERS = raw_headers({"content-type": "application/json; charset=utf-8", "cache-control": "no-store"})
