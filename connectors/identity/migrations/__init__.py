"""How the embedded accounts' table came to be, step by step."""

from pathlib import Path

from connectors.database.migrations import Migrations

MIGRATIONS = Migrations("identity", Path(__file__).parent, "identity_migrations")
