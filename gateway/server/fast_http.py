"""A request and its answer as /graphql has them: headers in a table, and an answer that is no more than its bytes.

Starlette's request makes more than is asked of it, looks each header up among all others, and makes an answer's headers
from text each time. That was a tenth of what a small query costs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from starlette.datastructures import Headers, QueryParams
from starlette.types import Receive, Scope, Send

RawHeaders = Sequence[tuple[bytes, bytes]]


class Connection(Protocol):
    """What a request comes with, whoever reads it: Starlette's connections have it, and our requests to /graphql."""

    @property
    def headers(self) -> Headers:
        """The request's headers."""

    @property
    def scope(self) -> Scope:
        """What the server says of the request (ASGI)."""


class HeaderTable(Headers):
    """Headers that are looked up in a table; of one that was sent several times, the first is found."""

    def __init__(self, raw: RawHeaders) -> None:
        self._list = raw if type(raw) is list else list(raw)  # where Starlette's own look
        self._table = dict(reversed(self._list))

    def __getitem__(self, key: str) -> str:
        """Return the value of the header."""
        return self._table[_RAW[key]].decode("latin-1")

    def __contains__(self, key: object) -> bool:
        """Return whether the header was sent."""
        return isinstance(key, str) and _RAW[key] in self._table

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of the header, or the default."""
        value = self._table.get(_RAW[key])
        return value.decode("latin-1") if value is not None else default

    def getlist(self, key: str) -> list[str]:
        """Return the values of the header in the order in which they were sent."""
        value = self.get(key)
        if value is None:
            return []
        return [value] if len(self._table) == len(self._list) else super().getlist(key)


class _RawNames(dict[str, bytes]):
    """The names of headers as they are sent, by the names that we look for: those are few, and no client's."""

    def __missing__(self, name: str) -> bytes:
        self[name] = raw = name.lower().encode("latin-1")
        return raw


_RAW = _RawNames()


class GraphqlHttpRequest:
    """A request to /graphql."""

    __slots__ = ("headers", "method", "receive", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.receive = receive
        self.method: str = scope["method"]
        self.headers = HeaderTable(scope["headers"])

    @property
    def query_params(self) -> QueryParams:
        """The parameters in the address."""
        return QueryParams(self.scope["query_string"])


class Answer:
    """An answer that is sent at once; an ASGI application."""

    __slots__ = ("body", "headers", "status_code")

    def __init__(self, status_code: int, headers: RawHeaders, body: bytes = b"") -> None:
        self.status_code = status_code
        self.headers = headers
        self.body = body

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it; the server leaves out the body when only the headers were asked for."""
        length = (b"content-length", b"%d" % len(self.body))
        await send({"type": "http.response.start", "status": self.status_code, "headers": [length, *self.headers]})
        await send({"type": "http.response.body", "body": self.body})


def raw_headers(headers: Mapping[str, str]) -> RawHeaders:
    """Return the headers as they are sent."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
