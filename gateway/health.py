"""Whether the process lives, and whether it can answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Check = Callable[[], Awaitable[bool]]

_PATIENCE_SECONDS = 2


def health_routes(checks: Mapping[str, Check]) -> list[Route]:
    """Return /health/live, which answers while the process does, and /health/ready, which asks each back end."""

    async def live(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "live"})

    async def ready(_request: Request) -> JSONResponse:
        states = dict(zip(checks, await asyncio.gather(*map(_state, checks.values())), strict=True))
        # The shop may be away: its fields are null then and the page stands. Without the directory nothing does.
        status = 200 if states.get("directory") == "up" else 503
        return JSONResponse({"status": "ready" if status == 200 else "not ready", "backends": states}, status)

    return [Route("/health/live", live), Route("/health/ready", ready)]


async def _state(check: Check) -> str:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return "up" if await check() else "down"
    except Exception:
        return "down"
