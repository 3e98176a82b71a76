"""What was answered to requests that may come again."""

from datetime import datetime

import orjson
from sqlalchemy import bindparam, delete, insert, select

from connectors.directory.records.idempotency import IdempotencyRecord
from connectors.directory.tables import idempotency_records
from connectors.directory.transaction import Transaction

_record = idempotency_records.c
_EARLIER = select(_record.input_hash, _record.receipt).where(
    _record.actor == bindparam("of_actor"), _record.key == bindparam("of_key")
)
_FORGET = delete(idempotency_records).where(_record.created_at < bindparam("before"))
_FORGET_ONE = delete(idempotency_records).where(
    _record.actor == bindparam("of_actor"), _record.key == bindparam("of_key")
)


class IdempotencyChanges(Transaction):
    """Idempotency keys; `actor` is the person's id, empty for somebody not signed in."""

    async def earlier(self, actor: str, key: str) -> IdempotencyRecord | None:
        """Return what was answered to the actor's request with this key; None when there was none."""
        row = (await self._execute(_EARLIER, {"of_actor": actor, "of_key": key})).first()
        return IdempotencyRecord(row.input_hash, orjson.loads(row.receipt)) if row is not None else None

    async def remember(self, actor: str, key: str, record: IdempotencyRecord, now: datetime) -> None:
        """Keep what is answered to this request, in the transaction that carries it out.

        Raises:
            ChangeConflict: Another request with this key was carried out meanwhile; trying again finds its record.
        """
        row = {
            "actor": actor,
            "key": key,
            "input_hash": record.input_hash,
            "receipt": orjson.dumps(record.receipt).decode(),
            "created_at": now,
        }
        await self._execute(insert(idempotency_records), row)

    async def forget_request(self, actor: str, key: str) -> None:
        """Forget the actor's request with this key, so that the key may name another."""
        await self._execute(_FORGET_ONE, {"of_actor": actor, "of_key": key})

    async def forget_requests(self, *, before: datetime) -> int:
        """Forget requests older than this, and return how many."""
        return (await self._execute(_FORGET, {"before": before})).rowcount
