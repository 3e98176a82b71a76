"""Copies of our databases: a backup of SQLite while it is in use, its return, and the move to PostgreSQL.

Exception
    CopyRefused             nothing was copied, and nothing changed; the message says why and what to do
"""

import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, MetaData, Table, func, insert, literal_column, select

from connectors.database import database_errors
from connectors.engine import AsyncEngine

_AT_ONCE = 500
_PAGES = 1_000
_SIDE_FILES = ("-wal", "-shm", "-journal")


class CopyRefused(Exception):
    """Nothing was copied, and nothing changed; the message says why and what to do."""


def back_up(database: Path, file: Path) -> None:
    """Copy a SQLite database, as it is at one instant, into a new file that only its owner reads.

    Readers and writers go on meanwhile. The copy is looked over before it gets its name.

    Raises:
        CopyRefused: There is no such database, the file is there already, or the copy is damaged.
        OSError: The file cannot be written.
    """
    if not database.exists():
        raise CopyRefused(f"There is no database {database}, so there is nothing to back up.")
    if file.exists():
        raise CopyRefused(f"{file} is there already. Name a new file, or move that one away.")
    partial = file.with_name(f"{file.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        _copy(database, partial)
        _check_sound(partial)
        os.replace(partial, file)
    finally:
        _remove(partial)
    _flush(file.parent)


def check_backup(file: Path, tables: Sequence[str]) -> None:
    """Return when a file is a sound SQLite database that has these tables.

    Raises:
        CopyRefused: It is none, is damaged, or is somebody else's.
    """
    if not file.is_file():
        raise CopyRefused(f"There is no file {file}.")
    _check_sound(file)
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not found >= {*tables}:
        raise CopyRefused(f"{file} is no database of Forecourt.")


def restore(file: Path, database: Path, kept: Path) -> bool:
    """Let a backup be the SQLite database, and return whether there was one before, which is kept under another name.

    A crash in between leaves the one or the other, whole. Look at the backup with `check_backup` first.

    Raises:
        CopyRefused: The backup is damaged, or the database is in use.
        OSError: A file cannot be written.
    """
    if database.exists():
        check_unused(database)
    partial = database.with_name(f"{database.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        _copy(file, partial)
        _check_sound(partial)
        was_there = database.exists()
        if was_there:
            os.replace(database, kept)
        os.replace(partial, database)
    finally:
        _remove(partial)
    _flush(database.parent)
    return was_there


def check_unused(database: Path) -> None:
    """Return when no process has the SQLite database open; whatever its log held is in the file then.

    Raises:
        CopyRefused: One has.
    """
    try:
        with closing(sqlite3.connect(database, timeout=0)) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        mode = ""
    if mode != "delete":
        raise CopyRefused(f"{database} is in use. Stop the gateway and its worker, and try again.")


async def transfer(source: AsyncEngine, target: AsyncEngine, tables: Sequence[MetaData]) -> Mapping[str, int]:
    """Copy all rows of these tables into a migrated database without any, and return how many each has.

    All of it is stored, or nothing. Call it with a source that nobody writes to.

    Raises:
        CopyRefused: The target has rows already, or has not all of them afterwards.
        BackendUnavailable: A database does not answer.
    """
    wanted = [table for metadata in tables for table in metadata.sorted_tables]
    copied: dict[str, int] = {}
    async with (
        database_errors("source"),
        source.connect() as reading,
        database_errors("target"),
        target.begin() as writing,
    ):
        for table in wanted:
            if await writing.run_sync(_count, table):
                raise CopyRefused(
                    f"The table {table.name} there is not empty. Nothing was copied; name a new database."
                )
        for table in wanted:
            copied[table.name] = await _copied(reading, writing, table)
            if await writing.run_sync(_count, table) != copied[table.name]:
                raise CopyRefused(f"Not every row of {table.name} arrived. Nothing was copied.")
    return copied


async def _copied(reading: Any, writing: Any, table: Table) -> int:
    number, last = 0, -1
    rowid: ColumnElement[int] = literal_column("rowid")
    while True:
        page = select(rowid, *table.c).where(rowid > last).order_by(rowid).limit(_AT_ONCE)
        rows = (await reading.execute(page)).all()
        if not rows:
            return number
        names = [column.name for column in table.c]
        await writing.execute(insert(table), [dict(zip(names, row[1:], strict=True)) for row in rows])
        number, last = number + len(rows), rows[-1][0]


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _copy(source: Path, target: Path) -> None:
    """Copy a database by SQLite's own means, which waits for nobody and copies no half of a transaction."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        read_only = f"{source.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(read_only, uri=True)) as reading, closing(sqlite3.connect(target)) as writing:
            reading.backup(writing, pages=_PAGES)
            writing.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        raise CopyRefused(f"{source} cannot be read as a database: {error}.") from error
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _check_sound(file: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.DatabaseError as error:
        raise CopyRefused(f"{file} is no SQLite database, or is damaged: {error}.") from error
    if found != "ok" or broken is not None:
        what = " ".join(str(found).split()) if found != "ok" else "a row refers to one that is not there"
        raise CopyRefused(f"{file} is damaged: {what}.")


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(file: Path) -> None:
    for suffix in ("", *_SIDE_FILES):
        file.with_name(f"{file.name}{suffix}").unlink(missing_ok=True)
