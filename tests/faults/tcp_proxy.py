"""A proxy before a real server, on a port of 127.0.0.1, that misbehaves as a test says."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from enum import Enum
from itertools import cycle
from typing import Any

import pytest

GARBAGE = b"HTTP/1.1 502 Bad Gateway\r\nServer: hunter2\r\n\r\n<html>SELECT secret</html>\r\n\x00\xff\xfe" * 3
"""What no server of ours would say, with words in it that nobody must read in an answer."""

DELAYS = (0.0,) * 10 + (0.005,) * 7 + (0.02,) * 2 + (0.06,)
"""Seconds before a chunk of an answer, so that half of them are quick and every twentieth is slow."""


class Failure(Enum):
    """What the proxy does instead of passing everything on; the value is how a table for operators calls it."""

    REFUSES = "refuses connections"
    HANGS = "hangs before the first byte"
    HANGS_HALF_WAY = "hangs in the middle of an answer"
    CUTS = "cuts off in the middle of an answer"
    GARBAGE = "answers garbage"
    SLOW = "is slow, now and then very"
    FLAPS = "cuts off every other connection"
    DROPS_IDLE = "drops idle connections silently"
    UNKNOWN_NAME = "has a name that DNS does not know"
    EXPIRED = "has an expired certificate"


_CLOSES_CONNECTIONS = (Failure.REFUSES, Failure.FLAPS, Failure.UNKNOWN_NAME, Failure.EXPIRED)
"""Those that only a new connection meets."""


class Link:
    """One connection that came through the proxy."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.is_dropped = False
        self.sides: list[asyncio.StreamWriter] = []

    def cut(self) -> None:
        """Close both sides at once, as a reset does."""
        for side in self.sides:
            side.transport.abort()

    async def closed(self) -> None:
        """Close both sides and wait until they are."""
        self.cut()
        for side in self.sides:
            side.close()
            with suppress(OSError):
                await side.wait_closed()


class TcpProxy:
    """Passes on what comes, unless it misbehaves; `seen` counts the connections that were taken.

    The server is a port of 127.0.0.1, or the path of a socket.

    With `certificates` it speaks TLS to clients, after `preamble` bytes of theirs to which it says `reply` first, as
    PostgreSQL does; the certificate is the valid one, of two, unless it is expired.
    """

    def __init__(
        self,
        server: int | str,
        certificates: tuple[ssl.SSLContext, ssl.SSLContext] | None = None,
        *,
        preamble: int = 0,
        reply: bytes = b"",
    ) -> None:
        self.port = 0
        self.seen = 0
        self.failure: Failure | None = None
        self.garbage = GARBAGE
        self.links: set[Link] = set()
        self._upstream = server
        self._certificates = certificates
        self._preamble = (preamble, reply)
        self._changed = asyncio.Event()
        self._delays = cycle(DELAYS)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._trap: tuple[bytes, bool] | None = None

    async def misbehave(self, failure: Failure) -> None:
        """Do this from now on."""
        self.failure = failure
        if failure is Failure.REFUSES:
            await self._stop_listening()
        if failure is Failure.DROPS_IDLE:
            for link in self.links:
                link.is_dropped = True
        if failure in _CLOSES_CONNECTIONS:
            await self._cut_all()
        self._wake()

    async def behave(self) -> None:
        """Pass everything on again; what hung goes on, what was dropped stays so."""
        self.failure = None
        if self._server is None:
            await self.listen()
        self._wake()

    def cut_at(self, sent: bytes, *, arrives: bool) -> None:
        """Cut off the next connection on which a client sends this, which then arrives at the server or does not."""
        self._trap = (sent, arrives)

    @property
    def has_cut(self) -> bool:
        """Whether what `cut_at` waits for has come."""
        return self._trap is None

    async def listen(self) -> None:
        """Take connections, on the same port each time."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Take nothing any more and end what is open."""
        await self._stop_listening()
        await self._cut_all()

    async def _stop_listening(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            for listening in server.sockets:  # asyncio loses connections that it takes just when a server closes
                asyncio.get_running_loop().remove_reader(listening.fileno())
            await asyncio.sleep(0.01)
            server.close()

    async def _cut_all(self) -> None:
        for link in list(self.links):
            link.cut()
        if self._tasks:
            await asyncio.wait(list(self._tasks))

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.seen += 1
        link = Link(self.seen)
        link.sides.append(writer)
        self.links.add(link)
        try:
            with suppress(OSError, EOFError):
                await self._pass_on(link, reader, writer)
        finally:
            await link.closed()
            self.links.discard(link)

    async def _pass_on(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.failure is Failure.FLAPS and link.number % 2:
            return
        if self._certificates is not None:
            valid, expired = self._certificates
            length, reply = self._preamble
            await reader.readexactly(length)
            writer.write(reply)
            await writer.start_tls(expired if self.failure is Failure.EXPIRED else valid)
        if isinstance(self._upstream, str):
            answers, to_server = await asyncio.open_unix_connection(self._upstream)
        else:
            answers, to_server = await asyncio.open_connection("127.0.0.1", self._upstream)
        link.sides.append(to_server)
        pumps = [
            asyncio.create_task(self._pump_requests(link, reader, to_server)),
            asyncio.create_task(self._pump_answers(link, answers, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump_requests(self, link: Link, reader: asyncio.StreamReader, to_server: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65_536):
            if link.is_dropped:
                continue
            if self._trap is not None and self._trap[0] in chunk:
                _, arrives = self._trap
                self._trap = None
                if not arrives:
                    return
                link.is_dropped = True
            to_server.write(chunk)
            await to_server.drain()

    async def _pump_answers(self, link: Link, answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await answers.read(65_536):
            if link.is_dropped:
                if self.failure is not Failure.DROPS_IDLE and self.has_cut:
                    return  # the server has answered what was to be cut off
                await asyncio.Event().wait()
            if self.failure in (Failure.HANGS_HALF_WAY, Failure.CUTS):
                half = max(1, len(chunk) // 2)
                writer.write(chunk[:half])
                await writer.drain()
                if self.failure is Failure.CUTS:
                    return
                chunk = chunk[half:]
            while self.failure in (Failure.HANGS, Failure.HANGS_HALF_WAY):
                await self._changed.wait()
            if self.failure is Failure.GARBAGE:
                chunk = self.garbage
            if self.failure is Failure.SLOW:
                await asyncio.sleep(next(self._delays))
            writer.write(chunk)
            await writer.drain()


@asynccontextmanager
async def proxy_to(server: int | str, *args: Any, **more: Any) -> AsyncIterator[TcpProxy]:
    """Run a proxy to a port of 127.0.0.1, or to the socket with this path, for as long as the block runs."""
    proxy = TcpProxy(server, *args, **more)
    await proxy.listen()
    try:
        yield proxy
    finally:
        await proxy.close()


@contextmanager
def named(name: str, proxy: TcpProxy) -> Iterator[None]:
    """Let DNS know this name for 127.0.0.1, unless the proxy is to have a name that it does not know."""
    real = socket.getaddrinfo

    def looked_up(host: Any, *args: Any, **more: Any) -> Any:
        if host not in (name, name.encode()):
            return real(host, *args, **more)
        if proxy.failure is Failure.UNKNOWN_NAME:
            raise socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {name}")
        return real("127.0.0.1", *args, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", looked_up)
        yield
