"""A real HTTP server on this machine that stands for somebody's back end, and remembers what it was asked."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request, Any], Awaitable[Any] | Any]


@dataclass
class Upstream:
    """The server: `answers` by path; of each call, `asked` has the method and the target."""

    url: str
    answers: dict[str, Answer]
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)


@asynccontextmanager
async def upstream(**answers: Answer) -> AsyncIterator[Upstream]:
    """Serve these answers, each under the path of its name: JSON, or a response of aiohttp's own."""
    server = Upstream("", {f"/{name}": answer for name, answer in answers.items()})

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.content_type == "application/json" and request.can_read_body else None
        server.asked.append(f"{request.method} {request.path_qs}")
        server.headers.append(dict(request.headers))
        server.bodies.append(body)
        answer = server.answers.get(request.path)
        if answer is None:
            return web.json_response({"error": "there is no such thing"}, status=404)
        said = answer(request, body)
        said = await said if isinstance(said, Awaitable) else said
        return said if isinstance(said, web.StreamResponse) else web.json_response(said)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"http://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()
