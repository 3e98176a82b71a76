"""The only module that knows the internals of graphql-core 3.3 and of strawberry; a release of theirs is felt here."""

from asyncio import gather
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from types import CodeType
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputType,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    VariableNode,
    is_non_null_type,
    located_error,
    specified_scalar_types,
)
from graphql.execution import Executor, default_field_resolver, get_argument_values
from graphql.execution.collect_fields import (
    FieldDetails,
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.execute import assume_not_awaitable
from graphql.execution.executor import CollectedErrors, ExecutionHooks, invalid_return_type_error
from graphql.execution.incremental import IncrementalExecutor
from graphql.execution.values import VariableValues
from graphql.pyutils import Path, Undefined, gather_with_cancel, is_iterable
from graphql.pyutils.is_awaitable import is_async_iterable as default_is_async_iterable
from graphql.pyutils.is_awaitable import is_awaitable as default_is_awaitable
from graphql.type.definition import GraphQLResolveInfoHelpers
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema_converter import CustomGraphQLEnumType, GraphQLCoreConverter
from strawberry.types.field import StrawberryField

__all__ = [
    "NO_ERROR_PROPAGATION",
    "CollectedErrors",
    "ExecutionHooks",
    "Executor",
    "FieldDetails",
    "FieldDetailsList",
    "FragmentDetails",
    "GroupedFieldSet",
    "IncrementalExecutor",
    "Info",
    "Path",
    "Undefined",
    "VariableValues",
    "argument_values",
    "arguments_by_variable",
    "default_field_resolver",
    "default_is_async_iterable",
    "default_is_awaitable",
    "enum_members",
    "info_for_paths",
    "invalid_return_type_error",
    "is_iterable",
    "is_known_awaitable_check",
    "is_plain_enum",
    "is_strawberry_type_check",
    "located_error",
    "never_awaits",
    "resolve_info_helpers",
    "root_fields",
    "strawberry_attribute",
    "sub_fields",
]

NO_ERROR_PROPAGATION = "experimental_disableErrorPropagation"

Info: TypeAlias = GraphQLResolveInfo[Any]


def root_fields(executor: Executor[Any], root_type: GraphQLObjectType) -> GroupedFieldSet:
    """Return the root fields of the operation by response name, in document order."""
    return collect_fields(
        executor.schema,
        executor.fragments,
        executor.variable_values,
        root_type,
        executor.operation,
        executor.hide_suggestions,
    ).grouped_field_set


def sub_fields(executor: Executor[Any], type_: GraphQLObjectType, details: FieldDetailsList) -> GroupedFieldSet:
    """Return what these fields select on a concrete type by response name, in document order."""
    return collect_subfields(
        executor.schema,
        executor.fragments,
        executor.variable_values,
        executor.operation,
        type_,
        details,
        executor.hide_suggestions,
    ).grouped_field_set


def argument_values(executor: Executor[Any], definition: GraphQLField, details: FieldDetails) -> dict[str, Any]:
    """Return the coerced arguments of a field node.

    Raises:
        GraphQLError: An argument is missing or cannot be coerced.
    """
    return get_argument_values(
        definition,
        details.node,
        executor.variable_values,
        details.fragment_variable_values,
        executor.hide_suggestions,
    )


def arguments_by_variable(definition: GraphQLField, node: FieldNode) -> dict[str, str] | None:
    """Return which arguments are a variable's value, by the name under which resolvers get it, with that variable.

    None when there is an argument beside them that is not the same in every request, or needs code other than
    graphql-core's to report. An argument that is neither given nor has a default is no argument, whatever its type.
    """
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    variables: dict[str, str] = {}
    for name, argument in definition.args.items():
        value = given.get(name)
        if isinstance(value, VariableNode):
            variables[argument.out_name or name] = value.name.value
        elif not _is_built_in(argument.type) and (
            name in given or argument.default is not None or argument.default_value is not Undefined
        ):
            return None
    return variables


def _is_built_in(type_: GraphQLInputType) -> bool:
    named = type_.of_type if is_non_null_type(type_) else type_
    if isinstance(named, GraphQLScalarType):
        return specified_scalar_types.get(named.name) is named
    return isinstance(named, GraphQLEnumType) and is_plain_enum(named)


def info_for_paths(info: Info, paths: Sequence[Path]) -> list[Info]:
    """Return a copy of `info` for each path."""
    make = tuple.__new__
    class_ = type(info)
    before, after = info[:4], info[5:]
    return [make(class_, (*before, path, *after)) for path in paths]


def resolve_info_helpers() -> GraphQLResolveInfoHelpers:
    """Return the helpers that resolvers find in their info; they hold no reference to the executor."""
    return GraphQLResolveInfoHelpers(gather=_gather, track=_track)


def never_awaits(executor: Executor[Any]) -> bool:
    """Return whether the caller declared that everything is synchronous (`execute_sync`)."""
    return executor.is_awaitable is assume_not_awaitable


def is_known_awaitable_check(check: Callable[[Any], Any]) -> bool:
    """Return whether types decide about this `is_awaitable`, so that one look decides for a whole column."""
    return check is default_is_awaitable or check is optimized_is_awaitable or check is assume_not_awaitable


def strawberry_attribute(definition: GraphQLField) -> str | None:
    """Return the attribute that a plain strawberry field reads, or None when the field does more than that."""
    if not getattr(definition.resolve, "_is_default", False):
        return None
    field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(field, StrawberryField) or not field.is_basic_field or field.default_resolver is not getattr:
        return None
    if type(field).get_result is not StrawberryField.get_result or "get_result" in vars(field):
        return None
    if getattr(definition.resolve, "__code__", None) is not _basic_result_code:
        return None  # it converts exceptions into results
    return field.python_name


def is_strawberry_type_check(is_type_of: Callable[..., Any]) -> bool:
    """Return whether strawberry made this `is_type_of`, which does not look at its info."""
    return getattr(is_type_of, "__code__", None) is _type_check_code


def is_plain_enum(type_: GraphQLLeafType) -> bool:
    """Return whether equal values of the same class always have the same name in this type."""
    return type(type_) is GraphQLEnumType or type(type_) is CustomGraphQLEnumType


def enum_members(type_: GraphQLLeafType) -> list[Enum]:
    """Return the members of the Python enum that a GraphQL enum was made of, as far as that shows."""
    if isinstance(type_, CustomGraphQLEnumType):
        return [*type_.wrapped_cls]
    return [value.value for value in getattr(type_, "values", {}).values() if isinstance(value.value, Enum)]


async def _gather(values: Sequence[Awaitable[Any]]) -> list[Any]:
    return await gather_with_cancel(*values)


def _track(values: Sequence[Any]) -> None:
    awaitables = [value for value in values if default_is_awaitable(value)]
    if awaitables:
        gather(*awaitables, return_exceptions=True)


def _nested_code(code: CodeType, *names: str) -> CodeType | None:
    for name in names:
        nested = (const for const in code.co_consts if isinstance(const, CodeType) and const.co_name == name)
        found = next(nested, None)
        if found is None:
            return None
        code = found
    return code


_basic_result_code = _nested_code(GraphQLCoreConverter.from_resolver.__code__, "_get_basic_result")
_type_check_code = _nested_code(GraphQLCoreConverter.from_object.__code__, "_get_is_type_of", "is_type_of")
