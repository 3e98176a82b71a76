"""How an operation will be executed, level by level: what a generated function makes, and why it does not make all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
)

from connectors.wanted import Wanted
from gateway.execution.compiled_documents import Operation
from gateway.execution.executor import BreadthFirstExecutor, planning_executor
from gateway.execution.field_plans import Field
from gateway.execution.levels import RowFunction, Selection
from gateway.execution.library_internals import FragmentDetails
from gateway.execution.projection import learn_wanted
from gateway.execution.row_functions import MOST_VALUES


@dataclass(frozen=True, slots=True)
class FieldLeft:
    """A field that is left to the general engine: why, and which attributes of which records are read for it."""

    key: str
    reason: str
    wanted: Mapping[str, Wanted[Any]]


@dataclass(frozen=True, slots=True)
class ExplainedLevel:
    """A selection of a concrete type at a path of response names, and the function for its rows, if it has one."""

    path: tuple[str, ...]
    type_name: str
    function: RowFunction | None
    left: tuple[FieldLeft, ...]


def explained(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: dict[str, FragmentDefinitionNode],
    details: dict[str, FragmentDetails],
) -> list[ExplainedLevel]:
    """Return the levels of a valid operation, the ones above first; nothing is executed.

    A field under `@include` is taken as included, one under `@skip` as not skipped.
    """
    known = Operation(schema, operation, fragments)
    executor = planning_executor(schema, operation, fragments, details, known.conditions)
    root_type = schema.get_root_type(operation.operation)
    assert root_type is not None
    plan = known.new_plan()
    learn_wanted(plan.root_of(executor, root_type), plan.selection_of, executor)
    return [_explained(*level, executor) for level in plan.levels(executor, root_type, of_every_type=True)]


def _explained(
    path: tuple[str, ...], type_: GraphQLObjectType, selection: Selection, executor: BreadthFirstExecutor
) -> ExplainedLevel:
    function = selection.written(executor)
    reasons = function.reasons if function is not None else {}
    left = [
        FieldLeft(
            field.key, reasons.get(field.key) or field.why_general or _why_alone(field, selection), _wanted(field)
        )
        for field in selection.fields
        if function is None or field in function.columns
    ]
    return ExplainedLevel(path, type_.name, function, tuple(left))


def _why_alone(field: Field, selection: Selection) -> str:
    """Return why a field is left that could be read, in a selection that has no function."""
    if not field.is_leaf:
        return "a level of its own"
    if len(selection.fields) > MOST_VALUES:
        return "more values than one function writes"
    return "no room for more functions in one document"


def _wanted(field: Field) -> Mapping[str, Wanted[Any]]:
    return getattr(field, "wanted", None) or {}
