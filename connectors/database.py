"""What our own databases have in common: opening them, their column types, and bringing them up to date.

SQLite is the embedded default, PostgreSQL what several machines share. Each back end that keeps tables of its own
(directory, embedded shop, embedded accounts) has its own metadata, its own folder of migrations and its own version
table; none joins another's tables.
"""

import re
import threading
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
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator, TypeEngine

from connectors.engine import AsyncEngine, CommitUnconfirmed, DatabaseLimits
from connectors.errors import BackendTimeout, BackendUnavailable, OutcomeUnknown
from connectors.private_files import keep_private

_CONFLICTS = ("40001", "40P01")
"""PostgreSQL's serialization failure and deadlock."""

LOCKED = "55P03"
"""PostgreSQL's state when `lock_timeout` ends the wait for a lock."""

_LATE = (LOCKED, "57014", "25P03")
"""PostgreSQL's states when one of the time limits that we set ends a statement or a transaction."""

READ_ONLY = "25006"
"""PostgreSQL's state when a server takes no changes: a standby, or a primary that became one."""

_AWAY = ("08", "28", "3D", "53", "57P", "58", READ_ONLY)
"""PostgreSQL's classes of connection trouble, refused logins, missing databases, exhaustion, shutdown, failures."""

_SQLITE_CAUSES = {
    "SQLITE_BUSY": "another process keeps the file locked",
    "SQLITE_LOCKED": "another process keeps the file locked",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_READONLY": "the file or its folder is read-only",
    "SQLITE_CANTOPEN": "the file cannot be opened; its folder is missing, or not ours",
    "SQLITE_CORRUPT": "the file is damaged; restore a backup",
    "SQLITE_NOTADB": "the file is no SQLite database",
    "SQLITE_IOERR": "the disk cannot be read or written",
    "SQLITE_INTERRUPT": "the query was stopped",
}
"""What the operator is told of SQLite's errors, by their primary code."""

_SQLITE_BUSY_SECONDS = 0.1
"""So long SQLite waits for a lock in the driver's thread, which nobody can call back; longer waits are ours."""

_SQLITE_STEPS = 10_000
"""Steps, some hundred microseconds, after which SQLite looks whether anybody still waits for its answer."""

_SQLITE_READING = 5
"""Connections, each with a thread, for queries of SQLite."""

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


def is_late(state: str | None) -> bool:
    """Return whether this SQLSTATE of PostgreSQL says that one of our time limits has ended a statement."""
    return state in _LATE


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


def open_database(url: str, limits: DatabaseLimits | None = None) -> AsyncEngine:
    """Return an engine for a ``sqlite+aiosqlite:`` or ``postgresql+asyncpg:`` URL, with nothing connected yet.

    SQLite runs in WAL mode with foreign keys on: one connection changes, others read meanwhile. Its files are readable
    by their owner only.
    """
    limits = limits or DatabaseLimits()
    if url.startswith("sqlite"):
        return AsyncEngine(_sqlite(url, 1), limits, places=1, reading=_sqlite(url, _SQLITE_READING, reads_only=True))
    engine = create_engine(
        url,
        pool_size=limits.changing,
        max_overflow=0,
        hide_parameters=True,  # errors are logged, and parameters hold what people typed, and hashes of secrets
        connect_args=postgresql_options(limits, 3 * limits.lock_seconds),
    )
    event.listen(engine, "checkout", _check_alive)
    event.listen(engine, "close", _close_at_once)
    event.listen(engine, "handle_error", _leave_read_only_server)
    event.listen(engine, "handle_error", _hide_detail)
    return AsyncEngine(engine, limits, places=limits.changing)


def postgresql_options(limits: DatabaseLimits, lock_seconds: float) -> dict[str, Any]:
    """Return how connections to PostgreSQL are opened, with time limits that the server itself keeps."""
    in_milliseconds = {
        "statement_timeout": limits.statement_seconds,
        "lock_timeout": lock_seconds,
        "idle_in_transaction_session_timeout": 2 * limits.statement_seconds,
    }
    settings = {name: str(max(1, round(seconds * 1_000))) for name, seconds in in_milliseconds.items()}
    return {
        "timeout": limits.statement_seconds,
        "server_settings": {"application_name": "forecourt", **settings},
    }


@asynccontextmanager
async def database_errors(backend: str) -> AsyncIterator[None]:
    """Turn a database that does not answer into BackendUnavailable; other errors pass, for they are ours.

    Raises:
        BackendTimeout: It did not answer in time.
        OutcomeUnknown: It did not say whether a change was stored.
        ChangeConflict: Another change was in the way.
    """
    try:
        yield
    except CommitUnconfirmed as error:
        raise OutcomeUnknown(backend, str(error)) from error
    except (PoolTimeout, TimeoutError) as error:
        raise BackendTimeout(backend, "no answer in time") from error
    except OSError as error:
        raise BackendUnavailable(backend, type(error).__name__) from error
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state in _CONFLICTS:
            raise ChangeConflict(f"The {backend} database undid the change: another one was in its way.") from error
        if is_late(state):
            raise BackendTimeout(backend, _cause(error)) from error
        if _is_away(error):
            raise BackendUnavailable(backend, _cause(error)) from error
        raise


async def migrate(engine: AsyncEngine, migrations: Migrations) -> list[str]:
    """Bring the back end's tables up to date in one transaction and return the revisions that were run.

    Several processes may start at the same time: one migrates, the others wait for it.

    Raises:
        DatabaseTooNew: The database has a revision that this Forecourt does not know; nothing is changed.
        BackendUnavailable: The database does not answer.
    """
    from connectors.migrating import upgrade  # which loads Alembic, 8 MB that a process that serves does not need

    async with database_errors(migrations.backend), engine.connect() as connection:
        # Whoever migrates first may take longer than a writer usually waits for another.
        await connection.begin(patience=60)
        done = await connection.run_sync(upgrade, migrations)
        await connection.commit()
        return done


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


def _cause(error: DBAPIError) -> str:
    """Return what the log says of an error, which never is the statement or its values."""
    name = str(getattr(error.orig, "sqlite_errorname", ""))
    primary = "_".join(name.split("_")[:2])
    if primary in _SQLITE_CAUSES:
        return f"{_SQLITE_CAUSES[primary]} ({name})"
    return type(getattr(error.orig, "__cause__", None) or error.orig).__name__


def _sqlite(url: str, connections: int, *, reads_only: bool = False) -> Engine:
    def prepare(connection: Any, entry: ConnectionPoolEntry) -> None:
        try:
            is_cut_off = entry.info["is_cut_off"] = threading.Event()
            connection.run_async(lambda driver: driver.set_progress_handler(is_cut_off.is_set, _SQLITE_STEPS))
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.execute("PRAGMA synchronous=NORMAL")
            cursor.execute(f"PRAGMA busy_timeout={round(_SQLITE_BUSY_SECONDS * 1_000)}")
            if reads_only:
                cursor.execute("PRAGMA query_only=ON")
            cursor.close()
        except BaseException:  # nobody else closes a connection that did not come to be, and it has a thread
            connection.close()
            raise

    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,  # as above
        connect_args={"timeout": 1, "factory": _sqlite_connection()},
    )
    event.listen(engine, "do_connect", _keep_private)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "invalidate", _stop)
    return engine


def _check_alive(connection: Any, entry: ConnectionPoolEntry, _proxy: object) -> None:
    """Ask a connection that was used before whether it still is one; if not, the pool opens another.

    SQLAlchemy's own `pool_pre_ping` sends four messages where one is enough.
    """
    if not entry.info.get("was_used"):
        entry.info["was_used"] = True
        return
    try:
        connection.run_async(lambda driver: driver.execute("SELECT 1"))
    except Exception as error:
        raise InvalidatePoolError("the server has closed the connection") from error


def _close_at_once(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Close a connection without asking the server, which may not answer: the driver would wait for ever."""
    connection.driver_connection.terminate()


def _leave_read_only_server(context: ExceptionContext) -> None:
    """Drop every connection to a server that takes no changes any more; new ones may lead to its successor."""
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True


def _hide_detail(context: ExceptionContext) -> None:
    """Leave out of an error what PostgreSQL says beside its message: the row that it refuses, for example."""
    for error in (context.sqlalchemy_exception, context.original_exception):
        if error is not None and error.args and isinstance(error.args[0], str):
            error.args = (error.args[0].partition("\nDETAIL:")[0], *error.args[1:])
    cause = context.original_exception.__cause__
    if getattr(cause, "detail", None) is not None:
        cause.detail = None  # type: ignore[union-attr]  # of asyncpg's error, as its text has it


def _keep_private(_dialect: Dialect, _entry: object, arguments: Any, options: Any) -> None:
    """See to it, before SQLite makes a file, that it is made for its owner only; what is beside it is made alike."""
    if not options.get("uri") and arguments[0] not in ("", ":memory:"):
        keep_private(Path(arguments[0]))


def _stop(_connection: DBAPIConnection, entry: ConnectionPoolEntry, _why: BaseException | None) -> None:
    """Stop what SQLite does for a connection that was cut off, or is about to, or closing it would wait for that."""
    entry.info["is_cut_off"].set()
