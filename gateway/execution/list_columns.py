"""Lists: flattened, completed as one column, and grouped again."""

from collections.abc import AsyncIterable
from itertools import chain
from typing import Any

from graphql import GraphQLError

from connectors.unmade import Unmade
from gateway.execution.completion import (
    Column,
    Completion,
    MaybeLate,
    column_of,
    finished,
    is_done,
    put_back,
)
from gateway.execution.field_errors import FieldError, FieldErrors, PartialColumn, joined
from gateway.execution.item_reading import Reading
from gateway.execution.library_internals import is_iterable
from gateway.execution.objects import ObjectOf
from gateway.execution.response_paths import ItemPaths, PickedPaths, ResponsePaths
from gateway.execution.run import Run, together
from gateway.execution.selected_field import SelectedField

_PLAIN_LISTS = {list, tuple}


class ListOf(Completion):
    """A list; all its items of all lists of the column are completed together."""

    __slots__ = ("item",)

    def __init__(self, field: SelectedField, non_null: bool, item: Completion) -> None:
        super().__init__(field, non_null)
        self.item = item

    def present(self, run: Run, values: list[Any], paths: ResponsePaths, types: set[type] | None = None) -> MaybeLate:
        if types is None:
            types = set(map(type, values))
        if _PLAIN_LISTS.issuperset(types):
            return self._items(run, values, paths, {})
        if Unmade in types:
            answer = self._unmade(run, values) if len(types) == 1 else None
            if answer is not None:
                return answer
            try:
                values = [value.records if type(value) is Unmade else value for value in values]
            except Exception as error:  # as if whoever read the rows had made the records
                return self.all_broken([error] * len(values))
            return self.present(run, values, paths)
        return self._read(run, values, paths)

    def _unmade(self, run: Run, values: list[Unmade[Any]]) -> list[Any] | None:
        """Complete records that nobody has made; None when they have to be made."""
        layout = values[0].layout
        if type(self.item) is not ObjectOf or any(value.layout is not layout for value in values):
            return None
        lists = [value.rows for value in values]
        flat = list(chain.from_iterable(lists))
        done = self.item.present_unmade(run, layout, flat) if flat else flat
        return _grouped(done, list(map(len, lists))) if done is not None else None

    def _items(self, run: Run, lists: list[Any], paths: ResponsePaths, ends: dict[int, Exception]) -> MaybeLate:
        """Complete the items of plain lists; `ends` has the errors that ended some of them early."""
        sizes = list(map(len, lists))
        flat = list(chain.from_iterable(lists))
        done = self.item.complete(run, flat, ItemPaths(paths, sizes)) if flat else flat
        if type(done) is list and not ends:
            return _grouped(done, sizes)
        if is_done(done):
            return self._judged(done, sizes, ends)
        return run.hold(self._judged_later(done, sizes, ends))

    async def _judged_later(self, late: Any, sizes: list[int], ends: dict[int, Exception]) -> Column:
        return self._judged(await late, sizes, ends)

    def _judged(self, items: Column, sizes: list[int], ends: dict[int, Exception]) -> Column:
        """Group the items and decide for each list what its items' errors mean for it."""
        if type(items) is PartialColumn:
            values, parts = _grouped(items.values, sizes), _grouped(items.field_errors, sizes)
        else:
            values, parts = _grouped(items, sizes), [()] * len(sizes)  # type: ignore[arg-type]
        made: dict[tuple[FieldError | None, ...], FieldError | None] = {}
        field_errors: FieldErrors = []
        for of_list in map(tuple, parts):
            if of_list not in made:
                made[of_list] = joined(range(len(of_list)), of_list)
            field_errors.append(made[of_list])
        for position, error in ends.items():
            before = field_errors[position]
            if before is None:
                field_errors[position] = self.failed(error)
            elif not before.breaks:
                field_errors[position] = FieldError(True, error, self.field, before.steps, before.parts)
        for position, field_error in enumerate(field_errors):
            if field_error is not None and field_error.breaks:
                values[position] = None
        return column_of(values, field_errors)

    def _read(self, run: Run, values: list[Any], paths: ResponsePaths) -> MaybeLate:
        """Read whatever can be iterated, then go on with what was read."""
        lists: list[Reading] = []
        field_errors: FieldErrors = [None] * len(values)
        streams: dict[int, AsyncIterable[Any]] = {}
        for position, value in enumerate(values):
            reading = Reading(run, self.item, PickedPaths(paths, [position]))
            if type(value) in _PLAIN_LISTS:
                reading.items = value
            elif run.executor.is_async_iterable(value):
                streams[position] = value
            elif is_iterable(value):
                reading.read(value)
            else:
                message = f"Expected Iterable, but did not find one for field '{self.field.coordinate}'."
                field_errors[position] = self.failed(GraphQLError(message))
            lists.append(reading)
        if streams:
            return run.hold(self._streamed(run, lists, streams, paths, field_errors))
        return self._as_read(run, lists, paths, field_errors)

    async def _streamed(
        self,
        run: Run,
        lists: list[Reading],
        streams: dict[int, AsyncIterable[Any]],
        paths: ResponsePaths,
        field_errors: FieldErrors,
    ) -> Column:
        await together([run.hold(lists[position].read_stream(stream)) for position, stream in streams.items()])
        return await finished(self._as_read(run, lists, paths, field_errors))

    def _as_read(self, run: Run, lists: list[Reading], paths: ResponsePaths, field_errors: FieldErrors) -> MaybeLate:
        """Complete the lists: together those of which nothing had to be completed while they were read."""
        picks: list[int] = []
        groups: list[tuple[list[int], MaybeLate]] = []
        for position, reading in enumerate(lists):
            if field_errors[position] is not None:
                continue
            if reading.parts:
                groups.append(([position], self._in_parts(run, reading)))
            else:
                picks.append(position)
        ends = {index: end for index, pick in enumerate(picks) if (end := lists[pick].end) is not None}
        items = [lists[pick].items for pick in picks]
        if len(picks) == len(lists):
            return self._items(run, items, paths, ends)
        if picks:
            groups.append((picks, self._items(run, items, PickedPaths(paths, picks), ends)))
        return put_back(run, groups, field_errors)

    def _in_parts(self, run: Run, reading: Reading) -> MaybeLate:
        """Complete a list of which parts were completed while it was read."""
        done = reading.completed()
        ends = {} if reading.end is None else {0: reading.end}
        if is_done(done):
            return self._judged(done, [reading.size], ends)
        return run.hold(self._judged_later(done, [reading.size], ends))


def _grouped(flat: list[Any], sizes: list[int]) -> list[Any]:
    groups: list[Any] = []
    start = 0
    for size in sizes:
        end = start + size
        groups.append(flat[start:end])
        start = end
    return groups
