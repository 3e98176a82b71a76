"""A request with a key is carried out once, whoever sends it again and however many do at the same time."""

import asyncio
from datetime import timedelta

from connectors.database.sql_errors import ChangeConflict
from connectors.directory.directory import Directory
from connectors.directory.records.idempotency import IdempotencyRecord
from tests.directory.people import NOW

RECORD = IdempotencyRecord(b"hash", {"ids": ["inv_1", None]})


async def test_a_receipt_is_found_by_the_same_person_and_key_only(directory: Directory) -> None:
    async with directory.change() as change:
        await change.remember("usr_anna", "key", RECORD, NOW)

    async with directory.change() as change:
        assert await change.earlier("usr_anna", "key") == RECORD
        assert await change.earlier("usr_anna", "other") is None
        assert await change.earlier("", "key") is None


async def test_of_many_requests_with_one_key_at_the_same_time_one_is_kept(directory: Directory) -> None:
    async def carried_out(number: int) -> bool:
        try:
            async with directory.change() as change:
                if await change.earlier("", "key") is not None:
                    return False
                await asyncio.sleep(0.01)
                await change.remember("", "key", IdempotencyRecord(b"", number), NOW)
        except ChangeConflict:
            return False
        return True

    done = await asyncio.gather(*map(carried_out, range(8)))

    assert done.count(True) == 1


async def test_requests_are_forgotten_when_they_are_old(directory: Directory) -> None:
    async with directory.change() as change:
        await change.remember("", "old", RECORD, NOW - timedelta(days=8))
        await change.remember("", "new", RECORD, NOW)

        assert await change.forget_requests(before=NOW - timedelta(days=7)) == 1
        assert await change.earlier("", "old") is None
        assert await change.earlier("", "new") == RECORD


async def test_a_request_that_is_forgotten_leaves_its_key_to_another(directory: Directory) -> None:
    async with directory.change() as change:
        await change.remember("usr_anna", "key", RECORD, NOW)
        await change.remember("usr_ben", "key", RECORD, NOW)
        await change.forget_request("usr_anna", "key")

        assert await change.earlier("usr_anna", "key") is None
        assert await change.earlier("usr_ben", "key") == RECORD
