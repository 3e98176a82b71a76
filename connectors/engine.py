"""Our databases on the event loop: as much of SQLAlchemy's `AsyncEngine` as we use, under the same names.

Its own, in `sqlalchemy.ext.asyncio`, brings the whole ORM along, which is 6 MB in every process that serves. Both stand
on the same: a driver for asyncio below SQLAlchemy's Core, and `greenlet_spawn`, which lets Core wait for it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, CursorResult, Dialect, Engine, Executable
from sqlalchemy.util import greenlet_spawn

T = TypeVar("T")


class AsyncEngine:
    """An engine whose driver is one for asyncio; events are listened to at its `sync_engine`."""

    def __init__(self, sync_engine: Engine) -> None:
        self.sync_engine = sync_engine

    @property
    def dialect(self) -> Dialect:
        """Return how the database speaks."""
        return self.sync_engine.dialect

    @property
    def url(self) -> URL:
        """Return the address of the database."""
        return self.sync_engine.url

    def execution_options(self, **options: Any) -> "AsyncEngine":
        """Return an engine with these options and the same connections."""
        return AsyncEngine(self.sync_engine.execution_options(**options))

    def connect(self) -> "AsyncConnection":
        """Return a connection, to be started; in an `async with` it is, and is closed at the end."""
        return AsyncConnection(self.sync_engine)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["AsyncConnection"]:
        """Open a connection whose changes are kept when the block ends, and undone when it raises."""
        async with self.connect() as connection:
            yield connection
            await connection.commit()

    async def dispose(self) -> None:
        """Close the connections that are idle, and let go of the others."""
        await greenlet_spawn(self.sync_engine.dispose)


class AsyncConnection:
    """A connection of an AsyncEngine, for one task at a time."""

    __slots__ = ("_engine", "_open")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open: Connection | None = None

    @property
    def dialect(self) -> Dialect:
        """Return how the database speaks."""
        return self._engine.dialect

    async def start(self) -> "AsyncConnection":
        """Take a connection from those of the engine and return this one, which has it from now on."""
        self._open = await greenlet_spawn(self._engine.connect)
        return self

    async def __aenter__(self) -> "AsyncConnection":
        return await self.start()

    async def __aexit__(self, *_raised: object) -> None:
        await to_its_end(self.close())

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Return what the database answers to a statement, all of it read."""
        return await greenlet_spawn(self._started.execute, statement, parameters)

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> CursorResult[Any]:
        """Return what the database answers to a statement in the driver's own words, all of it read."""
        return await greenlet_spawn(self._started.exec_driver_sql, statement, parameters)

    async def run_sync(self, deed: Callable[..., T], *arguments: Any) -> T:
        """Return what something written for a connection without asyncio does with this one."""
        return await greenlet_spawn(deed, self._started, *arguments)

    async def commit(self) -> None:
        """Keep what was changed."""
        await greenlet_spawn(self._started.commit)

    async def close(self) -> None:
        """Give the connection back; what was not committed is undone."""
        await greenlet_spawn(self._started.close)

    @property
    def _started(self) -> Connection:
        if self._open is None:
            raise RuntimeError("The connection was not started: use it in an `async with`, or await its start().")
        return self._open


async def to_its_end(closing: Coroutine[Any, Any, None]) -> None:
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
