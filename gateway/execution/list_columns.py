"""Lists: flattened, completed as one column, and grouped again."""

from collections.abc import AsyncIterable
from itertools import chain
from typing import Any

from graphql import GraphQLError

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
from gateway.execution.library_internals import is_iterable
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
        if _PLAIN_LISTS.issuperset(map(type, values) if types is None else types):
            return self._items(run, values, paths, {})
        return self._iterated(run, values, paths)

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

    def _iterated(self, run: Run, values: list[Any], paths: ResponsePaths) -> MaybeLate:
        """Read whatever can be iterated into plain lists, then go on with those."""
        lists: list[Any] = []
        field_errors: FieldErrors = [None] * len(values)
        ends: dict[int, Exception] = {}
        streams: dict[int, AsyncIterable[Any]] = {}
        for position, value in enumerate(values):
            items: list[Any] = []
            if type(value) in _PLAIN_LISTS:
                items = value
            elif run.executor.is_async_iterable(value):
                streams[position] = value
            elif is_iterable(value):
                try:
                    items.extend(value)
                except Exception as error:
                    ends[position] = error
            else:
                message = f"Expected Iterable, but did not find one for field '{self.field.coordinate}'."
                field_errors[position] = self.failed(GraphQLError(message))
            lists.append(items)
        if streams:
            return run.hold(self._streamed(run, lists, streams, paths, ends, field_errors))
        return self._iterated_items(run, lists, paths, ends, field_errors)

    def _iterated_items(
        self,
        run: Run,
        lists: list[Any],
        paths: ResponsePaths,
        ends: dict[int, Exception],
        field_errors: FieldErrors,
    ) -> MaybeLate:
        if not any(field_errors):
            return self._items(run, lists, paths, ends)
        picks = [position for position, field_error in enumerate(field_errors) if field_error is None]
        picked_ends = {index: ends[position] for index, position in enumerate(picks) if position in ends}
        done = self._items(run, [lists[pick] for pick in picks], PickedPaths(paths, picks), picked_ends)
        return put_back(run, [(picks, done)], field_errors)

    async def _streamed(
        self,
        run: Run,
        lists: list[Any],
        streams: dict[int, AsyncIterable[Any]],
        paths: ResponsePaths,
        ends: dict[int, Exception],
        field_errors: FieldErrors,
    ) -> Column:
        async def read(position: int, stream: AsyncIterable[Any]) -> None:
            try:
                await run.within(_read_into(lists[position], stream))
            except Exception as error:
                ends[position] = error

        await together([run.hold(read(position, stream)) for position, stream in streams.items()])
        done = self._iterated_items(run, lists, paths, ends, field_errors)
        return await finished(done)


async def _read_into(items: list[Any], stream: AsyncIterable[Any]) -> None:
    async for item in stream:
        items.append(item)  # noqa: PERF401  what came before an error is kept


def _grouped(flat: list[Any], sizes: list[int]) -> list[Any]:
    groups: list[Any] = []
    start = 0
    for size in sizes:
        end = start + size
        groups.append(flat[start:end])
        start = end
    return groups
