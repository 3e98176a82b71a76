"""From an HTTP request to what it asks: GET or POST, one operation or a batch, or a clear refusal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from connectors.json_text import InvalidJson, read_json
from connectors.quick import quick
from connectors.time_limit import TimeLimit
from gateway.auth.device_cookie import carries_other_cookies
from gateway.pipeline.content_negotiation import JSON, parsed_type
from gateway.pipeline.limits.text import check_values
from gateway.server.fast_http import GraphqlHttpRequest
from gateway.server.request_errors import NotWellFormed, RefusedRequest
from gateway.settings import Limits, Settings

ALLOWED = "GET, HEAD, POST, OPTIONS"

_PASSED_OVER = 10
"""Times the largest body are read and thrown away before a client is cut off."""


class BodyTooLarge(Exception):
    """The body of a request is larger than is allowed."""


async def read_body(receive: Receive, largest: int, time_limit: TimeLimit) -> bytes:
    """Return the body of a request.

    Raises:
        BodyTooLarge: It has more bytes than `largest`.
        TimeoutError: It did not arrive within the time limit.
        ClientDisconnect: Nobody waits for the answer any more.
    """
    chunks: list[bytes] = []
    size, is_more = 0, True
    try:
        with time_limit.wait():
            while is_more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                chunk, is_more = message.get("body", b""), message.get("more_body", False)
                size += len(chunk)
                if size <= largest:
                    chunks.append(chunk)
                    continue
                # A client that is cut off while it sends never reads the answer, so a little more is let pass.
                chunks.clear()
                if size > _PASSED_OVER * largest:
                    break
    except TimeoutError:
        if size <= largest:
            raise
    if size > largest:
        raise BodyTooLarge
    return b"".join(chunks)


@quick
@dataclass(frozen=True, slots=True)
class GraphqlRequest:
    """One operation to execute: the text it stands in, its name and its variables.

    `organization_id` is the organization in which it wants to be shown the schema, by `extensions.organizationId`.
    """

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    changes_allowed: bool = True
    organization_id: str | None = None


class RequestReader:
    """Reads GraphQL requests within the limits that are set."""

    def __init__(self, settings: Settings) -> None:
        self._max_body = settings.max_body_bytes
        self._max_depth = settings.max_json_depth
        self._max_values = settings.max_json_values
        self._max_batch = settings.max_batch
        self._limits: Limits = settings
        self._seconds = settings.body_timeout_seconds
        self._time_limit = TimeLimit(self._seconds)
        self._required_headers = settings.csrf_required_headers

    async def read(self, request: GraphqlHttpRequest) -> GraphqlRequest | list[GraphqlRequest]:
        """Return what a request asks; a list when it is a batch.

        Raises:
            RefusedRequest: It is not a GraphQL request, larger or slower than is allowed, or may be forged.
            LimitExceeded: A text among its values is longer than is allowed.
            ClientDisconnect: Nobody waits for the answer any more.
        """
        match request.method:
            case "POST":
                _check_content(request, required=True)
                body = await self._body(request)
                return self._asked(self._json(body), len(body))
            case "GET" | "HEAD":
                _check_content(request, required=False)
                self._check_not_forged(request)
                return self._asked_by_get(request)
        raise RefusedRequest(
            405, "METHOD_NOT_ALLOWED", "Ask by GET or POST; what changes something, by POST.", {"allow": ALLOWED}
        )

    async def _body(self, request: GraphqlHttpRequest) -> bytes:
        try:
            return await read_body(request.receive, self._max_body, self._time_limit)
        except BodyTooLarge:
            raise RefusedRequest(
                413,
                "REQUEST_TOO_LARGE",
                f"The request is larger than {self._max_body:,} bytes (setting max_body_bytes).",
                {"connection": "close"},
                limit=self._max_body,
                setting="max_body_bytes",
            ) from None
        except TimeoutError:
            raise RefusedRequest(
                408,
                "REQUEST_TIMEOUT",
                f"The body did not arrive within {self._seconds:g} seconds (setting body_timeout_seconds).",
                {"connection": "close"},
            ) from None

    def _json(self, text: bytes) -> Any:
        try:
            return self._read_json(text)
        except InvalidJson as error:
            raise RefusedRequest(400, "BAD_REQUEST", f"The body cannot be read as JSON: {_reason(error)}.") from None

    def _read_json(self, text: bytes) -> Any:
        return read_json(text, max_depth=self._max_depth, max_values=self._max_values)

    def _check_values(self, asked: GraphqlRequest, size: int) -> GraphqlRequest:
        """Return the request when no text among its values is too long; of few bytes, none can be."""
        if size > self._limits.max_text_characters:
            named = {"operationName": asked.operation_name, "extensions": {"organizationId": asked.organization_id}}
            check_values({"variables": asked.variables, **named}, self._limits)
        return asked

    def _asked(self, body: Any, size: int) -> GraphqlRequest | list[GraphqlRequest]:
        if not isinstance(body, list):
            return self._check_values(_request(body), size)
        if self._max_batch == 0:
            raise NotWellFormed(
                "Send one operation per request; batches are off (setting max_batch).", "BATCHING_NOT_ENABLED"
            )
        if not body:
            raise NotWellFormed("The batch is empty.")
        if len(body) > self._max_batch:
            raise RefusedRequest(
                422,
                "BATCH_LIMIT_EXCEEDED",
                f"The batch has {len(body):,} operations; at most {self._max_batch} are allowed (setting max_batch).",
                limit=self._max_batch,
                actual=len(body),
                setting="max_batch",
            )
        return [self._check_values(_request(entry), size) for entry in body]

    def _asked_by_get(self, request: GraphqlHttpRequest) -> GraphqlRequest:
        parameters = request.query_params
        body: dict[str, Any] = {name: parameters[name] for name in ("query", "operationName") if name in parameters}
        for name in ("variables", "extensions"):
            if parameters.get(name):
                try:
                    body[name] = self._read_json(parameters[name].encode("utf-8", "replace"))
                except InvalidJson as error:
                    raise NotWellFormed(f'"{name}" in the address cannot be read as JSON: {_reason(error)}.') from None
        return self._check_values(_request(body, changes_allowed=False), len(request.scope["query_string"]))

    def _check_not_forged(self, request: GraphqlHttpRequest) -> None:
        """Refuse a GET that another site's page may have sent with somebody's cookies.

        A POST needs no such look: its content type makes a browser ask beforehand whether it may (CORS preflight).
        """
        headers = request.headers
        site = _fetch_header(headers, "sec-fetch-site")
        if site in _OWN_SITES or (site != "cross-site" and not carries_other_cookies(headers)):
            return
        if not _was_asked_beforehand(headers, self._required_headers):
            raise RefusedRequest(
                403,
                "CSRF_ERROR",
                "This request may have been forged by another site. Ask by POST, or send `Content-Type: "
                f"{JSON}` or one of the headers {', '.join(self._required_headers)}.",
            )


_OWN_SITES = ("same-origin", "none")
"""What a browser says in Sec-Fetch-Site of a request of our own pages, and of one that no page has caused."""

_WITHOUT_HEADERS = ("navigate", "no-cors")
"""What it says in Sec-Fetch-Mode of links, forms and images, to which nobody can add a header."""


def _fetch_header(headers: Headers, name: str) -> str:
    """Return what the browser says of a request; pages cannot set these headers (Fetch Metadata)."""
    value: str = headers.get(name, "")
    return value.strip().lower()


def _was_asked_beforehand(headers: Headers, required: Sequence[str]) -> bool:
    """Return whether a header is there that makes a browser ask before it sends the request for another site's page.

    A browser adds names and passwords to requests (Basic), but never a bearer token. To what no page can add a header,
    something between the browser and us has added it, perhaps for a cookie: then it proves nothing.
    """
    if any(headers.get(name) for name in required) or "content-type" in headers:  # which is JSON, or we were not here
        return True
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    is_bearer = scheme.lower() == "bearer" and bool(token.strip())
    return is_bearer and _fetch_header(headers, "sec-fetch-mode") not in _WITHOUT_HEADERS


def _reason(problem: InvalidJson) -> str:
    """Return why a text is no JSON that we read, with the setting that would let it through."""
    return f"{problem} (setting max_json_{problem.limit})" if problem.limit else str(problem)


def _request(body: Any, *, changes_allowed: bool = True) -> GraphqlRequest:
    if not isinstance(body, dict):
        raise NotWellFormed('The body must be a JSON object such as {"query": "{ viewer { id } }"}.')
    query, variables, name = body.get("query"), body.get("variables"), body.get("operationName")
    if not isinstance(query, str):
        raise NotWellFormed('"query" must be the text of a GraphQL document.')
    if variables is not None and not isinstance(variables, dict):
        raise NotWellFormed('"variables" must be a JSON object, or null.')
    if name is not None and not isinstance(name, str):
        raise NotWellFormed('"operationName" must be text, or null.')
    extensions = body.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise NotWellFormed('"extensions" must be a JSON object, or null.')
    organization_id = extensions.get("organizationId") if extensions else None
    if organization_id is not None and not isinstance(organization_id, str):
        raise NotWellFormed('"extensions.organizationId" must be text, or null.')
    # GraphQL over HTTP, 4.3: an empty operationName is none; clients send it by POST as well.
    return GraphqlRequest(query, variables, name or None, changes_allowed, organization_id or None)


def _check_content(request: GraphqlHttpRequest, *, required: bool) -> None:
    headers = request.headers
    content_type = headers.get("content-type")
    if content_type is not None or required:
        media_type, charset = parsed_type(content_type or "")
        if media_type != JSON:
            raise RefusedRequest(
                415,
                "UNSUPPORTED_MEDIA_TYPE",
                f"Send the request as JSON, with the header `Content-Type: {JSON}`.",
                {"accept": JSON},
            )
        if charset not in (None, "utf-8", "utf8"):
            raise RefusedRequest(415, "UNSUPPORTED_MEDIA_TYPE", "Send the request in UTF-8.", {"accept": JSON})
    encoding = headers.get("content-encoding")
    if encoding is not None and encoding.strip().lower() not in ("", "identity"):
        # RFC 9110, 12.5.3: in an answer, Accept-Encoding says what a request may be encoded in.
        raise RefusedRequest(
            415, "UNSUPPORTED_MEDIA_TYPE", "Send the request without compression.", {"accept-encoding": "identity"}
        )
