"""Doing what has to follow from changes: taken from the outbox, carried out outside any transaction, ended."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from connectors.directory.records.outbox import OutboxRecord
from connectors.errors import BackendUnavailable, ConnectorError
from connectors.identity.seals import BrokenSeal
from connectors.mail.interface import MailRefused, MailServerAway
from resolvers.account.credentials import CREDENTIALS_FORGET, CREDENTIALS_SET, apply_credentials, forget_credentials
from resolvers.account.data_exports import DATA_EXPORT, make_data_export
from resolvers.context import RequestContext
from resolvers.join_requests.commands import JOIN_REQUEST, notify_of_join_request
from resolvers.mail.queue import MAIL, send_mail
from resolvers.mail.templates import UnknownMail
from resolvers.registrations.resending import REGISTRATION_MAIL, resend_registration_mail
from resolvers.sessions.refused_sign_ins import SIGN_IN_REFUSED, record_refused_sign_in
from resolvers.sessions.sign_in_help import LOGIN_NAME_REMINDER, PASSWORD_RESET, send_login_names, send_password_reset
from resolvers.transactions import changed

Handler = Callable[[RequestContext, OutboxRecord], Awaitable[None]]
"""Carries out an item. It may be called again after it has succeeded, for a process may die before it says so."""

HANDLERS: Mapping[str, Handler] = {
    MAIL: send_mail,
    PASSWORD_RESET: send_password_reset,
    LOGIN_NAME_REMINDER: send_login_names,
    DATA_EXPORT: make_data_export,
    CREDENTIALS_SET: apply_credentials,
    CREDENTIALS_FORGET: forget_credentials,
    JOIN_REQUEST: notify_of_join_request,
    SIGN_IN_REFUSED: record_refused_sign_in,
    REGISTRATION_MAIL: resend_registration_mail,
}
"""What carries out which kind of item."""

LEASE = timedelta(seconds=45)
"""How long an item belongs to the worker that took it; when that dies, another takes it afterwards."""

PATIENCE = 25.0
"""Seconds that one attempt may take: well less than the lease, so that no second worker begins meanwhile."""

MOST_ATTEMPTS = 20
"""So often an item is tried, over some twelve hours, before it is given up."""

_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(hours=1)

log = logging.getLogger("forecourt.outbox")


async def take(context: RequestContext, *, most: int, without: Sequence[str] = ()) -> Sequence[OutboxRecord]:
    """Take so many items that are due, so that no other worker does; none without a transaction when none is due.

    Those of the kinds `without` are left.

    Raises:
        BackendUnavailable: The directory does not answer.
    """
    if await context.backends.directory.outbox_due_since(context.now) is None:
        return ()
    until = context.now + LEASE
    return await changed(
        context, lambda change: change.claim(now=context.now, until=until, limit=most, without=without)
    )


async def carry_out(
    context: RequestContext, item: OutboxRecord, *, clock: Callable[[], datetime], handlers: Mapping[str, Handler]
) -> str | None:
    """Carry out an item that was taken, and say how it ended: done, to be tried again later, or given up.

    Returns why none of its kind can be carried out at present, None when they can; then it keeps its turn.

    Never fails, lest one item keep others from being done. What cannot be said because the directory does not answer
    is found out when the lease ends: the item is tried again.
    """
    try:
        failure, is_final = await _tried(context, item, handlers)
    except MailServerAway as error:
        await _release(context, item, str(error))
        return str(error)
    now = clock()
    try:
        if failure is None:
            await changed(context, lambda change: change.finish(item.id, now=now))
            log.info("outbox item done", extra=_words(item))
        elif is_final or item.attempts >= MOST_ATTEMPTS:
            await changed(context, lambda change: change.bury(item.id, error=failure, now=now))
            log.error("outbox item given up", extra={"reason": failure, **_words(item)})
        else:
            due_at = now + pause_after(item.attempts)
            await changed(context, lambda change: change.postpone(item.id, error=failure, due_at=due_at))
            log.warning("outbox item postponed", extra={"reason": failure, "until": due_at.isoformat(), **_words(item)})
    except ConnectorError as error:
        log.warning("outbox item's end not stored", extra={"reason": str(error), **_words(item)})
    return None


async def _release(context: RequestContext, item: OutboxRecord, failure: str) -> None:
    try:
        await changed(context, lambda change: change.release(item.id, error=failure))
    except ConnectorError as error:
        log.warning("outbox item's end not stored", extra={"reason": str(error), **_words(item)})
    else:
        log.info("outbox item waits", extra={"reason": failure, **_words(item)})


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts: twice as long each time, up to an hour, and a little by chance.

    Chance keeps all that failed together from coming back together.
    """
    seconds = min(_FIRST_PAUSE * 2.0 ** min(attempts - 1, 20), _LONGEST_PAUSE).total_seconds()
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))


async def _tried(
    context: RequestContext, item: OutboxRecord, handlers: Mapping[str, Handler]
) -> tuple[str | None, bool]:
    """Return what went wrong, None for nothing, and whether there is no use in trying again."""
    handler = handlers.get(item.kind)
    if handler is None:  # a newer version queued it, perhaps, and is about to start everywhere
        return f"This Forecourt knows no items of the kind {item.kind}.", False
    try:
        async with asyncio.timeout(PATIENCE):
            try:
                await handler(context, item)
            except BrokenSeal:  # another process has sealed it, perhaps, with a key that is new
                await context.backends.seals.look_for_keys()
                await handler(context, item)
    except (MailRefused, UnknownMail, BrokenSeal) as error:
        return str(error), True
    except MailServerAway:
        raise
    except BackendUnavailable as error:
        return str(error), False
    except TimeoutError:
        return f"It took longer than {PATIENCE:.0f} seconds.", False
    except Exception as error:  # ours to fix; meanwhile others go on
        log.error("outbox item failed", exc_info=error, extra=_words(item))
        return f"Unexpected: {type(error).__name__}. The log has more.", False
    return None, False


def _words(item: OutboxRecord) -> dict[str, str | int]:
    """Return what the log says of an item: neither to whom it goes nor what stands in it."""
    template = item.content.get("template")
    return {"item": item.id, "kind": item.kind, "attempt": item.attempts, **({"mail": template} if template else {})}
