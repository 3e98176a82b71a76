"""Fetching a file by a link of ours: in parts where a download goes on, and never shown as a page of ours."""

import asyncio
import re
import unicodedata
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from connectors.errors import BackendUnavailable
from gateway.auth.request_context import RequestContexts
from gateway.pipeline.error_formatting import directory_away
from gateway.server.request_errors import RefusedRequest, request_error
from resolvers.files import FILES_PATH, file_of_link, safe_name
from resolvers.texts import Text

_HEADERS = {
    "cache-control": "private, no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "same-site",
    "referrer-policy": "no-referrer",
}
_ONE_RANGE = re.compile(r"bytes=(?:[0-9]+-[0-9]*|-[0-9]+)", re.IGNORECASE)
_PLAIN = "!#$&+-.^_`|~"
"""What stands as it is in an extended value beside letters and digits (RFC 8187, 3.2.1)."""


def file_route(contexts: RequestContexts, path_of: Callable[[str], Awaitable[Path | None]]) -> Route:
    """Return /files/<link>, which answers with the file while the link counts; `path_of` says where a key's file is.

    Unknown, expired, and no longer theirs who got the link are one answer: there is no such file.
    """

    async def fetch(request: Request) -> Response:
        try:
            context = await contexts.of(request, needs_caller=lambda: False)
            async with asyncio.timeout_at(context.deadline):
                file = await file_of_link(context, request.path_params["link"])
        except RefusedRequest as refused:
            return _answer(refused.body(contexts.reader(request)), refused.status)
        except (BackendUnavailable, TimeoutError) as away:
            status, body = directory_away(away, contexts.reader(request))
            return _answer(body, status)
        path = await path_of(file.key) if file is not None else None
        if file is None or path is None:
            message = context.in_words(
                Text("There is no such file, or the link has expired. Please go back and open it again.")
            )
            return _answer(request_error(message, "NOT_FOUND"), 404)
        headers = _HEADERS | {"content-disposition": content_disposition(file.name)}
        return _Download(path, headers=headers, media_type=file.media_type)

    return Route(FILES_PATH + "{link}", fetch, methods=["GET"])


class _Download(FileResponse):
    """A file, or the one part of it that is asked for; what asks for several, or for none that is one, gets all."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ranges = [value.decode("latin-1") for name, value in scope["headers"] if name == b"range"]
        if ranges and not (len(ranges) == 1 and _ONE_RANGE.fullmatch(ranges[0])):  # RFC 9110, 14.2
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"range"]}
        await super().__call__(scope, receive, send)


def content_disposition(name: str) -> str:
    """Return the header by which a file is kept under this name, made safe; in ASCII for clients that know no other.

    RFC 6266, 4.3 and appendix D.
    """
    safe = safe_name(name)
    plain = unicodedata.normalize("NFKD", safe)
    plain = "".join(sign if sign.isascii() else "_" for sign in plain if not unicodedata.combining(sign))
    extended = "" if plain == safe else f"; filename*=UTF-8''{quote(safe, safe=_PLAIN)}"
    return f'attachment; filename="{plain}"{extended}'


def _answer(body: dict[str, Any], status: int) -> Response:
    return Response(orjson.dumps(body), status, _HEADERS, "application/json; charset=utf-8")
