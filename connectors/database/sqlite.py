"""How SQLite is opened: in WAL mode with foreign keys on, in files of their owner, and stopped when nobody waits."""

import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Dialect, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from connectors.private_files import keep_private

_BUSY_SECONDS = 0.1
"""So long SQLite waits for a lock in the driver's thread, which nobody can call back; longer waits are ours."""

_STEPS = 10_000
"""Steps, some hundred microseconds, after which SQLite looks whether anybody still waits for its answer."""


def sqlite_engine(url: str, connections: int, *, reads_only: bool = False) -> Engine:
    """Return an engine for a ``sqlite+aiosqlite:`` URL with so many connections, each of which has a thread."""

    def prepare(connection: Any, entry: ConnectionPoolEntry) -> None:
        try:
            is_cut_off = entry.info["is_cut_off"] = threading.Event()
            connection.run_async(lambda driver: driver.set_progress_handler(is_cut_off.is_set, _STEPS))
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.execute("PRAGMA synchronous=NORMAL")
            cursor.execute(f"PRAGMA busy_timeout={round(_BUSY_SECONDS * 1_000)}")
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
        hide_parameters=True,  # errors are logged, and parameters hold what people typed, and hashes of secrets
        connect_args={"timeout": 1, "factory": _Connection},
    )
    event.listen(engine, "do_connect", _keep_private)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "invalidate", _stop)
    return engine


class _Connection(sqlite3.Connection):
    """A connection that undoes what was not committed when it is closed.

    A query that was cut off by a cancellation keeps its cursor in the traceback, and SQLite keeps a closed connection,
    with its lock, for as long as there are cursors: until the garbage is collected nobody could write.
    """

    def close(self) -> None:
        with suppress(sqlite3.Error):  # it was closed already
            self.rollback()
        super().close()


def _keep_private(_dialect: Dialect, _entry: object, arguments: Any, options: Any) -> None:
    """See to it, before SQLite makes a file, that it is made for its owner only; what is beside it is made alike."""
    if not options.get("uri") and arguments[0] not in ("", ":memory:"):
        keep_private(Path(arguments[0]))


def _stop(_connection: DBAPIConnection, entry: ConnectionPoolEntry, _why: BaseException | None) -> None:
    """Stop what SQLite does for a connection that was cut off, or is about to, or closing it would wait for that."""
    entry.info["is_cut_off"].set()
