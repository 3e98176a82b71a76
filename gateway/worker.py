"""The worker: does what the outbox holds at once, and runs the scheduled tasks, beside the requests or alone."""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from connectors.directory.records.outbox import OutboxRecord
from connectors.errors import ConnectorError
from gateway.auth.policy_reloader import PolicyFile
from resolvers.context import Backends, RequestContext
from resolvers.outbox.delivery import HANDLERS, Handler, carry_out, take
from resolvers.scheduled_tasks import SCHEDULED_TASKS, ScheduledTask, run_scheduled_tasks

AT_ONCE = 8
"""So many items are carried out at the same time by one worker."""

MOST_OF_A_KIND = 6
"""So many of them may be of one kind: a mail server that hangs keeps nothing else from being done."""

SHORTEST_HOLD, LONGEST_HOLD = timedelta(seconds=5), timedelta(minutes=1)
"""How long a kind of item is left that nobody is there to carry out, doubled each time; then it is tried again."""

EVERY = 2.0
"""Seconds after which a worker looks for itself what is due, whether it was woken or not."""

SCHEDULED_TASKS_EVERY = timedelta(minutes=1)

DRAIN_SECONDS = 15.0
"""How long a worker that is stopped may take for what it has begun; what is left goes to another."""

log = logging.getLogger("forecourt.worker")


class Worker:
    """Carries out what is due, until it is stopped.

    `woken` is set whenever there may be something to do; it has to be set from the loop in which the worker runs.
    """

    def __init__(
        self,
        backends: Backends,
        policies: PolicyFile,
        woken: asyncio.Event,
        *,
        clock: Callable[[], datetime],
        every: float = EVERY,
        handlers: Mapping[str, Handler] = HANDLERS,
        tasks: Sequence[ScheduledTask] = SCHEDULED_TASKS,
    ) -> None:
        self._backends = backends
        self._policies = policies
        self._woken = woken
        self._clock = clock
        self._every = every
        self._handlers = handlers
        self._tasks = tasks
        self._begun: dict[asyncio.Task[None], str] = {}
        self._held: dict[str, tuple[datetime, timedelta]] = {}
        self._is_stopping = False
        self._is_cut_off = False

    async def run(self) -> None:
        """Work until `stop` is called, then end what has begun; problems of back ends are waited out."""
        scheduled_tasks = asyncio.create_task(self._run_scheduled_tasks())
        try:
            while not self._is_stopping:
                self._woken.clear()  # before looking: what is stored while we look wakes us again
                is_more = await self._begin_what_is_due()
                if not is_more and not self._is_stopping:
                    await self._pause()
        finally:
            scheduled_tasks.cancel()
            await asyncio.wait([scheduled_tasks])
            await self._drain()

    def stop(self) -> None:
        """Take nothing any more; `run` returns when what was begun has ended."""
        self._is_stopping = True
        self._woken.set()

    async def work_off(self) -> int:
        """Carry out what is due now and what follows from it at once, and return how many items that were."""
        number = 0
        while items := await self._take(AT_ONCE):
            number += len(items)
            await asyncio.gather(*(self._carry_out(item) for item in items))
        return number

    async def _begin_what_is_due(self) -> bool:
        """Begin as much as there is room for; return whether there may be more, and room for it."""
        room = AT_ONCE - len(self._begun)
        if room == 0:
            return False
        try:
            items = await self._take(room)
        except ConnectorError as error:
            if not self._is_cut_off:
                log.warning("outbox cannot be read", extra={"reason": str(error)})
            self._is_cut_off = True
            return False
        except Exception as error:  # ours to fix; the next time may go well
            log.error("outbox failed", exc_info=error)
            return False
        if self._is_cut_off:
            log.info("outbox can be read again")
        self._is_cut_off = False
        for item in items:
            task = asyncio.create_task(self._carry_out(item))
            self._begun[task] = item.kind
            task.add_done_callback(self._ended)
        return bool(items) and len(self._begun) < AT_ONCE

    async def _take(self, room: int) -> Sequence[OutboxRecord]:
        """Take so many items at most, none of a kind that is held or of which enough were begun."""
        now, begun = self._clock(), Counter(self._begun.values())
        held = [kind for kind, (until, _) in self._held.items() if now < until]
        full = [kind for kind, number in begun.items() if number >= MOST_OF_A_KIND]
        most = MOST_OF_A_KIND - max((number for kind, number in begun.items() if kind not in full), default=0)
        return await take(self._context(), most=min(room, most), without=[*held, *full])

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._begun[task]
        self._woken.set()  # there is room again

    async def _carry_out(self, item: OutboxRecord) -> None:
        problem = await carry_out(self._context(), item, clock=self._clock, handlers=self._handlers)
        if problem is None:
            if self._held.pop(item.kind, None) is not None:
                log.info("outbox goes on", extra={"kind": item.kind})
            return
        now, (until, hold) = self._clock(), self._held.get(item.kind, (None, SHORTEST_HOLD / 2))
        if until is None:
            log.warning("outbox waits", extra={"kind": item.kind, "reason": problem})
        if until is None or now >= until:  # of those that were begun together, the first says so
            hold = min(2 * hold, LONGEST_HOLD)
            self._held[item.kind] = (now + hold, hold)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._every):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _drain(self) -> None:
        if self._begun:
            _, late = await asyncio.wait(self._begun, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
                log.warning("items left to another worker", extra={"items": len(late)})

    async def _run_scheduled_tasks(self) -> None:
        while True:
            await run_scheduled_tasks(self._context(), self._tasks)
            await asyncio.sleep(SCHEDULED_TASKS_EVERY.total_seconds())

    def _context(self) -> RequestContext:
        return RequestContext(
            backends=self._backends,
            policy=self._policies.current,
            now=self._clock(),
            request_id=f"worker-{secrets.token_hex(4)}",
        )


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[Worker]:
    """Let the worker work for as long as the block runs, and end what it has begun."""
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await running
