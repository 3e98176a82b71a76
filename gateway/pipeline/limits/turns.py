"""Turns of what costs much: those who wait come network by network, so that nobody waits for all of a stranger's."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.server.request_errors import RefusedRequest
from resolvers.texts import Text

_LONGEST_TURN = 0.5
"""Seconds after which another one has its turn: whoever takes longer waits for a back end, and it may be a slow one."""


class Turns:
    """So many turns at once; of those who wait, each network has one before any has the next.

    Nobody waits longer than `patience`, in seconds.
    """

    def __init__(self, at_once: int, patience: float | None = None) -> None:
        self._free = at_once
        self._patience = patience
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def taken(self, network: str) -> AsyncIterator[None]:
        """Wait until not too many expensive requests have their turn, and until others were looked at.

        A turn ends with the request, and at the latest after half a second. Networks come one after the other.

        Raises:
            RefusedRequest: That takes longer than an operation may.
        """
        try:
            async with asyncio.timeout(self._patience):
                await self.acquire(network)
        except TimeoutError:
            message = Text("The portal is very busy at the moment. Please try again later, or ask for less at once.")
            raise RefusedRequest(503, "TOO_BUSY", message, {"retry-after": "1"}) from None
        ends = [self.release]
        timer = asyncio.get_running_loop().call_later(_LONGEST_TURN, lambda: ends.pop()())
        try:
            await asyncio.sleep(0)
            yield
        finally:
            timer.cancel()
            if ends:
                ends.pop()()

    async def acquire(self, network: str) -> None:
        """Wait for a turn of this network; `release` ends it."""
        if self._free:  # then nobody waits
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(network, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it had come just now
                self.release()
            raise

    def release(self) -> None:
        """End a turn, and begin that of the network that has waited longest."""
        while self._waiting:
            network, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[network] = turns
            if not turn.done():  # whoever waited may have given up
                turn.set_result(None)
                return
        self._free += 1
