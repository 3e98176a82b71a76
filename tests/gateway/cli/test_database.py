"""``forecourt backup``, ``restore`` and ``transfer``: on the real tables, with a gateway running and without."""

import asyncio
import os
import shutil
import sqlite3
import stat
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import select
from typer.testing import CliRunner

from connectors.database.copies import back_up
from connectors.database.engine import open_database
from connectors.directory.directory import Directory
from gateway.cli.main import cli
from gateway.wiring import MIGRATIONS, TABLES
from tests.portal import Portal, open_portal
from tests.servers import PATIENT, fresh_database

PURCHASE = "purchase@helios.example"


@pytest.fixture
async def portal() -> AsyncIterator[Portal]:
    """A running gateway on SQLite."""
    async with open_portal() as opened:
        yield opened


def runs(*arguments: str, folder: Path, **environment: str) -> Result:
    """Run the command line in a thread of its own, for it begins an event loop."""
    without = {name: None for name in os.environ if name.startswith("FORECOURT_")}
    given = {f"FORECOURT_{name.upper()}": value for name, value in environment.items()}
    answer: list[Result] = []

    def run() -> None:
        answer.append(
            CliRunner().invoke(cli, arguments, env={**without, "FORECOURT_DATA_FOLDER": str(folder), **given})
        )

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return answer[0]


async def contents(url: str) -> dict[str, list[Any]]:
    """All rows of all our tables, but for the one that is only written to see whether it can be."""
    engine = open_database(url, PATIENT)
    found = {}
    async with engine.connect() as connection:
        for metadata in TABLES:
            for table in (one for one in metadata.sorted_tables if one.name != "write_checks"):
                rows = (await connection.execute(select(table))).all()
                found[table.name] = sorted(map(tuple, rows), key=repr)
    await engine.dispose()
    return found


def backed_up(portal: Portal, folder: Path) -> Path:
    """A backup of the running gateway's database."""
    file = folder / "backup.db"
    result = runs("backup", str(file), folder=folder, database_url=portal.settings.database)
    assert result.exit_code == 0, result.output
    return file


def one_line(result: Result) -> str:
    """What the command refused with; fails unless it is one line."""
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    (line,) = result.stderr.splitlines()
    return line.removeprefix("forecourt: ")


async def test_a_backup_of_a_gateway_that_runs_and_writes_is_its_database_at_one_instant(
    portal: Portal, tmp_path: Path
) -> None:
    before = await contents(portal.settings.database)
    async with portal.wiring.backends.directory.change() as change:
        user_id = await change.ask.user_id_of_login_name(PURCHASE)
        assert user_id is not None
        await change.end_sessions(user_id, portal.clock())
        await change.enqueue("KIND", {}, now=portal.clock())  # not committed while the backup is made

        file = backed_up(portal, tmp_path)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert await contents(f"sqlite+aiosqlite:///{file}") == before
    assert [name for name in os.listdir(tmp_path) if name.startswith("backup")] == ["backup.db"]


async def test_a_restored_backup_is_the_database_and_what_was_there_is_kept(portal: Portal, tmp_path: Path) -> None:
    file, folder = backed_up(portal, tmp_path), tmp_path / "data"
    wanted = await contents(portal.settings.database)
    database = folder / "solar_terminal" / "forecourt.db"

    first = runs("restore", str(file), folder=folder)
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE users SET first_name = 'Changed'")
    connection.close()
    second = runs("restore", str(file), folder=folder)

    assert first.stdout == f"{database} is what {file} was.\n"
    assert await contents(f"sqlite+aiosqlite:///{database}") == wanted
    (kept,) = database.parent.glob("forecourt.db.2*")
    assert second.stdout.splitlines() == [
        f"{database} is what {file} was.",
        f"What was there before is in {kept}.",
    ]
    with sqlite3.connect(kept) as connection:
        assert connection.execute("SELECT DISTINCT first_name FROM users").fetchall() == [("Changed",)]
    connection.close()
    assert stat.S_IMODE(database.stat().st_mode) == 0o600


async def test_a_gateway_that_runs_keeps_its_database(portal: Portal, tmp_path: Path) -> None:
    file = backed_up(portal, tmp_path)
    await portal.person(PURCHASE)
    wanted = await contents(portal.settings.database)

    restored = runs("restore", str(file), folder=tmp_path, database_url=portal.settings.database)
    moved = runs(
        "transfer", "postgresql+asyncpg://x@127.0.0.1:1/x", folder=tmp_path, database_url=portal.settings.database
    )

    assert "is in use. Stop the gateway and its worker, and try again." in one_line(restored)
    assert "is in use. Stop the gateway and its worker, and try again." in one_line(moved)
    assert await contents(portal.settings.database) == wanted


async def test_all_rows_of_all_tables_move_to_postgresql(portal: Portal, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    runs("restore", str(backed_up(portal, tmp_path)), folder=folder)
    wanted = await contents(portal.settings.database)
    async with fresh_database("postgresql") as url:
        assert runs("migrate", folder=folder, database_url=url).exit_code == 0
        engine = open_database(url, PATIENT)
        assert await Directory(engine).is_writable()  # a gateway was started there, to see whether it would
        await engine.dispose()

        moved = runs("transfer", url, folder=folder)

        assert moved.exit_code == 0, moved.output
        rows, tables = sum(map(len, wanted.values())), len(wanted)
        assert moved.stdout.startswith(f"{rows:,} rows of {tables} tables were copied.")
        assert await contents(url) == wanted
        again = runs("transfer", url, folder=folder)
        assert one_line(again).endswith("is not empty. Nothing was copied; name a new database.")
        assert await contents(url) == wanted


async def test_what_is_no_backup_is_refused_and_the_database_stays(portal: Portal, tmp_path: Path) -> None:
    backup, folder = backed_up(portal, tmp_path), tmp_path / "data"
    runs("restore", str(backup), folder=folder)
    database = folder / "solar_terminal" / "forecourt.db"
    was = database.read_bytes()
    damaged, foreign, newer, text = (tmp_path / name for name in ("damaged", "foreign", "newer", "text"))
    damaged.write_bytes(was[:8192] + b"\xff" * 8192 + was[16384:])
    sqlite3.connect(foreign).execute("CREATE TABLE a (b)").connection.close()
    newer.write_bytes(was)
    with sqlite3.connect(newer) as connection:
        connection.execute(f"UPDATE {MIGRATIONS[0].version_table} SET version_num = '9999'")
    connection.close()
    text.write_text("x" * 5_000, encoding="utf-8")

    refused = {file.name: one_line(runs("restore", str(file), folder=folder)) for file in (damaged, newer, text)}
    missing = one_line(runs("restore", str(tmp_path / "missing"), folder=folder))
    strange = runs("restore", str(foreign), folder=folder)

    assert "damaged" in refused["damaged"]
    assert "written by a newer version" in refused["newer"]
    assert "is no SQLite database, or is damaged" in refused["text"]
    assert missing == f"There is no file {tmp_path / 'missing'}."
    assert "is no database of Forecourt" in one_line(strange)
    assert database.read_bytes() == was


async def test_a_backup_is_made_while_others_write_all_the_time(portal: Portal, tmp_path: Path) -> None:
    database = Path(str(portal.settings.database).partition(":///")[2])
    is_made, until = threading.Event(), time.monotonic() + 60

    def write() -> None:
        with closing(sqlite3.connect(database, timeout=60)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("CREATE TABLE others (content BLOB)")
            connection.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) "
                "INSERT INTO others SELECT zeroblob(4000) FROM n"
            )
            connection.commit()
            is_filled.set()
            while not is_made.is_set() and time.monotonic() < until:
                connection.execute("UPDATE others SET content = randomblob(9) WHERE rowid = 1")
                connection.commit()

    is_filled, writing = threading.Event(), threading.Thread(target=write)
    writing.start()
    is_filled.wait()
    back_up(database, tmp_path / "backup.db")
    is_made.set()
    writing.join()

    assert time.monotonic() < until


async def test_a_damaged_database_gives_way_to_a_backup_and_is_kept_with_its_log(
    portal: Portal, tmp_path: Path
) -> None:
    file, database = backed_up(portal, tmp_path), tmp_path / "solar_terminal" / "forecourt.db"
    database.parent.mkdir()
    database.write_bytes(b"no database" * 500)
    log = database.with_name("forecourt.db-wal")
    log.write_bytes(b"its log")

    result = runs("restore", str(file), folder=tmp_path)

    assert result.exit_code == 0, result.output
    assert await contents(f"sqlite+aiosqlite:///{database}") == await contents(portal.settings.database)
    kept = {one.name.partition("Z")[2]: one.read_bytes() for one in database.parent.glob("forecourt.db.2*")}
    assert kept == {"": b"no database" * 500, "-wal": b"its log"}


async def test_a_log_without_its_database_is_not_taken_for_that_of_the_backup(portal: Portal, tmp_path: Path) -> None:
    file, database = backed_up(portal, tmp_path), tmp_path / "solar_terminal" / "forecourt.db"
    wanted = await contents(portal.settings.database)
    database.parent.mkdir()
    shutil.copy(file, database)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE users SET first_name = 'Changed'")
        connection.commit()
        logged = {one: one.read_bytes() for one in database.parent.glob("forecourt.db-*")}
    database.unlink()
    for one, content in logged.items():
        one.write_bytes(content)

    runs("restore", str(file), folder=tmp_path)

    assert await contents(f"sqlite+aiosqlite:///{database}") == wanted


async def test_a_restored_database_stays_where_it_is_with_whoever_may_read_it(portal: Portal, tmp_path: Path) -> None:
    file, database = backed_up(portal, tmp_path), tmp_path / "solar_terminal" / "forecourt.db"
    volume = tmp_path / "volume" / "there.db"
    for folder in (database.parent, volume.parent):
        folder.mkdir()
    with closing(sqlite3.connect(volume)) as connection:
        connection.execute("CREATE TABLE earlier (id)")
    volume.chmod(0o640)
    database.symlink_to(volume)
    before = volume.stat()

    result = runs("restore", str(file), folder=tmp_path)

    assert result.exit_code == 0, result.output
    assert database.is_symlink()
    assert (volume.stat().st_ino, stat.S_IMODE(volume.stat().st_mode)) == (before.st_ino, 0o640)
    assert await contents(f"sqlite+aiosqlite:///{database}") == await contents(portal.settings.database)
    assert len(list(volume.parent.glob("there.db.2*"))) == 1


_KILLED_HALFWAY = """
import os, sqlite3, sys
from pathlib import Path
from connectors.database import copies

class Killed(sqlite3.Connection):
    def backup(self, target):
        target.execute("PRAGMA cache_size = 2")
        super().backup(target, pages=20, progress=lambda status, left, of: os._exit(9) if left < of / 2 else None)

file, database = map(Path, sys.argv[1:])
copies._to_read = lambda file: sqlite3.connect(file, factory=Killed)
copies.restore(file, database, database.with_name("kept.db"))
"""


async def test_a_crash_while_a_backup_is_restored_leaves_the_database_that_was(portal: Portal, tmp_path: Path) -> None:
    file, database = backed_up(portal, tmp_path), tmp_path / "data.db"
    shutil.copy(file, database)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE users SET first_name = 'Changed'")
        connection.commit()
    wanted = await contents(f"sqlite+aiosqlite:///{database}")

    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", _KILLED_HALFWAY, file, database)

    assert await killed.wait() == 9
    assert await contents(f"sqlite+aiosqlite:///{database}") == wanted


async def test_a_backup_may_have_any_name(portal: Portal, tmp_path: Path) -> None:
    file = backed_up(portal, tmp_path).rename(tmp_path / "what? 100%41 #1.db")

    result = runs("restore", str(file), folder=tmp_path / "data")

    database = tmp_path / "data" / "solar_terminal" / "forecourt.db"
    assert result.stdout == f"{database} is what {file} was.\n"
    assert [one for one in os.listdir(tmp_path) if one.startswith("what")] == [file.name]


@pytest.mark.parametrize(
    ("arguments", "url", "message"),
    [
        (("backup", "FILE"), None, "so there is nothing to back up."),
        (("transfer", "postgresql+asyncpg://x/x"), None, "so there is nothing to transfer."),
        (("backup", "FILE"), "postgresql+asyncpg://x/x", "use pg_dump, which comes with it."),
        (("restore", "FILE"), "postgresql+asyncpg://x/x", "use pg_restore, which comes with it."),
        (("transfer", "postgresql+asyncpg://x/x"), "postgresql+asyncpg://x/x", "unset until the transfer is done."),
    ],
    ids=str,
)
def test_what_cannot_be_copied_is_reported_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], url: str | None, message: str
) -> None:
    named = [argument.replace("FILE", str(tmp_path / "file")) for argument in arguments]

    result = runs(*named, folder=tmp_path, **({"database_url": url} if url else {}))

    assert one_line(result).endswith(message)


async def test_a_wrong_address_is_reported_without_its_password(portal: Portal, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    runs("restore", str(backed_up(portal, tmp_path)), folder=folder)

    refused = [
        one_line(runs("transfer", url, folder=folder))
        for url in ("postgres://u:hunter2@x/y", "postgresql+asyncpg://u:hunter2@[::1/y", "mysql://u:hunter2@x/y")
    ]

    assert [line.split(":")[0] for line in refused] == [
        "The new database is named as in FORECOURT_DATABASE_URL",
        "This is no URL such as postgresql+asyncpg",
        "The new database is named as in FORECOURT_DATABASE_URL",
    ]
    assert not [line for line in refused if "hunter2" in line]
