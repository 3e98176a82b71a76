"""Throwing away in SQL what nobody needs any more: a thousand rows at a time, so that nobody waits long for it."""

from datetime import datetime

from sqlalchemy import bindparam, delete, select, update

from connectors.directory.outbox import OutboxState
from connectors.directory.sql.transaction import Transaction
from connectors.directory.tables import mailed_tokens, outbox, refresh_tokens, sessions

_MOST = 1_000

# A session ends automatically thirty days after it began at the latest, so this finds those that were ended, too.
_OLD_SESSIONS = (
    select(sessions.c.id)
    .where(sessions.c.expires_at < bindparam("before"))
    .order_by(sessions.c.expires_at, sessions.c.id)
    .limit(_MOST)
)
_FORGET_REFRESH_TOKENS = delete(refresh_tokens).where(refresh_tokens.c.session_id.in_(_OLD_SESSIONS))
_FORGET_SESSIONS = delete(sessions).where(sessions.c.id.in_(_OLD_SESSIONS))
_KEPT_SUCCESSORS = (
    select(refresh_tokens.c.hash)
    .where(refresh_tokens.c.sealed_successor.is_not(None), refresh_tokens.c.replaced_at < bindparam("before"))
    .order_by(refresh_tokens.c.replaced_at)
    .limit(_MOST)
)
_ERASE_SUCCESSORS = (
    update(refresh_tokens).where(refresh_tokens.c.hash.in_(_KEPT_SUCCESSORS)).values(sealed_successor=None)
)
_OLD_ITEMS = (
    select(outbox.c.id)
    .where(
        outbox.c.state == OutboxState.DONE.value,
        outbox.c.due_at < bindparam("before"),  # which the index knows
        outbox.c.ended_at < bindparam("before"),
    )
    .order_by(outbox.c.due_at, outbox.c.id)
    .limit(_MOST)
)
_FORGET_ITEMS = delete(outbox).where(outbox.c.id.in_(_OLD_ITEMS))
_OLD_TOKENS = (
    select(mailed_tokens.c.hash)
    .where(mailed_tokens.c.expires_at < bindparam("before"))
    .order_by(mailed_tokens.c.expires_at)
    .limit(_MOST)
)
_FORGET_MAILED_TOKENS = delete(mailed_tokens).where(mailed_tokens.c.hash.in_(_OLD_TOKENS))


class ScheduledTaskCommands(Transaction):
    """What is thrown away; `connectors.directory.housekeeping` says what each promises."""

    async def forget_sessions(self, *, before: datetime) -> int:
        """Throw away sessions that were over anyway before this instant, with all their refresh tokens."""
        await self._execute(_FORGET_REFRESH_TOKENS, {"before": before})
        return (await self._execute(_FORGET_SESSIONS, {"before": before})).rowcount

    async def erase_successors(self, *, before: datetime) -> int:
        """Erase the sealed successors of refresh tokens that were replaced before this instant."""
        return (await self._execute(_ERASE_SUCCESSORS, {"before": before})).rowcount

    async def forget_outbox(self, *, before: datetime) -> int:
        """Throw away items of the outbox that were done before this instant."""
        return (await self._execute(_FORGET_ITEMS, {"before": before})).rowcount

    async def forget_mailed_tokens(self, *, before: datetime) -> int:
        """Throw away tokens sent by mail that could not be used any more at this instant."""
        return (await self._execute(_FORGET_MAILED_TOKENS, {"before": before})).rowcount
