"""Whether the process lives, and whether it can answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from time import monotonic
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from connectors.directory.directory import Directory
from connectors.directory.outbox import OutboxQueries
from connectors.directory.records.outbox import OutboxState
from connectors.errors import ConnectorError
from connectors.http.breaker import Breaker

Check = Callable[[], Awaitable[bool]]

_PATIENCE_SECONDS = 2.0
_KEPT_SECONDS = 1.0
"""So long an answer of /health/ready is given again, however many ask."""

_DECIDES = "directory"
_NOT_WRITABLE = "read-only"

log = logging.getLogger("forecourt.health")


def health_routes(
    checks: Mapping[str, Check],
    directory: Directory,
    clock: Callable[[], datetime],
    breakers: Mapping[str, Breaker],
) -> list[Route]:
    """Return /health/live, which answers while the process does, and /health/ready, which asks each back end.

    The latter says how the breakers stand, whether changes can be stored, for how long work has been waiting for a
    worker, of this process or of another, and how many items were given up.
    """
    readiness = _Readiness(checks, directory, clock, breakers)

    async def live(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "live"})

    async def ready(_request: Request) -> JSONResponse:
        found = await readiness.found()
        return JSONResponse(found, 200 if found["status"] == "ready" else 503)

    return [Route("/health/live", live), Route("/health/ready", ready)]


class _Readiness:
    """What was found when the back ends were asked last; those that ask meanwhile wait for the same answer."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        directory: Directory,
        clock: Callable[[], datetime],
        breakers: Mapping[str, Breaker],
    ) -> None:
        self._checks = checks
        self._directory = directory
        self._clock = clock
        self._breakers = breakers
        self._asking = asyncio.Lock()
        self._found: dict[str, Any] = {}
        self._until = float("-inf")

    async def found(self) -> dict[str, Any]:
        """Return what /health/ready says."""
        async with self._asking:
            if monotonic() >= self._until:
                self._found = await self._asked()
                self._until = monotonic() + _KEPT_SECONDS
        return self._found

    async def _asked(self) -> dict[str, Any]:
        work, is_writable, *found = await asyncio.gather(
            _work(self._directory, self._clock),
            _is_up("changes", self._directory.is_writable),
            *(_is_up(name, check) for name, check in self._checks.items()),
        )
        states = {name: "up" if is_up else "down" for name, is_up in zip(self._checks, found, strict=True)}
        if states.get(_DECIDES) == "up" and not is_writable:
            states[_DECIDES] = _NOT_WRITABLE
        # The shop may be away: its fields are null then and the page stands. Without the directory nothing does.
        status = "ready" if states.get(_DECIDES) == "up" else "not ready"
        breakers = {name: breaker.state.value for name, breaker in self._breakers.items()}
        return {"status": status, "backends": states, "breakers": breakers, "outbox": work}


async def _work(outbox: OutboxQueries, clock: Callable[[], datetime]) -> dict[str, Any] | None:
    now = clock()
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            since, counts = await asyncio.gather(outbox.outbox_due_since(now), outbox.count_outbox())
    except Exception:
        return None
    lag = (now - since).total_seconds() if since is not None else 0
    return {"lagSeconds": round(lag, 1), "queued": counts[OutboxState.QUEUED], "dead": counts[OutboxState.DEAD]}


async def _is_up(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await check()
    except Exception as error:
        reason = str(error) if isinstance(error, ConnectorError) else type(error).__name__
        log.warning("back end not up", extra={"backend": name, "reason": reason})
        return False
