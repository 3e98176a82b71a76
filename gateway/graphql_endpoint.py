"""POST /graphql: JSON in, the answer out (GraphQL over HTTP)."""

from typing import Any

import orjson
import structlog
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from strawberry.types.execution import ExecutionResult

from connectors.errors import BackendUnavailable
from gateway.authentication import Unauthenticated
from gateway.errors import request_error, shown
from gateway.request_context import RequestContexts
from resolvers.context import RequestContext
from schema.build import Schema

LARGEST_BODY = 1_000_000
"""Bytes."""

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"

log = structlog.get_logger("forecourt.http")


class _BadRequest(Exception):
    """The request cannot be executed; carries the status and what to tell the client."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class GraphqlEndpoint:
    """Answers GraphQL requests over HTTP."""

    def __init__(self, schema: Schema, contexts: RequestContexts) -> None:
        self._schema = schema
        self._contexts = contexts

    async def answer(self, request: Request) -> Response:
        """Answer one request; never raises, whatever the client sent."""
        media_type = _accepted(request.headers.get("accept", ""))
        try:
            query, variables, operation_name = _operation(await _body(request))
            context = await self._contexts.of(request)
        except _BadRequest as bad:
            return _answer(request_error(str(bad), bad.code), bad.status, media_type)
        except Unauthenticated as refused:
            response = _answer(request_error(refused.description, "UNAUTHENTICATED"), 401, media_type)
            response.headers["www-authenticate"] = refused.challenge
            return response
        except BackendUnavailable:
            log.warning("directory away")
            message = "The portal's directory does not answer, so nobody can be recognised. Try again later."
            return _answer(request_error(message, "BACKEND_UNAVAILABLE"), 503, media_type)
        except ClientDisconnect:
            return Response(status_code=400)
        return await self._executed(context, query, variables, operation_name, media_type)

    async def _executed(
        self,
        context: RequestContext,
        query: str,
        variables: dict[str, Any] | None,
        operation_name: str | None,
        media_type: str,
    ) -> Response:
        try:
            result = await self._schema.execute(
                query, variable_values=variables, operation_name=operation_name, context_value=context
            )
        except GraphQLError as error:
            result = ExecutionResult(data=None, errors=[error])
        errors = result.errors or []
        if result.data is None and _before_execution(errors):
            refused = {"errors": shown(errors, context.request_id, code=_request_code(errors))}
            return _answer(refused, 400 if media_type == GRAPHQL_JSON else 200, media_type)
        body: dict[str, Any] = {"data": result.data}
        if errors:
            body["errors"] = shown(errors, context.request_id)
        return _answer(body, 200, media_type)


async def _body(request: Request) -> Any:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise _BadRequest(
            415, "UNSUPPORTED_MEDIA_TYPE", f"Send the request as JSON, with the header `Content-Type: {JSON}`."
        )
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST_BODY:
            raise _BadRequest(413, "REQUEST_TOO_LARGE", f"The request is larger than {LARGEST_BODY} bytes.")
        chunks.append(chunk)
    try:
        return orjson.loads(b"".join(chunks))
    except orjson.JSONDecodeError as error:
        raise _BadRequest(400, "BAD_REQUEST", f"The body is not valid JSON: {error}.") from None


def _operation(body: Any) -> tuple[str, dict[str, Any] | None, str | None]:
    if not isinstance(body, dict):
        raise _BadRequest(400, "BAD_REQUEST", 'The body must be a JSON object such as {"query": "{ viewer { id } }"}.')
    query, variables, name = body.get("query"), body.get("variables"), body.get("operationName")
    if not isinstance(query, str):
        raise _BadRequest(400, "BAD_REQUEST", '"query" must be the text of a GraphQL document.')
    if variables is not None and not isinstance(variables, dict):
        raise _BadRequest(400, "BAD_REQUEST", '"variables" must be a JSON object, or null.')
    if name is not None and not isinstance(name, str):
        raise _BadRequest(400, "BAD_REQUEST", '"operationName" must be text, or null.')
    extensions = body.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise _BadRequest(400, "BAD_REQUEST", '"extensions" must be a JSON object, or null.')
    return query, variables, name


def _accepted(accept: str) -> str:
    return GRAPHQL_JSON if GRAPHQL_JSON in accept else JSON


def _before_execution(errors: list[GraphQLError]) -> bool:
    return bool(errors) and all(error.path is None for error in errors)


def _request_code(errors: list[GraphQLError]) -> str:
    message = errors[0].message
    if message.startswith("Syntax Error"):
        return "GRAPHQL_PARSE_FAILED"
    if message.startswith("Variable "):
        return "BAD_USER_INPUT"
    return "GRAPHQL_VALIDATION_FAILED"


def _answer(body: dict[str, Any], status: int, media_type: str) -> Response:
    return Response(orjson.dumps(body), status_code=status, media_type=f"{media_type}; charset=utf-8")
