"""What our own databases have in common: opening them, their column types, and bringing them up to date.

SQLite is the embedded default, PostgreSQL what several machines share. Each back end that keeps tables of its own
(directory, embedded shop, embedded accounts) has its own metadata, its own folder of migrations and its own version
table; none joins another's tables.
"""

import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    MetaData,
    Text,
    column,
    create_engine,
    event,
    inspect,
    select,
    table,
)
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.types import TypeDecorator, TypeEngine

from connectors.engine import AsyncEngine
from connectors.errors import BackendUnavailable

_CONFLICTS = ("40001", "40P01")
"""PostgreSQL's serialization failure and deadlock."""

_AWAY = ("08", "28", "3D", "53", "57P", "58")
"""PostgreSQL's classes of connection trouble, refused logins, missing databases, exhaustion, shutdown, failures."""

POSTGRESQL_OPTIONS: dict[str, Any] = {"timeout": 5, "server_settings": {"application_name": "forecourt"}}
"""How every connection to PostgreSQL is opened."""

_REFUSED = re.compile("[\x00\ud800-\udfff]")

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class CleanText(TypeDecorator[str]):
    """Text that every database can keep and look for: NUL and lone surrogates, refused by PostgreSQL, become U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace what cannot be stored, so that a strange id is unknown rather than an error."""
        return value if value is None else clean_text(value)


class BytewiseText(CleanText):
    """Text compared byte by byte on every database, so that keyset pages come out alike."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return PostgreSQL's text in its C collation; SQLite compares bytes anyway."""
        return dialect.type_descriptor(Text(collation="C") if dialect.name == "postgresql" else Text())


IdText = BytewiseText()


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant in UTC; SQLite keeps it as text without an offset."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store in UTC; refuses a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; use an aware datetime.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware datetime in UTC."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def is_taken(error: DBAPIError) -> bool:
    """Return whether a row could not be stored because there is one with the same unique values."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        import sqlite3  # which loads SQLite's library, 1 MB, also where PostgreSQL is served

        return code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
    return getattr(error.orig, "sqlstate", None) == "23505"


def is_away(state: str | None) -> bool:
    """Return whether this SQLSTATE of PostgreSQL says that the database does not answer, rather than what to mend."""
    return state is not None and state.startswith(_AWAY)


def clean_text(text: str) -> str:
    """Return the text with every character that a database refuses replaced by U+FFFD."""
    return _REFUSED.sub("\ufffd", text)


class DatabaseTooNew(Exception):
    """The database was migrated by a newer Forecourt than this one."""


class DatabaseNotMigrated(Exception):
    """The database lacks migrations that this Forecourt needs."""


class ChangeConflict(Exception):
    """Another change was in the way, nothing of this one is stored; the same change can be tried again at once."""


@dataclass(frozen=True, slots=True)
class Migrations:
    """One back end's migrations: the folder with `versions/`, and the table that keeps how far they were run.

    The name of each file begins with its revision, and in the order of the revisions they are run: ``0001_orders.py``.
    """

    backend: str
    folder: Path
    version_table: str

    def revisions(self) -> list[str]:
        """Return the revisions in their order."""
        return sorted(file.name.partition("_")[0] for file in (self.folder / "versions").glob("[0-9]*.py"))


def new_metadata() -> MetaData:
    """Return metadata whose constraints have predictable names, as migrations need."""
    return MetaData(naming_convention=NAMING)


def open_database(url: str) -> AsyncEngine:
    """Return an engine for a ``sqlite+aiosqlite:`` or ``postgresql+asyncpg:`` URL, with nothing connected yet.

    SQLite runs in WAL mode with foreign keys on and waits up to five seconds for a writer.
    """
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"timeout": 5, "factory": _sqlite_connection()})
        event.listen(engine, "connect", _prepare_sqlite)
    else:
        engine = create_engine(
            url,
            pool_size=10,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=False,
            connect_args=POSTGRESQL_OPTIONS,
        )
    return AsyncEngine(engine)


def for_reading(engine: AsyncEngine) -> AsyncEngine:
    """Return the engine, with the same connections, for questions of one statement each.

    On PostgreSQL they run without a transaction block, which saves two round trips; SQLite's driver opens none for a
    question anyway.
    """
    return engine if engine.dialect.name == "sqlite" else engine.execution_options(isolation_level="AUTOCOMMIT")


@asynccontextmanager
async def database_errors(backend: str) -> AsyncIterator[None]:
    """Turn a database that does not answer into BackendUnavailable; other errors pass, for they are ours."""
    try:
        yield
    except (PoolTimeout, OSError, TimeoutError) as error:
        raise BackendUnavailable(backend, type(error).__name__) from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _CONFLICTS:
            raise ChangeConflict(f"The {backend} database undid the change: another one was in its way.") from error
        if _is_away(error):
            raise BackendUnavailable(backend, type(error.orig).__name__) from error
        raise


async def migrate(engine: AsyncEngine, migrations: Migrations) -> list[str]:
    """Bring the back end's tables up to date in one transaction and return the revisions that were run.

    Several processes may start at the same time: one migrates, the others wait for it.

    Raises:
        DatabaseTooNew: The database has a revision that this Forecourt does not know; nothing is changed.
        BackendUnavailable: The database does not answer.
    """
    from connectors.migrating import upgrade  # which loads Alembic, 8 MB that a process that serves does not need

    async with database_errors(migrations.backend), engine.begin() as connection:
        return await connection.run_sync(upgrade, migrations)


async def check_migrated(engine: AsyncEngine, migrations: Migrations) -> None:
    """Return when the back end's tables are exactly those this Forecourt knows.

    Raises:
        DatabaseNotMigrated: Migrations are missing.
        DatabaseTooNew: The database has a revision that this Forecourt does not know.
        BackendUnavailable: The database does not answer.
    """

    def check(connection: Connection) -> None:
        known = migrations.revisions()
        found: set[str] = set()
        if inspect(connection).has_table(migrations.version_table):
            found = set(
                connection.execute(select(column("version_num")).select_from(table(migrations.version_table))).scalars()
            )
        for revision in found:
            refuse_unknown(revision, known, migrations)
        if found != {known[-1]}:
            raise DatabaseNotMigrated(
                f"The {migrations.backend} database is not up to date. Run `forecourt migrate` and start again."
            )

    async with database_errors(migrations.backend), engine.connect() as connection:
        await connection.run_sync(check)


def refuse_unknown(revision: str, known: Collection[str], migrations: Migrations) -> None:
    """Return when the revision is one of those known here.

    Raises:
        DatabaseTooNew: It is not.
    """
    if revision not in known:
        raise DatabaseTooNew(
            f"The {migrations.backend} database is at revision {revision}, which this Forecourt does not know: it was "
            "written by a newer version. Start that version, or restore a backup taken before the upgrade."
        )


def _is_away(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        import sqlite3  # as above

        # SQLITE_ERROR means a statement of ours is wrong, SQLITE_CONSTRAINT that a rule holds.
        return code & 0xFF not in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH)
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or is_away(state) or (isinstance(error, InterfaceError) and not state)


@cache
def _sqlite_connection() -> type:
    """Return a class of connections that undo what was not committed when they are closed.

    A question that was cut off by a cancellation keeps its cursor in the traceback, and SQLite keeps a closed
    connection, with its lock, for as long as there are cursors: until the garbage is collected nobody could write.
    """
    import sqlite3  # as above

    class Connection(sqlite3.Connection):
        def close(self) -> None:
            with suppress(sqlite3.Error):  # it was closed already
                self.rollback()
            super().close()

    return Connection


def _prepare_sqlite(connection: Any, _record: PoolProxiedConnection) -> None:
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()
    except BaseException:  # nobody else closes a connection that did not come to be, and it has a thread
        connection.close()
        raise
