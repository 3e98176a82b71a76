"""The outbox: what has to happen after a change was stored."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, not_, select, update

from connectors.database.dialects import one_of
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.outbox import UNDONE, OutboxRecord, OutboxState
from connectors.directory.rows import OUTBOX
from connectors.directory.tables import outbox
from connectors.directory.transaction import Transaction, oldest
from connectors.ids import OutboxId, new_id

_item = outbox.c
# Due items are taken by moving their `due_at` on: whoever dies with them leaves them to others. On PostgreSQL, items
# that another worker is taking right now are passed over; SQLite has one writer at a time.
_DUE = (
    select(_item.id)
    .where(
        _item.state == OutboxState.QUEUED.value, _item.due_at <= bindparam("now"), not_(one_of(_item.kind, "without"))
    )
    .order_by(_item.due_at, _item.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(outbox)
    .where(one_of(_item.id, "ids"))
    .values(due_at=bindparam("until"), attempts=_item.attempts + 1)
    .returning(*OUTBOX.columns)
)
_ENDED = {"sealed": None, "last_error": None}
_QUEUED = (_item.id == bindparam("of_id"), _item.state == OutboxState.QUEUED.value)
_FINISH = (
    update(outbox)
    .where(_item.id == bindparam("of_id"))
    .values(state=OutboxState.DONE.value, ended_at=bindparam("now"), **_ENDED)
)
_POSTPONE = update(outbox).where(*_QUEUED).values(due_at=bindparam("later"), last_error=bindparam("why"))
_RELEASE = (
    update(outbox)
    .where(*_QUEUED)
    .values(due_at=_item.created_at, attempts=_item.attempts - 1, last_error=bindparam("why"))
)
_BURY = (
    update(outbox)
    .where(*_QUEUED)
    .values(state=OutboxState.DEAD.value, ended_at=bindparam("now"), last_error=bindparam("why"))
)
_REVIVE = (
    update(outbox)
    .where(one_of(_item.id, "ids"), _item.state == OutboxState.DEAD.value)
    .values(state=OutboxState.QUEUED.value, due_at=bindparam("now"), attempts=0, ended_at=None)
    .returning(*OUTBOX.columns)
)
_IN_STATE = OUTBOX.select.where(_item.state == bindparam("of_state")).order_by(_item.id).limit(bindparam("most"))
_DUE_SINCE = select(func.min(_item.due_at)).where(
    _item.state == OutboxState.QUEUED.value, _item.due_at <= bindparam("now")
)
_COUNT = select(_item.state, func.count()).where(one_of(_item.state, "states")).group_by(_item.state)
_FORGET_ITEMS = delete(outbox).where(
    _item.id.in_(
        oldest(
            _item.id,
            _item.state == OutboxState.DONE.value,
            _item.due_at < bindparam("before"),  # which the index knows
            _item.ended_at < bindparam("before"),
            order=[_item.due_at, _item.id],
        )
    )
)


class OutboxQueries(DirectoryReader):
    """Queries about the outbox."""

    async def outbox(self, state: OutboxState, *, limit: int) -> Sequence[OutboxRecord]:
        """Return the items in this state, oldest first."""
        return OUTBOX.records(await self.read(_IN_STATE, of_state=state.value, most=limit))

    async def count_outbox(self, states: Sequence[OutboxState] = UNDONE) -> Mapping[OutboxState, int]:
        """Return how many items there are in each of these states; what is done may be much to count."""
        found = {row[0]: row[1] for row in await self.read(_COUNT, states=states)}
        return {state: found.get(state.value, 0) for state in states}

    async def outbox_due_since(self, now: datetime) -> datetime | None:
        """Return since when the oldest item that is due waits for a worker; None when nothing is due."""
        ((since,),) = await self.read(_DUE_SINCE, now=now)
        return since  # type: ignore[no-any-return]

    async def outbox_items(self, ids: Sequence[OutboxId]) -> Sequence[OutboxRecord | None]:
        """Return each item, parallel to the ids; None for an unknown one."""
        return await self.records(OUTBOX, ids)


class OutboxChanges(Transaction):
    """Changes of the outbox."""

    async def forget_outbox(self, *, before: datetime) -> int:
        """Throw away items of the outbox that were done before this instant."""
        return (await self._execute(_FORGET_ITEMS, {"before": before})).rowcount

    async def enqueue(
        self,
        kind: str,
        content: Mapping[str, Any],
        *,
        now: datetime,
        sealed: str | None = None,
        due_at: datetime | None = None,
    ) -> OutboxId:
        """Have something done after the commit, at once or not before `due_at`; the worker here is woken."""
        id = OutboxId(new_id("obx"))
        state = OutboxState.QUEUED
        await self._add(OUTBOX, OutboxRecord(id, kind, content, sealed, state, now, due_at or now, 0, None, None))
        self.enqueued = True
        return id

    async def claim(
        self, *, now: datetime, until: datetime, limit: int, without: Sequence[str] = ()
    ) -> Sequence[OutboxRecord]:
        """Take items that are due, oldest first, so that no other worker takes them before `until`; counts an attempt.

        A worker that dies leaves them to others after `until`. Those of the kinds `without` are left.
        """
        # In two steps: within one statement, PostgreSQL may look for what is due more than once, and take too many.
        due = (await self._execute(_DUE, {"now": now, "most": limit, "without": without})).scalars().all()
        if not due:
            return ()
        rows = await self._execute(_CLAIM, {"ids": due, "until": until})
        return sorted(OUTBOX.records(rows), key=lambda record: (record.created_at, record.id))

    async def finish(self, id: OutboxId, *, now: datetime) -> None:
        """Say that an item is done; what was sealed in it is gone."""
        await self._execute(_FINISH, {"of_id": id, "now": now})

    async def postpone(self, id: OutboxId, *, error: str, due_at: datetime) -> None:
        """Say that an attempt failed, and when to try again; what somebody else finished meanwhile stays done."""
        await self._execute(_POSTPONE, {"of_id": id, "later": due_at, "why": error[:1000]})

    async def release(self, id: OutboxId, *, error: str) -> None:
        """Give an item back that nobody could carry out: it keeps its turn, and this was no attempt."""
        await self._execute(_RELEASE, {"of_id": id, "why": error[:1000]})

    async def bury(self, id: OutboxId, *, error: str, now: datetime) -> None:
        """Give an item up; it stays for an operator, with what was sealed in it. What is done meanwhile stays done."""
        await self._execute(_BURY, {"of_id": id, "now": now, "why": error[:1000]})

    async def revive(self, ids: Sequence[OutboxId], *, now: datetime) -> Sequence[OutboxRecord]:
        """Queue items again that were given up, with their attempts counted from nothing; returns those it did."""
        rows = await self._execute(_REVIVE, {"ids": ids, "now": now})
        self.enqueued = True
        return sorted(OUTBOX.records(rows), key=lambda record: record.id)
