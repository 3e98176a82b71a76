"""Events through PostgreSQL's NOTIFY, where there is no Redis."""

import asyncio
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import make_url

from connectors.events.shared import SILENCE, SharedEvents

CHANNEL = "forecourt_events"


class PostgresqlEvents(SharedEvents):
    """Publishes by NOTIFY and LISTEN in the database at a ``postgresql+asyncpg:`` URL, on one connection of its own.

    Not within the transaction that makes the change: NOTIFY lets only one transaction of the server commit at a time.
    """

    def __init__(self, url: str) -> None:
        # As for every other connection: asyncpg reads options of a URL otherwise, `ssl` as a setting of the server.
        address = make_url(url)
        _, self._options = address.get_dialect()().create_connect_args(address)
        self._connection: Any = None
        self._turn = asyncio.Lock()
        """The driver does one thing at a time."""
        super().__init__()

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            **self._options, timeout=5, command_timeout=2, server_settings={"application_name": "forecourt events"}
        )
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        try:
            await connection.add_listener(CHANNEL, lambda _connection, _pid, _channel, text: self._heard(text))
            self._connection = connection
            self._listening()
            while not lost.is_set():
                try:
                    async with asyncio.timeout(SILENCE):
                        await lost.wait()
                except TimeoutError:
                    async with self._turn:
                        await connection.execute("SELECT 1")
            raise ConnectionResetError("the database closed the connection")
        finally:
            self._connection = None
            connection.terminate()

    async def _send(self, messages: list[str]) -> None:
        async with self._turn:
            if self._connection is None:
                raise ConnectionError("not connected")
            await self._connection.execute(
                "SELECT pg_notify($1, message) FROM unnest($2::text[]) AS message", CHANNEL, messages
            )

    async def _let_go(self) -> None:
        """Nothing is left: the connection is closed when listening ends."""
