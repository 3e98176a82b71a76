"""The executor that stands in for graphql-core's own."""

from collections import Counter
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, TypeGuard

from graphql import (
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLFieldResolver,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLTypeResolver,
    OperationDefinitionNode,
    OperationType,
)
from graphql.execution import MiddlewareManager, default_type_resolver
from graphql.pyutils import AbortSignal

from connectors.wanted import Wanted
from gateway.execution.budget import Budget
from gateway.execution.compiled_documents import operation_of
from gateway.execution.completion import Column, MaybeLate, finished, is_done
from gateway.execution.field_errors import PartialColumn, graphql_errors
from gateway.execution.levels import Selection, answer_level, answer_serially
from gateway.execution.library_internals import (
    CollectedErrors,
    ExecutionHooks,
    Executor,
    FragmentDetails,
    IncrementalExecutor,
    VariableValues,
    default_field_resolver,
    default_is_async_iterable,
    default_is_awaitable,
    resolve_info_helpers,
)
from gateway.execution.planner import Plan
from gateway.execution.response_paths import ResponsePaths
from gateway.execution.run import Run

HANDED_OVER: Counter[str] = Counter()
"""How many operations were handed to graphql-core since the start, by reason."""


class BreadthFirstExecutor(Executor[Any]):
    """Executes an operation level by level, each field once for all objects; gives graphql-core's answers.

    Pass it as `executor_class` to graphql-core's `execute` and `subscribe`. What it does not do it hands to
    graphql-core and counts in `HANDED_OVER`.

    An attribute `deadline` of the context value, in seconds of `time.monotonic`, bounds the whole operation: a
    column that is late fails with `DeadlineExceeded`, the rest stands. `budget` bounds what the answer may hold: when
    it is exceeded, `AnswerTooLarge` is raised instead of an answer, or, in a mutation, stands at the root field that
    exceeded it and at those after it, which are not begun.
    """

    budget: Budget | None = None
    uses_row_functions = True
    """Whether rows are made by generated functions where there can be one; without, answers are the same."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragment_definitions: dict[str, FragmentDefinitionNode],
        fragments: dict[str, FragmentDetails],
        root_value: Any,
        context_value: Any,
        operation: OperationDefinitionNode,
        variable_values: VariableValues,
        field_resolver: GraphQLFieldResolver,
        type_resolver: GraphQLTypeResolver,
        subscribe_field_resolver: GraphQLFieldResolver,
        enable_early_execution: bool = False,
        middleware_manager: MiddlewareManager | None = None,
        is_awaitable: Callable[[Any], TypeGuard[Awaitable[Any]]] | None = None,
        is_async_iterable: Callable[[Any], TypeGuard[AsyncIterable[Any]]] | None = None,
        hide_suggestions: bool = False,
        abort_signal: AbortSignal | None = None,
        hooks: ExecutionHooks | None = None,
    ) -> None:
        # The constructor of graphql-core makes an executor that refers to itself, work for the garbage collector.
        self.schema = schema
        self.fragment_definitions = fragment_definitions
        self.fragments = fragments
        self.root_value = root_value
        self.context_value = context_value
        self.operation = operation
        self.variable_values = variable_values
        self.field_resolver = field_resolver
        self.type_resolver = type_resolver
        self.subscribe_field_resolver = subscribe_field_resolver
        self.enable_early_execution = enable_early_execution
        self.middleware_manager = middleware_manager
        self.is_awaitable = is_awaitable or default_is_awaitable
        self.is_async_iterable = is_async_iterable or default_is_async_iterable
        self.hide_suggestions = hide_suggestions
        self.abort_signal = abort_signal
        self.hooks = hooks
        self.collected_errors: CollectedErrors = None  # type: ignore[assignment]

    @cached_property
    def async_helpers(self) -> Any:  # type: ignore[override]
        """The helpers for resolvers, made when the first info is."""
        return resolve_info_helpers()

    def execute_operation(self, serially: bool | None = None) -> Any:
        """Execute the operation; the answer is awaitable only when something has to be awaited."""
        known = operation_of(self)
        reason = known.beyond or self._beyond()
        if reason is not None:
            return self._handed_over(reason, serially)
        root_type = self.schema.get_root_type(self.operation.operation)
        if root_type is None:
            return self._handed_over("no root type", serially)
        plan = known.plan(self)
        if plan is None:
            return self._handed_over("condition that is no Boolean", serially)
        selection = _root_of(plan, self, root_type)
        if selection is None:
            return self._handed_over("root fields that cannot be collected", serially)
        if serially is None:
            serially = self.operation.operation is OperationType.MUTATION
        return self._answer(selection, serially)

    def _answer(self, selection: Selection, serially: bool) -> Any:
        run = Run(self, self.budget or Budget())
        done: MaybeLate
        try:
            if serially:
                done = answer_serially(run, selection, self.root_value, ResponsePaths())
            else:
                done = answer_level(run, selection, [self.root_value], ResponsePaths())
        except BaseException:
            run.stop()
            raise
        return _result(done) if is_done(done) else _late_result(run, done)

    def _beyond(self) -> str | None:
        """Return why this request is not for the engine, if it is not."""
        if self.middleware_manager is not None and self.middleware_manager.middlewares:
            return "middleware"
        if self.abort_signal is not None:
            return "abort signal"
        if self.hooks is not None:
            return "hooks"
        return None

    def _handed_over(self, reason: str, serially: bool | None) -> Any:
        """Let graphql-core execute the operation."""
        HANDED_OVER[reason] += 1
        executor: Executor[Any] = IncrementalExecutor(
            self.schema,
            self.fragment_definitions,
            self.fragments,
            self.root_value,
            self.context_value,
            self.operation,
            self.variable_values,
            self.field_resolver,
            self.type_resolver,
            self.subscribe_field_resolver,
            self.enable_early_execution,
            self.middleware_manager,
            self.is_awaitable,
            self.is_async_iterable,
            hide_suggestions=self.hide_suggestions,
            abort_signal=self.abort_signal,
            hooks=self.hooks,
        )
        return executor.execute_operation(serially)


def planning_executor(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: dict[str, FragmentDefinitionNode],
    details: dict[str, FragmentDetails],
    conditions: Mapping[str, bool],
) -> BreadthFirstExecutor:
    """Return an executor that only plans, for these values of the variables of `@skip` and `@include`."""
    return BreadthFirstExecutor(
        schema,
        fragments,
        details,
        None,
        None,
        operation,
        VariableValues({}, dict(conditions)),
        default_field_resolver,
        default_type_resolver,
        default_field_resolver,
    )


def prepare(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: dict[str, FragmentDefinitionNode],
    details: dict[str, FragmentDetails],
) -> Mapping[type, Wanted[Any]] | None:
    """Plan a valid operation and generate its functions before it is first executed, in whatever thread.

    For the values of `@skip` and `@include` with which most is selected, and for objects of one type; the rest is
    planned when it is reached. Returned is which attributes it shows of records, by their class; None where that
    depends on variables, or is not known.
    """
    root_type = schema.get_root_type(operation.operation)
    if root_type is None or not isinstance(root_type, GraphQLObjectType):
        return None
    executor = planning_executor(schema, operation, fragments, details, {})
    known = operation_of(executor)
    executor.variable_values.coerced.update(known.conditions)
    plan = known.plan(executor) if known.beyond is None else None
    if plan is None or _root_of(plan, executor, root_type) is None:
        return None
    with suppress(Exception):  # whoever reaches what cannot be planned reports it
        for _ in plan.levels(executor, root_type, of_every_type=False):
            pass  # a level that is looked at has its function
        return plan.learn_wanted(executor) if not known.conditions else None
    return None


def _root_of(plan: Plan, executor: BreadthFirstExecutor, root_type: GraphQLObjectType) -> Selection | None:
    """Return the root fields, None when they cannot be collected; the exception is gone before anything goes on."""
    try:
        return plan.root_of(executor, root_type)
    except Exception:
        return None


def _result(rows: Column) -> ExecutionResult:
    if type(rows) is PartialColumn:
        field_error = rows.field_errors[0]
        return ExecutionResult(rows.values[0], graphql_errors(field_error) if field_error is not None else None)
    return ExecutionResult(rows[0], None)  # type: ignore[index]


async def _late_result(run: Run, rows: MaybeLate) -> ExecutionResult:
    try:
        return _result(await finished(rows))
    finally:
        run.stop()
