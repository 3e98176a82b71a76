"""Connections to PostgreSQL for reading: a bounded number of them, a bounded queue before them, and no transactions."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from connectors.database import LOCKED, READ_ONLY, is_away, is_late, postgresql_options
from connectors.engine import AsyncEngine
from connectors.errors import BackendTimeout, BackendUnavailable
from connectors.instants import read_instants_quickly

MOST_WAITING = 1_000

_GRACE_SECONDS = 0.5
"""So much longer than the server we wait: an error of its own costs no connection."""


class Connections:
    """Lends each question a connection of its own, the one that was used last, so that few stay open in quiet times.

    A question whose table somebody keeps locked fails after the limit for locks. From then on it fails at once, but for
    one now and then that looks whether the table is free again: they would take all connections, and with them every
    question that could be answered.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        limits = engine.limits
        _, options = engine.dialect.create_connect_args(engine.url)
        self._options: dict[str, Any] = {
            **options,
            **postgresql_options(limits, limits.lock_seconds),
            "command_timeout": limits.statement_seconds + _GRACE_SECONDS,
        }
        self._limits = limits
        self._events = engine.sync_engine.dispatch
        self._idle: list[Any] = []
        self._places = limits.reading
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._period = 0
        self._locked: set[str] = set()
        self._next_look = 0.0
        event.listen(engine.sync_engine, "engine_disposed", self._dispose)
        event.listen(engine.sync_engine, "handle_error", self._leave_read_only_server)

    async def rows(self, backend: str, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
        """Return the rows of a question; asks once more when the database had closed the connection.

        Raises:
            BackendUnavailable: The database does not answer, or too many questions wait for it already.
            BackendTimeout: It does not answer in time, or somebody keeps a table locked.
        """
        try:
            try:
                rows = await self._asked(backend, text, arguments)
            except _Lost:
                self._close_idle()  # what closed this one has closed the others too
                rows = await self._asked(backend, text, arguments)
        except TimeoutError as error:
            raise BackendTimeout(backend, "no answer in time") from error
        except (OSError, _Exhausted, _Lost) as error:
            raise BackendUnavailable(backend, type(error.__cause__ or error).__name__) from error
        except asyncpg.PostgresError as error:
            if is_late(error.sqlstate):
                if error.sqlstate == LOCKED:
                    self._locked.add(text)
                    self._next_look = self._now() + self._limits.lock_seconds
                raise BackendTimeout(backend, type(error).__name__) from error
            if is_away(error.sqlstate):
                raise BackendUnavailable(backend, type(error).__name__) from error
            raise
        if self._locked and text in self._locked:
            self._locked.clear()  # whoever had locked this table has probably let go of the others, too
        return rows

    async def _asked(self, backend: str, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
        connection, period = await self._taken(), self._period
        try:
            if self._locked:  # not before its turn: a hundred may have queued until the first of them met the lock
                self._look_seldom(backend, text)
            for listener in self._events.before_cursor_execute:  # whoever counts statements hears of these too
                listener(None, None, text, arguments, None, False)
            return await self._fetched(connection, text, arguments)
        finally:
            self._give_back(connection, period)

    def _look_seldom(self, backend: str, text: str) -> None:
        """Return when nothing is known to be locked that this question needs, or when it is time to look again.

        Raises:
            BackendTimeout: Its table was locked a moment ago.
        """
        if text not in self._locked:
            return
        now = self._now()
        if now < self._next_look:
            raise BackendTimeout(backend, "somebody keeps its table locked")
        self._next_look = now + self._limits.lock_seconds

    @staticmethod
    async def _fetched(connection: Any, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
        try:
            rows: Sequence[Any] = await connection.fetch(text, *arguments)
        except asyncpg.InternalClientError as error:  # it had been told that it will be closed
            connection.terminate()
            raise _Lost from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if connection.is_closed():
                raise _Lost from error
            raise
        except BaseException:
            connection.terminate()  # cancelled half-way: what it says next is not for the next question
            raise
        return rows

    async def _taken(self) -> Any:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._places += 1
        if self._places:
            self._places -= 1
            return await self._opened()
        if len(self._waiting) >= MOST_WAITING:
            raise _Exhausted
        turn: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._limits.statement_seconds):
                connection = await turn
        except BaseException:
            if turn.done() and not turn.cancelled():  # it was this one's turn just when it gave up
                self._pass_on(turn.result())
            raise
        return connection if connection is not None else await self._opened()

    async def _opened(self) -> Any:
        """Open a connection in a place that was taken for it."""
        try:
            connection = await asyncpg.connect(**self._options)
        except BaseException:
            self._pass_on(None)
            raise
        try:
            await read_instants_quickly(connection)
        except BaseException as error:
            connection.terminate()
            self._pass_on(None)
            if isinstance(error, asyncpg.InterfaceError):
                raise _Lost from error
            raise
        return connection

    def _give_back(self, connection: Any, period: int) -> None:
        if period != self._period:
            connection.terminate()
        self._pass_on(None if connection.is_closed() else connection)

    def _pass_on(self, connection: Any) -> None:
        """Give a connection, or the place for one (None), to whoever waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        if connection is None:
            self._places += 1
        else:
            self._idle.append(connection)

    def _dispose(self, _engine: Engine | None = None) -> None:
        """Close what is idle now, and what is lent when it comes back."""
        self._period += 1
        self._close_idle()

    def _leave_read_only_server(self, context: ExceptionContext) -> None:
        """Read where changes are possible, too: what a server that became a standby says is old, or soon will be."""
        if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
            self._dispose()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _close_idle(self) -> None:
        self._places += len(self._idle)
        for connection in self._idle:
            connection.terminate()
        self._idle.clear()


class _Exhausted(Exception):
    """Too many wait for a connection."""


class _Lost(Exception):
    """The connection was closed by the database."""


_by_engine: WeakKeyDictionary[Engine, Connections] = WeakKeyDictionary()


def connections_of(engine: AsyncEngine) -> Connections:
    """Return the connections for reading that belong to the engine; disposing of it closes them."""
    connections = _by_engine.get(engine.sync_engine)
    if connections is None:
        connections = _by_engine[engine.sync_engine] = Connections(engine)
    return connections
