"""Scalars and enums: clean columns are recognised by the set of their types and used as they are."""

from collections.abc import Callable
from enum import Enum
from math import isfinite
from typing import Any

from graphql import GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInt, GraphQLLeafType, GraphQLString
from graphql.pyutils import inspect

from gateway.execution.completion import Column, Completion, MaybeLate, column_of
from gateway.execution.field_errors import FieldError, FieldErrors
from gateway.execution.library_internals import Undefined, enum_members, is_plain_enum
from gateway.execution.response_paths import ResponsePaths
from gateway.execution.run import Run
from gateway.execution.selected_field import SelectedField
from gateway.execution.value_kinds import ERROR, LATE, NULL, UNSURE

_LEAST_INT, _GREATEST_INT = -(2**31), 2**31 - 1
_NONE = type(None)
_NULLS = {_NONE}
_NOTHING = {_NONE, type(Undefined)}


class Leaf(Completion):
    """A scalar or an enum, each value of it coerced by the type."""

    __slots__ = ("coerce", "type")

    def __init__(self, field: SelectedField, non_null: bool, type_: GraphQLLeafType) -> None:
        super().__init__(field, non_null)
        self.type = type_
        self.coerce: Callable[[Any], Any] = type_.coerce_output_value

    def complete_types(self, run: Run, values: list[Any], types: set[type], paths: ResponsePaths) -> MaybeLate:
        """Complete values of which the set of types is already known."""
        kinds = run.kinds(types)
        if not kinds & (NULL | ERROR | LATE | UNSURE):
            return self._all_coerced(values)
        if kinds & LATE or (kinds & UNSURE and any(map(run.is_late, values))):
            return run.hold(self._awaited(run, run.hold_all(values), paths))
        if types == _NULLS and not self.non_null:
            return values
        if kinds & ERROR and len(types) == 1:
            return self.all_broken(values)
        return self._coerced(values)

    def complete(
        self,
        run: Run,
        values: list[Any],
        paths: ResponsePaths,
        types: set[type] | None = None,
        kinds: int | None = None,
    ) -> MaybeLate:
        if kinds is None:
            return self.complete_types(run, values, set(map(type, values)) if types is None else types, paths)
        return self._coerced(values)

    def present(self, run: Run, values: list[Any], paths: ResponsePaths, types: set[type] | None = None) -> Column:
        return self._coerced(values)

    def _all_coerced(self, values: list[Any]) -> Column:
        """Coerce values of which none is null or an error; after an error, or when one becomes null, once more."""
        try:
            done = list(map(self.coerce, values))
        except Exception:
            done = [None]  # the exception is gone before anything goes on
        return done if _NOTHING.isdisjoint(map(type, done)) else self._coerced(values)

    def _coerced(self, values: list[Any]) -> Column:
        """Coerce one value after the other; nulls and errors may be among them."""
        coerce = self.coerce
        done: list[Any] = []
        field_errors: FieldErrors = []
        made: dict[int, FieldError] = {}
        for value in values:
            field_error = coerced = None
            if value is None or value is Undefined:
                if self.non_null:
                    field_error = self.broken(self._null())
            elif isinstance(value, Exception):
                field_error = made.get(id(value))
                if field_error is None:
                    field_error = made[id(value)] = self.broken(value)
            else:
                try:
                    coerced = coerce(value)
                    if coerced is None or coerced is Undefined:
                        raise self._nothing(value, coerced)
                except Exception as error:
                    field_error = self.broken(error)
                    coerced = None
            done.append(coerced)
            field_errors.append(field_error)
        return column_of(done, field_errors)

    def _nothing(self, value: Any, coerced: Any) -> Exception:
        return TypeError(
            f"Expected `{inspect(self.type)}.coerce_output_value({inspect(value)})`"
            f" to return non-nullable value, returned: {inspect(coerced)}"
        )


class PlainLeaf(Leaf):
    """A scalar that leaves values of one type unchanged: a column of that type is already complete."""

    __slots__ = ("_clean_or_null", "clean", "clean_type", "is_clean")

    def __init__(
        self,
        field: SelectedField,
        non_null: bool,
        type_: GraphQLLeafType,
        clean: type,
        is_clean: Callable[[list[Any]], bool] | None,
    ) -> None:
        super().__init__(field, non_null, type_)
        self.clean_type = clean
        self.clean = {clean}
        self._clean_or_null = ({_NONE}, {_NONE, clean})
        self.is_clean = is_clean

    def complete_types(self, run: Run, values: list[Any], types: set[type], paths: ResponsePaths) -> MaybeLate:
        is_clean = self.is_clean
        if types == self.clean:
            if is_clean is None or is_clean(values):
                return values
        elif not self.non_null and types in self._clean_or_null:
            if is_clean is None or is_clean([value for value in values if value is not None]):
                return values
        elif not values:
            return values
        return super().complete_types(run, values, types, paths)


class EnumLeaf(Leaf):
    """An enum: the names of its members are looked up once and remembered."""

    __slots__ = ("_members", "names")

    def __init__(self, field: SelectedField, non_null: bool, type_: GraphQLLeafType) -> None:
        super().__init__(field, non_null, type_)
        self.names: dict[int, str | None] = {} if non_null else {id(None): None}
        self._members: list[Enum] = []  # keeps the ids above taken
        for enum in {type(member) for member in enum_members(type_)}:
            self._learn([*enum], enum)

    def complete_types(self, run: Run, values: list[Any], types: set[type], paths: ResponsePaths) -> MaybeLate:
        names = self.names
        try:
            return [names[id(value)] for value in values]
        except KeyError:
            for type_ in types:
                if issubclass(type_, Enum):
                    self._learn(values, type_)
        return super().complete_types(run, values, types, paths)

    def _learn(self, values: list[Any], type_: type[Enum]) -> None:
        for value in values:
            # Only members themselves: a flag's combinations are made at will and would be remembered for ever.
            if type(value) is type_ and id(value) not in self.names and value.name in type_.__members__:
                try:
                    name = self.coerce(value)
                except Exception:
                    continue
                if isinstance(name, str):
                    self._members.append(value)
                    self.names[id(value)] = name


def leaf(field: SelectedField, non_null: bool, type_: GraphQLLeafType) -> Leaf:
    """Return the completion of this scalar or enum type."""
    plain = _PLAIN.get(type_.coerce_output_value)
    if plain is not None:
        return PlainLeaf(field, non_null, type_, *plain)
    if is_plain_enum(type_):
        return EnumLeaf(field, non_null, type_)
    return Leaf(field, non_null, type_)


def _are_32_bits_wide(values: list[int]) -> bool:
    return not values or (min(values) >= _LEAST_INT and max(values) <= _GREATEST_INT)


def _are_finite(values: list[float]) -> bool:
    return isfinite(sum(values))  # an infinity or not-a-number among them shows in the sum


_PLAIN: dict[Callable[[Any], Any], tuple[type, Callable[[list[Any]], bool] | None]] = {
    str: (str, None),  # of many a scalar that is a text of some form
    GraphQLString.coerce_output_value: (str, None),
    GraphQLID.coerce_output_value: (str, None),
    GraphQLBoolean.coerce_output_value: (bool, None),
    GraphQLInt.coerce_output_value: (int, _are_32_bits_wide),
    GraphQLFloat.coerce_output_value: (float, _are_finite),
}
