"""How the directory's tables came to be, step by step."""

from pathlib import Path

from connectors.database.migrations import Migrations

MIGRATIONS = Migrations("directory", Path(__file__).parent, "directory_migrations")
