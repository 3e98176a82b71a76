"""Asking an ASGI application in this process, with nothing in between."""

from collections.abc import Sequence
from typing import Any

import orjson

from bench.workload import Query


async def asked(app: Any, query: Query, token: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """Return the body of the answer."""
    body = orjson.dumps({"operationName": query.name, "query": query.document, "variables": query.variables})
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"127.0.0.1"),
            (b"content-type", b"application/json"),
            (b"accept", b"application/graphql-response+json"),
            (b"accept-language", b"de"),
            (b"authorization", b"Bearer " + token.encode()),
            (b"content-length", str(len(body)).encode()),
            *headers,
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    parts: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return b"".join(parts)
