"""What has to be done every minute: throwing away what nobody needs any more, and whatever else is due by the clock."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from connectors.directory.directory import DirectoryChange
from connectors.errors import ConnectorError
from resolvers.account.data_exports import expire_data_exports
from resolvers.account.deletion import delete_due_accounts
from resolvers.context import RequestContext
from resolvers.invitations.sent import expire_invitations
from resolvers.registrations.scheduled import expire_registrations, remind_of_overdue_registrations
from resolvers.transactions import changed

ScheduledTask = Callable[[RequestContext], Awaitable[None]]
"""Does what is due at the context's instant. Several processes may do it at the same time, and often in vain."""

KEEP_REQUESTS = timedelta(days=7)
"""How long a request that comes again with its key is recognized."""

KEEP_ENDED = timedelta(days=30)
"""How long it can be seen what has ended: sessions, items of the outbox, links in mails."""

MOST_SECONDS = 60.0
"""So long one scheduled task may take at a time; what is left is done the next time."""

log = logging.getLogger("forecourt.housekeeping")


async def forget_requests(context: RequestContext) -> None:
    """Throw away idempotency keys that are older than a week."""
    await changed(context, lambda change: change.forget_requests(before=context.now - KEEP_REQUESTS))


async def forget_sessions(context: RequestContext) -> None:
    """Throw away sessions, and their refresh tokens, that have been over for a month."""
    await _until_none(context, lambda change: change.forget_sessions(before=context.now - KEEP_ENDED))


async def erase_successors(context: RequestContext) -> None:
    """Erase the sealed successors of refresh tokens that cannot be used again any more."""
    before = context.now - context.backends.refresh_reuse
    await _until_none(context, lambda change: change.erase_successors(before=before))


async def forget_outbox(context: RequestContext) -> None:
    """Throw away what was done more than a month ago; what was given up stays for the operator."""
    await _until_none(context, lambda change: change.forget_outbox(before=context.now - KEEP_ENDED))


async def forget_mailed_tokens(context: RequestContext) -> None:
    """Throw away links in mails that have been void for a month; until then one learns why they are."""
    await _until_none(context, lambda change: change.forget_mailed_tokens(before=context.now - KEEP_ENDED))


async def forget_registration_tokens(context: RequestContext) -> None:
    """Forget the tokens of registrations a month after they could have been used, as those of other links."""
    before = context.now - KEEP_ENDED
    await _until_none(context, lambda change: change.forget_registration_tokens(before=before))


async def forget_mails(context: RequestContext) -> None:
    """Throw away mails of the local mailbox that are older than a month."""
    await context.backends.mailer.forget(before=context.now - KEEP_ENDED)


SCHEDULED_TASKS: Sequence[ScheduledTask] = (
    forget_requests,
    forget_sessions,
    erase_successors,
    forget_outbox,
    forget_mailed_tokens,
    forget_mails,
    expire_data_exports,
    delete_due_accounts,
    expire_invitations,
    expire_registrations,
    forget_registration_tokens,
    remind_of_overdue_registrations,
)
"""Everything that is done every minute."""


async def run_scheduled_tasks(context: RequestContext, tasks: Sequence[ScheduledTask] = SCHEDULED_TASKS) -> None:
    """Do every scheduled task; one that fails keeps no other from being done."""
    for task in tasks:
        name = task.__name__
        try:
            async with asyncio.timeout(MOST_SECONDS):
                await task(context)
        except ConnectorError as error:
            log.warning("scheduled task not done", extra={"task": name, "reason": str(error)})
        except TimeoutError:
            log.warning(
                "scheduled task not done", extra={"task": name, "reason": f"not within {MOST_SECONDS:.0f} seconds"}
            )
        except Exception as error:  # ours to fix; meanwhile the others go on
            log.error("scheduled task failed", exc_info=error, extra={"task": name})


async def _until_none(context: RequestContext, forget: Callable[[DirectoryChange], Awaitable[int]]) -> None:
    """Throw away a portion at a time, each in a transaction of its own, so that nobody waits long for it."""
    while await changed(context, forget):
        pass
