"""The audit log: appended to, and read from its end backwards, by an index that has it in its order."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any

from sqlalchemy import Select, and_, bindparam, insert, or_, select, union_all
from sqlalchemy.dialects import postgresql, sqlite

from connectors.database.columns import IdText, UtcDateTime
from connectors.database.dialects import one_of
from connectors.database.lists import Each, Listing, Rare
from connectors.database.record_rows import MOST_PROJECTIONS
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.audit import AuditEntry, AuditEventRecord, AuditFilter
from connectors.directory.rows import AUDIT_ENTRIES, AUDIT_EVENTS
from connectors.directory.tables import audit_events
from connectors.directory.transaction import Transaction
from connectors.ids import AuditEventId, OrganizationId, UserId, base32, new_id
from connectors.pages import Page, Slice
from connectors.wanted import EVERYTHING, Wanted

_event = audit_events.c
_ORDER = (_event.occurred_at, _event.id)
_CONDITIONS = {
    "organization_id": _event.organization_id == bindparam("organization_id", type_=IdText),
    "actions": one_of(_event.action, "actions"),
    "actor_id": _event.actor_id == bindparam("actor_id", type_=IdText),
    "since": _event.occurred_at >= bindparam("since", type_=UtcDateTime()),
    "until": _event.occurred_at < bindparam("until", type_=UtcDateTime()),
}
"""What can be asked for, by the names of the values; lists and statements are built once for each set of them."""

_ACTOR = bindparam("actor_id", type_=IdText)
_BY_ACTOR = Rare(
    lambda row: row.actor_id == _ACTOR,
    lambda organization: and_(_event.organization_id == organization, _event.actor_id == _ACTOR),
    (_event.actor_id,),
)
_HERE = or_(_event.organization_id.is_(None), one_of(_event.organization_id, "organization_ids"))
_PERSON = bindparam("user_id", type_=IdText)
_TO_PERSON = (one_of(_event.subject_id, "subject_ids"), or_(_event.actor_id.is_(None), _event.actor_id != _PERSON))
_RECORD_UNLESS_THERE = {
    "postgresql": postgresql.insert(audit_events).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(audit_events).on_conflict_do_nothing(),
}


@lru_cache(MOST_PROJECTIONS)
def _of_organization(
    asked: tuple[str, ...], wanted: Wanted[AuditEventRecord] = EVERYTHING
) -> Listing[AuditEventRecord]:
    where = (_CONDITIONS[name] for name in asked if name not in ("actions", "actor_id"))
    return Listing(
        "audit events",
        AUDIT_EVENTS,
        *where,
        owner=_event.organization_id,
        order=_ORDER,
        each=Each(_event.action, "actions") if "actions" in asked else None,
        rare=[_BY_ACTOR] if "actor_id" in asked else [],
        wanted=wanted,
    )


@cache
def _log(asked: tuple[str, ...]) -> Listing[AuditEventRecord]:
    return Listing("audit events", AUDIT_EVENTS, *(_CONDITIONS[name] for name in asked), order=_ORDER)


@lru_cache(MOST_PROJECTIONS)
def _by_person(wanted: Wanted[AuditEventRecord]) -> Listing[AuditEventRecord]:
    return Listing("audit events", AUDIT_EVENTS, _event.actor_id == _PERSON, _HERE, order=_ORDER, wanted=wanted)


@lru_cache(MOST_PROJECTIONS)
def _to_person(wanted: Wanted[AuditEventRecord]) -> Listing[AuditEventRecord]:
    return Listing("audit events", AUDIT_EVENTS, *_TO_PERSON, _HERE, order=_ORDER, wanted=wanted)


@lru_cache(MOST_PROJECTIONS)
def _of_person(
    database: str, after: bool, before: bool, backward: bool, wanted: Wanted[AuditEventRecord]
) -> Select[Any]:
    """Select what somebody did and what was done to them, each read from its own index and no further than needed."""
    page = Slice(0, "" if after else None, "" if before else None, backward)
    parts = [listing.page(database, page).subquery() for listing in (_by_person(wanted), _to_person(wanted))]
    both = union_all(*map(select, parts)).subquery("both")
    return select(both).order_by(*_by_person(wanted).sorted([both.c[column.name] for column in _ORDER], page))


class AuditQueries(DirectoryReader):
    """Queries about what was done. Lists go from the newest entry to the oldest, where nothing else is said."""

    async def audit_events(self, ids: Sequence[AuditEventId]) -> Sequence[AuditEventRecord | None]:
        """Return the entries with these ids."""
        return await self.records(AUDIT_EVENTS, ids)

    async def audit_events_of(
        self,
        organization_ids: Sequence[OrganizationId],
        page: Slice,
        *,
        where: AuditFilter,
        wanted: Wanted[AuditEventRecord] = EVERYTHING,
    ) -> Sequence[Page[AuditEventRecord]]:
        """Return each organization's entries.

        Raises:
            InvalidCursor: A cursor is not one of this list.
        """
        values = _values(where)
        return await self.pages(_of_organization(tuple(values), wanted), organization_ids, page, **values)

    async def count_audit_events_of(
        self, organization_ids: Sequence[OrganizationId], where: AuditFilter
    ) -> Sequence[int]:
        """Return how many entries `audit_events_of` has for each organization in all."""
        values = _values(where)
        return await self.counts(_of_organization(tuple(values)), organization_ids, **values)

    async def audit_events_of_person(
        self,
        user_id: UserId,
        subject_ids: Sequence[str],
        organization_ids: Sequence[OrganizationId],
        page: Slice,
        wanted: Wanted[AuditEventRecord] = EVERYTHING,
    ) -> Page[AuditEventRecord]:
        """Return what a person did, and what was done to these objects, in one of the organizations or in none.

        Raises:
            InvalidCursor: A cursor is not one of this list.
        """
        listing = _by_person(wanted)
        rows = await self.read(
            _of_person(self.database, page.after is not None, page.before is not None, page.backward, wanted),
            user_id=user_id,
            subject_ids=subject_ids,
            organization_ids=organization_ids,
            **listing.bounds(page),
        )
        return listing.whole_page(rows, page)

    async def audit_log(
        self, organization_id: OrganizationId | None, where: AuditFilter, *, limit: int
    ) -> Sequence[AuditEventRecord]:
        """Return the newest entries, of one organization or of all, with those that belong to none."""
        values = _values(where) | ({"organization_id": organization_id} if organization_id is not None else {})
        listing = _log(tuple(values))
        return listing.records(await self.read(listing.page(self.database), limit=limit, **values))


class AuditChanges(Transaction):
    """The audit log within a transaction; whoever commands a change writes its row, no other change does."""

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


def _values(where: AuditFilter) -> dict[str, Any]:
    values = {"actions": where.actions, "actor_id": where.actor_id, "since": where.since, "until": where.until}
    return {name: value for name, value in values.items() if value is not None}


def _row(id: str, entry: AuditEntry, now: datetime) -> dict[str, Any]:
    return AUDIT_ENTRIES.row(entry) | {"id": id, "occurred_at": now}
