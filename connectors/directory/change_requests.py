"""What organizations ask the vendor to change."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, update

from connectors.database.dialects import one_of
from connectors.database.lists import Listing
from connectors.database.reader import parallel
from connectors.directory.reader import DirectoryReader, chosen
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.requests import RequestStatus
from connectors.directory.rows import CHANGE_REQUESTS
from connectors.directory.tables import change_requests
from connectors.directory.transaction import Transaction
from connectors.ids import ChangeRequestId, OrganizationId, UserId
from connectors.pages import Page

_request = change_requests.c
_IN_STATUS = one_of(_request.status, "statuses")
_ALL = Listing("change requests", CHANGE_REQUESTS, _IN_STATUS)
_OF_ORGANIZATION = Listing("change requests", CHANGE_REQUESTS, _IN_STATUS, owner=_request.organization_id)
_OPEN = CHANGE_REQUESTS.select.where(
    one_of(_request.organization_id, "ids"), _request.status == RequestStatus.PENDING.value
)
_END = (
    update(change_requests)
    .where(_request.id == bindparam("of_id"), _request.status == RequestStatus.PENDING.value)
    .values(
        status=bindparam("new_status"), decided_at=bindparam("at"), decided_by_id=bindparam("by"), note=bindparam("why")
    )
    .returning(*CHANGE_REQUESTS.columns)
)


class ChangeRequestQueries(DirectoryReader):
    """Queries about what organizations asked for; without `status`, whatever became of it."""

    async def change_requests(self, ids: Sequence[ChangeRequestId]) -> Sequence[ChangeRequestRecord | None]:
        """Return the requests with these ids."""
        return await self.records(CHANGE_REQUESTS, ids)

    async def open_change_requests(
        self, organization_ids: Sequence[OrganizationId]
    ) -> Sequence[ChangeRequestRecord | None]:
        """Return each organization's request that waits for a decision."""
        found = CHANGE_REQUESTS.records(await self.read_of(organization_ids, _OPEN))
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
        return await self.pages(
            _OF_ORGANIZATION, organization_ids, first, after, statuses=chosen(status, RequestStatus)
        )

    async def count_change_requests_of(
        self, organization_ids: Sequence[OrganizationId], status: Sequence[RequestStatus] | None
    ) -> Sequence[int]:
        """Return how many entries `change_requests_of` has for each organization in all."""
        return await self.counts(_OF_ORGANIZATION, organization_ids, statuses=chosen(status, RequestStatus))

    async def all_change_requests(
        self, *, first: int, after: str | None, status: Sequence[RequestStatus] | None
    ) -> Page[ChangeRequestRecord]:
        """Return the requests of all organizations, newest first.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        return await self.page(_ALL, first, after, statuses=chosen(status, RequestStatus))

    async def count_all_change_requests(self, status: Sequence[RequestStatus] | None) -> int:
        """Return how many entries `all_change_requests` has in all."""
        return await self.count(_ALL, statuses=chosen(status, RequestStatus))


class ChangeRequestChanges(Transaction):
    """Changes of what organizations asked for; lock the organization first."""

    async def add_change_request(self, request: ChangeRequestRecord) -> None:
        """Store a new request; a second open one of the same organization is a ChangeConflict."""
        await self._add(CHANGE_REQUESTS, request)

    async def end_change_request(
        self, id: ChangeRequestId, status: RequestStatus, *, by: UserId, note: str | None, now: datetime
    ) -> ChangeRequestRecord | None:
        """Say how an open request ended, and return it as it is now; None when there is no such open one."""
        ended = {"of_id": id, "new_status": status.value, "at": now, "by": by, "why": note}
        return await self._first(CHANGE_REQUESTS, _END, ended)
