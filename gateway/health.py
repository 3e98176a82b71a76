"""Whether the process lives, and whether it can answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from connectors.directory.outbox import OutboxQuestions, OutboxState

Check = Callable[[], Awaitable[bool]]

_PATIENCE_SECONDS = 2


def health_routes(checks: Mapping[str, Check], outbox: OutboxQuestions, clock: Callable[[], datetime]) -> list[Route]:
    """Return /health/live, which answers while the process does, and /health/ready, which asks each back end.

    The latter says, too, for how long work has been waiting for a worker, of this process or of another, and how many
    items were given up.
    """

    async def live(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "live"})

    async def ready(_request: Request) -> JSONResponse:
        work, *found = await asyncio.gather(_work(outbox, clock), *map(_state, checks.values()))
        states = dict(zip(checks, found, strict=True))
        # The shop may be away: its fields are null then and the page stands. Without the directory nothing does.
        status = 200 if states.get("directory") == "up" else 503
        said = {"status": "ready" if status == 200 else "not ready", "backends": states, "outbox": work}
        return JSONResponse(said, status)

    return [Route("/health/live", live), Route("/health/ready", ready)]


async def _work(outbox: OutboxQuestions, clock: Callable[[], datetime]) -> dict[str, Any] | None:
    now = clock()
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            since, counts = await asyncio.gather(outbox.outbox_due_since(now), outbox.count_outbox())
    except Exception:
        return None
    lag = (now - since).total_seconds() if since is not None else 0
    return {"lagSeconds": round(lag, 1), "queued": counts[OutboxState.QUEUED], "dead": counts[OutboxState.DEAD]}


async def _state(check: Check) -> str:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return "up" if await check() else "down"
    except Exception:
        return "down"
