"""/graphql: a request in, the answer out (GraphQL over HTTP). What it passes on the way is in docs/http.md."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLSchema
from graphql.execution import default_field_resolver, default_type_resolver
from graphql.execution.values import VariableValues
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from connectors.errors import BackendUnavailable
from connectors.http.current_request import answering
from connectors.ids import OrganizationId
from connectors.quick import quick
from gateway.auth.authentication import Unauthenticated
from gateway.auth.request_context import RequestContexts
from gateway.auth.view_as import check_changes_nothing, mark_of
from gateway.execution import AnswerTooLarge, BreadthFirstExecutor, Budget, CountingExecutor, DeadlineExceeded, kept
from gateway.pipeline.anonymous_operations import Needs
from gateway.pipeline.authorization_errors import NOTHING_REPORTED, AuthorizationReport
from gateway.pipeline.content_negotiation import GRAPHQL_JSON, JSON, answered_type
from gateway.pipeline.error_formatting import directory_away, shown
from gateway.pipeline.introspection.views import (
    DISABLED,
    DISABLED_MESSAGE,
    asks_for_the_schema,
    asks_only_for_the_schema,
    filter_introspection,
    look_at,
)
from gateway.pipeline.limits.expensive import Estimated, check_costs, most_expensive
from gateway.pipeline.limits.limit_exceeded import LARGEST_SHOWN, LimitExceeded
from gateway.pipeline.limits.text import check_texts
from gateway.pipeline.limits.turns import Turns
from gateway.pipeline.operation_cache import (
    PARSE_FAILED,
    Documents,
    InvalidDocument,
    NoSuchOperation,
    Operation,
    reported,
)
from gateway.pipeline.request_parser import ALLOWED, GraphqlRequest, RequestReader
from gateway.pipeline.upstream_request import upstream_request
from gateway.server import header_names
from gateway.server.error_middleware import answer_to_unexpected
from gateway.server.fast_http import Answer, Connection, GraphqlHttpRequest, raw_headers
from gateway.server.request_errors import RefusedRequest, request_error
from gateway.settings import Limits, Settings
from resolvers.context import People, RequestContext
from resolvers.languages import Reader
from resolvers.texts import Text

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
_EXPENSIVE_SHARE = 10
"""Requests that may cost this fraction of `max_cost` take turns: several that take some ten ms each would otherwise run
one after the other before anybody else is looked at."""

_MOST_EXPENSIVE = 2
"""So many of them at once: one keeps the processor busy while another waits for the database."""

_PARTIAL = 294
"""GraphQL over HTTP, draft, 5.4 Status Codes: "contains both the data entry (even if it is null) and the errors entry".
"""

_ANSWERED_TO_NOBODY = Text("The access token was not accepted, so this was answered as if you were not signed in.")

log = logging.getLogger("forecourt.http")


@quick
@dataclass(frozen=True, slots=True)
class _Prepared:
    """An operation with this request's variables, and its estimated cost."""

    operation: Operation
    variables: VariableValues
    cost: int
    organization_id: str | None

    @property
    def estimated(self) -> Estimated:
        """What it costs, and why."""
        return Estimated(self.operation.cost, self.variables.coerced, self.cost)

    @property
    def cost_of_answer(self) -> int:
        """What it costs besides its mutations: those wait, for passwords are checked in threads, two at a time."""
        return self.operation.cost.of_answer(self.variables.coerced) if self.operation.is_mutation else self.cost


class GraphqlEndpoint:
    """Answers GraphQL requests over HTTP; an ASGI application for one path."""

    def __init__(
        self, schema: GraphQLSchema, contexts: RequestContexts, settings: Settings, *, calls_http: bool = False
    ) -> None:
        """`calls_http` says that there are back ends over HTTP, whose calls learn which request they are made for."""
        self._schema = schema
        self._calls_http = calls_http
        self._contexts = contexts
        self._limits: Limits = settings
        self._suggestions = settings.makes_suggestions
        self._documents = Documents(
            schema, settings, suggestions=self._suggestions, prepares=settings.execution == "breadth-first"
        )
        self._reader = RequestReader(settings)
        self._turns = Turns(_MOST_EXPENSIVE, settings.request_timeout_seconds)
        self._hides_schema = settings.introspection == "off"
        self._needs = Needs(schema, filtered=settings.introspection == "filtered")
        filter_introspection(schema)
        self._authorization = AuthorizationReport(settings)
        self._draft = settings.http_status_profile == "draft"
        self._executor: type[BreadthFirstExecutor] | type[CountingExecutor] = (
            BreadthFirstExecutor if settings.execution == "breadth-first" else CountingExecutor
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application."""
        try:
            answer = await self.answer(GraphqlHttpRequest(scope, receive))
        except Exception as error:
            answer = answer_to_unexpected(error, scope)
        await answer(scope, receive, send)

    async def answer(self, request: GraphqlHttpRequest) -> Answer:
        """Answer one request, whatever the client sent."""
        if request.method == "OPTIONS":
            return Answer(204, raw_headers({"allow": ALLOWED}))
        media_type = JSON
        try:
            media_type = answered_type(request.headers.get("accept"))
            asked = await self._reader.read(request)
            shows_cost = (request.headers.get(header_names.COST) or "").lower() == "true"
            if isinstance(asked, list):
                return await self._batch_answered(request, asked, media_type, shows_cost)
            body, status, context, prepared = await self._answered(request, asked, shows_cost)
            headers = self._contexts.headers_after(context)
            answer = _answer(body, *self._as_profiled(status, media_type), headers)
            if len(answer.body) <= self._limits.max_answer_bytes:
                return answer
            status = _PARTIAL if self._draft else status
            return _answer(self._too_large(prepared, context), *self._as_profiled(status, media_type), headers)
        except RefusedRequest as refused:
            status = refused.draft_status if self._draft and refused.draft_status else refused.status
            body = refused.body(self._contexts.reader(request))
            return _answer(body, status, self._type_of_refusal(media_type), refused.headers)
        except _NotExecutable as refused:
            return _answer(refused.body, *self._as_profiled(refused.status(self._draft), media_type))
        except BackendUnavailable as away:
            status, body = directory_away(away, self._contexts.reader(request))
            return _answer(body, status, self._type_of_refusal(media_type))
        except ClientDisconnect:
            return Answer(400, ())

    async def result_of(self, request: Connection, asked: GraphqlRequest) -> dict[str, Any]:
        """Execute an operation of the gateway's own, as if this request had sent it, and return the answer's body.

        It passes all that one from outside passes: limits, guards, counts of attempts, audit.

        Raises:
            BackendUnavailable: The directory does not answer, so nobody can be known.
            Unauthenticated, RefusedRequest: As for a request to /graphql with these headers.
        """
        body, *_ = await self._answered(request, asked, shows_cost=False)
        return body

    async def _answered(
        self, request: Connection, asked: GraphqlRequest, shows_cost: bool
    ) -> tuple[dict[str, Any], int, RequestContext, _Prepared]:
        # Prepared before anybody asks who it is, so that what cannot be executed costs no back end a call.
        prepared = await self._prepared(asked)
        if prepared.cost > self._limits.max_cost:
            check_costs([prepared.estimated], self._limits)
        if not self._takes_turn([prepared]):
            return await self._answered_now(request, prepared, shows_cost)
        async with self._turns.taken(self._contexts.network(request)):
            return await self._answered_now(request, prepared, shows_cost)

    async def _answered_now(
        self, request: Connection, prepared: _Prepared, shows_cost: bool
    ) -> tuple[dict[str, Any], int, RequestContext, _Prepared]:
        only_reads = not prepared.operation.is_mutation
        context = await self._contexts.of(
            request,
            needs_caller=lambda: self._needs_caller(prepared),
            only_introspects=lambda: _only_introspects(prepared),
            reads_of=_organizations_named([prepared]) if only_reads else None,
            shown=prepared.operation.shown if only_reads else None,
        )
        check_changes_nothing(context, [prepared.operation.is_mutation])
        result = await self._executed(request, prepared, context, self._budget(), only_reads=only_reads)
        return *await self._reported(prepared, result, context, shows_cost), context, prepared

    async def _batch_answered(
        self, request: GraphqlHttpRequest, asked: list[GraphqlRequest], media_type: str, shows_cost: bool
    ) -> Answer:
        """Answer each operation of a batch in its order; their documents and their costs count together."""
        check_texts({one.query for one in asked}, self._limits)
        prepared = [await self._prepared_or_refused(one) for one in asked]
        executable = [one for one in prepared if isinstance(one, _Prepared)]
        check_costs([one.estimated if isinstance(one, _Prepared) else None for one in prepared], self._limits)
        are_mutations = [one.operation.is_mutation for one in executable]
        taken = self._turns.taken(self._contexts.network(request)) if self._takes_turn(executable) else nullcontext()
        async with taken:
            context = await self._contexts.of(
                request,
                needs_caller=lambda: bool(executable) and all(map(self._needs_caller, executable)),
                only_introspects=lambda: bool(executable) and all(map(_only_introspects, executable)),
                reads_of=_organizations_named(executable) if not any(are_mutations) else None,
            )
            check_changes_nothing(context, are_mutations)
            answers, budget = [], self._budget()
            for one in prepared:
                if not isinstance(one, _Prepared):
                    answers.append(one)
                elif isinstance(context.not_accepted, Unauthenticated) and self._needs_caller(one):
                    answers.append(context.not_accepted.body(context.reader))
                else:
                    own = replace(context, loaders={})  # signing in or out within one changes nothing for the others
                    result = await self._executed(request, one, own, budget, only_reads=not any(are_mutations))
                    answers.append((await self._reported(one, result, own, shows_cost))[0])
        headers = self._contexts.headers_after(context)
        answer = _answer(answers, 200, media_type, headers)
        if len(answer.body) <= self._limits.max_answer_bytes:
            return answer
        refused = [self._too_large(one, context) if isinstance(one, _Prepared) else one for one in prepared]
        return _answer(refused, 200, media_type, headers)

    def _as_profiled(self, status: int, media_type: str) -> tuple[int, str]:
        """Return status and media type of a GraphQL answer that has this status under GraphQL's own media type."""
        if self._draft:
            return status, media_type if 200 <= status < 300 else self._type_of_refusal(media_type)
        return status if media_type == GRAPHQL_JSON or status == 403 else 200, media_type

    def _type_of_refusal(self, media_type: str) -> str:
        """Return the media type of an answer whose status is no success, for a client that takes `media_type`.

        GraphQL over HTTP, draft, 5.1 Body: for a client that accepts only plain JSON, "any response that produces a 2xx
        status code should replace the Content-Type header"; all others say that they come from a GraphQL server.
        """
        return GRAPHQL_JSON if self._draft else media_type

    def _needs_caller(self, prepared: _Prepared) -> bool:
        return self._needs.caller(prepared.operation, prepared.variables)

    def _takes_turn(self, prepared: Sequence[_Prepared]) -> bool:
        least = self._limits.max_cost / _EXPENSIVE_SHARE
        if sum([one.cost for one in prepared]) < least:
            return False
        return sum([one.cost_of_answer for one in prepared]) >= least

    def _budget(self) -> Budget:
        return Budget(self._limits.max_objects, self._limits.max_answer_bytes)

    def _too_large(self, prepared: _Prepared, context: RequestContext) -> dict[str, Any]:
        """Return the body for an answer that has turned out to be too long to be sent."""
        exceeded = AnswerTooLarge("bytes", self._limits.max_answer_bytes, prepared.operation.is_mutation or None)
        return {"data": None, "errors": shown(_unplaced(exceeded), context)}

    async def _prepared_or_refused(self, asked: GraphqlRequest) -> _Prepared | dict[str, Any]:
        try:
            return await self._prepared(asked)
        except _NotExecutable as refused:
            return refused.body
        except LimitExceeded as refused:
            return refused.body(Reader())

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
        if self._hides_schema and asks_for_the_schema(operation.node, operation.fragments):
            raise _NotExecutable(DISABLED, request_error(DISABLED_MESSAGE, DISABLED)["errors"])
        variables = operation.variables.coerced(asked.variables or {})
        if isinstance(variables, list):
            raise _NotExecutable("BAD_USER_INPUT", reported(variables, "BAD_USER_INPUT"))
        cost = operation.cost.of(variables.coerced)
        prepared = _Prepared(operation, variables, cost, asked.organization_id)
        if cost > self._limits.max_cost and self._limits.cost_mode == "measure":
            log.warning(
                "expensive operation",
                extra={
                    "operation": operation.name,
                    "estimated": min(cost, LARGEST_SHOWN),
                    "limit": self._limits.max_cost,
                    "path": next((part.path for part in most_expensive(prepared.estimated, cost)), None),
                },
            )
        return prepared

    async def _executed(
        self,
        request: Connection,
        prepared: _Prepared,
        context: RequestContext,
        budget: Budget,
        *,
        only_reads: bool,
    ) -> ExecutionResult:
        look_at(context, prepared.organization_id)
        context.people = People() if only_reads else None
        if not self._calls_http:
            return await self._result(prepared, context, budget)
        with answering(upstream := upstream_request(request, context)):
            result = await self._result(prepared, context, budget)
        if upstream.stale:
            ages = [{"backend": name.upper(), "ageSeconds": round(age)} for name, age in sorted(upstream.stale.items())]
            result.extensions = {"stale": ages}
        return result

    async def _result(self, prepared: _Prepared, context: RequestContext, budget: Budget) -> ExecutionResult:
        operation = prepared.operation
        try:
            executor = self._executor(
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
            )
            executor.budget = budget
            answer: Any = executor.execute_operation()
            if not isinstance(answer, ExecutionResult):
                answer = await self._in_time(answer, context)
            assert isinstance(answer, ExecutionResult)  # validation knows neither @defer nor @stream
        except GraphQLError as error:
            return ExecutionResult(None, [kept(error)])
        except AnswerTooLarge as exceeded:
            return ExecutionResult(None, _unplaced(exceeded))
        if budget.exceeded is not None and self._executor is CountingExecutor:
            return ExecutionResult(None, _unplaced(budget.exceeded.of_mutation(operation.is_mutation or None)))
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

    async def _reported(
        self, prepared: _Prepared, result: ExecutionResult, context: RequestContext, shows_cost: bool
    ) -> tuple[dict[str, Any], int]:
        """Return the body for an executed operation, and its status when GraphQL's own media type is answered."""
        is_ordinary = context.view_as is None and context.not_accepted is None and not shows_cost
        if is_ordinary and not result.errors and not result.extensions and not context.unenforced:
            return {"data": result.data}, 200
        reported = NOTHING_REPORTED
        if result.errors or context.unenforced:
            reported = await self._authorization.reported(result, context, is_mutation=prepared.operation.is_mutation)
        body: dict[str, Any] = {} if reported.is_rejected else {"data": result.data}
        status = 403 if reported.is_rejected else 200
        if reported.errors:
            body["errors"] = reported.errors
            status = _PARTIAL if self._draft and status == 200 else status
        extensions = {**(result.extensions or {}), **reported.extensions}
        if (mark := mark_of(context)) is not None:
            extensions["viewAs"] = mark
        if isinstance(context.not_accepted, Unauthenticated):
            extensions["authentication"] = {
                "message": context.in_words(_ANSWERED_TO_NOBODY),
                **context.not_accepted.extensions,
            }
        if shows_cost:
            limits = self._limits
            extensions["cost"] = {
                "estimated": min(prepared.cost, LARGEST_SHOWN),
                "maximum": limits.max_cost,
                "mode": limits.cost_mode,
                "mostExpensive": [part.reported() for part in most_expensive(prepared.estimated, limits.max_cost)],
            }
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
        """Return the status under GraphQL's own media type.

        GraphQL over HTTP, draft, 5.4.1 Examples: 400 for "Document parsing failure"; 422 for "Document validation
        failure", "Operation cannot be determined" and "Variable coercion failure".
        """
        return 422 if draft and self.code != PARSE_FAILED else 400


def _organizations_named(prepared: Sequence[_Prepared]) -> list[OrganizationId]:
    """Return the organizations that variables name, so that what a caller in many holds there is read at once."""
    values = [value for one in prepared for value in one.variables.coerced.values()]
    return [OrganizationId(value) for value in values if type(value) is str and value.startswith("org_")]


def _only_introspects(prepared: _Prepared) -> bool:
    return asks_only_for_the_schema(prepared.operation.node, prepared.operation.fragments)


def _unplaced(error: Exception) -> list[GraphQLError]:
    """Return the error of a whole operation."""
    return [GraphQLError(str(error), original_error=kept(error))]


def _answer(
    body: dict[str, Any] | list[dict[str, Any]], status: int, media_type: str, headers: Mapping[str, str] | None = None
) -> Answer:
    sent = _HEADERS[media_type]
    return Answer(status, [*sent, *raw_headers(headers)] if headers else sent, orjson.dumps(body))
