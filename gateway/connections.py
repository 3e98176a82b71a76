"""Connections as uvicorn reads them, with a bound on the head of a request: its size, and how long it may take.

Uvicorn itself waits for ever for a request to begin or its headers to end, and keeps all of them in memory.
"""

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 32_768
HEAD_SECONDS = 10.0


class BoundedHttp(HttpToolsProtocol):
    """Uvicorn's HTTP protocol; a head that is too large is answered 431, one that takes too long 408."""

    _head_bytes = 0
    _in_head = True
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, and count what belongs to a head that has not ended."""
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            if self._patience is None:  # nearly every head comes in one piece, and needs no timer
                self._wait_for_head()
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse(b"431 Request Header Fields Too Large", b"REQUEST_TOO_LARGE")

    def on_message_begin(self) -> None:
        """Begin to count, for the second request of a connection, too."""
        super().on_message_begin()
        self._end_head()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """Stop counting: what comes now is the body, which the application bounds."""
        self._end_head()
        super().on_headers_complete()

    def _wait_for_head(self) -> None:
        self._patience = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _end_head(self) -> None:
        self._in_head = False
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        if self.transport.is_closing():
            return
        if self._head_bytes:
            self._refuse(b"408 Request Timeout", b"REQUEST_TIMEOUT")
        else:
            self.transport.close()  # nothing was asked, so nothing is answered

    def _refuse(self, status: bytes, code: bytes) -> None:
        body = b'{"errors":[{"message":"%s","extensions":{"code":"%s"}}]}' % (status[4:], code)
        self.transport.write(
            b"HTTP/1.1 %s\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%s" % (status, len(body), body)
        )
        self.transport.close()


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
        timeout_graceful_shutdown=10,
    )
