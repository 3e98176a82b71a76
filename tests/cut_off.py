"""Cutting something off at each step where it waits, as a client that hangs up or a process that is killed does."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any


class CutOff:
    """Awaits a coroutine, whose task is cancelled when it waits for the `step`-th time, counted from 1."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], step: int) -> None:
        self._coroutine = coroutine
        self._step = step

    def __await__(self) -> Generator[Any, Any, None]:
        waited = 0
        step: Callable[[], Any] = self._next
        while True:
            try:
                waited_for = step()
            except StopIteration:
                return
            waited += 1
            if waited == self._step:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                yield waited_for
                step = self._next
            except BaseException as raised:
                step = self._raising(raised)

    def _next(self) -> Any:
        return self._coroutine.send(None)

    def _raising(self, raised: BaseException) -> Callable[[], Any]:
        return lambda: self._coroutine.throw(raised)


async def is_cut_off(coroutine: Coroutine[Any, Any, Any], step: int) -> bool:
    """Run a coroutine and cut it off where it waits for the `step`-th time; return whether it got that far at all."""

    async def run() -> None:
        await CutOff(coroutine, step)

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    if task.cancelled():
        return True
    task.result()
    return False
