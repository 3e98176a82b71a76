"""Turns of what costs much: those who wait come network by network, so that nobody waits for all of a stranger's."""

import asyncio
from collections import OrderedDict, deque


class Turns:
    """So many turns at once; of those who wait, each network has one before any has the next."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

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
