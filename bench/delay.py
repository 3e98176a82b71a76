"""PostgreSQL further away: `python -m bench.delay FOLDER HOST PORT MILLISECONDS` listens on a socket in the folder.

Whatever a client sends arrives so much later; answers come back at once, so that each call waits once. A host that is
a path is a folder with a socket too, as libpq has it.
"""

import asyncio
import sys
from typing import cast

import uvloop


class _Way(asyncio.Protocol):
    """One end of a connection, which hands what it receives to the other end."""

    transport: asyncio.Transport

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self.other: _Way | None = None
        self._before: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._before.append(data)
        elif self._seconds:
            self._loop.call_later(self._seconds, self.other.hand_on, data)
        else:
            self.other.hand_on(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None:
            self.other.transport.close()

    def hand_on(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    def join(self, other: "_Way") -> None:
        self.other, other.other = other, self
        for data in self._before:
            other.hand_on(data)


async def _serve(folder: str, host: str, port: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    joining: set[asyncio.Task[None]] = set()

    async def join(near: _Way) -> None:
        if host.startswith("/"):
            _, far = await loop.create_unix_connection(_Way, socket_in(host, port))
        else:
            _, far = await loop.create_connection(_Way, host, port)
        near.join(far)

    def accepted() -> _Way:
        near = _Way(seconds)
        task = loop.create_task(join(near))
        joining.add(task)
        task.add_done_callback(joining.discard)
        return near

    server = await loop.create_unix_server(accepted, socket_in(folder, port))
    print("ready", flush=True)  # noqa: T201  the parent waits for it
    await server.serve_forever()


def socket_in(folder: str, port: int) -> str:
    """Return the path of a server's socket."""
    return f"{folder}/.s.PGSQL.{port}"


if __name__ == "__main__":
    _folder, _host, _port, _milliseconds = sys.argv[1:]
    uvloop.run(_serve(_folder, _host, int(_port), float(_milliseconds) / 1000))
