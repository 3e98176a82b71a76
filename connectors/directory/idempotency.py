"""What was answered to requests that may come again."""

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, insert, select

from connectors.database.sql_errors import ChangeConflict
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
_FORGET_AS_IT_WAS = _FORGET_ONE.where(_record.receipt == bindparam("of_receipt"))


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

    async def replace_answer(self, actor: str, key: str, old: IdempotencyRecord, receipt: Any, now: datetime) -> None:
        """Keep this instead of what was answered to this request.

        Raises:
            ChangeConflict: Somebody else replaced it meanwhile; trying again finds what they keep.
        """
        kept = orjson.dumps(old.receipt).decode()
        gone = await self._execute(_FORGET_AS_IT_WAS, {"of_actor": actor, "of_key": key, "of_receipt": kept})
        if gone.rowcount != 1:
            raise ChangeConflict("Somebody else kept another answer meanwhile.")
        await self.remember(actor, key, IdempotencyRecord(old.input_hash, receipt), now)

    async def forget_requests(self, *, before: datetime) -> int:
        """Forget requests older than this, and return how many."""
        return (await self._execute(_FORGET, {"before": before})).rowcount
