"""Reading the audit log: each list from its end backwards, by an index that has it in its order."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, bindparam, func, or_, select, union_all
from sqlalchemy.sql.selectable import FromClause

from connectors.database.columns import IdText, UtcDateTime
from connectors.database.dialects import before_position, newest_of_each, one_of
from connectors.database.reader import gathered, parallel
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.audit import AuditEventRecord, AuditFilter
from connectors.directory.tables import audit_events
from connectors.errors import InvalidCursor
from connectors.ids import AuditEventId, OrganizationId, UserId
from connectors.pages import Page, cursor, position

_LISTING = "audit events"
_event = audit_events.c
_ORDER = (_event.occurred_at, _event.id)
_WITH_IDS = select(audit_events).where(one_of(_event.id, "ids"))
Conditions = tuple[bool, bool, bool, bool]
"""Whether actions, an actor, a beginning and an end are asked for; a statement is built once for each."""


@cache
def _events_of(database: str, asked: Conditions, after: bool) -> Select[Any]:
    return newest_of_each(
        database, _event.organization_id, _ORDER, where=lambda table: _where(table, asked), after=after
    )


@cache
def _count_of(asked: Conditions) -> Select[Any]:
    return (
        select(_event.organization_id, func.count())
        .where(one_of(_event.organization_id, "ids"), *_where(audit_events, asked))
        .group_by(_event.organization_id)
    )


@cache
def _of_person(after: bool) -> Select[Any]:
    """Select what somebody did and what was done to them, each read from its own index and no further than needed."""
    mine = audit_events.alias("mine")
    theirs = audit_events.alias("theirs")
    me = bindparam("user_id", type_=IdText)
    parts = [
        _newest(mine, mine.c.actor_id == me, after),
        _newest(
            theirs,
            one_of(theirs.c.subject_id, "subject_ids") & or_(theirs.c.actor_id.is_(None), theirs.c.actor_id != me),
            after,
        ),
    ]
    both = union_all(*(select(part.subquery()) for part in parts)).subquery("both")
    return select(both).order_by(*(both.c[column.name].desc() for column in _ORDER)).limit(bindparam("limit"))


@cache
def _log(of_organization: bool, asked: Conditions) -> Select[Any]:
    query = select(audit_events).where(*_where(audit_events, asked))
    if of_organization:
        query = query.where(_event.organization_id == bindparam("organization_id", type_=IdText))
    return query.order_by(*(column.desc() for column in _ORDER)).limit(bindparam("limit"))


class AuditQueries(DirectoryReader):
    """Queries about what was done. Lists go from the newest entry to the oldest, where nothing else is said."""

    async def audit_events(self, ids: Sequence[AuditEventId]) -> Sequence[AuditEventRecord | None]:
        """Return the entries with these ids."""
        return parallel(ids, {row[0]: _record(row) for row in await self.read_of(ids, _WITH_IDS)})

    async def audit_events_of(
        self, organization_ids: Sequence[OrganizationId], *, first: int, after: str | None, where: AuditFilter
    ) -> Sequence[Page[AuditEventRecord]]:
        """Return each organization's entries.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        statement = _events_of(self.database, _conditions(where), after is not None)
        rows = await self.read_of(organization_ids, statement, **_values(where), **_bounds(first, after))
        found = gathered(organization_ids, ((event.organization_id, event) for event in map(_record, rows)))
        return [_page(events, first, after) for events in found]

    async def count_audit_events_of(
        self, organization_ids: Sequence[OrganizationId], where: AuditFilter
    ) -> Sequence[int]:
        """Return how many entries `audit_events_of` has for each organization in all."""
        rows = await self.read_of(organization_ids, _count_of(_conditions(where)), **_values(where))
        found: dict[str, int] = {row[0]: row[1] for row in rows}
        return [found.get(id, 0) for id in organization_ids]

    async def audit_events_of_person(
        self,
        user_id: UserId,
        subject_ids: Sequence[str],
        organization_ids: Sequence[OrganizationId],
        *,
        first: int,
        after: str | None,
    ) -> Page[AuditEventRecord]:
        """Return what a person did, and what was done to these objects, in one of the organizations or in none.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        rows = await self.read(
            _of_person(after is not None),
            user_id=user_id,
            subject_ids=subject_ids,
            organization_ids=organization_ids,
            **_bounds(first, after),
        )
        return _page([_record(row) for row in rows], first, after)

    async def audit_log(
        self, organization_id: OrganizationId | None, where: AuditFilter, *, limit: int
    ) -> Sequence[AuditEventRecord]:
        """Return the newest entries, of one organization or of all, with those that belong to none."""
        statement = _log(organization_id is not None, _conditions(where))
        of = {"organization_id": organization_id} if organization_id is not None else {}
        return [_record(row) for row in await self.read(statement, limit=limit, **of, **_values(where))]


def _where(table: FromClause, asked: Conditions) -> list[ColumnElement[bool]]:
    actions, actor, since, until = asked
    event = table.c
    return [
        *([one_of(event.action, "actions")] if actions else []),
        *([event.actor_id == bindparam("actor_id", type_=IdText)] if actor else []),
        *([event.occurred_at >= bindparam("since", type_=UtcDateTime())] if since else []),
        *([event.occurred_at < bindparam("until", type_=UtcDateTime())] if until else []),
    ]


def _newest(table: FromClause, of_whom: ColumnElement[bool], after: bool) -> Select[Any]:
    in_organization = or_(table.c.organization_id.is_(None), one_of(table.c.organization_id, "organization_ids"))
    query = select(table).where(of_whom, in_organization)
    if after:
        query = query.where(before_position(table, _ORDER))
    return query.order_by(*(table.c[column.name].desc() for column in _ORDER)).limit(bindparam("limit"))


def _conditions(where: AuditFilter) -> Conditions:
    return (
        where.actions is not None,
        where.actor_id is not None,
        where.since is not None,
        where.until is not None,
    )


def _values(where: AuditFilter) -> dict[str, Any]:
    values = {"actions": where.actions, "actor_id": where.actor_id, "since": where.since, "until": where.until}
    return {name: value for name, value in values.items() if value is not None}


def _bounds(first: int, after: str | None) -> dict[str, Any]:
    if first < 0:
        raise ValueError(f"first is {first}; a page has no negative length.")
    if after is None:
        return {"limit": first + 1}
    at, id = position(_LISTING, after, 2)
    try:
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is not UTC:
            raise ValueError("Ours are in UTC.")
    except ValueError as error:
        raise InvalidCursor(f"{after!r} is not a cursor of {_LISTING}.") from error
    return {"limit": first + 1, "after_0": instant, "after_1": id}


def _page(found: Sequence[AuditEventRecord], first: int, after: str | None) -> Page[AuditEventRecord]:
    return Page(found[:first], len(found) > first, after is not None, _cursor)


def _cursor(event: AuditEventRecord) -> str:
    return cursor(_LISTING, event.at.astimezone(UTC).isoformat(), event.id)


def _record(row: Sequence[Any]) -> AuditEventRecord:
    id, at, action, actor_id, subject_id, organization_id, request_id, ip_address, before, after, reason, refused = row
    return AuditEventRecord(
        id, at, action, actor_id, subject_id, organization_id, request_id, ip_address, orjson.loads(before),
        orjson.loads(after), reason, refused,
    )  # fmt: skip
