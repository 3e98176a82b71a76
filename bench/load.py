"""The load: requests over kept-alive connections, as light as Python can, so that the server is what is measured."""

import asyncio
from collections import deque
from dataclasses import dataclass
from time import perf_counter
from typing import Any, cast

import orjson

from bench.workload import Query

_HEADER_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Load:
    """What the client saw: seconds from sending to the last byte, one for each request, and how long all took."""

    seconds: list[float]
    elapsed: float


class Refused(Exception):
    """The server answered something else than 200."""


def request_bytes(query: Query, port: int, token: str) -> bytes:
    """Return the request as it goes over the wire."""
    body = orjson.dumps({"operationName": query.name, "query": query.document, "variables": query.variables})
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Accept: application/graphql-response+json\r\nAccept-Language: de\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def answer_of(port: int, request: bytes) -> dict[str, Any]:
    """Return what the server answers to one request."""
    connection = await _connected(port, request, deque([1]))
    await connection.done
    connection.transport.close()
    answer: dict[str, Any] = orjson.loads(connection.last)
    return answer


async def load(port: int, request: bytes, *, connections: int, requests: int) -> Load:
    """Send so many requests, each connection sending its next one when it has the answer to the last."""
    tickets = deque(range(requests))
    begin = perf_counter()
    opened = [await _connected(port, request, tickets) for _ in range(connections)]
    await asyncio.gather(*(connection.done for connection in opened))
    elapsed = perf_counter() - begin
    for connection in opened:
        connection.transport.close()
    return Load([second for connection in opened for second in connection.seconds], elapsed)


class _Connection(asyncio.Protocol):
    """One kept-alive connection that sends its request again and again until the tickets are gone."""

    transport: asyncio.Transport

    def __init__(self, request: bytes, tickets: deque[int]) -> None:
        self._request = request
        self._tickets = tickets
        self._received = bytearray()
        self._expected = -1
        self._begin = 0.0
        self.seconds: list[float] = []
        self.last = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        if self._expected < 0:
            end = received.find(_HEADER_END)
            if end < 0:
                return
            self._expected = end + 4 + self._length(bytes(received[:end]))
        if len(received) >= self._expected:
            self.seconds.append(perf_counter() - self._begin)
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("The server closed the connection."))

    def _send(self) -> None:
        if not self._tickets:
            if not self.done.done():
                self.last = bytes(self._received).partition(_HEADER_END)[2]
                self.done.set_result(None)
            return
        self._tickets.popleft()
        self._received.clear()
        self._expected = -1
        self._begin = perf_counter()
        self.transport.write(self._request)

    def _length(self, head: bytes) -> int:
        if b" 200 " not in head[:16]:
            self.done.set_exception(Refused(head.decode(errors="replace")))
            self.transport.close()
            return 1 << 60
        lower = head.lower()
        start = lower.index(b"content-length:") + len(b"content-length:")
        return int(lower[start:].split(b"\r\n", 1)[0])


async def _connected(port: int, request: bytes, tickets: deque[int]) -> _Connection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: _Connection(request, tickets), "127.0.0.1", port)
    return connection
