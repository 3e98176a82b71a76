"""Our databases on the event loop: as much of SQLAlchemy's `AsyncEngine` as we use, under the same names.

Its own, in `sqlalchemy.ext.asyncio`, brings the whole ORM along, which is 6 MB in every process that serves. Both stand
on the same: a driver for asyncio below SQLAlchemy's Core, and `greenlet_spawn`, which lets Core wait for it.

Nothing here waits longer than the limits say, not even to give a connection back: what was cut off half-way is closed
without asking a database that does not answer.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, CursorResult, Dialect, Engine, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import greenlet_spawn

from connectors.database.limits import DatabaseLimits
from connectors.database.postgresql import ReadConnections, postgresql_engine
from connectors.database.sql_errors import CommitUnconfirmed
from connectors.database.sqlite import sqlite_engine
from connectors.errors import reason_of

T = TypeVar("T")

_SQLITE_READING = 5
"""Connections, each with a thread, for queries of SQLite."""

_PAUSE = 0.02
"""Seconds after which SQLite is asked again whether another process still changes something."""


def open_database(url: str, limits: DatabaseLimits | None = None) -> "AsyncEngine":
    """Return an engine for a ``sqlite+aiosqlite:`` or ``postgresql+asyncpg:`` URL, with nothing connected yet.

    SQLite runs in WAL mode with foreign keys on: one connection changes, others read meanwhile. Its files are readable
    by their owner only.
    """
    limits = limits or DatabaseLimits()
    if url.startswith("sqlite"):
        reading = sqlite_engine(url, _SQLITE_READING, reads_only=True)
        return AsyncEngine(sqlite_engine(url, 1), limits, slots=1, reading=reading)
    engine = postgresql_engine(url, limits)
    return AsyncEngine(engine, limits, slots=limits.changing, reading=engine, direct=ReadConnections(engine, limits))


class AsyncEngine:
    """An engine whose driver is one for asyncio; events are listened to at its `sync_engines`.

    Changes wait for one of `slots` connections in the order in which they come. Queries have connections of their own,
    so that they never wait for changes: those of the engine `reading`, or `direct` ones to PostgreSQL.
    """

    def __init__(
        self,
        sync_engine: Engine,
        limits: DatabaseLimits,
        *,
        slots: int,
        reading: Engine,
        direct: ReadConnections | None = None,
    ) -> None:
        self.sync_engine = sync_engine
        self.direct = direct
        self._reading = reading
        self._limits = limits
        # A pool gives a connection to whoever comes just when it is returned, also before those that wait.
        self._slots = asyncio.Semaphore(slots)
        self._slots_to_read = asyncio.Semaphore(limits.reading)

    @property
    def sync_engines(self) -> frozenset[Engine]:
        """Return the engines of SQLAlchemy that changes and queries go through."""
        return frozenset((self.sync_engine, self._reading))

    @property
    def dialect(self) -> Dialect:
        """Return how the database speaks."""
        return self.sync_engine.dialect

    @property
    def url(self) -> URL:
        """Return the address of the database."""
        return self.sync_engine.url

    def connect(self) -> "AsyncConnection":
        """Return a connection, to be started; in an `async with` it is, and is closed at the end."""
        return AsyncConnection(self.sync_engine, self._slots, self._limits)

    def connect_to_read(self) -> "AsyncConnection":
        """Return a connection like `connect`, for queries alone, which waits for no change."""
        return AsyncConnection(self._reading, self._slots_to_read, self._limits)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["AsyncConnection"]:
        """Open a connection whose changes are kept when the block ends, and undone when it raises.

        Raises:
            CommitUnconfirmed: They may be kept or not: the database did not say.
        """
        async with self.connect() as connection:
            await connection.begin()
            yield connection
            await connection.commit()

    async def dispose(self) -> None:
        """Close the connections that are idle, and let go of the others."""
        for engine in self.sync_engines:
            await greenlet_spawn(engine.dispose)
        if self.direct is not None:
            self.direct.dispose()


class AsyncConnection:
    """A connection of an AsyncEngine, for one task at a time.

    Whatever the database is asked raises TimeoutError when it takes longer than the limits say; then, and when the task
    is cancelled meanwhile, the connection is closed and nothing of what was not committed stays.
    """

    __slots__ = ("_engine", "_limits", "_open", "_slots")

    def __init__(self, engine: Engine, slots: asyncio.Semaphore, limits: DatabaseLimits) -> None:
        self._engine = engine
        self._slots = slots
        self._limits = limits
        self._open: Connection | None = None

    @property
    def dialect(self) -> Dialect:
        """Return how the database speaks."""
        return self._engine.dialect

    async def start(self) -> "AsyncConnection":
        """Take a connection from those of the engine and return this one, which has it from now on."""
        async with asyncio.timeout(self._limits.statement_seconds):
            await self._slots.acquire()
        try:
            self._open = await self._bounded(self._engine.connect)
        except BaseException:
            self._slots.release()
            raise
        return self

    async def begin(self, patience: float | None = None) -> None:
        """Begin to change something, on SQLite after whoever else does, so that what was read stays true.

        PostgreSQL begins automatically. `patience`, in seconds, is how long to wait for another process; without it, as
        long as for any statement.

        Raises:
            OperationalError: Another process still changes something.
        """
        if self.dialect.name != "sqlite":
            return
        # SQLite itself would wait in the driver's thread, where nobody can call it back.
        clock = asyncio.get_running_loop().time
        until = clock() + (self._limits.statement_seconds if patience is None else patience)
        while True:
            try:
                await self.exec_driver_sql("BEGIN IMMEDIATE")
            except DBAPIError as error:
                if not _is_busy(error) or clock() > until:
                    raise
            else:
                return
            await asyncio.sleep(_PAUSE)

    async def __aenter__(self) -> "AsyncConnection":
        return await self.start() if self._open is None else self

    async def __aexit__(self, _kind: object, raised: BaseException | None, _traceback: object) -> None:
        # Whoever is cancelled has no time left to wait for an answer.
        await _to_its_end(self._abandon() if isinstance(raised, asyncio.CancelledError) else self.close())

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Return what the database answers to a statement, all of it read."""
        return await self._bounded(self._started.execute, statement, parameters)

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> CursorResult[Any]:
        """Return what the database answers to a statement in the driver's own words, all of it read."""
        return await self._bounded(self._started.exec_driver_sql, statement, parameters)

    async def run_sync(self, work: Callable[..., T], *arguments: Any) -> T:
        """Return what something written for a connection without asyncio does with this one, however long it takes."""
        return await greenlet_spawn(work, self._started, *arguments)

    async def commit(self) -> None:
        """Keep what was changed.

        Raises:
            CommitUnconfirmed: The database did not say in time whether it did.
        """
        try:
            await self._bounded(self._started.commit)
        except TimeoutError as error:
            raise CommitUnconfirmed("not confirmed in time") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise CommitUnconfirmed(reason_of(error.orig or error)) from error
            raise

    async def close(self) -> None:
        """Give the connection back; what was not committed is undone."""
        if (connection := self._open) is None:
            return
        self._open = None
        try:
            with suppress(TimeoutError):  # the connection is closed then, and whoever had it has what they wanted
                await self._bounded(connection.close)
        finally:
            self._slots.release()

    async def _abandon(self) -> None:
        """Close the connection instead of giving it back, so that nobody waits for the database to undo anything."""
        if self._open is not None and not self._open.closed and not self._open.invalidated:
            await self._bounded(self._open.invalidate)
        await self.close()

    async def _bounded(self, work: Callable[..., T], *arguments: Any) -> T:
        async with asyncio.timeout(self._limits.statement_seconds):
            return await greenlet_spawn(work, *arguments)

    @property
    def _started(self) -> Connection:
        if self._open is None:
            raise RuntimeError("The connection was not started: use it in an `async with`, or await its start().")
        return self._open


def _is_busy(error: DBAPIError) -> bool:
    return str(getattr(error.orig, "sqlite_errorname", "")).startswith("SQLITE_BUSY")


async def _to_its_end(closing: Coroutine[Any, Any, None]) -> None:
    """Wait until a connection is given back, even if cancelled meanwhile; else it would come to a pool that is gone."""
    task = asyncio.create_task(closing)
    cancelled: asyncio.CancelledError | None = None
    while True:
        try:
            await asyncio.shield(task)
            break
        except asyncio.CancelledError as error:
            if task.done():
                raise
            cancelled = error
    if cancelled is not None:
        raise cancelled
