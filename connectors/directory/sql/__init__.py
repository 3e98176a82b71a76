"""The directory in SQLite or PostgreSQL."""

from connectors.directory.sql.changes import SqlChange
from connectors.directory.sql.directory import SqlDirectory

__all__ = ["SqlChange", "SqlDirectory"]
