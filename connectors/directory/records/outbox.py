"""What has to happen after a change was stored: written with the change, carried out by a worker, never lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

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
