"""What organizations ask the vendor to change."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, bindparam, func, insert, select, update
from sqlalchemy.sql.selectable import FromClause

from connectors.database.dialects import before_position, newest_of_each, one_of
from connectors.database.reader import gathered, parallel
from connectors.directory import mapping
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.requests import RequestStatus
from connectors.directory.tables import change_requests
from connectors.directory.transaction import Transaction
from connectors.ids import ChangeRequestId, OrganizationId, UserId
from connectors.pages import Page, cursor, position

_LISTING = "change requests"
_EVERY = tuple(RequestStatus)
_request = change_requests.c
_WITH_IDS = select(change_requests).where(one_of(_request.id, "ids"))
_OPEN = select(change_requests).where(
    one_of(_request.organization_id, "ids"), _request.status == RequestStatus.PENDING.value
)
_COUNT_OF = (
    select(_request.organization_id, func.count())
    .where(one_of(_request.organization_id, "ids"), one_of(_request.status, "statuses"))
    .group_by(_request.organization_id)
)
_COUNT_ALL = select(func.count()).where(one_of(_request.status, "statuses"))
_END = (
    update(change_requests)
    .where(_request.id == bindparam("of_id"), _request.status == RequestStatus.PENDING.value)
    .values(
        status=bindparam("new_status"), decided_at=bindparam("at"), decided_by_id=bindparam("by"), note=bindparam("why")
    )
    .returning(*_request)
)


@cache
def _newest_of(database: str, after: bool) -> Select[Any]:
    return newest_of_each(database, _request.organization_id, [_request.id], where=_in_status, after=after)


@cache
def _newest(after: bool) -> Select[Any]:
    query = select(change_requests).where(*_in_status(change_requests))
    if after:
        query = query.where(before_position(change_requests, [_request.id]))
    return query.order_by(_request.id.desc()).limit(bindparam("limit"))


class ChangeRequestQueries(DirectoryReader):
    """Queries about what organizations asked for."""

    async def change_requests(self, ids: Sequence[ChangeRequestId]) -> Sequence[ChangeRequestRecord | None]:
        """Return the requests with these ids."""
        return parallel(ids, {row[0]: _record(row) for row in await self.read_of(ids, _WITH_IDS)})

    async def open_change_requests(
        self, organization_ids: Sequence[OrganizationId]
    ) -> Sequence[ChangeRequestRecord | None]:
        """Return each organization's request that waits for a decision."""
        found = map(_record, await self.read_of(organization_ids, _OPEN))
        return parallel(organization_ids, {request.organization_id: request for request in found})

    async def change_requests_of(
        self,
        organization_ids: Sequence[OrganizationId],
        *,
        first: int,
        after: str | None,
        status: Sequence[RequestStatus] | None,
    ) -> Sequence[Page[ChangeRequestRecord]]:
        """Return each organization's requests, newest first.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        statement = _newest_of(self.database, after is not None)
        rows = await self.read_of(organization_ids, statement, **_bounds(first, after, status))
        found = gathered(organization_ids, ((one.organization_id, one) for one in map(_record, rows)))
        return [_page(requests, first, after) for requests in found]

    async def count_change_requests_of(
        self, organization_ids: Sequence[OrganizationId], status: Sequence[RequestStatus] | None
    ) -> Sequence[int]:
        """Return how many entries `change_requests_of` has for each organization in all."""
        rows = await self.read_of(organization_ids, _COUNT_OF, statuses=_words(status))
        found: dict[str, int] = {row[0]: row[1] for row in rows}
        return [found.get(id, 0) for id in organization_ids]

    async def all_change_requests(
        self, *, first: int, after: str | None, status: Sequence[RequestStatus] | None
    ) -> Page[ChangeRequestRecord]:
        """Return the requests of all organizations, newest first.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        rows = await self.read(_newest(after is not None), **_bounds(first, after, status))
        return _page([_record(row) for row in rows], first, after)

    async def count_all_change_requests(self, status: Sequence[RequestStatus] | None) -> int:
        """Return how many entries `all_change_requests` has in all."""
        return int((await self.read(_COUNT_ALL, statuses=_words(status)))[0][0])


class ChangeRequestChanges(Transaction):
    """Changes of what organizations asked for; lock the organization first."""

    async def add_change_request(self, request: ChangeRequestRecord) -> None:
        """Store a new request; a second open one of the same organization is a ChangeConflict."""
        row = {
            "id": request.id,
            "organization_id": request.organization_id,
            "requested_by_id": request.requested_by_id,
            "name": request.name,
            "legal_name": request.legal_name,
            "seat": orjson.dumps(request.seat).decode() if request.seat is not None else None,
            "message": request.message,
            "status": request.status.value,
            "created_at": request.created_at,
        }
        await self._execute(insert(change_requests), row)

    async def end_change_request(
        self, id: ChangeRequestId, status: RequestStatus, *, by: UserId, note: str | None, now: datetime
    ) -> ChangeRequestRecord | None:
        """Say how an open request ended, and return it as it is now; None when there is no such open one."""
        ended = {"of_id": id, "new_status": status.value, "at": now, "by": by, "why": note}
        row = (await self._execute(_END, ended)).first()
        return _record(row) if row is not None else None


def _in_status(table: FromClause) -> list[ColumnElement[bool]]:
    return [one_of(table.c.status, "statuses")]


def _words(status: Sequence[RequestStatus] | None) -> list[str]:
    return [one.value for one in (_EVERY if status is None else status)]


def _bounds(first: int, after: str | None, status: Sequence[RequestStatus] | None) -> dict[str, Any]:
    if first < 0:
        raise ValueError(f"first is {first}; a page has no negative length.")
    after_key = {"after_0": position(_LISTING, after, 1)[0]} if after is not None else {}
    return {"limit": first + 1, "statuses": _words(status), **after_key}


def _page(found: Sequence[ChangeRequestRecord], first: int, after: str | None) -> Page[ChangeRequestRecord]:
    return Page(found[:first], len(found) > first, after is not None, lambda one: cursor(_LISTING, one.id))


def _record(row: Sequence[Any]) -> ChangeRequestRecord:
    (
        id, organization_id, requested_by_id, name, legal_name, seat, message, status, created_at, decided_at,
        decided_by_id, note,
    ) = row  # fmt: skip
    return ChangeRequestRecord(
        id, organization_id, requested_by_id, name, legal_name, mapping.address(seat), message, RequestStatus(status),
        created_at, decided_at, decided_by_id, note,
    )  # fmt: skip
