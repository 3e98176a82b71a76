"""What somebody who means harm does to connections, as opposed to what they send: waiting, dripping, never ending.

Each returns for how many milliseconds the worst of its connections was kept waiting for an answer or an end. What the
gateway waits for on purpose (`PATIENCE_SECONDS`) is taken off: it is how late the answer came.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter

MANY = 1_000
PATIENCE_SECONDS = 10.0
"""As shipped: `body_timeout_seconds` and `head_timeout_seconds`."""

_GIVE_UP_SECONDS = 30.0
_HEAD = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
_GET = b"GET /graphql?query={__typename} HTTP/1.1\r\nhost: x\r\n\r\n"
_CHUNK = b"10000\r\n" + b" " * 0x10000 + b"\r\n"


@dataclass(frozen=True, slots=True)
class AttackOnConnections:
    """What is done, and how."""

    name: str
    carried_out: Callable[[int], Awaitable[float]]
    """Given the port, return the milliseconds."""


def _waited_for(number: int, sent: bytes) -> Callable[[int], Awaitable[float]]:
    """So many connections that send this and then nothing."""

    async def carried_out(port: int) -> float:
        return max(await asyncio.gather(*(_until_the_end(port, sent) for _ in range(number)))) - PATIENCE_SECONDS * 1e3

    return carried_out


def _dripped(number: int, sent: bytes, drop: bytes) -> Callable[[int], Awaitable[float]]:
    """So many connections that send this, and then a drop every half second."""

    async def carried_out(port: int) -> float:
        waited = await asyncio.gather(*(_until_the_end(port, sent, drop, every=0.5) for _ in range(number)))
        return max(waited) - PATIENCE_SECONDS * 1e3

    return carried_out


def _endless(number: int, sent: bytes, drop: bytes = b"") -> Callable[[int], Awaitable[float]]:
    """So many connections that send this, and then drops, if any, as fast as they are taken."""

    async def carried_out(port: int) -> float:
        return max(await asyncio.gather(*(_until_the_end(port, sent, drop) for _ in range(number))))

    return carried_out


def _unread(number: int, sent: bytes, seconds: float) -> Callable[[int], Awaitable[float]]:
    """So many connections that ask and do not read the answer; how long a newcomer waits for one meanwhile."""

    async def carried_out(port: int) -> float:
        held = [await asyncio.open_connection("127.0.0.1", port, limit=1) for _ in range(number)]
        for _, writer in held:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(sent)
        begin, worst = perf_counter(), 0.0
        while perf_counter() - begin < seconds:
            worst = max(worst, await _until_the_end(port, _GET.replace(b"host", b"connection: close\r\nhost")))
            await asyncio.sleep(0.1)
        for _, writer in held:
            writer.transport.abort()
        return worst

    return carried_out


async def _until_the_end(port: int, sent: bytes, drop: bytes = b"", *, every: float = 0.0) -> float:
    """Return the milliseconds until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    begin = perf_counter()
    writer.write(sent)
    dripping = asyncio.create_task(_drip(writer, drop, every)) if drop else None
    with suppress(ConnectionError):
        async with asyncio.timeout(_GIVE_UP_SECONDS):
            while await reader.read(65_536):
                pass
    waited = perf_counter() - begin
    if dripping is not None:
        dripping.cancel()
    writer.transport.abort()
    return waited * 1e3


async def _drip(writer: asyncio.StreamWriter, drop: bytes, every: float) -> None:
    with suppress(ConnectionError):
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(every)


def _with_length(length: int) -> bytes:
    return _HEAD + b"content-length: %d\r\n\r\n" % length


def _on_what_is_bounded_apart() -> dict[str, Callable[[int], Awaitable[float]]]:
    """Heads, trailers, bodies that wait for their turn, and connections that stay open between two requests."""
    begun = b"GET /graphql HTTP/1.1\r\nhost: x\r\n"
    chunked = _HEAD + b"transfer-encoding: chunked\r\n\r\n"
    body = b'{"query": "{ __typename }", "variables": {"a": "' + b"a" * 899_950 + b'"}}'
    return {
        "1,000 connections that stay open after an answer": _unread(MANY, _GET, 2.0),
        "200 who do not read 10 small answers": _unread(200, _GET * 10, 2.0),
        "200 heads after an answer, a byte at a time": _dripped(200, _GET + begun + b"x: ", b"a"),
        "200 bodies after their answer, a byte at a time": _dripped(
            200, _HEAD.replace(b"application/json", b"text/plain") + b"content-length: 100000\r\n\r\n", b"a"
        ),
        "100 heads of 200 KB at once": _endless(100, begun + b"x: " + b"a" * 200_000 + b"\r\n\r\n"),
        "100 heads of 5,000 lines at once": _endless(100, begun + b"a: b\r\n" * 5_000 + b"\r\n"),
        "100 addresses of 200 KB": _endless(100, b"GET /graphql?query=" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n"),
        "100 complete bodies of 900 KB": _endless(
            100, _HEAD + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        ),
        "16 chunk extensions without end": _endless(16, chunked + b"1;", b"a" * 0x10000),
        "16 trailers without end": _endless(16, chunked + b"0\r\n", b"a: b\r\n" * 10_000),
    }


def attacks_on_connections(large: bytes) -> list[AttackOnConnections]:
    """Return them all; `large` is a request whose answer is large."""
    chunked = _HEAD + b"transfer-encoding: chunked\r\n\r\n"
    last = _GET.replace(b"host", b"connection: close\r\nhost")
    done = {
        "1,000 idle connections": _waited_for(MANY, b""),
        "1,000 heads that do not end": _waited_for(MANY, _HEAD + b"x: " + b"a" * 20_000),
        "1,000 slow bodies": _waited_for(MANY, _with_length(3_000) + b"{"),
        "1,000 bodies of 900 KB that do not end": _waited_for(MANY, _with_length(999_999) + b" " * 900_000),
        "200 bodies, a byte at a time": _dripped(200, _with_length(3_000), b" "),
        "16 chunked bodies without end": _endless(16, chunked, _CHUNK),
        "16 heads of 5,000 names": _endless(16, _HEAD + b"".join(b"a%d: b\r\n" % number for number in range(5_000))),
        "16 times 50 requests without waiting": _endless(16, _GET * 49 + last),
        "16 times 10,000 requests without waiting": _endless(16, _GET * 10_000),
        "16 times what is no HTTP": _endless(16, b"BREW /graphql COFFEE/1.0\r\n\r\n" * 1_000),
        "200 who do not read 30 large answers": _unread(200, large * 30, 3.0),
        **_on_what_is_bounded_apart(),
    }
    return [AttackOnConnections(*each) for each in done.items()]
