"""Fetching the export of one's own data: by HTTP, signed in, since a link open to anybody would leak it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.errors import BackendUnavailable
from connectors.ids import DataExportId
from gateway.auth.authentication import Unauthenticated
from gateway.auth.request_context import RequestContexts
from gateway.pipeline.error_formatting import directory_away
from gateway.server.request_errors import RefusedRequest, request_error
from resolvers.account.data_exports import EXPORT_PATH, fetched_export
from resolvers.texts import Text

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def account_export_route(contexts: RequestContexts) -> Route:
    """Return /account/export/<id>, which answers the owner's access token with the export, as a file of JSON.

    Unknown, somebody else's, not ready and too old are one answer: there is no such export.
    """

    async def fetch(request: Request) -> Response:
        try:
            context = await contexts.of(request)
            if context.caller is None:
                raise Unauthenticated
            async with asyncio.timeout_at(context.deadline):
                content = await fetched_export(context, DataExportId(request.path_params["id"]))
        except RefusedRequest as refused:
            return _answer(refused.body(contexts.reader(request)), refused.status, refused.headers)
        except (BackendUnavailable, TimeoutError) as away:
            status, body = directory_away(away, contexts.reader(request))
            return _answer(body, status)
        if content is None:
            message = context.in_words(
                Text("There is no such export, or it has expired. You will find your exports in your account.")
            )
            return _answer(request_error(message, "NOT_FOUND"), 404)
        headers = _HEADERS | {"content-disposition": 'attachment; filename="forecourt-data.json"'}
        return Response(content, 200, headers, "application/json; charset=utf-8")

    return Route(EXPORT_PATH + "{id}", fetch, methods=["GET"])


def _answer(body: dict[str, Any], status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, {**_HEADERS, **(headers or {})}, "application/json; charset=utf-8")
