"""Requests to join an organization that exists already."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, update

from connectors.database.dialects import one_of
from connectors.database.lists import Listing
from connectors.database.sql_errors import ChangeConflict
from connectors.directory.reader import DirectoryReader, chosen, standing
from connectors.directory.records.join_requests import JoinRequestFilter, JoinRequestRecord
from connectors.directory.records.requests import RequestStatus
from connectors.directory.rows import JOIN_REQUESTS
from connectors.directory.tables import join_requests
from connectors.directory.transaction import Transaction
from connectors.ids import JoinRequestId, OrganizationId, UserId
from connectors.pages import Page

_request = join_requests.c
_OF_ORGANIZATION = Listing(
    "joinRequests", JOIN_REQUESTS, one_of(standing(join_requests), "statuses"), owner=_request.organization_id
)
_BY_PERSON = Listing("joinRequests", JOIN_REQUESTS, owner=_request.user_id)
_CLOSE = update(join_requests).where(_request.id == bindparam("of_id"), _request.status == RequestStatus.PENDING.value)


class JoinRequestQueries(DirectoryReader):
    """Queries about requests to join."""

    async def join_requests(self, ids: Sequence[JoinRequestId]) -> Sequence[JoinRequestRecord | None]:
        """Return the requests with these ids."""
        return await self.records(JOIN_REQUESTS, ids)

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
        return await self.pages(_OF_ORGANIZATION, organization_ids, first, after, **_filter(where))

    async def count_join_requests_of(
        self, organization_ids: Sequence[OrganizationId], where: JoinRequestFilter
    ) -> Sequence[int]:
        """Return how many entries `join_requests_of` has for each organization in all."""
        return await self.counts(_OF_ORGANIZATION, organization_ids, **_filter(where))

    async def join_requests_by(
        self, user_ids: Sequence[UserId], *, limit: int
    ) -> Sequence[Sequence[JoinRequestRecord]]:
        """Return each person's own requests, newest first, `limit` at most."""
        return await self.firsts(_BY_PERSON, user_ids, limit)


class JoinRequestChanges(Transaction):
    """Changes of requests to join."""

    async def add_join_request(self, request: JoinRequestRecord) -> None:
        """Store a new request; a second open one of the person for the organization is a ChangeConflict."""
        await self._add(JOIN_REQUESTS, request)

    async def close_join_request(self, request: JoinRequestRecord) -> None:
        """Store an open request as it is now that it is closed.

        Raises:
            ChangeConflict: Somebody else closed it meanwhile.
        """
        closed = await self._execute(_CLOSE.values(JOIN_REQUESTS.changed(request)), {"of_id": request.id})
        if closed.rowcount == 0:
            raise ChangeConflict("Somebody else closed the request meanwhile.")


def _filter(where: JoinRequestFilter) -> dict[str, Any]:
    return {"statuses": chosen(where.status, RequestStatus), "now": where.now}
