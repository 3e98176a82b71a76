"""What the errors of SQLite and PostgreSQL mean: which say that the database does not answer, and which are ours.

Exception
    ChangeConflict          another change was in the way
    CommitUnconfirmed       the database did not say whether it has stored the change
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connectors.errors import BackendTimeout, BackendUnavailable, OutcomeUnknown, reason_of

_CONFLICTS = ("40001", "40P01")
"""PostgreSQL's serialization failure and deadlock."""

LOCKED = "55P03"
"""PostgreSQL's state when `lock_timeout` ends the wait for a lock."""

_LATE = (LOCKED, "57014", "25P03")
"""PostgreSQL's states when one of the time limits that we set ends a statement or a transaction."""

READ_ONLY = "25006"
"""PostgreSQL's state when a server takes no changes: a standby, or a primary that became one."""

_AWAY = ("08", "28", "3D", "53", "57P", "58", READ_ONLY)
"""PostgreSQL's classes of connection failures, refused logins, missing databases, exhaustion, shutdown, crashes."""

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
"""What the operator reads of SQLite's errors, by their primary code."""


class ChangeConflict(Exception):
    """Another change was in the way, nothing of this one is stored; the same change can be tried again at once."""


class CommitUnconfirmed(Exception):
    """The database did not say whether it has stored the change."""


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
        raise BackendUnavailable(backend, reason_of(error)) from error
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state in _CONFLICTS:
            raise ChangeConflict(f"The {backend} database undid the change: another one was in its way.") from error
        if is_late(state):
            raise BackendTimeout(backend, _cause(error)) from error
        if _is_away(error):
            raise BackendUnavailable(backend, _cause(error)) from error
        raise


def is_taken(error: DBAPIError) -> bool:
    """Return whether a row could not be stored because there is one with the same unique values."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
    return getattr(error.orig, "sqlstate", None) == "23505"


def is_away(state: str | None) -> bool:
    """Return whether this SQLSTATE of PostgreSQL says that the database does not answer, rather than what to fix."""
    return state is not None and state.startswith(_AWAY)


def is_late(state: str | None) -> bool:
    """Return whether this SQLSTATE of PostgreSQL says that one of our time limits has ended a statement."""
    return state in _LATE


def _is_away(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        # SQLITE_ERROR means a statement of ours is wrong, SQLITE_CONSTRAINT that a rule holds.
        return code & 0xFF not in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH)
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or is_away(state) or (isinstance(error, InterfaceError) and not state)


def _cause(error: DBAPIError) -> str:
    """Return what the log says of an error, which never is the statement or its values."""
    name = str(getattr(error.orig, "sqlite_errorname", ""))
    primary = "_".join(name.split("_")[:2])
    if primary in _SQLITE_CAUSES:
        return f"{_SQLITE_CAUSES[primary]} ({name})"
    return reason_of(getattr(error.orig, "__cause__", None) or error.orig or error)
