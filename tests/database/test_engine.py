"""Our own way to SQLAlchemy's Core on the event loop: what is kept, what is undone, and that connections come back."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, event, func, insert, select

from connectors.database.engine import AsyncEngine, open_database
from tests.servers import PATIENT, DatabaseKind, fresh_database

NUMBERS = Table("numbers", MetaData(), Column("number", Integer, primary_key=True))


async def with_numbers(engine: AsyncEngine) -> AsyncEngine:
    """The engine, with an empty table of numbers in its database."""
    async with engine.begin() as connection:
        await connection.run_sync(NUMBERS.metadata.create_all)
    return engine


async def count_of(engine: AsyncEngine) -> int:
    """How many numbers there are."""
    async with engine.connect() as connection:
        return int((await connection.execute(select(func.count()).select_from(NUMBERS))).scalar_one())


async def test_what_a_block_stores_is_kept_when_it_ends_and_undone_when_it_raises(database_kind: DatabaseKind) -> None:
    async with fresh_database(database_kind) as url:
        engine = await with_numbers(open_database(url, PATIENT))

        async def stores(number: int, problem: type[Exception] | None = None) -> None:
            async with engine.begin() as connection:
                await connection.execute(insert(NUMBERS), {"number": number})
                if problem is not None:
                    raise problem

        await stores(1)
        await stores(2)
        with pytest.raises(LookupError):
            await stores(3, LookupError)

        assert await count_of(engine) == 2
        await engine.dispose()


async def test_a_connection_without_a_commit_keeps_nothing(database_kind: DatabaseKind) -> None:
    async with fresh_database(database_kind) as url:
        engine = await with_numbers(open_database(url, PATIENT))

        async with engine.connect() as connection:
            await connection.execute(insert(NUMBERS), {"number": 1})

        assert await count_of(engine) == 0
        await engine.dispose()


async def test_a_connection_is_back_before_somebody_who_was_cancelled_goes_on(database_kind: DatabaseKind) -> None:
    async with fresh_database(database_kind) as url:
        engine = await with_numbers(open_database(url, PATIENT))
        borrowed, returned, is_inside = [], [], asyncio.Event()
        event.listen(engine.sync_engine, "checkout", lambda *_: borrowed.append(1))
        event.listen(engine.sync_engine, "checkin", lambda *_: returned.append(1))

        async def stores_and_waits() -> None:
            async with engine.begin() as connection:
                await connection.execute(insert(NUMBERS), {"number": 1})
                is_inside.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(stores_and_waits())
        await is_inside.wait()
        task.cancel()
        await asyncio.sleep(0)  # the connection is being given back
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert (len(borrowed), len(returned)) == (1, 1)
        assert await count_of(engine) == 0
        await engine.dispose()


async def test_a_connection_that_was_never_started_says_how_to_start_it(tmp_path: Path) -> None:
    connection = open_database(f"sqlite+aiosqlite:///{tmp_path / 'numbers.db'}").connect()

    with pytest.raises(RuntimeError, match="use it in an `async with`"):
        await connection.execute(select(1))


async def test_a_query_that_was_prepared_is_answered_after_its_table_has_changed() -> None:
    async with fresh_database("postgresql") as url:
        engine = await with_numbers(open_database(url, PATIENT))
        assert engine.direct is not None
        async with engine.begin() as connection:
            await connection.execute(insert(NUMBERS), {"number": 7})
        before = await engine.direct.rows("directory", "SELECT * FROM numbers", ())

        async with engine.begin() as connection:
            await connection.exec_driver_sql("ALTER TABLE numbers ALTER COLUMN number TYPE text, ADD note text")
        after = [await engine.direct.rows("directory", "SELECT * FROM numbers", ()) for _ in range(2)]

        assert [tuple(row) for row in before] == [(7,)]
        assert [[tuple(row) for row in rows] for rows in after] == [[("7", None)]] * 2
        await engine.dispose()
