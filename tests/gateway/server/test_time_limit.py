"""A limit that many waits have alike: each ends in its own time, by one timer."""

import asyncio
from collections.abc import Callable

import pytest

from connectors.time_limit import TimeLimit

LIMIT = 300.0


async def waits_for_ever(limit: TimeLimit) -> str:
    try:
        with limit.wait():
            await asyncio.Event().wait()
    except TimeoutError:
        return "late"
    return "in time"


async def begun(*waits: "asyncio.Task[str]") -> None:
    for _ in range(3):
        await asyncio.sleep(0)
    assert not any(wait.done() for wait in waits)


async def test_each_wait_ends_in_its_own_time(time_passes: Callable[[float], None]) -> None:
    limit = TimeLimit(LIMIT)
    first = asyncio.create_task(waits_for_ever(limit))
    await begun(first)
    time_passes(LIMIT / 2)
    second = asyncio.create_task(waits_for_ever(limit))
    await begun(first, second)

    time_passes(LIMIT / 2)
    assert await asyncio.wait_for(first, 30) == "late"
    await begun(second)
    time_passes(LIMIT / 2)

    assert await asyncio.wait_for(second, 30) == "late"


async def test_what_has_ended_is_not_cut_off_later(time_passes: Callable[[float], None]) -> None:
    limit = TimeLimit(LIMIT)
    with limit.wait():
        await asyncio.sleep(0)

    time_passes(2 * LIMIT)
    late = asyncio.create_task(waits_for_ever(limit))
    await begun(late)
    time_passes(LIMIT)

    assert await asyncio.wait_for(late, 30) == "late"
    with limit.wait():
        await asyncio.sleep(0)  # and goes on to work after its timer has rung for nobody


async def test_who_is_cancelled_is_not_taken_for_late(time_passes: Callable[[float], None]) -> None:
    waiting = asyncio.create_task(waits_for_ever(TimeLimit(LIMIT)))
    await begun(waiting)

    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_who_is_cancelled_while_the_time_is_over_stays_cancelled(time_passes: Callable[[float], None]) -> None:
    limit = TimeLimit(LIMIT)

    async def cancelled_as_well() -> None:
        task = asyncio.current_task()
        assert task is not None
        with limit.wait():
            try:
                await asyncio.Event().wait()
            finally:
                task.cancel()

    waiting = asyncio.create_task(cancelled_as_well())
    for _ in range(3):
        await asyncio.sleep(0)
    time_passes(LIMIT)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.shield(waiting), 30)


async def test_what_fails_in_time_fails_with_its_own_error() -> None:
    with pytest.raises(KeyError), TimeLimit(LIMIT).wait():
        raise KeyError
