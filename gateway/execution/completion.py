"""From raw columns to completed ones: nulls, errors, lists, concrete and abstract types, a whole column at a time."""

from collections.abc import Coroutine, Sequence
from typing import Any, TypeAlias, TypeGuard

from gateway.execution.field_errors import FieldError, FieldErrors, PartialColumn, contained
from gateway.execution.kept_exceptions import kept
from gateway.execution.library_internals import Undefined
from gateway.execution.response_paths import PickedPaths, ResponsePaths
from gateway.execution.run import Run, together
from gateway.execution.selected_field import SelectedField
from gateway.execution.value_kinds import ERROR, LATE, NULL, UNSURE, ordinary_types

Column: TypeAlias = list[Any] | PartialColumn
"""A completed column."""

MaybeLate: TypeAlias = Column | Coroutine[Any, Any, Column]
"""A completed column, or one that something has to be awaited for."""


class Completion:
    """How the values of one position in a field's type are completed: its leaf, object, list or abstract type."""

    __slots__ = ("field", "non_null")

    def __init__(self, field: SelectedField, non_null: bool) -> None:
        self.field = field
        self.non_null = non_null

    def present(self, run: Run, values: list[Any], paths: ResponsePaths, types: set[type] | None = None) -> MaybeLate:
        """Complete values that are there: no nulls, no exceptions, nothing to await.

        `types` are theirs, where somebody has looked already. An index with an error that breaks holds None.
        """
        raise NotImplementedError

    def complete(
        self,
        run: Run,
        values: list[Any],
        paths: ResponsePaths,
        types: set[type] | None = None,
        kinds: int | None = None,
    ) -> MaybeLate:
        """Complete any values, of these types and kinds if known; what breaks a nullable value stops there."""
        if not values:
            return []
        if types is None:
            types = set(map(type, values))
        if kinds is None:
            kinds = 0 if run.types_decide and types <= ordinary_types else run.kinds(types)
        if not kinds & (NULL | ERROR | LATE | UNSURE):
            done = self.present(run, values, paths, types)
            return done if self.non_null or type(done) is list else self._bounded(run, done)
        if kinds & LATE or (kinds & UNSURE and any(map(run.is_late, values))):
            return run.hold(self._awaited(run, run.hold_all(values), paths))
        if kinds & ERROR and len(types) == 1:
            return self.all_broken(values)
        return self._sifted(run, values, paths)

    def broken(self, error: Exception) -> FieldError:
        """Return the field error for where this error stands instead of a value."""
        return FieldError(self.non_null, kept(error), self.field)

    def failed(self, error: Exception) -> FieldError:
        """Return the field error of a value that could not be completed."""
        return FieldError(True, kept(error), self.field)

    def all_broken(self, errors: Sequence[Exception]) -> PartialColumn:
        """Return the column of which every value is an error; equal ones share their field error."""
        made = {id(error): self.broken(error) for error in {id(error): error for error in errors}.values()}
        return PartialColumn([None] * len(errors), [made[id(error)] for error in errors])

    def _sifted(self, run: Run, values: list[Any], paths: ResponsePaths) -> MaybeLate:
        """Complete the values that are there and put nulls and errors back beside them."""
        field_errors: FieldErrors = [None] * len(values)
        made: dict[int, FieldError] = {}
        picks: list[int] = []
        for index, value in enumerate(values):
            if isinstance(value, Exception):
                field_error = made.get(id(value))
                if field_error is None:
                    field_error = made[id(value)] = self.broken(value)
                field_errors[index] = field_error
            elif not is_null(value):
                picks.append(index)
            elif self.non_null:
                field_errors[index] = self.broken(self._null())
        if not picks:
            return column_of([None] * len(values), field_errors)
        if len(picks) == len(values):
            return self._bounded(run, self.present(run, values, paths))
        done = self._bounded(run, self.present(run, [values[pick] for pick in picks], PickedPaths(paths, picks)))
        return put_back(run, [(picks, done)], field_errors)

    def _null(self) -> Exception:
        return TypeError(f"Cannot return null for non-nullable field {self.field.coordinate}.")

    def _bounded(self, run: Run, done: MaybeLate) -> MaybeLate:
        if self.non_null or type(done) is list:
            return done
        if type(done) is PartialColumn:
            return contained(done)
        return run.hold(_contained_later(done))

    async def _awaited(self, run: Run, values: list[Any], paths: ResponsePaths) -> Column:
        values = await run.settled(values)
        # What an awaitable answers is a value, even if it could be awaited again.
        types = set(map(type, values))
        done = self.complete(run, values, paths, types, run.kinds(types) & ~(LATE | UNSURE))
        return await finished(done)


def is_done(column: MaybeLate) -> TypeGuard[Column]:
    """Return whether nothing has to be awaited for the column."""
    return type(column) is list or type(column) is PartialColumn


async def finished(column: MaybeLate) -> Column:
    """Wait for the column if something has to be awaited for it."""
    if type(column) is list or type(column) is PartialColumn:
        return column
    return await column  # type: ignore[misc,no-any-return]


def is_null(value: Any) -> bool:
    """Return whether GraphQL sees null in the value."""
    return value is None or value is Undefined


def column_of(values: list[Any], field_errors: FieldErrors) -> Column:
    """Return the values as a column, with their field errors when they have any."""
    return PartialColumn(values, field_errors) if any(field_errors) else values


def put_back(run: Run, groups: list[tuple[list[int], MaybeLate]], field_errors: FieldErrors) -> MaybeLate:
    """Return the column that groups of its values, completed apart, make with the errors of the others; else null."""
    late = [index for index, (_, done) in enumerate(groups) if not is_done(done)]
    if late:
        return run.hold(_put_back_later(run, groups, late, field_errors))
    values: list[Any] = [None] * len(field_errors)
    for picks, done in groups:
        completed = done
        if type(done) is PartialColumn:
            completed = done.values
            for pick, field_error in zip(picks, done.field_errors, strict=True):
                field_errors[pick] = field_error
        for pick, value in zip(picks, completed, strict=True):  # type: ignore[arg-type]
            values[pick] = value
    return column_of(values, field_errors)


async def _put_back_later(
    run: Run, groups: list[tuple[list[int], Any]], late: list[int], field_errors: FieldErrors
) -> Column:
    waiting: list[Coroutine[Any, Any, Column]] = [groups[index][1] for index in late]
    for index, done in zip(late, await together(waiting), strict=True):
        groups[index] = (groups[index][0], done)
    return await finished(put_back(run, groups, field_errors))


async def _contained_later(late: Any) -> Column:
    return contained(await late)
