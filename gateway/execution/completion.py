"""From raw columns to completed ones: nulls, errors, lists, concrete and abstract types, a whole column at a time."""

from collections.abc import Coroutine, Sequence
from typing import Any, TypeAlias, TypeGuard

from gateway.execution.field_errors import Trouble, Troubled, Troubles, contained
from gateway.execution.library_internals import Undefined
from gateway.execution.response_paths import PickedTrail, Trail
from gateway.execution.run import Run
from gateway.execution.selected_field import SelectedField
from gateway.execution.value_kinds import FAULT, LATE, NULL, UNSURE

Column: TypeAlias = list[Any] | Troubled
"""A completed column."""

MaybeLate: TypeAlias = Column | Coroutine[Any, Any, Column]
"""A completed column, or one that something has to be awaited for."""


class Completion:
    """How the values of one position in a field's type are completed: its leaf, object, list or abstract type."""

    __slots__ = ("field", "non_null")

    def __init__(self, field: SelectedField, non_null: bool) -> None:
        self.field = field
        self.non_null = non_null

    def present(self, run: Run, values: list[Any], trail: Trail, types: set[type] | None = None) -> MaybeLate:
        """Complete values that are there: no nulls, no exceptions, nothing to await.

        `types` are theirs, where somebody has looked already. A place with a trouble that breaks holds None.
        """
        raise NotImplementedError

    def complete(
        self, run: Run, values: list[Any], trail: Trail, types: set[type] | None = None, kinds: int | None = None
    ) -> MaybeLate:
        """Complete any values, of these types and kinds if known; what breaks a place that may be null stops there."""
        if not values:
            return []
        if types is None:
            types = set(map(type, values))
        if kinds is None:
            kinds = run.kinds(types)
        if not kinds & (NULL | FAULT | LATE | UNSURE):
            return self._bounded(run, self.present(run, values, trail, types))
        if kinds & LATE or (kinds & UNSURE and any(map(run.is_late, values))):
            return run.hold(self._awaited(run, run.hold_all(values), trail))
        if kinds & FAULT and len(types) == 1:
            return self.all_broken(values)
        return self._sifted(run, values, trail)

    def broken(self, error: Exception) -> Trouble:
        """Return the trouble of a place where this error stands instead of a value."""
        return Trouble(self.non_null, error, self.field)

    def failed(self, error: Exception) -> Trouble:
        """Return the trouble of a value that could not be completed."""
        return Trouble(True, error, self.field)

    def all_broken(self, errors: Sequence[Exception]) -> Troubled:
        """Return the column of which every value is an error; equal ones share their trouble."""
        made = {id(error): self.broken(error) for error in {id(error): error for error in errors}.values()}
        return Troubled([None] * len(errors), [made[id(error)] for error in errors])

    def _sifted(self, run: Run, values: list[Any], trail: Trail) -> MaybeLate:
        """Complete the values that are there and put nulls and errors back beside them."""
        troubles: Troubles = [None] * len(values)
        made: dict[int, Trouble] = {}
        picks: list[int] = []
        for place, value in enumerate(values):
            if isinstance(value, Exception):
                trouble = made.get(id(value))
                if trouble is None:
                    trouble = made[id(value)] = self.broken(value)
                troubles[place] = trouble
            elif not is_null(value):
                picks.append(place)
            elif self.non_null:
                troubles[place] = self.broken(self._null())
        if not picks:
            return column_of([None] * len(values), troubles)
        if len(picks) == len(values):
            return self._bounded(run, self.present(run, values, trail))
        done = self._bounded(run, self.present(run, [values[pick] for pick in picks], PickedTrail(trail, picks)))
        if is_done(done):
            return spread(done, picks, troubles)
        return run.hold(spread_later(done, picks, troubles))

    def _null(self) -> Exception:
        return TypeError(f"Cannot return null for non-nullable field {self.field.coordinate}.")

    def _bounded(self, run: Run, done: MaybeLate) -> MaybeLate:
        if self.non_null or type(done) is list:
            return done
        if type(done) is Troubled:
            return contained(done)
        return run.hold(_contained_later(done))

    async def _awaited(self, run: Run, values: list[Any], trail: Trail) -> Column:
        values = await run.settled(values)
        # What an awaitable answers is a value, even if it could be awaited again.
        types = set(map(type, values))
        done = self.complete(run, values, trail, types, run.kinds(types) & ~(LATE | UNSURE))
        return await finished(done)


def is_done(column: MaybeLate) -> TypeGuard[Column]:
    """Return whether nothing has to be awaited for the column."""
    return type(column) is list or type(column) is Troubled


async def finished(column: MaybeLate) -> Column:
    """Wait for the column if something has to be awaited for it."""
    if type(column) is list or type(column) is Troubled:
        return column
    return await column  # type: ignore[misc,no-any-return]


def is_null(value: Any) -> bool:
    """Return whether GraphQL sees null in the value."""
    return value is None or value is Undefined


def column_of(values: list[Any], troubles: Troubles) -> Column:
    """Return the values as a column, with their troubles when they have any."""
    return Troubled(values, troubles) if any(troubles) else values


def put(done: Column, picks: list[int], values: list[Any], troubles: Troubles) -> None:
    """Write completed values and their troubles to their places."""
    completed = done
    if type(done) is Troubled:
        completed = done.values
        for pick, trouble in zip(picks, done.troubles, strict=True):
            troubles[pick] = trouble
    for pick, value in zip(picks, completed, strict=True):  # type: ignore[arg-type]
        values[pick] = value


def spread(done: Column, picks: list[int], troubles: Troubles) -> Column:
    """Return a column as long as `troubles`, with the completed values at their places and null elsewhere."""
    values: list[Any] = [None] * len(troubles)
    put(done, picks, values, troubles)
    return column_of(values, troubles)


async def spread_later(late: MaybeLate, picks: list[int], troubles: Troubles) -> Column:
    """Wait for the completed values, then do as `spread`."""
    return spread(await finished(late), picks, troubles)


async def _contained_later(late: MaybeLate) -> Column:
    return contained(await finished(late))
