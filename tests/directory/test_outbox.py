"""What follows from a change is stored with it, taken by one worker at a time, and never lost."""

import asyncio
from datetime import timedelta

import pytest

from connectors.directory.directory import Directory
from connectors.directory.records.outbox import OutboxRecord, OutboxState
from connectors.ids import OutboxId
from tests.directory.people import NOW

LATER = NOW + timedelta(minutes=1)


async def queued(directory: Directory, *names: str) -> list[OutboxId]:
    """Queue an item for each name in one transaction, each a second after the one before, the last now."""
    async with directory.change() as change:
        return [
            await change.enqueue("MAIL", {"name": name}, now=NOW - timedelta(seconds=ago), sealed=f"sealed {name}")
            for ago, name in zip(reversed(range(len(names))), names, strict=True)
        ]


async def claimed(directory: Directory, limit: int = 10, minutes: int = 0) -> list[OutboxRecord]:
    """Take what is due so many minutes later, for a minute."""
    now = NOW + timedelta(minutes=minutes)
    async with directory.change() as change:
        return list(await change.claim(now=now, until=now + timedelta(minutes=1), limit=limit))


def names(items: list[OutboxRecord]) -> list[str]:
    """What the items are called."""
    return [item.content["name"] for item in items]


async def test_what_is_queued_in_a_change_that_fails_is_never_done(directory: Directory) -> None:
    async def fails() -> None:
        async with directory.change() as change:
            await change.enqueue("MAIL", {"name": "never"}, now=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert await claimed(directory) == []


async def test_items_are_taken_in_their_order_and_by_nobody_else_for_a_while(directory: Directory) -> None:
    await queued(directory, "first", "second", "third")

    assert names(await claimed(directory, limit=2)) == ["first", "second"]
    assert names(await claimed(directory)) == ["third"]
    assert await claimed(directory) == []
    again = await claimed(directory, minutes=1)
    assert names(again) == ["first", "second", "third"]
    assert [item.attempts for item in again] == [2, 2, 2]


async def test_of_many_workers_each_item_comes_to_one(directory: Directory) -> None:
    await queued(directory, *(str(number) for number in range(40)))

    taken = await asyncio.gather(*(claimed(directory, limit=5) for _ in range(12)))

    assert sorted(name for items in taken for name in names(items)) == sorted(str(number) for number in range(40))


async def test_something_for_later_waits_until_then(directory: Directory) -> None:
    async with directory.change() as change:
        await change.enqueue("MAIL", {"name": "tomorrow"}, now=NOW, due_at=NOW + timedelta(minutes=2))

    assert await claimed(directory, minutes=1) == []
    assert names(await claimed(directory, minutes=2)) == ["tomorrow"]


async def test_what_is_done_keeps_no_secret_and_is_not_taken_again(directory: Directory) -> None:
    (id,) = await queued(directory, "done")
    await claimed(directory)
    async with directory.change() as change:
        await change.finish(id, now=LATER)

    assert await claimed(directory, minutes=9) == []
    (item,) = await directory.outbox(OutboxState.DONE, limit=10)
    assert (item.sealed, item.ended_at, item.attempts) == (None, LATER, 1)


async def test_what_fails_is_tried_again_when_it_is_said(directory: Directory) -> None:
    (id,) = await queued(directory, "failing")
    await claimed(directory)
    async with directory.change() as change:
        await change.postpone(id, error="421 later", due_at=NOW + timedelta(minutes=5))

    assert await claimed(directory, minutes=4) == []
    (item,) = await claimed(directory, minutes=5)
    assert (item.last_error, item.attempts, item.sealed) == ("421 later", 2, "sealed failing")


async def test_what_is_given_up_waits_for_an_operator_who_queues_it_again(directory: Directory) -> None:
    dead, alive = await queued(directory, "dead", "alive")
    await claimed(directory)
    async with directory.change() as change:
        await change.bury(dead, error="550 no such mailbox", now=LATER)

    assert names(await claimed(directory, minutes=9)) == ["alive"]
    (item,) = await directory.outbox(OutboxState.DEAD, limit=10)
    assert (item.id, item.last_error, item.sealed) == (dead, "550 no such mailbox", "sealed dead")
    assert await directory.count_outbox() == {OutboxState.QUEUED: 1, OutboxState.DEAD: 1}

    async with directory.change() as change:
        revived = await change.revive([dead, alive], now=NOW + timedelta(minutes=9))
    assert [(one.id, one.attempts) for one in revived] == [(dead, 0)]
    assert names(await claimed(directory, minutes=9)) == ["dead"]


async def test_what_somebody_else_finished_meanwhile_is_neither_tried_again_nor_given_up(
    directory: Directory,
) -> None:
    (id,) = await queued(directory, "done")
    async with directory.change() as change:
        await change.finish(id, now=NOW)

    async with directory.change() as change:
        await change.postpone(id, error="the back end was away", due_at=LATER)
        await change.bury(id, error="the back end was away", now=LATER)

    (item,) = await directory.outbox_items([id])
    assert item is not None
    assert (item.state, item.last_error, item.ended_at) == (OutboxState.DONE, None, NOW)


async def test_the_worker_is_woken_after_the_commit_and_not_before(directory: Directory) -> None:
    woken: list[str] = []
    listening = Directory(directory._engine, wake=lambda: woken.append("woken"))

    async with listening.change() as change:
        await change.enqueue("MAIL", {"name": "a"}, now=NOW)
        assert woken == []
    async with listening.change() as change:
        await change.claim(now=NOW, until=LATER, limit=1)

    assert woken == ["woken"]


async def test_it_is_known_since_when_work_waits_for_a_worker(directory: Directory) -> None:
    assert await directory.outbox_due_since(NOW) is None
    await queued(directory, "first", "second")

    assert await directory.outbox_due_since(NOW - timedelta(minutes=1)) is None
    assert await directory.outbox_due_since(LATER) == NOW - timedelta(seconds=1)
    await claimed(directory)
    assert await directory.outbox_due_since(NOW) is None  # somebody is at it


async def test_items_are_found_by_their_ids(directory: Directory) -> None:
    first, second = await queued(directory, "first", "second")

    found = await directory.outbox_items([second, OutboxId("obx_x"), first])

    assert [item.content["name"] if item else None for item in found] == ["second", None, "first"]
    assert await directory.outbox_items([]) == []
