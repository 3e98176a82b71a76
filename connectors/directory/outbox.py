"""What has to happen after a change was stored: written with the change, carried out by a worker, never lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from connectors.ids import OutboxId
from connectors.quick import quick


class OutboxState(StrEnum):
    """Where an item stands: to be done, done, or given up after too many attempts, for an operator to look at."""

    QUEUED = "QUEUED"
    DONE = "DONE"
    DEAD = "DEAD"


UNDONE = (OutboxState.QUEUED, OutboxState.DEAD)
"""What is still to be done, by the worker or by an operator."""


@quick
@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """Something to do; `content` is what the kind needs as JSON, `sealed` what may not be read in the database."""

    id: OutboxId
    kind: str
    content: Mapping[str, Any]
    sealed: str | None
    state: OutboxState
    created_at: datetime
    due_at: datetime
    attempts: int
    last_error: str | None
    ended_at: datetime | None


class OutboxCommands(Protocol):
    """Changes of the outbox within a transaction."""

    async def enqueue(
        self,
        kind: str,
        content: Mapping[str, Any],
        *,
        now: datetime,
        sealed: str | None = None,
        due_at: datetime | None = None,
    ) -> OutboxId:
        """Have something done after the commit, at once or not before `due_at`; the worker here is notified."""

    async def claim(self, *, now: datetime, until: datetime, limit: int) -> Sequence[OutboxRecord]:
        """Take items that are due, oldest first, so that no other worker takes them before `until`; counts an attempt.

        A worker that dies leaves them to others after `until`.
        """

    async def finish(self, id: OutboxId, *, now: datetime) -> None:
        """Say that an item is done; what was sealed in it is gone."""

    async def postpone(self, id: OutboxId, *, error: str, due_at: datetime) -> None:
        """Say that an attempt failed, and when to try again; what somebody else finished meanwhile stays done."""

    async def bury(self, id: OutboxId, *, error: str, now: datetime) -> None:
        """Give an item up; it stays for an operator, with what was sealed in it. What is done meanwhile stays done."""

    async def revive(self, ids: Sequence[OutboxId], *, now: datetime) -> Sequence[OutboxRecord]:
        """Queue items again that were given up, with their attempts counted from nothing; returns those it did."""


class OutboxQueries(Protocol):
    """Queries about the outbox."""

    async def outbox(self, state: OutboxState, *, limit: int) -> Sequence[OutboxRecord]:
        """Return the items in this state, oldest first."""

    async def count_outbox(self, states: Sequence[OutboxState] = UNDONE) -> Mapping[OutboxState, int]:
        """Return how many items there are in each of these states; what is done may be much to count."""

    async def outbox_due_since(self, now: datetime) -> datetime | None:
        """Return since when the oldest item that is due waits for a worker; None when nothing is due."""

    async def outbox_items(self, ids: Sequence[OutboxId]) -> Sequence[OutboxRecord | None]:
        """Return each item, parallel to the ids; None for an unknown one."""
