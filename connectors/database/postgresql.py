"""How PostgreSQL is opened: through SQLAlchemy for changes; for queries directly, on connections without transactions.

A bounded number of connections reads, with a bounded queue before them.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from connectors.database.limits import DatabaseLimits
from connectors.database.sql_errors import LOCKED, READ_ONLY, is_away, is_late
from connectors.errors import BackendTimeout, BackendUnavailable, reason_of

MOST_WAITING = 1_000

_MOST_PREPARED = 200
"""So many statements each connection keeps prepared: those of all pages that a portal's front end has, and some more.
Whoever asks for other attributes each time drives out what was used least lately, on the server too.
"""

_GRACE_SECONDS = 0.5
"""So much longer than the server we wait: an error of its own costs no connection."""


_TRUSTED_SECONDS = 30.0
"""A connection that was idle for longer is asked whether it still is one: firewalls forget it without a word."""

_YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC)
_CHANGED = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)
"""Raised when the tables are no longer those for which a statement was prepared."""


def postgresql_engine(url: str, limits: DatabaseLimits) -> Engine:
    """Return an engine for changes, for a ``postgresql+asyncpg:`` URL."""
    engine = create_engine(
        url,
        pool_size=limits.changing,
        max_overflow=0,
        hide_parameters=True,  # errors are logged, and parameters hold what people typed, and hashes of secrets
        connect_args=_options(limits, 3 * limits.lock_seconds),
    )
    event.listen(engine, "checkout", partial(_check_alive, limits))
    event.listen(engine, "close", _close_at_once)
    event.listen(engine, "handle_error", _leave_read_only_server)
    event.listen(engine, "handle_error", _hide_detail)
    return engine


class ReadConnections:
    """Lends each query a connection of its own, the one that was used last, so that few stay open in quiet times.

    A query whose table somebody keeps locked fails after the limit for locks. From then on it fails at once, but for
    one now and then that looks whether the table is free again: they would take all connections, and with them every
    query that could be answered.
    """

    def __init__(self, engine: Engine, limits: DatabaseLimits) -> None:
        _, options = engine.dialect.create_connect_args(engine.url)
        self._options: dict[str, Any] = {
            **options,
            **_options(limits, limits.lock_seconds),
            "command_timeout": limits.statement_seconds + _GRACE_SECONDS,
            "statement_cache_size": _MOST_PREPARED,
        }
        self._limits = limits
        self._seconds = limits.statement_seconds + _GRACE_SECONDS
        self._engine = engine
        self._idle: list[tuple[float, Any]] = []
        self._slots = limits.reading
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._period = 0
        self._locked: set[str] = set()
        self._next_look = 0.0
        event.listen(engine, "handle_error", self._leave_read_only_server)

    async def rows(self, backend: str, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
        """Return the rows of a query; asks once more when the database had closed the connection.

        Raises:
            BackendUnavailable: The database does not answer, or too many queries wait for it already.
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
            raise BackendUnavailable(backend, reason_of(error.__cause__ or error)) from error
        except asyncpg.PostgresError as error:
            if is_late(error.sqlstate):
                if error.sqlstate == LOCKED:
                    self._locked.add(text)
                    self._next_look = self._now() + self._limits.lock_seconds
                raise BackendTimeout(backend, type(error).__name__) from error
            if is_away(error.sqlstate):
                raise BackendUnavailable(backend, reason_of(error)) from error
            raise
        if self._locked and text in self._locked:
            self._locked.clear()  # whoever had locked this table has probably let go of the others, too
        return rows

    async def _asked(self, backend: str, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
        period = self._period
        connection = self._idle_one() or await self._checked_one() or await self._taken()
        try:
            if self._locked:  # not before its turn: a hundred may have queued until the first of them met the lock
                self._look_seldom(backend, text)
            if self._engine._has_events:  # whoever counts statements hears of these too
                for listener in self._engine.dispatch.before_cursor_execute:
                    listener(None, None, text, arguments, None, False)
            return await self._fetched(connection, text, arguments)
        finally:
            self._give_back(connection, period)

    def _look_seldom(self, backend: str, text: str) -> None:
        """Return when nothing is known to be locked that this query needs, or when it is time to look again.

        Raises:
            BackendTimeout: Its table was locked a moment ago.
        """
        if text not in self._locked:
            return
        now = self._now()
        if now < self._next_look:
            raise BackendTimeout(backend, "somebody keeps its table locked")
        self._next_look = now + self._limits.lock_seconds

    async def _fetched(self, connection: Any, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
        try:
            try:
                # What `connection.fetch` does in the end, without the six calls that lead there.
                statement = await connection._get_statement(text, self._seconds)
                rows: Sequence[Any] = await connection._protocol.bind_execute(
                    statement, arguments, "", 0, False, self._seconds
                )
            except _CHANGED:  # it prepares the statement again
                rows = await connection.fetch(text, *arguments)
        except asyncpg.InternalClientError as error:  # it had been notified that it will be closed
            connection.terminate()
            raise _Lost from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if connection.is_closed():
                raise _Lost from error
            raise
        except BaseException:
            connection.terminate()  # cancelled half-way: what it says next is not for the next query
            raise
        return rows

    def _idle_one(self) -> Any:
        """Return a connection that was used lately, None when there is none."""
        trusted = self._now() - _TRUSTED_SECONDS
        while self._idle and self._idle[-1][0] >= trusted:
            _, connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._slots += 1
        return None

    async def _checked_one(self) -> Any:
        """Return a connection that was idle for long and still is one, None when there is none."""
        while self._idle:
            _, connection = self._idle.pop()
            try:
                await connection.execute("SELECT 1", timeout=self._limits.check_seconds)
            except BaseException as error:
                connection.terminate()
                self._pass_on(None)
                if not isinstance(error, Exception):
                    raise
                self._close_idle()  # they have been idle for longer
            else:
                return connection
        return None

    async def _taken(self) -> Any:
        """Return a new connection, or one that another query gives back."""
        if self._slots:
            self._slots -= 1
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
        """Open a connection in a slot that was taken for it."""
        try:
            connection = await asyncpg.connect(**self._options)
        except BaseException:
            self._pass_on(None)
            raise
        try:
            await connection.set_type_codec(
                "timestamptz", schema="pg_catalog", encoder=written_instant, decoder=read_instant, format="binary"
            )
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
        """Give a connection, or the slot for one (None), to whoever waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        if connection is None:
            self._slots += 1
        else:
            self._idle.append((self._now(), connection))

    def dispose(self) -> None:
        """Close what is idle now, and what is lent when it comes back."""
        self._period += 1
        self._close_idle()

    def _leave_read_only_server(self, context: ExceptionContext) -> None:
        """Read where changes are possible, too: what a server that became a standby says is old, or soon will be."""
        if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
            self.dispose()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _close_idle(self) -> None:
        self._slots += len(self._idle)
        for _, connection in self._idle:
            connection.terminate()
        self._idle.clear()


class _Exhausted(Exception):
    """Too many wait for a connection."""


class _Lost(Exception):
    """The connection was closed by the database."""


@lru_cache(maxsize=5_000)
def read_instant(value: bytes) -> datetime:
    """Return an instant from the microseconds since the year 2000, in eight bytes, as which PostgreSQL sends it.

    asyncpg takes ten times as long for an instant as for a text, and a page has more than a hundred of them: since when
    people are members, hold their roles, have their accounts. They never change, and come again with each page.

    Raises:
        OverflowError: It is one that Python has no datetime for, such as `infinity`.
    """
    return _YEAR_2000 + timedelta(microseconds=int.from_bytes(value, "big", signed=True))


def written_instant(instant: datetime) -> bytes:
    """Return the instant as it is sent."""
    since = instant - _YEAR_2000
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds).to_bytes(8, "big", signed=True)


def _options(limits: DatabaseLimits, lock_seconds: float) -> dict[str, Any]:
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


def _check_alive(limits: DatabaseLimits, connection: Any, entry: ConnectionPoolEntry, _proxy: object) -> None:
    """Ask a connection that was used before whether it still is one; if not, the pool opens another.

    SQLAlchemy's own `pool_pre_ping` sends four messages where one is enough.
    """
    if not entry.info.get("was_used"):
        entry.info["was_used"] = True
        return
    try:
        connection.run_async(lambda driver: driver.execute("SELECT 1", timeout=limits.check_seconds))
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
