"""From raw columns to completed ones: nulls, errors, lists, concrete and abstract types, a whole column at a time."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from .core import Undefined
from .kinds import FAULT, LATE, NULL, UNSURE
from .trails import PickedTrail, Trail
from .troubles import Failure, Trouble, Troubled, contained

if TYPE_CHECKING:
    from .fields import Field
    from .run import Run

Column: TypeAlias = list[Any] | Troubled
"""A completed column."""

MaybeLate: TypeAlias = Column | Coroutine[Any, Any, Column]
"""A completed column, or one that something has to be awaited for."""


class Completion:
    """How the values of one position in a field's type are completed: its leaf, object, list or abstract type."""

    __slots__ = ("field", "non_null")

    def __init__(self, field: "Field", non_null: bool) -> None:
        self.field = field
        self.non_null = non_null

    def present(self, run: "Run", values: list[Any], trail: Trail, types: set[type] | None = None) -> MaybeLate:
        """Complete values that are there: no nulls, no exceptions, nothing to await.

        `types` are theirs, where somebody has looked already. A place with a trouble that breaks holds None.
        """
        raise NotImplementedError

    def complete(
        self, run: "Run", values: list[Any], trail: Trail, types: set[type] | None = None, kinds: int | None = None
    ) -> MaybeLate:
        """Complete any values, of these types and kinds if known; what breaks a place that may be null stops there."""
        if not values:
            return []
        if types is None:
            types = set(map(type, values))
        if kinds is None:
            kinds = run.kinds(types)
        if not kinds & (NULL | FAULT | LATE | UNSURE):
            return self._bounded(self.present(run, values, trail, types))
        if kinds & LATE or (kinds & UNSURE and any(map(run.is_late, values))):
            return self._awaited(run, values, trail)
        return self._sifted(run, values, trail)

    def broken(self, error: Exception) -> Trouble:
        """Return the trouble of a place where this error stands instead of a value."""
        return Trouble([Failure(None, error, self.field)], self.non_null)

    def failed(self, error: Exception) -> Trouble:
        """Return the trouble of a value that could not be completed."""
        return Trouble([Failure(None, error, self.field)], True)

    def _sifted(self, run: "Run", values: list[Any], trail: Trail) -> MaybeLate:
        """Complete the values that are there and put nulls and errors back beside them."""
        troubles: dict[int, Trouble] = {}
        picks: list[int] = []
        for place, value in enumerate(values):
            if isinstance(value, Exception):
                troubles[place] = self.broken(value)
            elif not is_null(value):
                picks.append(place)
            elif self.non_null:
                troubles[place] = self.broken(self._null())
        if not picks:
            nulls: list[Any] = [None] * len(values)
            return Troubled(nulls, troubles) if troubles else nulls
        if len(picks) == len(values):
            return self._bounded(self.present(run, values, trail))
        done = self._bounded(self.present(run, [values[pick] for pick in picks], PickedTrail(trail, picks)))
        if is_done(done):
            return spread(done, picks, len(values), troubles)
        return spread_later(done, picks, len(values), troubles)

    def _null(self) -> Exception:
        return TypeError(f"Cannot return null for non-nullable field {self.field.coordinate}.")

    def _bounded(self, done: MaybeLate) -> MaybeLate:
        if self.non_null or type(done) is list:
            return done
        if type(done) is Troubled:
            return contained(done)
        return _contained_later(done)

    async def _awaited(self, run: "Run", values: list[Any], trail: Trail) -> Column:
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


def put(done: Column, picks: list[int], values: list[Any], troubles: dict[int, Trouble]) -> None:
    """Write completed values and their troubles to their places."""
    completed = done
    if type(done) is Troubled:
        completed = done.values
        for place, trouble in done.troubles.items():
            troubles[picks[place]] = trouble
    for pick, value in zip(picks, completed, strict=True):  # type: ignore[arg-type]
        values[pick] = value


def spread(done: Column, picks: list[int], size: int, troubles: dict[int, Trouble]) -> Column:
    """Return a column of this size with completed values at their places, null elsewhere, joined with `troubles`."""
    values: list[Any] = [None] * size
    put(done, picks, values, troubles)
    return Troubled(values, troubles) if troubles else values


async def spread_later(late: MaybeLate, picks: list[int], size: int, troubles: dict[int, Trouble]) -> Column:
    """Wait for the completed values, then do as `spread`."""
    return spread(await finished(late), picks, size, troubles)


async def _contained_later(late: MaybeLate) -> Column:
    return contained(await finished(late))
