"""Bringing a back end's tables up to date, and refusing to serve with tables that are not."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, column, inspect, select, table, text

from connectors.database.engine import AsyncEngine
from connectors.database.sql_errors import database_errors


class DatabaseTooNew(Exception):
    """The database was migrated by a newer Forecourt than this one."""


class DatabaseNotMigrated(Exception):
    """The database lacks migrations that this Forecourt needs."""


@dataclass(frozen=True, slots=True)
class Migrations:
    """One back end's migrations: the folder with `versions/`, and the table that keeps how far they were run.

    The name of each file begins with its revision, and in the order of the revisions they are run: ``0001_orders.py``.
    """

    backend: str
    folder: Path
    version_table: str

    def revisions(self) -> list[str]:
        """Return the revisions in their order."""
        return sorted(file.name.partition("_")[0] for file in (self.folder / "versions").glob("[0-9]*.py"))


async def migrate(engine: AsyncEngine, migrations: Migrations) -> list[str]:
    """Bring the back end's tables up to date in one transaction and return the revisions that were run.

    Several processes may start at the same time: one migrates, the others wait for it.

    Raises:
        DatabaseTooNew: The database has a revision that this Forecourt does not know; nothing is changed.
        BackendUnavailable: The database does not answer.
    """
    async with database_errors(migrations.backend), engine.connect() as connection:
        # Whoever migrates first may take longer than a writer usually waits for another.
        await connection.begin(patience=60)
        done = await connection.run_sync(upgrade, migrations)
        await connection.commit()
        return done


async def check_migrated(engine: AsyncEngine, migrations: Migrations) -> None:
    """Return when the back end's tables are exactly those this Forecourt knows.

    Raises:
        DatabaseNotMigrated: Migrations are missing.
        DatabaseTooNew: The database has a revision that this Forecourt does not know.
        BackendUnavailable: The database does not answer.
    """

    def check(connection: Connection) -> None:
        known = migrations.revisions()
        found: set[str] = set()
        if inspect(connection).has_table(migrations.version_table):
            found = set(
                connection.execute(select(column("version_num")).select_from(table(migrations.version_table))).scalars()
            )
        for revision in found:
            _refuse_unknown(revision, known, migrations)
        if found != {known[-1]}:
            raise DatabaseNotMigrated(
                f"The {migrations.backend} database is not up to date. Run `forecourt migrate`, with "
                "the same `--profile` and settings, and start again."
            )

    async with database_errors(migrations.backend), engine.connect() as connection:
        await connection.run_sync(check)


def upgrade(connection: Connection, migrations: Migrations, to: str = "head") -> list[str]:
    """Run the migrations that are missing `to` a revision, in the transaction that the connection has begun.

    Returns the revisions that were run.

    Raises:
        DatabaseTooNew: The database has a revision that this Forecourt does not know; nothing is changed.
    """
    # Alembic is 8 MB that a process that only serves does not need.
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    if connection.dialect.name == "postgresql":
        # A large table takes longer than any request may.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(7201946183)"))
    config = Config()
    config.set_main_option("script_location", str(migrations.folder))
    scripts = ScriptDirectory.from_config(config)
    environment = EnvironmentContext(config, scripts)
    done: list[str] = []

    def steps(revision: Any, _context: Any) -> Any:
        for head in revision if isinstance(revision, tuple) else (revision,) if revision else ():
            _refuse_unknown(head, migrations.revisions(), migrations)
        run = scripts._upgrade_revs(to, revision)
        done.extend(step.revision.revision for step in run)
        return run

    environment.configure(connection=connection, version_table=migrations.version_table, fn=steps, render_as_batch=True)
    with environment:
        environment.run_migrations()
    return done


def _refuse_unknown(revision: str, known: Collection[str], migrations: Migrations) -> None:
    if revision not in known:
        raise DatabaseTooNew(
            f"The {migrations.backend} database is at revision {revision}, which this Forecourt does not know: it was "
            "written by a newer version. Start that version, or restore a backup taken before the upgrade."
        )
