"""A back end on loopback that answers whatever a test lets it, well-formed or not, and remembers what it was asked."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

_REASONS = {200: "OK", 404: "Not Found"}


@dataclass(frozen=True)
class Asked:
    """A request as it came; names of headers in small letters."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[Asked, asyncio.StreamWriter], Awaitable[bytes | None]]
"""Returns the bytes of an answer; None ends the connection."""


def reply(content: Any = None, status: int = 200, *, body: bytes | None = None, **headers: str) -> bytes:
    """Return an answer with this content as JSON, or with this body."""
    body = body if body is not None else json.dumps(content).encode()
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}", f"Content-Length: {len(body)}"]
    headers = {"content_type": "application/json", **headers}
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class BackEnd:
    """The server; `answers` are given in turn, the last one for ever."""

    port: int = 0
    answers: list[bytes | Answer | None] = field(default_factory=lambda: [reply({"is": "well"})])
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    opened: int = 0
    tls: ssl.SSLContext | None = None
    _server: asyncio.Server | None = None
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    async def listen(self) -> None:
        """Take connections, at the same port as before."""
        if self._server is None:
            self._server = await asyncio.start_server(self._begin, "127.0.0.1", self.port, ssl=self.tls)
            self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Take no connections, and end those that there are."""
        if self._server is not None:
            self._server.close()
            for task in list(self._serving):
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(task := asyncio.create_task(self.serve(reader, writer)))
        task.add_done_callback(self._serving.discard)

    @property
    def targets(self) -> list[str]:
        return [asked.target for asked in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.opened += 1
        try:
            while (asked := await _read(reader)) is not None:
                self.asked.append(asked)
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                sent = await answer(asked, writer) if callable(answer) else answer
                if sent is None:
                    break
                writer.write(sent)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            self.connections -= 1
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.split("\r\n")[:-2]
    method, target, _version = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body)


@asynccontextmanager
async def open_back_end(tls: ssl.SSLContext | None = None) -> AsyncIterator[BackEnd]:
    """Serve while the block runs; afterwards, whatever still hangs is cut off."""
    back_end = BackEnd(tls=tls)
    await back_end.listen()
    try:
        yield back_end
    finally:
        await back_end.refuse()
