"""Copies of our databases: a backup of SQLite while it is in use, its return, and the move to PostgreSQL.

Exception
    CopyRefused             nothing was copied, and nothing changed; the message says why and what to do
"""

import os
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, MetaData, Table, func, insert, literal_column, select

from connectors.database.engine import AsyncEngine
from connectors.database.sql_errors import database_errors
from connectors.errors import CopyRefused

_AT_ONCE = 500
_SIDE_FILES = ("-wal", "-shm", "-journal")


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
        with closing(_to_read(database)) as reading:
            _copy(reading, partial)
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
    with closing(_to_read(file)) as connection:
        found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not found >= {*tables}:
        raise CopyRefused(f"{file} is no database of Forecourt.")


def restore(file: Path, database: Path, kept: Path) -> bool:
    """Let a backup be the SQLite database, and return whether there was one before, which is kept under another name.

    A crash in between leaves the one or the other, whole. The database stays the file that it is, with its owner, its
    mode and whatever links lead to it, and nobody opens it meanwhile; only one that is damaged is moved away, as it
    is. Look at the backup with `check_backup` first.

    Raises:
        CopyRefused: The backup is damaged, or the database is in use, or cannot be changed.
        OSError: A file cannot be written, or there is one with the name for what is kept.
    """
    database = database.resolve()
    was_there = database.exists()
    if was_there and _is_database(database) and _restored_inside(file, database, kept):
        return True
    partial = database.with_name(f"{database.name}.partial")
    _remove(partial)
    try:
        with closing(_to_read(file)) as reading:
            _copy(reading, partial)
        _check_sound(partial)
        _put_aside(database, kept)
        os.replace(partial, database)
    finally:
        _remove(partial)
    _flush(database.parent)
    return was_there


def _restored_inside(file: Path, database: Path, kept: Path) -> bool:
    """Write a backup into the database in one transaction, and keep a copy of what it was; False if it is damaged."""
    with closing(sqlite3.connect(database, timeout=0)) as inside:
        if not _locked(inside, database):
            return False
        _check_sound(file)
        _copy(inside, kept)
        _flush(kept.parent)
        try:
            with closing(_to_read(file)) as reading:
                reading.backup(inside)
        except sqlite3.DatabaseError as error:
            _remove(kept)
            raise CopyRefused(f"{database} could not be written, and is what it was: {error}.") from error
    return True


def check_unused(database: Path) -> None:
    """Return when no process has the SQLite database open; whatever its log held is in the file then.

    Raises:
        CopyRefused: One has, or the database is damaged, or cannot be opened.
    """
    with closing(sqlite3.connect(database, timeout=0)) as connection:
        if not _is_database(database) or not _locked(connection, database):
            raise CopyRefused(f"{database} is damaged. Restore a backup.")


async def transfer(source: AsyncEngine, target: AsyncEngine, tables: Sequence[MetaData]) -> Mapping[str, int]:
    """Copy all rows of these tables into a migrated database without any, and return how many each has.

    All of it is stored, or nothing; what says only something of the database that it is in (`is_copied` in a table's
    `info`) stays where it is. Call it with a source that nobody writes to.

    Raises:
        CopyRefused: The target has rows already, or has not all of them afterwards.
        BackendUnavailable: A database does not answer.
    """
    wanted = [table for metadata in tables for table in metadata.sorted_tables if table.info.get("is_copied", True)]
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
    columns = [column for column in table.c if column.computed is None]
    rowid: ColumnElement[int] = literal_column("rowid")
    while True:
        page = select(rowid, *columns).where(rowid > last).order_by(rowid).limit(_AT_ONCE)
        rows = (await reading.execute(page)).all()
        if not rows:
            return number
        names = [column.name for column in columns]
        await writing.execute(insert(table), [dict(zip(names, row[1:], strict=True)) for row in rows])
        number, last = number + len(rows), rows[-1][0]


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _is_database(file: Path) -> bool:
    """Return whether a file begins like a database, or is empty; SQLite itself deletes the log of one that does not."""
    with file.open("rb") as opened:
        return opened.read(16) in (b"", b"SQLite format 3\0")


def _locked(connection: sqlite3.Connection, database: Path) -> bool:
    """Let nobody else open a database until it is closed, and bring its log into the file; False if it is damaged.

    Raises:
        CopyRefused: Somebody has it open, or it cannot be changed.
    """
    try:
        (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")  # which in this mode keeps the lock
    except sqlite3.DatabaseError as error:
        match error.sqlite_errorcode & 0xFF:
            case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
                return False
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                mode = ""
            case _:
                raise CopyRefused(f"{database} cannot be changed: {error}.") from error
    if mode != "delete":
        raise CopyRefused(f"{database} is in use. Stop the gateway and its worker, and try again.")
    return True


def _to_read(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)


def _copy(source: sqlite3.Connection, target: Path) -> None:
    """Copy a database, as it is at one instant, into a new file.

    In one step: between several, SQLite begins again whenever somebody has written, and never ends where they write
    all the time.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(sqlite3.connect(target)) as writing:
            source.backup(writing)
            writing.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        _remove(target)
        raise CopyRefused(f"{target} could not be written as a copy: {error}.") from error
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _put_aside(database: Path, kept: Path) -> None:
    """Keep a damaged database with what is beside it: SQLite would take an old log for the new file's."""
    if database.exists():
        try:
            os.link(database, kept)  # so that there never is none
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            shutil.copy2(database, kept)
    for suffix in _SIDE_FILES:
        beside = database.with_name(f"{database.name}{suffix}")
        if beside.exists():
            os.replace(beside, kept.with_name(f"{kept.name}{suffix}"))


def _check_sound(file: Path) -> None:
    try:
        with closing(_to_read(file)) as connection:
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
