"""A gateway that stays open between the steps of a test that is not a coroutine, as hypothesis's machines are."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from tests.portal import Portal, open_portal
from tests.servers import DatabaseKind

T = TypeVar("T")


class RunningPortal:
    """Keeps a gateway open in a loop of its own; `run` lets a coroutine finish there."""

    def __init__(self, profile: str, kind: DatabaseKind) -> None:
        self._runner = asyncio.Runner()
        self._closing = asyncio.Event()
        self._ready: asyncio.Future[Portal]
        self.portal = self.run(self._open(profile, kind))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Return what the coroutine answers."""
        return self._runner.run(coroutine)

    def close(self) -> None:
        """Close the gateway and its loop."""
        self.run(self._close())
        self._runner.close()

    async def _open(self, profile: str, kind: DatabaseKind) -> Portal:
        self._ready = asyncio.get_running_loop().create_future()
        self._holder = asyncio.create_task(self._hold(profile, kind))  # whoever opens it closes it, in one task
        await asyncio.wait([self._holder, self._ready], return_when=asyncio.FIRST_COMPLETED)
        if self._holder.done():
            self._holder.result()
        return await self._ready

    async def _hold(self, profile: str, kind: DatabaseKind) -> None:
        async with open_portal(profile, kind, cost_mode="measure") as portal:
            self._ready.set_result(portal)
            await self._closing.wait()

    async def _close(self) -> None:
        self._closing.set()
        await self._holder
