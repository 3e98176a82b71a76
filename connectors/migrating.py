"""Bringing a back end's tables up to date with Alembic; apart, so that a process that only serves never loads it."""

from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from connectors.database import Migrations, refuse_unknown


def upgrade(connection: Connection, migrations: Migrations, to: str = "head") -> list[str]:
    """Run the migrations that are missing `to` a revision, in the transaction that the connection has begun.

    Returns the revisions that were run.

    Raises:
        DatabaseTooNew: The database has a revision that this Forecourt does not know; nothing is changed.
    """
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
            refuse_unknown(head, migrations.revisions(), migrations)
        run = scripts._upgrade_revs(to, revision)
        done.extend(step.revision.revision for step in run)
        return run

    environment.configure(connection=connection, version_table=migrations.version_table, fn=steps, render_as_batch=True)
    with environment:
        environment.run_migrations()
    return done
