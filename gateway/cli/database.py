"""``forecourt backup``, ``restore`` and ``transfer``: our own database into a file, back, and over to PostgreSQL."""

import asyncio
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from connectors.database.copies import back_up, check_backup, check_unused, restore, transfer
from connectors.database.engine import open_database
from connectors.database.migrations import DatabaseNotMigrated, check_migrated, migrate
from connectors.errors import CopyRefused
from connectors.private_files import make_private_folder
from gateway.cli.command import ProfileOption
from gateway.server.terminal import say
from gateway.settings import Settings
from gateway.settings_sources import read_settings
from gateway.wiring import MIGRATIONS, TABLES, utc_now


def backup(
    file: Annotated[Path, typer.Argument(help="The new file.")],
    profile: ProfileOption = None,
) -> None:
    """Copy the SQLite database into a file, while the gateway goes on."""
    database = _file_of(read_settings(profile=profile), "pg_dump")
    back_up(database, file)
    say(f"{file} is a backup of {database}, {file.stat().st_size:,} bytes. Keep the signing key with it.")


def restore_backup(
    file: Annotated[Path, typer.Argument(help="A file that `forecourt backup` made.")],
    profile: ProfileOption = None,
) -> None:
    """Let a backup be the SQLite database again; the gateway must not run. What was there is kept beside it."""
    settings = read_settings(profile=profile)
    database = _file_of(settings, "pg_restore").resolve()
    check_backup(file, [migrations.version_table for migrations in MIGRATIONS])
    # Quoted twice: SQLAlchemy reads the one, SQLite the other.
    named = quote(file.absolute().as_uri())
    is_current = asyncio.run(_is_current(f"sqlite+aiosqlite:///{named}?mode=ro&immutable=1&uri=true"))
    make_private_folder(database.parent)
    kept = database.with_name(f"{database.name}.{utc_now():%Y%m%dT%H%M%SZ}")
    was_there = restore(file, database, kept)
    say(f"{database} is what {file} was.")
    if was_there:
        say(f"What was there before is in {kept}.")
    if not is_current:
        say("The backup is of an earlier version: run `forecourt migrate` before you serve.")


def transfer_database(
    to: Annotated[str, typer.Argument(help="postgresql+asyncpg://user:password@host:5432/name, a new database.")],
    profile: ProfileOption = None,
) -> None:
    """Copy the SQLite database into an empty PostgreSQL database; the gateway must not run."""
    settings = read_settings(profile=profile)
    if not settings.database.startswith("sqlite"):
        raise CopyRefused(
            "What is copied is the SQLite database, so leave database_url unset until the transfer is done."
        )
    database = _file_of(settings, "pg_dump")
    if not database.exists():
        raise CopyRefused(f"There is no database {database}, so there is nothing to transfer.")
    if not to.startswith("postgresql+asyncpg://"):
        raise CopyRefused("The new database is named as in FORECOURT_DATABASE_URL: postgresql+asyncpg://…")
    try:
        make_url(to)
    except (ArgumentError, ValueError):  # whose text would show the password
        raise CopyRefused("This is no URL such as postgresql+asyncpg://user:password@host:5432/name.") from None
    check_unused(database)
    copied = asyncio.run(_transferred(settings, to))
    rows = sum(copied.values())
    say(f"{rows:,} rows of {len(copied)} tables were copied. Set FORECOURT_DATABASE_URL to the new database now,")
    say(f"keep the signing key, and put {database} away: nothing of it is used any more.")


async def _is_current(url: str) -> bool:
    """Return whether a backup needs no migration.

    Raises:
        DatabaseTooNew: A newer Forecourt made it.
        CopyRefused: It is no database of ours.
    """
    engine = open_database(url)
    try:
        for migrations in MIGRATIONS:
            await check_migrated(engine, migrations)
    except DatabaseNotMigrated:
        return False
    finally:
        await engine.dispose()
    return True


async def _transferred(settings: Settings, to: str) -> dict[str, int]:
    source, target = open_database(settings.database), open_database(to)
    try:
        for migrations in MIGRATIONS:
            await check_migrated(source, migrations)
            await migrate(target, migrations)
        return dict(await transfer(source, target, TABLES))
    finally:
        await source.dispose()
        await target.dispose()


def _file_of(settings: Settings, tool: str) -> Path:
    """Return the file of the SQLite database.

    Raises:
        CopyRefused: Our database is PostgreSQL, whose own tools do this.
    """
    if not settings.database.startswith("sqlite"):
        raise CopyRefused(f"The database is PostgreSQL: use {tool}, which comes with it.")
    return Path(str(make_url(settings.database).database))
