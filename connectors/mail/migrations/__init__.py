"""How the local mailbox's table came to be, step by step."""

from pathlib import Path

from connectors.database.migrations import Migrations

MIGRATIONS = Migrations("mail", Path(__file__).parent, "mail_migrations")
