"""What one execution of a plan needs at every level: the request's values, the clock, and how to wait."""

from asyncio import Future, Task, create_task, gather, wait
from collections import deque
from collections.abc import Awaitable, Coroutine, Sequence
from inspect import CORO_CREATED, getcoroutinestate
from types import CoroutineType
from typing import Any, NamedTuple, TypeVar

from graphql.type import GraphQLResolveInfo  # noqa: F401

from gateway.execution.budget import Budget
from gateway.execution.deadline import Clock
from gateway.execution.library_internals import Executor, is_known_awaitable_check, never_awaits
from gateway.execution.value_kinds import LATE, UNSURE, kind_of, kinds_of

T = TypeVar("T")


class SharedAnswer(NamedTuple):
    """What a batch field will have answered for these parents, kept so that no other objects get their identities."""

    parents: list[Any]
    coming: "Future[tuple[Any, Exception | None]]"


class Run:
    """One execution of a plan; everything that belongs to the request and not to the document."""

    __slots__ = (
        "_held",
        "_ignored",
        "answers",
        "budget",
        "clock",
        "context",
        "executor",
        "types_decide",
        "uses_row_functions",
    )

    def __init__(self, executor: Executor[Any], budget: Budget) -> None:
        self.executor = executor
        self.budget = budget
        self.context = executor.context_value
        deadline: float | None = getattr(executor.context_value, "deadline", None)
        self.clock = Clock(deadline) if deadline is not None else None
        self.answers: dict[tuple[Any, ...], SharedAnswer] = {}
        if self.clock is not None:
            budget.when_exceeded = self.clock.end  # no field is waited for any more
        self._held: list[Any] = []
        self.types_decide = is_known_awaitable_check(executor.is_awaitable)
        self.uses_row_functions = self.types_decide and executor.uses_row_functions  # type: ignore[attr-defined]
        self._ignored = ~(LATE | UNSURE) if never_awaits(executor) else ~0

    def kinds(self, types: set[type]) -> int:
        """Return the kinds that occur among values of these types."""
        kinds = kinds_of(types) & self._ignored
        return kinds if self.types_decide else kinds | UNSURE

    def is_late(self, value: Any) -> bool:
        """Return whether the value has to be awaited."""
        kind = kind_of(value) & self._ignored
        if self.types_decide and not kind & UNSURE:
            return bool(kind & LATE)
        return bool(self.executor.is_awaitable(value))

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed, so that nothing new is begun."""
        return self.clock is not None and self.clock.is_out

    def within(self, awaitable: Awaitable[Any]) -> Awaitable[Any]:
        """Return what awaits the value, but no longer than the deadline: `Clock.bounded`."""
        return awaitable if self.clock is None else self.clock.bounded(awaitable)

    def hold(self, late: T) -> T:
        """Return what is awaited later; a coroutine is closed at the end of the run if nobody has begun it."""
        self._held.append(late)
        return late

    def hold_all(self, values: list[T]) -> list[T]:
        """Return values of which some are awaited later, as `hold` does one."""
        self._held.extend(values)
        return values

    def stop(self) -> None:
        """Let go of what the run holds, when the answer is there or will never be.

        A coroutine that was given to another, or to a task, is not begun when that one is cancelled before its first
        step. It would be reported as never awaited.
        """
        for late in self._held:
            if type(late) is CoroutineType and late.cr_frame is not None and getcoroutinestate(late) == CORO_CREATED:
                late.close()
        self._held.clear()
        self.answers.clear()
        if self.clock is not None:
            self.clock.stop()

    async def settled(self, values: list[Any]) -> list[Any]:
        """Return the column with what had to be awaited replaced by its result, or by the exception it raised."""
        values = list(values)
        late = [index for index, value in enumerate(values) if self.is_late(value)]
        try:
            if len(late) == 1:
                values[late[0]] = await self.within(values[late[0]])
                return values
            answers = await self.within(gather(*[_awaitable(values[index]) for index in late], return_exceptions=True))
        except Exception as error:
            answers = [error] * len(late)
        for index, answer in zip(late, answers, strict=True):
            if isinstance(answer, BaseException) and not isinstance(answer, Exception):
                raise answer
            values[index] = answer
        return values


async def together(columns: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Complete the columns concurrently, parallel to `columns`; when one raises, none goes on afterwards."""
    # The first needs no task of its own: this one waits anyway.
    tasks = deque([create_task(column) for column in columns[1:]])
    try:
        answers = [await columns[0]]
        while tasks:
            answers.append(await tasks.popleft())  # and nothing here knows a task whose exception knows this frame
        return answers
    except BaseException:
        for task in tasks:
            task.cancel()
        if tasks:
            await wait(tasks)
        while tasks:
            ignore_outcome(tasks.popleft())
        raise


def ignore_outcome(task: Task[Any]) -> None:
    """Let what a finished task raised be heard by nobody; a task of which nobody asks it complains."""
    if not task.cancelled():
        task.exception()


def _awaitable(value: Any) -> Awaitable[Any]:
    if isinstance(value, CoroutineType | Future):
        return value
    return _waited_for(value)


async def _waited_for(value: Any) -> Any:
    return await value
