"""How the embedded shop's tables came to be, step by step."""

from pathlib import Path

from connectors.database.migrations import Migrations

MIGRATIONS = Migrations(backend="shop", folder=Path(__file__).parent, version_table="shop_version")
