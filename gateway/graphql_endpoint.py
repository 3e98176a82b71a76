"""/graphql: a request in, the answer out (GraphQL over HTTP). What it passes on the way is in docs/http.md."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLSchema
from graphql.execution import Executor, default_field_resolver, default_type_resolver
from graphql.execution.incremental import IncrementalExecutor
from graphql.execution.values import VariableValues
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from connectors.errors import BackendUnavailable
from gateway.authentication import Unauthenticated
from gateway.authorization_report import AuthorizationReport
from gateway.documents import PARSE_FAILED, Documents, InvalidDocument, NoSuchOperation, Operation, told
from gateway.errors import directory_away, request_error
from gateway.exchange import Answer, GraphqlHttpRequest, raw_headers
from gateway.execution import BreadthFirstExecutor, DeadlineExceeded
from gateway.graphql_request import ALLOWED, GraphqlRequest, RefusedRequest, RequestReader
from gateway.introspection import DISABLED, DISABLED_MESSAGE, Mode, filter_introspection, is_disabled, look_at
from gateway.limits import LimitExceeded, Limits
from gateway.limits.cost import check_cost
from gateway.limits.text import check_texts
from gateway.media_types import GRAPHQL_JSON, JSON, NotAcceptable, answered_type
from gateway.request_context import RequestContexts
from gateway.settings import Settings
from gateway.view_as import check_changes_nothing, mark_of
from resolvers.context import RequestContext
from resolvers.people import People

COST_HEADER = "forecourt-cost"
"""A request with `forecourt-cost: true` is told in `extensions.cost` what it was estimated to cost."""

_HEADERS = {
    media_type: raw_headers(
        {
            "content-type": f"{media_type}; charset=utf-8",
            "cache-control": "no-store",
            "vary": "accept",
            "x-content-type-options": "nosniff",
        }
    )
    for media_type in (JSON, GRAPHQL_JSON)
}
_DEAR = 500
"""Operations that may cost so much begin one at a time, each with a round of the event loop to itself: several that
take some ten ms each would otherwise run one after the other before anybody else is looked at."""

log = logging.getLogger("forecourt.http")


@dataclass(frozen=True, slots=True)
class _Prepared:
    """An operation with this request's variables, and its estimated cost."""

    operation: Operation
    variables: VariableValues
    cost: int
    organization_id: str | None


class GraphqlEndpoint:
    """Answers GraphQL requests over HTTP; an ASGI application for one path."""

    def __init__(self, schema: GraphQLSchema, contexts: RequestContexts, settings: Settings) -> None:
        self._schema = schema
        self._contexts = contexts
        self._limits = Limits.of(settings)
        self._suggestions = settings.makes_suggestions
        self._documents = Documents(
            schema,
            self._limits,
            suggestions=self._suggestions,
            entries=settings.document_cache_entries,
            memory=settings.document_cache_bytes,
        )
        self._reader = RequestReader(settings)
        self._turn_of_dear = asyncio.Lock()
        self._introspection: Mode = settings.introspection
        filter_introspection(schema)
        self._authorization = AuthorizationReport.of(settings)
        self._draft = settings.http_status_profile == "draft"
        self._executor: type[Executor[Any]] = (
            BreadthFirstExecutor if settings.execution == "breadth-first" else IncrementalExecutor
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application."""
        answer = await self.answer(GraphqlHttpRequest(scope, receive))
        await answer(scope, receive, send)

    async def answer(self, request: GraphqlHttpRequest) -> Answer:
        """Answer one request, whatever the client sent."""
        if request.method == "OPTIONS":
            return Answer(204, raw_headers({"allow": ALLOWED}))
        media_type = JSON
        try:
            media_type = answered_type(request.headers.get("accept"))
            asked = await self._reader.read(request)
            shows_cost = request.headers.get(COST_HEADER, "").lower() == "true"
            if isinstance(asked, list):
                return await self._batch_answered(request, asked, media_type, shows_cost)
            # Prepared before anybody asks who it is, so that what cannot be executed costs no back end a call.
            prepared = await self._prepared(asked)
            check_cost(prepared.cost, self._limits)
            context = await self._contexts.of(request)
            check_changes_nothing(context, [prepared.operation.is_mutation])
            result = await self._executed(prepared, context, only_reads=not prepared.operation.is_mutation)
            body, status = await self._told(prepared, result, context, shows_cost)
            return _answer(body, status if media_type == GRAPHQL_JSON or status == 403 else 200, media_type)
        except NotAcceptable:
            message = f"The answer is {GRAPHQL_JSON} or {JSON}; accept one of them."
            return _answer(request_error(message, "NOT_ACCEPTABLE"), 406, JSON)
        except RefusedRequest as refused:
            body = request_error(str(refused), refused.code, **refused.extensions)
            return _answer(body, refused.status, media_type, refused.headers)
        except _NotExecutable as refused:
            status = refused.status(self._draft) if media_type == GRAPHQL_JSON else 200
            return _answer(refused.body, status, media_type)
        except LimitExceeded as exceeded:
            body = request_error(str(exceeded), exceeded.code, **exceeded.extensions)
            return _answer(body, exceeded.status, media_type)
        except Unauthenticated as refused:
            body = request_error(refused.description, "UNAUTHENTICATED")
            return _answer(body, 401, media_type, {"www-authenticate": refused.challenge})
        except BackendUnavailable as away:
            status, body = directory_away(away)
            return _answer(body, status, media_type)
        except ClientDisconnect:
            return Answer(400, ())

    async def _batch_answered(
        self, request: GraphqlHttpRequest, asked: list[GraphqlRequest], media_type: str, shows_cost: bool
    ) -> Answer:
        """Answer each operation of a batch in its order; their documents and their costs count together."""
        check_texts({one.query for one in asked}, self._limits)
        prepared = [await self._prepared_or_refused(one) for one in asked]
        check_cost(sum(one.cost for one in prepared if isinstance(one, _Prepared)), self._limits)
        context = await self._contexts.of(request)
        are_mutations = [one.operation.is_mutation for one in prepared if isinstance(one, _Prepared)]
        check_changes_nothing(context, are_mutations)
        answers = []
        for one in prepared:
            if isinstance(one, _Prepared):
                own = replace(context, loaders={})  # signing in or out within one changes nothing for the others
                result = await self._executed(one, own, only_reads=not any(are_mutations))
                answers.append((await self._told(one, result, own, shows_cost))[0])
            else:
                answers.append(one)
        return _answer(answers, 200, media_type)

    async def _prepared_or_refused(self, asked: GraphqlRequest) -> _Prepared | dict[str, Any]:
        try:
            return await self._prepared(asked)
        except _NotExecutable as refused:
            return refused.body
        except LimitExceeded as exceeded:
            return request_error(str(exceeded), exceeded.code, **exceeded.extensions)

    async def _prepared(self, asked: GraphqlRequest) -> _Prepared:
        """Return the operation that is asked for, ready to execute.

        Raises:
            _NotExecutable, LimitExceeded, RefusedRequest: It cannot be executed.
        """
        try:
            operation = (await self._documents.document_aside(asked.query)).operation(asked.operation_name)
        except InvalidDocument as invalid:
            raise _NotExecutable(invalid.code, list(invalid.errors)) from None
        except NoSuchOperation as error:
            raise _NotExecutable(
                "OPERATION_RESOLUTION_FAILURE", request_error(str(error), "OPERATION_RESOLUTION_FAILURE")["errors"]
            ) from None
        if operation.is_mutation and not asked.changes_allowed:
            raise RefusedRequest(405, "METHOD_NOT_ALLOWED", "A mutation is sent by POST.", {"allow": "POST"})
        if operation.is_subscription:
            raise RefusedRequest(400, "BAD_REQUEST", "A subscription is not asked for here.")
        if is_disabled(self._introspection, operation.node, operation.fragments):
            raise _NotExecutable(DISABLED, request_error(DISABLED_MESSAGE, DISABLED)["errors"])
        variables = operation.variables.coerced(asked.variables or {})
        if isinstance(variables, list):
            raise _NotExecutable("BAD_USER_INPUT", told(variables, "BAD_USER_INPUT"))
        cost = operation.cost.of(variables.coerced)
        if cost > self._limits.max_cost and self._limits.cost_mode == "measure":
            log.warning(
                "expensive operation",
                extra={"operation": operation.name, "estimated": cost, "limit": self._limits.max_cost},
            )
        return _Prepared(operation, variables, cost, asked.organization_id)

    async def _executed(self, prepared: _Prepared, context: RequestContext, *, only_reads: bool) -> ExecutionResult:
        operation = prepared.operation
        if prepared.cost >= _DEAR:
            async with self._turn_of_dear:
                await asyncio.sleep(0)
        look_at(context, prepared.organization_id)
        context.people = People() if only_reads else None
        try:
            result = self._executor(
                self._schema,
                operation.fragments,
                operation.fragment_details,
                None,
                context,
                operation.node,
                prepared.variables,
                default_field_resolver,
                default_type_resolver,
                default_field_resolver,
                hide_suggestions=not self._suggestions,
            ).execute_operation()
            answer = await self._in_time(result, context) if isawaitable(result) else result
            assert isinstance(answer, ExecutionResult)  # validation knows neither @defer nor @stream
        except GraphQLError as error:
            return ExecutionResult(None, [error])
        return answer

    async def _in_time(self, result: Awaitable[Any], context: RequestContext) -> Any:
        """Return the result; graphql-core knows no deadline, so at it the whole operation fails."""
        if self._executor is BreadthFirstExecutor:
            return await result
        try:
            async with asyncio.timeout_at(context.deadline):
                return await result
        except TimeoutError:
            late = DeadlineExceeded()
            return ExecutionResult(None, [GraphQLError(str(late), original_error=late)])

    async def _told(
        self, prepared: _Prepared, result: ExecutionResult, context: RequestContext, shows_cost: bool
    ) -> tuple[dict[str, Any], int]:
        """Return the body for an executed operation, and its status when GraphQL's own media type is answered."""
        told = await self._authorization.told(result, context, is_mutation=prepared.operation.is_mutation)
        body: dict[str, Any] = {} if told.is_rejected else {"data": result.data}
        status = 403 if told.is_rejected else 200
        if told.errors:
            body["errors"] = told.errors
            status = 294 if self._draft and status == 200 else status
        extensions = dict(told.extensions)
        if (mark := mark_of(context)) is not None:
            extensions["viewAs"] = mark
        if shows_cost:
            limits = self._limits
            extensions["cost"] = {"estimated": prepared.cost, "maximum": limits.max_cost, "mode": limits.cost_mode}
        if extensions:
            body["extensions"] = extensions
        return body, status


class _NotExecutable(Exception):
    """A well-formed request whose operation cannot be executed: it gets errors, and no data."""

    def __init__(self, code: str, errors: list[dict[str, Any]]) -> None:
        super().__init__(code)
        self.code = code
        self.body: dict[str, Any] = {"errors": errors}

    def status(self, draft: bool) -> int:
        """Return the status under GraphQL's own media type; under plain JSON, such an answer has 200."""
        return 422 if draft and self.code != PARSE_FAILED else 400


def _answer(
    body: dict[str, Any] | list[dict[str, Any]], status: int, media_type: str, headers: Mapping[str, str] | None = None
) -> Answer:
    sent = _HEADERS[media_type]
    return Answer(status, [*sent, *raw_headers(headers)] if headers else sent, orjson.dumps(body))
