"""What connections may take: time, bytes, numbers; and what goes beyond is refused in JSON, in its turn.

Waiting is made short by settings; nothing here depends on how long something takes.
"""

import asyncio
import gc
import json
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from uvicorn.server import ServerState

from gateway.server.http_limits import (
    MOST_HEAD_BYTES,
    MOST_HEADERS,
    MOST_URI_BYTES,
    BoundedHttp,
    server_config,
)
from gateway.server.occupancy import Occupancy
from gateway.settings import Settings
from gateway.settings_sources import InvalidSettings, read_settings

SOON, NEVER = 0.2, 300.0
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\n"

App = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass
class Server:
    """An application served as the gateway is, on any port."""

    port: int
    occupancy: Occupancy
    lost: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    """An entry for each connection that has ended."""

    async def connect(self, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection and send something."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        return reader, writer

    async def answers(self, sent: bytes) -> list[tuple[int, bytes]]:
        """Send something, and return status and body of each answer until the server ends the connection."""
        reader, writer = await self.connect(sent)
        received = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        return parsed(received)


def parsed(received: bytes) -> list[tuple[int, bytes]]:
    """Return status and body of each answer in what was read."""
    found = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length")), 0)
        found.append((int(head[9:12]), received[:length]))
        received = received[length:]
    return found


def codes(answers: list[tuple[int, bytes]]) -> list[tuple[int, str]]:
    """Return the status and the code of each answer; each is a refusal in JSON."""
    return [(status, json.loads(body)["errors"][0]["extensions"]["code"]) for status, body in answers]


@asynccontextmanager
async def serving(app: App, **settings: Any) -> AsyncIterator[Server]:
    """Serve an application as the gateway is served; nothing ends automatically but what the settings say."""
    patient = {"head_timeout_seconds": NEVER, "keep_alive_seconds": NEVER, "write_timeout_seconds": NEVER}
    config = server_config(app, Settings(**patient | settings))
    config.load()
    protocol: type[BoundedHttp] = config.http_protocol_class  # type: ignore[assignment]
    served = Server(0, protocol.occupancy)

    class Watched(protocol):  # type: ignore[misc, valid-type]
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            served.lost.put_nowait(None)

    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: Watched(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()


async def says_yes(_scope: Any, _receive: Any, send: Any, body: bytes = b"yes") -> None:
    """Answer without reading the request."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def repeats(scope: Any, receive: Any, send: Any) -> None:
    """Answer the names of the headers and the body that came."""
    body, is_more = b"", True
    while is_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, is_more = body + message["body"], message["more_body"]
    await says_yes(scope, receive, send, b" ".join(name for name, _ in scope["headers"]) + b"|" + body)


class Waits:
    """An application that reads each request to its end, and answers when it should."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.may_answer = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as an ASGI application."""
        while (message := await receive())["type"] == "http.request" and message["more_body"]:
            pass
        self.begun.put_nowait(message["type"])
        await self.may_answer.wait()
        await says_yes(scope, receive, send)


# Time.


async def test_a_request_that_never_begins_or_whose_headers_never_end_is_waited_for_no_longer_than_is_set() -> None:
    async with serving(says_yes, head_timeout_seconds=1) as server:
        silent = await server.answers(b"")
        unfinished = await server.answers(b"GET / HTTP/1.1\r\nhost: x\r\n")
        second = await server.answers(GET + b"GET / HTTP")
        reader, writer = await server.connect(GET)
        await reader.readuntil(b"yes")
        writer.write(b"\r\n")
        blank = parsed(await asyncio.wait_for(reader.read(), 30))
        writer.close()

    assert silent == []
    assert codes(unfinished) == [(408, "REQUEST_TIMEOUT")]
    assert second[0] == (200, b"yes")
    assert codes(second[1:]) == [(408, "REQUEST_TIMEOUT")]
    assert codes(blank) == [(408, "REQUEST_TIMEOUT")]  # empty lines hold nothing open


async def read_while_dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Send a byte now and then, and return what comes until the server ends the connection."""

    async def drip() -> None:
        while True:
            writer.write(b"a")
            await asyncio.sleep(0.02)

    dripping, received = asyncio.create_task(drip()), b""
    with suppress(ConnectionResetError):  # by bytes that it did not read any more
        while more := await asyncio.wait_for(reader.read(10_000), 30):
            received += more
    dripping.cancel()
    writer.close()
    return received


async def test_headers_that_drip_are_not_waited_for_longer() -> None:
    async with serving(says_yes, head_timeout_seconds=1) as server:
        reader, writer = await server.connect(GET + b"GET / HTTP/1.1\r\nx: ")
        received = await read_while_dripping(reader, writer)

    assert [status for status, _ in parsed(received)] == [200, 408]


async def test_a_connection_that_was_answered_stays_open_longer_than_headers_may_take() -> None:
    async with serving(says_yes, head_timeout_seconds=1) as server:
        reader, writer = await server.connect(GET)
        first = await reader.readuntil(b"yes")
        await server.answers(b"")  # by whose end the time for headers is over
        writer.write(GET)
        second = await reader.readuntil(b"yes")
        writer.close()

    assert (parsed(first), parsed(second)) == ([(200, b"yes")], [(200, b"yes")])


async def test_a_connection_that_was_answered_is_closed_when_it_asks_nothing_more() -> None:
    async with serving(says_yes, keep_alive_seconds=SOON) as server:
        assert await server.answers(GET) == [(200, b"yes")]


def test_a_connection_stays_open_longer_than_proxies_keep_theirs() -> None:
    assert read_settings({}).keep_alive_seconds > 60


async def test_a_body_that_goes_on_after_its_answer_is_not_read_for_ever() -> None:
    async with serving(says_yes, head_timeout_seconds=1) as server:
        reader, writer = await server.connect(POST + b"content-length: 100000\r\n\r\n")
        received = await read_while_dripping(reader, writer)

    assert parsed(received) == [(200, b"yes")]


async def test_a_body_that_ends_after_its_answer_leaves_the_connection_to_the_next_request() -> None:
    async with serving(says_yes, keep_alive_seconds=SOON) as server:
        reader, writer = await server.connect(POST + b"content-length: 3\r\n\r\n")
        await reader.readuntil(b"yes")
        writer.write(b"abc" + GET)
        await reader.readuntil(b"yes")
        writer.write(POST + b"content-length: 3\r\n\r\n")
        await reader.readuntil(b"yes")
        writer.write(b"abc")
        rest = await asyncio.wait_for(reader.read(), 30)  # and is closed when none comes
        writer.close()

    assert rest == b""


@pytest.mark.parametrize("request_", [GET, GET.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"), GET * 5])
async def test_who_does_not_read_their_answers_is_cut_off(request_: bytes) -> None:
    large = b"a" * 20_000_000

    async def says_much(scope: Any, receive: Any, send: Any) -> None:
        await says_yes(scope, receive, send, large)

    async with serving(says_much, write_timeout_seconds=SOON) as server:
        reader, writer = await server.connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(request_)
        await asyncio.wait_for(server.lost.get(), 30)
        writer.transport.abort()
        assert reader is not None


@pytest.mark.parametrize("number", [50_000, 66_000, 200_000])
async def test_what_is_left_of_an_answer_does_not_hold_a_closed_connection(number: int) -> None:
    filled = asyncio.Event()

    async def fills(_scope: Any, _receive: Any, send: Any) -> None:
        """Answer until the client's and our own buffers are full, and then so much more."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        transport = connections[0].transport
        while not transport.get_write_buffer_size():
            transport.write(b"a" * 60_000)
            await asyncio.sleep(0)
        filled.set()
        transport.write(b"a" * number)
        connections[0].timeout_keep_alive_handler()

    async with serving(fills, write_timeout_seconds=SOON) as server:
        connections = []
        made = BoundedHttp.connection_made

        def noted(self: BoundedHttp, transport: Any) -> None:
            connections.append(self)
            made(self, transport)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BoundedHttp, "connection_made", noted)
            _, writer = await server.connect()
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(GET)
            await asyncio.wait_for(filled.wait(), 30)
            await asyncio.wait_for(server.lost.get(), 30)
            writer.transport.abort()


async def test_who_reads_slowly_gets_all() -> None:
    large = b"a" * 20_000_000

    async def says_much(scope: Any, receive: Any, send: Any) -> None:
        await says_yes(scope, receive, send, large)

    async with serving(says_much) as server:
        reader, writer = await server.connect(GET)
        await reader.readuntil(b"\r\n\r\n")
        assert await asyncio.wait_for(reader.readexactly(len(large)), 60) == large
        writer.close()


@pytest.mark.parametrize("sent", [GET, GET * 30, b"GET / HTTP", b"no HTTP\r\n\r\n"])
async def test_nothing_is_kept_of_a_connection_that_was_cut_off(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    made, known = BoundedHttp.connection_made, []

    def noted(self: BoundedHttp, transport: Any) -> None:
        known.append(weakref.ref(self))
        made(self, transport)

    monkeypatch.setattr(BoundedHttp, "connection_made", noted)
    begun = asyncio.Event()

    async def says_much(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        await says_yes(scope, receive, send, b"a" * 1_000_000)

    gc.collect()
    gc.disable()
    try:
        async with serving(says_much, write_timeout_seconds=SOON) as server:
            _, writer = await server.connect(sent)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            if not sent.startswith(GET):
                _, other = await server.connect(GET)
                other.transport.pause_reading()  # type: ignore[attr-defined]
            await begun.wait()
            writer.transport.abort()
            await asyncio.wait_for(server.lost.get(), 30)
            for _ in range(5):
                await asyncio.sleep(0)
            assert known[0]() is None
            if not sent.startswith(GET):
                other.transport.abort()
    finally:
        gc.enable()


# Heads.


def head_of(size: int) -> bytes:
    """A request whose request line and headers have so many bytes together, the blank line included."""
    begin, end = b"GET / HTTP/1.1\r\nhost: x\r\n", b"\r\n\r\n"
    line = b"x: " + b"a" * 10_000 + b"\r\n"
    begin += line * ((size - 100) // len(line))
    return begin + b"y: " + b"b" * (size - len(begin) - len(end) - 3) + end


HEADS = {
    "as large as allowed": (head_of(MOST_HEAD_BYTES), 200),
    "a byte larger": (head_of(MOST_HEAD_BYTES + 1), 431),
    "much larger": (head_of(200_000), 431),
    "blanks that mean nothing": (b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b" " * 40_000 + b"a\r\n\r\n", 431),
    "as many headers as allowed": (GET[:-2] + b"a: b\r\n" * (MOST_HEADERS - 1) + b"\r\n", 200),
    "one header more": (GET[:-2] + b"a: b\r\n" * MOST_HEADERS + b"\r\n", 431),
    "3,000 headers": (GET[:-2] + b"a: b\r\n" * 3_000 + b"\r\n", 431),
    "a long address": (GET.replace(b"/", b"/" + b"a" * (MOST_URI_BYTES - 1), 1), 200),
    "a byte longer": (GET.replace(b"/", b"/" + b"a" * MOST_URI_BYTES, 1), 414),
    "an address longer than all": (GET.replace(b"/", b"/?" + b"a" * 200_000, 1), 414),
}


@pytest.mark.parametrize("pieces", [1, 2, 7])
@pytest.mark.parametrize(("head", "status"), HEADS.values(), ids=HEADS)
async def test_a_head_is_refused_for_its_size_however_it_arrives(head: bytes, status: int, pieces: int) -> None:
    async with serving(says_yes, keep_alive_seconds=SOON) as server:
        reader, writer = await server.connect()
        size = -(-len(head) // pieces)
        for begin in range(0, len(head), size):
            writer.write(head[begin : begin + size])
            await asyncio.sleep(0)
        received = parsed(await asyncio.wait_for(reader.read(), 30))
        writer.close()

    if status == 200:
        assert received == [(200, b"yes")]
    else:
        assert codes(received) == [(status, {431: "REQUEST_TOO_LARGE", 414: "URI_TOO_LONG"}[status])]


async def test_the_heads_of_requests_that_come_together_do_not_count_together() -> None:
    many = head_of(20_000)

    async with serving(repeats, keep_alive_seconds=SOON) as server:
        answers = await server.answers(many * 5 + POST + b"content-length: 100000\r\n\r\n" + b"a" * 100_000 + many)

    assert [status for status, _ in answers] == [200] * 7


NO_HTTP = {
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no address": b"GET  HTTP/1.1\r\nhost: x\r\n\r\n",
    "lines that end otherwise": b"GET / HTTP/1.1\nhost: x\n\n",
    "a header that goes on in the next line": b"GET / HTTP/1.1\r\nhost: x\r\n a: b\r\n\r\n",
    "a blank before the colon": b"GET / HTTP/1.1\r\nhost : x\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
    "a host without a path": b"GET http://x HTTP/1.1\r\nhost: x\r\n\r\n",
    "a tunnel": b"CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n",
    "bytes that are no address": b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
    "two lengths": POST + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabc",
    "a length twice": POST + b"content-length: 3\r\ncontent-length: 3\r\n\r\nabc",
    "a length that is no number": POST + b"content-length: +3\r\n\r\nabc",
    "a length and chunks": POST + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
    "chunks and a length": POST + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "an encoding that is not the last": POST + b"transfer-encoding: chunked, gzip\r\n\r\nabc",
    "an encoding nobody knows": POST + b"transfer-encoding: xchunked\r\n\r\nabc",
    "a chunk without a size": POST + b"transfer-encoding: chunked\r\n\r\nxyz\r\n",
    "a chunk that is longer than it says": POST + b"transfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "an upgrade with a body": POST + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 30\r\n\r\n" + GET,
}


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP)
async def test_what_is_no_request_is_refused_in_json_and_nothing_after_it_is_read(sent: bytes) -> None:
    async with serving(repeats) as server:
        assert codes(await server.answers(sent + GET)) == [(400, "BAD_REQUEST")]


@pytest.mark.parametrize("sent", [NO_HTTP["a length and chunks"], HEADS["much larger"][0], GET.replace(b"/", b"/\xff")])
async def test_a_refusal_waits_for_the_answers_before_it(sent: bytes) -> None:
    waits = Waits()

    async with serving(waits) as server:
        reader, writer = await server.connect(GET + GET + sent)
        assert await waits.begun.get() == "http.request"
        waits.may_answer.set()
        received = parsed(await asyncio.wait_for(reader.read(), 30))
        writer.close()

    assert received[:2] == [(200, b"yes")] * 2
    assert len(codes(received[2:])) == 1


async def test_who_asks_again_without_waiting_waits_for_others_who_do_so_and_keeps_nobody_else_waiting() -> None:
    begun: asyncio.Queue[None] = asyncio.Queue()
    may_answer = asyncio.Semaphore(0)

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/":
            begun.put_nowait(None)
            await may_answer.acquire()
        await says_yes(scope, receive, send)

    async with serving(waits, keep_alive_seconds=SOON) as server:
        impatient = [asyncio.create_task(server.answers(GET * 2)) for _ in range(6)]
        for _ in range(6):
            await begun.get()
        for _ in range(6):
            may_answer.release()
        for _ in range(4):
            await begun.get()
        patient = await server.answers(GET.replace(b"/", b"/patient", 1))
        waiting = begun.qsize(), len(server.occupancy.pipelined), len(server.occupancy.queue)
        for _ in range(6):
            may_answer.release()
        answers = await asyncio.gather(*impatient)

    assert patient == [(200, b"yes")]
    assert waiting == (0, 4, 2)
    assert answers == [[(200, b"yes")] * 2] * 6
    assert (server.occupancy.pipelined, len(server.occupancy.queue)) == (set(), 0)


async def test_who_goes_away_leaves_their_turn_to_others() -> None:
    begun: asyncio.Queue[None] = asyncio.Queue()
    may_answer = asyncio.Semaphore(0)

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        begun.put_nowait(None)
        await may_answer.acquire()
        await says_yes(scope, receive, send)

    async with serving(waits, keep_alive_seconds=SOON) as server:
        held = [await server.connect(GET * 2) for _ in range(6)]
        for _ in held:
            await begun.get()
        for _ in held:
            may_answer.release()
        for _ in range(4):
            await begun.get()
        for _, writer in held:
            writer.transport.abort()
        for _ in held:
            await server.lost.get()
        impatient = asyncio.create_task(server.answers(GET * 2))
        for _ in range(20):
            may_answer.release()
        answers = await impatient

    assert answers == [(200, b"yes")] * 2


async def test_an_older_client_is_answered_and_let_go() -> None:
    async with serving(says_yes) as server:
        assert await server.answers(b"GET / HTTP/1.0\r\n\r\n") == [(200, b"yes")]


async def test_who_waits_to_be_let_send_a_body_is_let() -> None:
    head = POST + b"expect: 100-continue\r\ncontent-length: 3\r\n\r\n"

    async with serving(repeats) as server:
        reader, writer = await server.connect(head)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"abc")
        assert (await reader.readuntil(b"|abc")).startswith(b"HTTP/1.1 200 OK")
        writer.close()


async def test_whoever_waits_to_be_let_send_a_body_and_is_answered_instead_begins_again() -> None:
    async with serving(says_yes) as server:
        assert await server.answers(POST + b"expect: 100-continue\r\ncontent-length: 3\r\n\r\n") == [(200, b"yes")]


# Bodies.


async def test_what_follows_a_chunked_body_is_no_header() -> None:
    body = b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nauthorization: somebody\r\nx-forwarded-for: y\r\n\r\n"

    async with serving(repeats, keep_alive_seconds=SOON) as server:
        assert await server.answers(POST + body + GET) == [(200, b"host transfer-encoding|abc"), (200, b"host|")]


@pytest.mark.parametrize(
    "sent",
    [
        b"1;" + b"a" * 200_000 + b"\r\na\r\n",
        b"1;aaaaaaaaaaaaaaaaaaaaa\r\na\r\n" * 20_000,
        b"0\r\n" + b"a: b\r\n" * 40_000,
    ],
    ids=["one extension", "many extensions", "trailers"],
)
async def test_what_nobody_reads_of_a_chunked_body_is_bounded(sent: bytes) -> None:
    async with serving(repeats) as server:
        assert codes(await server.answers(POST + b"transfer-encoding: chunked\r\n\r\n" + sent)) == [
            (400, "BAD_REQUEST")
        ]


async def test_a_body_of_small_chunks_is_read() -> None:
    chunks = b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n"

    async with serving(repeats, keep_alive_seconds=SOON) as server:
        (answer,) = await server.answers(POST + b"transfer-encoding: chunked\r\n\r\n" + chunks)

    assert answer == (200, b"host transfer-encoding|" + b"a" * 50_000)


async def test_bodies_count_until_they_are_answered() -> None:
    waits = Waits()
    large = POST + b"connection: close\r\ncontent-length: 900000\r\n\r\n" + b"a" * 900_000
    small = POST + b"connection: close\r\ncontent-length: 16384\r\n\r\n" + b"a" * 16_384

    async with serving(waits) as server:
        waiting = [asyncio.create_task(server.answers(large)) for _ in range(22)]
        for _ in waiting:
            await waits.begun.get()
        held = server.occupancy.bytes_of_bodies
        refused = codes(await server.answers(large))
        waiting.append(asyncio.create_task(server.answers(small)))
        await waits.begun.get()
        waits.may_answer.set()
        answers = await asyncio.gather(*waiting)
        later = await server.answers(large)

    assert held == 22 * 900_000
    assert refused == [(503, "TOO_BUSY")]
    assert answers == [[(200, b"yes")]] * 23
    assert later == [(200, b"yes")]
    assert server.occupancy.bytes_of_bodies == 0


async def test_who_goes_away_leaves_no_body_behind() -> None:
    waits = Waits()

    async with serving(waits) as server:
        _, writer = await server.connect(POST + b"content-length: 900000\r\n\r\n" + b"a" * 900_000)
        await waits.begun.get()
        writer.transport.abort()
        waits.may_answer.set()
        await asyncio.wait_for(server.lost.get(), 30)

    assert server.occupancy.bytes_of_bodies == 0


async def test_who_goes_away_is_not_answered_although_they_have_sent_another_request() -> None:
    received: asyncio.Queue[str] = asyncio.Queue()

    async def waits(_scope: Any, receive: Any, _send: Any) -> None:
        while (kind := (await receive())["type"]) != "http.disconnect":
            await received.put(kind)
        await received.put(kind)

    async with serving(waits) as server:
        _, writer = await server.connect(GET * 2)
        begun = await asyncio.wait_for(received.get(), 30)
        writer.close()
        ended = await asyncio.wait_for(received.get(), 30)

    assert (begun, ended) == ("http.request", "http.disconnect")


# Numbers.


async def test_a_newcomer_replaces_whoever_has_been_idle_longest() -> None:
    async with serving(says_yes, max_connections=10) as server:
        held = [await server.connect(GET) for _ in range(10)]
        for reader, _ in held:
            await reader.readuntil(b"yes")
        held[0][1].write(GET)
        await held[0][0].readuntil(b"yes")
        reader, writer = await server.connect(GET)
        answer = await reader.readuntil(b"yes")
        gone = await asyncio.wait_for(held[1][0].read(), 30)
        held[0][1].write(GET)
        still_there = await held[0][0].readuntil(b"yes")
        for _, other in [*held, (reader, writer)]:
            other.close()

    assert (parsed(answer), gone, parsed(still_there)) == ([(200, b"yes")], b"", [(200, b"yes")])


async def test_a_newcomer_is_refused_where_everybody_waits_for_an_answer() -> None:
    waits = Waits()

    async with serving(waits, max_connections=10) as server:
        held = [await server.connect(GET) for _ in range(10)]
        for _ in held:
            await waits.begun.get()
        refused = codes(await server.answers(b""))
        waits.may_answer.set()
        answers = [parsed(await reader.readuntil(b"yes")) for reader, _ in held]
        for _, writer in held:
            writer.close()

    assert refused == [(503, "TOO_BUSY")]
    assert answers == [[(200, b"yes")]] * 10


async def test_one_address_has_no_more_connections_than_are_set() -> None:
    async with serving(says_yes, max_connections_per_address=2) as server:
        held = [await server.connect(GET) for _ in range(2)]
        for reader, _ in held:
            await reader.readuntil(b"yes")
        refused = codes(await server.answers(b""))
        await server.lost.get()
        held[0][1].close()
        await server.lost.get()
        reader, writer = await server.connect(GET)
        answer = parsed(await reader.readuntil(b"yes"))
        for _, other in (held[1], (reader, writer)):
            other.close()

    assert refused == [(503, "TOO_BUSY")]
    assert answer == [(200, b"yes")]


def test_connections_are_not_counted_by_the_address_of_a_proxy() -> None:
    with pytest.raises(InvalidSettings, match="A proxy's address is that of all its connections"):
        read_settings({"FORECOURT_TRUSTED_PROXIES": "1", "FORECOURT_MAX_CONNECTIONS_PER_ADDRESS": "20"})
