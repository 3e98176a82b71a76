"""One open transaction: its statements, its audit rows, and the events that it publishes when it was committed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import CursorResult, Executable, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from connectors.access_events import AccessEvent
from connectors.database.engine import AsyncConnection
from connectors.database.sql_errors import ChangeConflict, database_errors, is_taken
from connectors.directory.reader import BACKEND
from connectors.directory.records.audit import AuditEntry
from connectors.directory.tables import audit_events
from connectors.ids import SessionId, base32, new_id

_RECORD_UNLESS_THERE = {
    "postgresql": postgresql.insert(audit_events).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(audit_events).on_conflict_do_nothing(),
}


class Transaction:
    """What every change builds on."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.events: list[AccessEvent] = []
        """What is published when it is committed, in order."""
        self.enqueued = False
        """Whether there is something to do in the outbox when it is committed."""
        self.reused: list[tuple[SessionId, datetime]] = []
        """Sessions that must end even if the transaction is not committed."""

    async def record(self, entry: AuditEntry, now: datetime) -> None:
        """Append to the audit log."""
        await self.record_all([entry], now)

    async def record_all(self, entries: Sequence[AuditEntry], now: datetime) -> None:
        """Append to the audit log in one statement."""
        if entries:
            await self._execute(insert(audit_events), [_row(new_id("aud"), entry, now) for entry in entries])

    async def record_hourly(self, entry: AuditEntry, now: datetime, key: str) -> bool:
        """Append to the audit log once in an hour (of UTC) for this action and key; return whether it was now."""
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        what = blake2b(f"{entry.action}\n{key}".encode(errors="replace"), digest_size=10).digest()
        # The id says which hour and what: a second entry, of whichever process, has the same id and is dropped.
        id = f"aud_{base32(int(hour.timestamp()) * 1000 << 80 | int.from_bytes(what))}"
        statement = _RECORD_UNLESS_THERE[self._connection.dialect.name]
        return (await self._execute(statement, _row(id, entry, now))).rowcount > 0

    async def _execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    ) -> CursorResult[Any]:
        async with database_errors(BACKEND):
            try:
                return await self._connection.execute(statement, parameters)
            except IntegrityError as error:
                if not is_taken(error):
                    raise
                # Whoever inserts has looked before; so somebody was faster, and looking again finds what they stored.
                raise ChangeConflict("Somebody else stored the same meanwhile.") from error


def _row(id: str, entry: AuditEntry, now: datetime) -> dict[str, Any]:
    return {
        "id": id,
        "occurred_at": now,
        "action": entry.action,
        "actor_id": entry.actor_id,
        "subject_id": entry.subject_id,
        "organization_id": entry.organization_id,
        "request_id": entry.request_id,
        "ip_address": entry.ip_address,
        "before": orjson.dumps(dict(entry.before)).decode(),
        "after": orjson.dumps(dict(entry.after)).decode(),
        "reason": entry.reason,
        "refused_with": entry.refused_with,
    }
