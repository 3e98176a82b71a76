"""Requests to join an organization that exists already."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, func, insert, select, update

from connectors.database.columns import IdText, UtcDateTime
from connectors.database.dialects import one_of
from connectors.database.reader import gathered, parallel
from connectors.database.sql_errors import ChangeConflict
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.join_requests import JoinRequestFilter, JoinRequestRecord
from connectors.directory.records.requests import RequestStatus
from connectors.directory.tables import join_requests
from connectors.directory.transaction import Transaction
from connectors.ids import JoinRequestId, OrganizationId, UserId
from connectors.pages import Page, cursor, position

LISTING = "joinRequests"
_request = join_requests.c
_COLUMNS = (
    _request.id, _request.organization_id, _request.user_id, _request.wanted, _request.message, _request.status,
    _request.created_at, _request.expires_at, _request.decided_at, _request.decided_by_id, _request.note,
)  # fmt: skip
_WITH_IDS = select(*_COLUMNS).where(one_of(_request.id, "ids"))
_STATUS = case(
    (
        and_(
            _request.status == RequestStatus.PENDING.value,
            _request.expires_at <= bindparam("now", type_=UtcDateTime),
        ),
        RequestStatus.EXPIRED.value,
    ),
    else_=_request.status,
)
_OF_ORGANIZATION = (one_of(_request.organization_id, "ids"), one_of(_STATUS, "statuses"))
_COUNT_OF = select(_request.organization_id, func.count()).where(*_OF_ORGANIZATION).group_by(_request.organization_id)


@cache
def _page_of(with_after: bool) -> Select[Any]:
    number = func.row_number().over(partition_by=_request.organization_id, order_by=_request.id.desc()).label("number")
    ranked = select(*_COLUMNS, number).where(*_OF_ORGANIZATION)
    if with_after:
        ranked = ranked.where(_request.id < bindparam("after_id", type_=IdText))
    numbered = ranked.subquery("numbered")
    entry = [column for column in numbered.c if column.key != "number"]
    return select(*entry).where(numbered.c.number <= bindparam("most")).order_by(numbered.c.id.desc())


_NUMBERED_BY = select(
    *_COLUMNS,
    func.row_number().over(partition_by=_request.user_id, order_by=_request.id.desc()).label("number"),
).where(one_of(_request.user_id, "ids")).subquery("numbered")  # fmt: skip
_BY = (
    select(*(column for column in _NUMBERED_BY.c if column.key != "number"))
    .where(_NUMBERED_BY.c.number <= bindparam("most"))
    .order_by(_NUMBERED_BY.c.id.desc())
)
_CLOSE = update(join_requests).where(_request.id == bindparam("of_id"), _request.status == RequestStatus.PENDING.value)


class JoinRequestQueries(DirectoryReader):
    """Queries about requests to join."""

    async def join_requests(self, ids: Sequence[JoinRequestId]) -> Sequence[JoinRequestRecord | None]:
        """Return the requests with these ids."""
        return parallel(ids, {row[0]: _record(row) for row in await self.read_of(ids, _WITH_IDS)})

    async def join_requests_of(
        self,
        organization_ids: Sequence[OrganizationId],
        *,
        first: int,
        after: str | None,
        where: JoinRequestFilter,
    ) -> Sequence[Page[JoinRequestRecord]]:
        """Return the requests to join each organization, newest first.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        asked = {"most": first + 1, **_filter(where)}
        if after is not None:
            (asked["after_id"],) = position(LISTING, after, 1)
        found = map(_record, await self.read_of(organization_ids, _page_of(after is not None), **asked))
        entries = gathered(organization_ids, ((request.organization_id, request) for request in found))
        return [
            Page(of_one[:first], len(of_one) > first, after is not None, lambda entry: cursor(LISTING, entry.id))
            for of_one in entries
        ]

    async def count_join_requests_of(
        self, organization_ids: Sequence[OrganizationId], where: JoinRequestFilter
    ) -> Sequence[int]:
        """Return how many entries `join_requests_of` has for each organization in all."""
        found = {row[0]: row[1] for row in await self.read_of(organization_ids, _COUNT_OF, **_filter(where))}
        return [found.get(id, 0) for id in organization_ids]

    async def join_requests_by(
        self, user_ids: Sequence[UserId], *, limit: int
    ) -> Sequence[Sequence[JoinRequestRecord]]:
        """Return each person's own requests, newest first, `limit` at most."""
        found = map(_record, await self.read_of(user_ids, _BY, most=limit))
        return gathered(user_ids, ((request.user_id, request) for request in found))


class JoinRequestChanges(Transaction):
    """Changes of requests to join."""

    async def add_join_request(self, request: JoinRequestRecord) -> None:
        """Store a new request; a second open one of the person for the organization is a ChangeConflict."""
        await self._execute(insert(join_requests), _row(request))

    async def close_join_request(self, request: JoinRequestRecord) -> None:
        """Store an open request as it is now that it is closed.

        Raises:
            ChangeConflict: Somebody else closed it meanwhile.
        """
        closed = await self._execute(_CLOSE.values(_row(request)), {"of_id": request.id})
        if closed.rowcount == 0:
            raise ChangeConflict("Somebody else closed the request meanwhile.")


def _filter(where: JoinRequestFilter) -> dict[str, Any]:
    return {"statuses": where.status if where.status is not None else tuple(RequestStatus), "now": where.now}


def _record(row: Any) -> JoinRequestRecord:
    id, organization_id, user_id, wanted, message, status, *rest = row
    return JoinRequestRecord(id, organization_id, user_id, wanted, message, RequestStatus(status), *rest)


def _row(record: JoinRequestRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "organization_id": record.organization_id,
        "user_id": record.user_id,
        "wanted": record.wanted,
        "message": record.message,
        "status": record.status.value,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "decided_at": record.decided_at,
        "decided_by_id": record.decided_by_id,
        "note": record.note,
    }
