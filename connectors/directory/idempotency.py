"""What was answered to a request that may come again: the same key and input get the same answer, done once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """A request that was carried out: the hash of its input, and its receipt as JSON."""

    input_hash: bytes
    receipt: Any


class IdempotencyCommands(Protocol):
    """Idempotency keys within a transaction; `actor` is the person's id, empty for somebody not signed in."""

    async def earlier(self, actor: str, key: str) -> IdempotencyRecord | None:
        """Return what was answered to the actor's request with this key; None when there was none."""

    async def remember(self, actor: str, key: str, record: IdempotencyRecord, now: datetime) -> None:
        """Keep what is answered to this request, in the transaction that carries it out.

        Raises:
            ChangeConflict: Another request with this key was carried out meanwhile; trying again finds its record.
        """

    async def forget_requests(self, *, before: datetime) -> int:
        """Forget requests older than this, and return how many."""
