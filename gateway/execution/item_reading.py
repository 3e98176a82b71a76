"""Reading the items of a list that is no list yet: no further than they count, and whatever gives them is closed."""

from asyncio import CancelledError, create_task, current_task, sleep, timeout, wait
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import suppress
from types import GeneratorType
from typing import Any

from gateway.execution.completion import Column, Completion, MaybeLate, column_of, finished, is_done, is_null
from gateway.execution.contract import AnswerTooLarge
from gateway.execution.field_errors import FieldErrors, PartialColumn
from gateway.execution.kept_exceptions import kept
from gateway.execution.leaves import Leaf
from gateway.execution.response_paths import ItemPaths, PickedPaths, ResponsePaths
from gateway.execution.run import Run, ignore_outcome, together

MOST_ITEMS = 100_000
"""So many items are read of one list; a list that goes on fails."""

_PART = 1_000
"""So many items are read before it is looked at whether one of them breaks the list."""

_PATIENCE = 0.01
"""So many seconds the next item of a stream may take before those that are there are completed without it."""

_CLOSING_SECONDS = 1.0
"""So long a stream may take to end when nobody wants more of it."""

_END = object()


class Reading:
    """The items of one list, as far as they are read.

    An item that breaks its list ends the reading, as in graphql-core. The engine completes whole columns, so the items
    read are completed in `parts` where a list is long or makes us wait; mostly all are left in `items`, to be completed
    with those of other lists. `end` is the error that ended the list early.
    """

    __slots__ = ("_item", "_lists", "_run", "end", "items", "parts", "size")

    def __init__(self, run: Run, item: Completion, list_: ResponsePaths) -> None:
        self._run = run
        self._item = item
        self._lists = list_
        self.items: list[Any] = []
        self.parts: list[MaybeLate] = []
        self.size = 0
        self.end: Exception | None = None

    def read(self, iterable: Iterable[Any]) -> None:
        """Read an iterable as far as its items count; a generator is closed."""
        iterator: Any = None
        try:
            iterator = iter(iterable)
            for item in iterator:
                self.items.append(item)
                if self._is_over(item):
                    break
                if len(self.items) == _PART and self._item.non_null and self._is_broken(self._complete()):
                    break
        except AnswerTooLarge:
            raise
        except Exception as error:
            self.end = kept(error)
        finally:
            if isinstance(iterator, GeneratorType):
                with suppress(Exception):
                    iterator.close()

    async def read_stream(self, stream: AsyncIterable[Any]) -> None:
        """Read an asynchronous iterable as far as its items count; then it is closed, also when this is cancelled."""
        iterator: AsyncIterator[Any] | None = None
        has_ended = False
        try:
            iterator = aiter(stream)
            while True:
                item = await self._next(iterator)
                if item is _END:
                    has_ended = True
                    return
                self.items.append(item)
                if self._is_over(item):
                    return
                if len(self.items) == _PART and self._item.non_null and await self._breaks():
                    return
        except AnswerTooLarge:
            raise
        except _Broken:
            return
        except Exception as error:
            self.end = kept(error)
        finally:
            if iterator is not None and not has_ended:
                await _close(iterator)

    def completed(self) -> MaybeLate:
        """Return the items, completed."""
        if self.items:
            self._complete()
        if all(map(is_done, self.parts)):
            return _chained(self.parts)
        return self._run.hold(self._completed_later())

    async def _completed_later(self) -> Column:
        late = [index for index, part in enumerate(self.parts) if not is_done(part)]
        waiting: list[Any] = [self.parts[index] for index in late]
        for index, part in zip(late, await together(waiting), strict=True):
            self.parts[index] = part
        return _chained(self.parts)

    async def _next(self, iterator: AsyncIterator[Any]) -> Any:
        """Return the next item or `_END`; while it is not there, complete those that are.

        Raises:
            _Broken: One of those has broken the list.
        """
        if not self.items or not self._item.non_null or isinstance(self._item, Leaf):
            return await self._run.within(_next_of(iterator))
        coming = create_task(_next_of(iterator))
        try:
            await sleep(0)
            if not coming.done():
                await wait((coming,), timeout=_PATIENCE)
            if not coming.done() and await self._breaks():
                raise _Broken
            return await self._run.within(coming)
        finally:
            if not coming.done():
                coming.cancel()
                await wait((coming,), timeout=_CLOSING_SECONDS)
            if coming.done():
                ignore_outcome(coming)

    def _is_over(self, item: Any) -> bool:
        """Return whether nothing more is to be read after this item, as far as the item itself shows."""
        if self.size + len(self.items) > MOST_ITEMS:
            self.items = []
            self.end = AnswerTooLarge("items", MOST_ITEMS)
            return True
        if not self._item.non_null or self._run.is_late(item):
            return False
        if is_null(item) or isinstance(item, Exception):
            return True
        return isinstance(self._item, Leaf) and self._is_broken(self._item.present(self._run, [item], self._lists))

    async def _breaks(self) -> bool:
        """Complete what was read; return whether it breaks the list."""
        part = await finished(self._complete())
        self.parts[-1] = part
        return self._is_broken(part)

    def _complete(self) -> MaybeLate:
        """Complete what was read since the last time."""
        start, items = self.size, self.items
        self.size += len(items)
        self.items = []
        paths = PickedPaths(ItemPaths(self._lists, [self.size]), list(range(start, self.size)))
        done = self._item.complete(self._run, items, paths)
        self.parts.append(done)
        return done

    @staticmethod
    def _is_broken(part: MaybeLate) -> bool:
        """Return whether something in the part leaves nothing of the list; of what is awaited nobody knows yet."""
        return type(part) is PartialColumn and any(one is not None and one.breaks for one in part.field_errors)


class _Broken(Exception):
    """What was read has broken its list."""


async def _next_of(iterator: AsyncIterator[Any]) -> Any:
    try:
        return await anext(iterator)
    except StopAsyncIteration:
        return _END


async def _close(iterator: AsyncIterator[Any]) -> None:
    aclose, task = getattr(iterator, "aclose", None), current_task()
    if aclose is None or task is None:
        return
    cancelled_before = task.cancelling()
    try:
        async with timeout(_CLOSING_SECONDS):
            await aclose()
    except CancelledError:
        if task.cancelling() > cancelled_before:
            raise  # this one is meant, and not a task of the stream's
    except Exception:
        return  # as graphql-core: whoever is no longer wanted has no say


def _chained(parts: list[Any]) -> Column:
    values: list[Any] = []
    field_errors: FieldErrors = []
    for part in parts:
        if type(part) is PartialColumn:
            values += part.values
            field_errors += part.field_errors
        else:
            values += part
            field_errors += [None] * len(part)
    return column_of(values, field_errors)
