"""SQLite as it is used here: queries never wait for changes, files are their owner's, and what is wrong has a name."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event, text

from connectors.database.engine import AsyncEngine, open_database
from connectors.database.limits import DatabaseLimits
from connectors.database.migrations import migrate
from connectors.database.reader import Reader
from connectors.directory.directory import Directory
from connectors.directory.migrations import MIGRATIONS as DIRECTORY
from connectors.errors import BackendTimeout, BackendUnavailable
from connectors.identity.keys import read_given_keys, read_or_make_keys
from connectors.private_files import make_private_folder
from tests.directory.people import ANNA, NOW, PEOPLE
from tests.logs import capture_logs
from tests.portal import open_portal

LONGEST = 30
"""Seconds after which a test gives up that would otherwise wait for ever."""

ENDLESS = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS all_of_them FROM n")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "forecourt.db"


@pytest.fixture
async def sqlite(file: Path) -> AsyncIterator[AsyncEngine]:
    engine = open_database(f"sqlite+aiosqlite:///{file}", DatabaseLimits(statement_seconds=5))
    await migrate(engine, DIRECTORY)
    await Directory(engine).load(PEOPLE)
    yield engine
    await engine.dispose()


async def test_a_query_is_answered_while_changes_wait_for_one_another_in_their_order(sqlite: AsyncEngine) -> None:
    directory = Directory(sqlite)
    let_go, entered = asyncio.Event(), list[int]()
    is_inside = asyncio.Event()

    async def changes(number: int) -> None:
        async with directory.change() as change:
            entered.append(number)
            is_inside.set()
            await let_go.wait()
            await change.forget_requests(before=NOW)

    async with asyncio.timeout(LONGEST):
        changing = [asyncio.create_task(changes(number)) for number in range(18)]
        await is_inside.wait()
        answers = await asyncio.gather(*(directory.users([ANNA.id]) for _ in range(20)))
        entered_meanwhile = list(entered)
        let_go.set()
        await asyncio.gather(*changing)

    assert answers == [[ANNA]] * 20
    assert entered_meanwhile == [0]
    assert entered == list(range(18))


async def test_a_change_waits_for_another_process_and_fails_in_time(sqlite: AsyncEngine, file: Path) -> None:
    engine = open_database(f"sqlite+aiosqlite:///{file}", DatabaseLimits(statement_seconds=2))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async with asyncio.timeout(LONGEST):
        with pytest.raises(BackendUnavailable, match="keeps the file locked"):
            async with Directory(engine).change():
                pass
        assert await Directory(engine).users([ANNA.id]) == [ANNA]

        def end_the_other(_context: object) -> None:
            other.execute("ROLLBACK")

        event.listen(sqlite.sync_engine, "handle_error", end_the_other, once=True)
        await _change(sqlite)

    other.close()
    await engine.dispose()


async def test_who_is_cancelled_while_sqlite_works_goes_on_at_once_and_so_does_the_next(sqlite: AsyncEngine) -> None:
    reader, is_asked = Reader(sqlite, "directory"), asyncio.Event()
    for engine in sqlite.sync_engines:
        event.listen(engine, "before_cursor_execute", lambda *_: is_asked.set())

    async with asyncio.timeout(LONGEST):
        for _ in range(8):  # more than there are connections
            is_asked.clear()
            task = asyncio.create_task(reader.read(ENDLESS))  # type: ignore[arg-type]
            await is_asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        answer = await Directory(sqlite).users([ANNA.id])

    assert answer == [ANNA]


async def test_a_query_that_takes_too_long_is_stopped(file: Path) -> None:
    engine = open_database(f"sqlite+aiosqlite:///{file}", DatabaseLimits(statement_seconds=1))

    async with asyncio.timeout(LONGEST):
        with pytest.raises(BackendTimeout):
            await Reader(engine, "directory").read(ENDLESS)  # type: ignore[arg-type]
    await engine.dispose()


async def test_a_full_disk_is_named_and_leaves_queries_alone(sqlite: AsyncEngine, file: Path) -> None:
    engine = open_database(f"sqlite+aiosqlite:///{file}")
    event.listen(engine.sync_engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count=1"))

    with pytest.raises(BackendUnavailable, match=r"the disk is full \(SQLITE_FULL\)"):
        await _fill(engine)

    assert await Directory(engine).users([ANNA.id]) == [ANNA]
    await engine.dispose()


async def test_a_file_that_cannot_be_written_is_named(sqlite: AsyncEngine, file: Path) -> None:
    await sqlite.dispose()
    engine = open_database(f"sqlite+aiosqlite:///file:{file}?mode=ro&uri=true")

    with pytest.raises(BackendUnavailable, match="read-only"):
        await _change(engine)
    with pytest.raises(BackendUnavailable, match="read-only"):
        await Directory(engine).is_writable()
    await engine.dispose()


async def test_a_damaged_file_is_named(sqlite: AsyncEngine, file: Path) -> None:
    await sqlite.dispose()
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xff" * 100_000)
    engine = open_database(f"sqlite+aiosqlite:///{file}")

    with pytest.raises(BackendUnavailable, match=r"damaged; restore a backup \(SQLITE_CORRUPT"):
        await Directory(engine).users([ANNA.id])
    await engine.dispose()


async def test_everything_that_is_kept_belongs_to_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "profile"
    before = os.umask(0)
    try:
        make_private_folder(folder)
        read_or_make_keys(folder / "signing_key.pem")
        engine = open_database(f"sqlite+aiosqlite:///{folder / 'forecourt.db'}")
        await migrate(engine, DIRECTORY)
        await Directory(engine).is_writable()
        modes = {path.name: path.stat().st_mode & 0o777 for path in [folder.parent, folder, *folder.iterdir()]}
        await engine.dispose()
    finally:
        os.umask(before)

    assert modes == {
        "data": 0o700, "profile": 0o700, "signing_key.pem": 0o600,
        "forecourt.db": 0o600, "forecourt.db-wal": 0o600, "forecourt.db-shm": 0o600,
    }  # fmt: skip


async def test_another_process_that_comes_and_goes_sees_what_is_stored_here(sqlite: AsyncEngine, file: Path) -> None:
    counts = f"import sqlite3; print(*sqlite3.connect({str(file)!r}).execute('SELECT count(*) FROM outbox').fetchone())"

    async def counted_elsewhere() -> int:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", counts, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        return int(said)

    await asyncio.gather(*(Directory(sqlite).users([ANNA.id]) for _ in range(5)))  # on connections of their own
    before = await counted_elsewhere()
    async with Directory(sqlite).change() as change:
        await change.enqueue("mail", {}, now=NOW)

    assert (before, await counted_elsewhere()) == (0, 1)


async def test_what_everybody_could_read_is_tightened_and_what_a_group_may_read_stays(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    key, ours, shared = folder / "signing_key.pem", folder / "ours.db", folder / "shared.db"
    read_or_make_keys(key)
    key.chmod(0o644)
    folder.chmod(0o755)
    for file, mode in ((ours, 0o644), (shared, 0o640)):
        file.touch()
        file.chmod(mode)

    with capture_logs() as seen:
        make_private_folder(folder)
        read_or_make_keys(key)
        for file in (ours, shared):
            engine = open_database(f"sqlite+aiosqlite:///{file}")
            await migrate(engine, DIRECTORY)
            await engine.dispose()

    assert [path.stat().st_mode & 0o777 for path in (folder, key, ours, shared)] == [0o700, 0o600, 0o600, 0o640]
    assert [line["file"] for line in seen if line["event"] == "everybody could read this; now only its owner can"] == [
        str(folder), str(key), str(ours),
    ]  # fmt: skip


def test_a_key_of_the_operator_that_everybody_can_read_is_named_in_the_log_and_left_alone(tmp_path: Path) -> None:
    key = tmp_path / "signing_key.pem"
    read_or_make_keys(key)
    key.chmod(0o644)

    with capture_logs() as seen:
        read_given_keys(key)

    assert [(line["event"], line["file"]) for line in seen] == [("everybody can read this", str(key))]
    assert key.stat().st_mode & 0o777 == 0o644


async def test_a_gateway_whose_file_takes_no_changes_answers_queries_and_is_not_ready() -> None:
    async with open_portal() as portal:
        person = await portal.person("purchase@helios.example")
        engine = portal.wiring.backends.directory._engine  # type: ignore[attr-defined]
        await engine.dispose()
        event.listen(engine.sync_engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only=ON"))

        change = await person.asks(
            'mutation { updateProfile(input: { expectedVersion: 1, firstName: "Georg" }) { errors { code } } }'
        )
        query = await person.asks("{ viewer { user { firstName } } }")
        ready = await portal.client.get("/health/ready")

    assert change.codes == {"updateProfile": "BACKEND_UNAVAILABLE"}
    assert query.errors == []
    assert (ready.status_code, ready.json()["backends"]["directory"]) == (503, "read-only")


async def _change(engine: AsyncEngine) -> None:
    async with Directory(engine).change() as change:
        await change.forget_requests(before=NOW)


async def _fill(engine: AsyncEngine) -> None:
    async with Directory(engine).change() as change:
        for _ in range(100):
            await change.enqueue("mail", {"text": "x" * 4096}, now=NOW)
