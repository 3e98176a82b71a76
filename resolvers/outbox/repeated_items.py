"""Carrying out an item of the outbox that may come twice: when a worker dies after it and before it can say so."""

from collections.abc import Awaitable, Callable

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.idempotency import IdempotencyRecord
from connectors.directory.records.outbox import OutboxRecord
from resolvers.context import RequestContext
from resolvers.transactions import changed

_WORKER = "outbox"
"""Whose requests the items are, among the idempotency keys; nobody's id looks like this."""


async def carried_out_once(
    context: RequestContext, item: OutboxRecord, command: Callable[[DirectoryChange], Awaitable[None]]
) -> None:
    """Carry out the command in one transaction, once for each item: the same item again does nothing."""

    async def command_once(change: DirectoryChange) -> None:
        if await change.earlier(_WORKER, item.id) is None:
            await command(change)
            await change.remember(_WORKER, item.id, IdempotencyRecord(b"", item.kind), context.now)

    await changed(context, command_once)
