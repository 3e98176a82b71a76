"""Connections as uvicorn reads them, with bounds on the head of a request, and on all bodies together.

Uvicorn itself waits for ever for a request to begin or its headers to end, and keeps all of them in memory. How large
one body may be and how long it may take is a matter of the application; that there may be a thousand of them, of this.
"""

import asyncio
from typing import Any, ClassVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MOST_HEAD_BYTES = 32_768
HEAD_SECONDS = 10.0

MOST_WAITING = 50
"""Requests of one connection that may wait for the answer to another."""

MOST_BODY_BYTES = 20_000_000
"""What all bodies that have not ended may have together before the large ones are refused."""

SMALL_BODY_BYTES = 16_384
"""A body that is not larger is read whatever others send."""

_MOST_COUNTED = 1_000_000
"""Of one body, at most: what is beyond its limit, the application throws away."""


class TooManyWaiting(Exception):
    """A client sends one request after the other and does not wait for the answers."""


class BoundedHttp(HttpToolsProtocol):
    """Uvicorn's HTTP protocol; a head that is too large is answered 431, one that takes too long 408.

    A large body is answered 503 while others have taken all the room there is.
    """

    _bytes_of_all_bodies: ClassVar[int] = 0
    _body_bytes = 0
    _head_bytes = 0
    _in_head = True
    _answered: RequestResponseCycle | None = None
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._end_head()
        self._end_body()
        super().connection_lost(exc)
        if self._answered is not None:  # uvicorn tells only the request that came last
            self._answered.disconnected = True
            self._answered.message_event.set()

    def data_received(self, data: bytes) -> None:
        """Read on, and count what belongs to a head that has not ended."""
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            if self._patience is None:  # nearly every head comes in one piece, and needs no timer
                self._wait_for_head()
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse("431 Request Header Fields Too Large", "REQUEST_TOO_LARGE")

    def on_message_begin(self) -> None:
        """Begin to count, for the second request of a connection, too.

        Raises:
            TooManyWaiting: By which the parser leaves the rest of what came, and uvicorn answers 400.
        """
        if len(self.pipeline) >= MOST_WAITING:
            raise TooManyWaiting
        super().on_message_begin()
        self._end_head()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """Stop counting the head: what comes now is the body."""
        self._end_head()
        if self.parser.should_upgrade() and any(name in _OF_BODIES for name, _ in self.headers):
            # The parser would take the body for the next request. Without one, the wish is ignored (RFC 9110, 7.8).
            self._refuse("400 Bad Request", "BAD_REQUEST", "A request with a body cannot ask for an upgrade.")
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of a body, as long as there is room."""
        if self.transport.is_closing():
            return
        more = min(len(body), _MOST_COUNTED - self._body_bytes)
        self._body_bytes += more
        BoundedHttp._bytes_of_all_bodies += more
        if self._body_bytes > SMALL_BODY_BYTES and BoundedHttp._bytes_of_all_bodies > MOST_BODY_BYTES:
            self._end_body()
            self._refuse(
                "503 Service Unavailable", "TOO_BUSY", "Too many large requests arrive at once. Try again later."
            )
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Leave the room to others: what is complete is answered at once."""
        self._end_body()
        if not self.transport.is_closing():
            super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _wait_for_head(self) -> None:
        self._patience = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _end_head(self) -> None:
        self._in_head = False
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _end_body(self) -> None:
        BoundedHttp._bytes_of_all_bodies -= self._body_bytes
        self._body_bytes = 0

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: it is no fault of ours that would have to be mended."""

    def _give_up(self) -> None:
        if self.transport.is_closing():
            return
        if self._head_bytes:
            self._refuse("408 Request Timeout", "REQUEST_TIMEOUT")
        else:
            self.transport.close()  # nothing was asked, so nothing is answered

    def _refuse(self, status: str, code: str, message: str = "") -> None:
        body = f'{{"errors":[{{"message":"{message or status[4:]}","extensions":{{"code":"{code}"}}}}]}}'.encode()
        self.transport.write(
            b"HTTP/1.1 %s\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%s" % (status.encode(), len(body), body)
        )
        self.transport.close()


_OF_BODIES = (b"content-length", b"transfer-encoding")


def server_config(app: Any) -> uvicorn.Config:
    """Return how the gateway is served: on uvloop where there is one, and without WebSockets, which it does not have.

    `port` and `host` are for a server that is not given a socket.
    """
    return uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        loop="auto",
        http=BoundedHttp,
        ws="none",
        log_config=None,
        lifespan="on",
        server_header=False,
        proxy_headers=False,  # uvicorn would believe whoever connects from this machine; see client_address.py
        timeout_graceful_shutdown=10,
    )
