"""Connections as uvicorn reads them, with limits on heads, bodies, unread answers, and on how many there may be.

Uvicorn itself waits for ever for a request to begin, for its headers to end and for an answer to be read, and keeps all
of it in memory. How large one body may be and how long it may take is a matter of the application.
"""

import asyncio
from itertools import chain
from typing import Any, ClassVar

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.server.occupancy import MOST_BODY_BYTES, Occupancy
from gateway.settings import Settings

MOST_HEAD_BYTES = 32_768
"""Of the request line and the headers of a request, together."""

MOST_URI_BYTES = 16_384

MOST_HEADERS = 100

MOST_WAITING = 50
"""Requests of one connection that may wait for the answer to another."""

SMALL_BODY_BYTES = 16_384
"""A body that is not larger is read whatever others send."""

_MOST_COUNTED = 1_000_000
"""Of one body, at most: what is beyond its limit, the application throws away."""

_MOST_FRAMING_BYTES = 32_768
_FRAMING_PER_BYTE = 8
"""A chunk of one byte comes in six. What goes beyond is in chunk extensions and trailers, which nobody reads."""

_PIECE_BYTES = 4_096
"""Of what comes at once, so much is parsed before it is asked whether requests wait already."""

_LINGER_SECONDS = 2.0
_LINGER_BYTES = 65_536
"""A client that is refused while it sends is not cut off at once, or a reset would overtake the answer (RFC 9112, 9.6).
So much of what it sends is thrown away, then nothing is read any more."""

_OF_BODIES = (b"content-length", b"transfer-encoding")


class _Ignored(list[tuple[bytes, bytes]]):
    def append(self, _: tuple[bytes, bytes]) -> None:
        """Keep nothing."""


_TRAILERS = _Ignored()


class _Refused(Exception):
    """Raised within the parser, so that it leaves the rest of what came."""


class BoundedHttp(HttpToolsProtocol):
    """Uvicorn's HTTP protocol; what goes beyond a limit is refused in JSON, after the answers that are still due.

    A connection is always in one of these states, each of which has its time: it waits for a request (`keep_alive`,
    `head_seconds` at first), for the rest of a head (`head_seconds`), for the application, or for the client to read
    (`write_seconds`).
    """

    occupancy: ClassVar[Occupancy]
    head_seconds: ClassVar[float]
    write_seconds: ClassVar[float]

    url = b""
    _in_head = True
    _begun = False
    """Whether the head has begun, as opposed to empty lines before it."""
    _head_bytes = 0
    _body_bytes = 0
    _framing_bytes = 0
    _held_bytes = 0
    """Of all bodies of this connection that are not answered."""
    _address: str | None = None
    _unparsed = b""
    _refusal: bytes | None = None
    _thrown_away = 0
    _running: RequestResponseCycle | None = None
    """The request that the application has begun last; uvicorn's `cycle` is the one that was read last."""
    _waiting: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None
    idle_since = 0.0

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request, if there is room for one more connection."""
        super().connection_made(transport)
        self.idle_since = self.loop.time()
        if self.client is not None:
            self._address = self.occupancy.enter(self.client[0])
        others = (one for one in self.connections if one is not self and isinstance(one, BoundedHttp))
        if self.occupancy.has_room(self._address, others, self.connections):
            self._wait()
        else:
            self._refusal = _refusal(
                "503 Service Unavailable", "TOO_BUSY", "Too many connections are open. Try again later."
            )
            self.transport.write(self._refusal)
            self._close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more, and leave what was occupied to others."""
        self._stop_waiting()
        self._unset_keepalive_if_required()  # uvicorn does so only for whoever says goodbye
        if self._writing is not None:
            self._writing.cancel()
        if self._address is not None:
            self.occupancy.leave(self._address)
        self._release_bodies()
        super().connection_lost(exc)
        self.occupancy.end_turn(self)
        if self._running is not None:  # uvicorn notifies only the request that came last
            self._running.disconnected = True
            self._running.message_event.set()
        # What was not begun refers back to this, and would stay until Python looks for garbage.
        self.pipeline.clear()
        self.cycle = None  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Read on, counting what belongs to a head; what is behind its limit is not given to the parser."""
        self._unset_keepalive_if_required()
        if self._refusal is not None:
            self._thrown_away += len(data)
            if self._thrown_away > _LINGER_BYTES:
                self.flow.pause_reading()
        while data and self._refusal is None and not self.transport.is_closing():
            if self.pipeline:  # what comes behind a request that waits is parsed when that has begun
                self._unparsed += data
                self.flow.pause_reading()
                return
            room = min(MOST_HEAD_BYTES - self._head_bytes, _PIECE_BYTES)
            if self._in_head and len(data) > room:
                self._read(data[:room])
                data = data[room:]
            else:
                self._read(data)
                return

    def begin_next(self) -> None:
        """Begin the request that waits, if there is one, and parse what came behind it when that was the last."""
        super().on_response_complete()
        if self._unparsed and not self.transport.is_closing():
            self.flow.pause_reading()
            if not self.pipeline:
                data, self._unparsed = self._unparsed, b""
                self.flow.resume_reading()
                self.data_received(data)

    def _read(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._framing_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # an upgrade to another protocol is ignored (RFC 9110, 7.8)
        except httptools.HttpParserError:
            if self._refusal is None:
                self._refuse("400 Bad Request", "BAD_REQUEST", "This is no HTTP/1.1 request.")
        if self._refusal is not None:
            return
        if self._in_head:
            if len(self.url) > MOST_URI_BYTES:
                self._refuse_uri()
            elif self._head_bytes >= MOST_HEAD_BYTES or (self._begun and len(self.headers) > MOST_HEADERS):
                self._refuse_head()
            elif (self._begun or self._head_bytes) and self._waiting is None:
                self._wait()  # nearly every head comes in one piece, and needs no timer
        elif self._framing_bytes > _MOST_FRAMING_BYTES + _FRAMING_PER_BYTE * self._body_bytes:
            self._refuse("400 Bad Request", "BAD_REQUEST", "The chunks of the body have too long extensions.")

    def on_message_begin(self) -> None:
        """Begin a head, the second one of a connection, too."""
        if len(self.pipeline) >= MOST_WAITING:
            self._refuse("400 Bad Request", "BAD_REQUEST", f"More than {MOST_WAITING} requests wait for an answer.")
            raise _Refused
        super().on_message_begin()
        self._begun = True

    def on_headers_complete(self) -> None:
        """Give the request to the application, unless its head is refused."""
        headers = self.headers
        names = [name for name, _ in headers]
        if len(self.url) > MOST_URI_BYTES:
            self._refuse_uri()
        elif len(names) > MOST_HEADERS or _size(self.url, headers) > MOST_HEAD_BYTES:
            self._refuse_head()
        elif names.count(b"host") != 1 and (b"host" in names or self.parser.get_http_version() == "1.1"):
            # RFC 9112, 3.2
            self._refuse("400 Bad Request", "BAD_REQUEST", "The request needs one header Host.")
        elif self.parser.should_upgrade() and any(name in _OF_BODIES for name in names):
            # The parser would take the body for the next request. Without one, it is ignored (RFC 9110, 7.8).
            self._refuse("400 Bad Request", "BAD_REQUEST", "A request with a body cannot ask for an upgrade.")
        else:
            super().on_headers_complete()
            self._stop_waiting()
            self._in_head = False
            self._body_bytes = self._framing_bytes = 0
            # The parser reports trailers as it does headers, and the application has this list already: they
            # would be taken for headers that a proxy has let pass (RFC 9110, 6.5.1).
            self.headers = _TRAILERS
            return
        raise _Refused

    def on_body(self, body: bytes) -> None:
        """Take a part of a body, as long as there is room."""
        self._framing_bytes -= len(body)
        if self.cycle.response_complete:
            self._body_bytes += len(body)
            return
        more = max(0, min(len(body), _MOST_COUNTED - self._body_bytes))
        self._body_bytes += len(body)
        self._held_bytes += more
        self.occupancy.bytes_of_bodies += more
        if self._body_bytes > SMALL_BODY_BYTES and self.occupancy.bytes_of_bodies > MOST_BODY_BYTES:
            self._refuse("503 Service Unavailable", "TOO_BUSY", "Too many large requests at once. Try again later.")
            self.flow.pause_reading()  # throwing away what a thousand send would be work as well
            raise _Refused
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Begin to count the next head."""
        self._in_head, self._begun, self._head_bytes = True, False, 0
        self._stop_waiting()
        if self.cycle.response_complete:  # before its body was
            self._wait_for_request()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin the next request when it is its turn, say what was refused in between, or wait for another."""
        is_last = not self.pipeline
        self.occupancy.end_turn(self)
        if is_last:
            self._release_bodies()
        elif not self.occupancy.begin_turn(self):
            return
        self.begin_next()
        if self.transport.is_closing():
            self._close()
        elif is_last:
            self.idle_since = self.loop.time()
            if self._refusal is not None:
                self._say_refusal()
            elif self._in_head:
                pass  # uvicorn waits for the next one
            elif self.expect_100_continue:
                self._close()  # it may send the body or not, so what comes next could be either (RFC 9110, 10.1.1)
            else:
                self._wait()  # for the rest of a body that is not read, however it drips

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        """Stop waiting for the client to read."""
        super().resume_writing()
        if self._writing is not None and not self.transport.is_closing():
            self._writing.cancel()
            self._writing = None

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has asked nothing for a while."""
        self._close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for an answer on this connection."""
        return (self._running is None or self._running.response_complete) and not self.pipeline

    def _wait_for_request(self) -> None:
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _wait(self) -> None:
        self._stop_waiting()
        self._waiting = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if self.flow.read_paused and not self.is_idle:
            self._wait()  # it is we who do not read on
        elif self._refusal is None and self._in_head and (self._begun or self._head_bytes):
            seconds = f"{self.head_seconds:g} seconds (setting head_timeout_seconds)"
            self._refuse("408 Request Timeout", "REQUEST_TIMEOUT", f"The headers did not arrive within {seconds}.")
        elif self.is_idle:
            self._close()  # nothing was asked that is not answered

    def _wait_for_reader(self) -> None:
        if self._writing is None:
            self._writing = self.loop.call_later(self.write_seconds, self.transport.abort)

    def _close(self) -> None:
        """Close the connection when what was answered has been read, or the time for that is over."""
        self.transport.close()
        if self.transport.get_write_buffer_size():
            self._wait_for_reader()

    def _release_bodies(self) -> None:
        self.occupancy.bytes_of_bodies -= self._held_bytes
        self._held_bytes = 0

    def _refuse_uri(self) -> None:
        message = f"The address is longer than {MOST_URI_BYTES:,} bytes. Ask by POST."
        self._refuse("414 URI Too Long", "URI_TOO_LONG", message)

    def _refuse_head(self) -> None:
        message = f"The headers are larger than {MOST_HEAD_BYTES:,} bytes, or more than {MOST_HEADERS}."
        self._refuse("431 Request Header Fields Too Large", "REQUEST_TOO_LARGE", message)

    def _refuse(self, status: str, code: str, message: str) -> None:
        """Read nothing any more, and answer so when the requests before this one are answered."""
        self._stop_waiting()
        self._refusal = _refusal(status, code, message)
        own = None if self._in_head else self.cycle
        if own is not None and own is self._running:
            if own.response_started:
                self._close()  # it has its answer, and what was refused is the rest of its body
                return
            own.disconnected = True
            own.message_event.set()
            self._say_refusal()
            return
        if own is not None:
            self.pipeline.popleft()
        if self.is_idle:
            self._say_refusal()

    def _say_refusal(self) -> None:
        assert self._refusal is not None
        if self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        self._release_bodies()
        self.flow.resume_reading()
        self.transport.write(self._refusal)
        self.transport.write_eof()
        self._waiting = self.loop.call_later(_LINGER_SECONDS, self._close)


def _size(uri: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    """Return the bytes of a head, without blanks that mean nothing; at least, for the method is not counted."""
    return len(uri) + sum(map(len, chain.from_iterable(headers))) + 4 * len(headers)


def _refusal(status: str, code: str, message: str) -> bytes:
    body = f'{{"errors":[{{"message":"{message}","extensions":{{"code":"{code}"}}}}]}}'.encode()
    return (
        b"HTTP/1.1 %s\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: %d\r\n"
        b"cache-control: no-store\r\n%sconnection: close\r\n\r\n%s"
        % (status.encode(), len(body), b"retry-after: 1\r\n" if status.startswith("503") else b"", body)
    )


def server_config(app: Any, settings: Settings) -> uvicorn.Config:
    """Return how the gateway is served: on uvloop where there is one, and without WebSockets, which it does not have.

    `port` and `host` are for a server that is not given a socket.
    """

    class Served(BoundedHttp):
        occupancy = Occupancy.of(settings)
        head_seconds = settings.head_timeout_seconds
        write_seconds = settings.write_timeout_seconds

    return uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        loop="auto",
        http=Served,
        ws="none",
        log_config=None,
        lifespan="on",
        server_header=False,
        proxy_headers=False,  # uvicorn would believe whoever connects from this machine; see client_address.py
        timeout_keep_alive=settings.keep_alive_seconds,  # type: ignore[arg-type]  # any number of seconds
        timeout_graceful_shutdown=10,
    )
