"""Requests for access: roles and direct permissions that members ask for."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, update

from connectors.database.dialects import one_of
from connectors.database.lists import Listing
from connectors.database.reader import gathered
from connectors.directory.reader import NOW, DirectoryReader, chosen, standing
from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.requests import RequestStatus
from connectors.directory.rows import ACCESS_REQUESTS
from connectors.directory.tables import access_requests
from connectors.directory.transaction import Transaction
from connectors.ids import AccessRequestId, MembershipId, OrganizationId, UserId
from connectors.pages import Page

_r = access_requests.c
_PENDING = RequestStatus.PENDING.value
_IN_STATUS = one_of(standing(access_requests), "statuses")
_OF_ORGANIZATION = Listing("access requests organization_id", ACCESS_REQUESTS, _IN_STATUS, owner=_r.organization_id)
_OF_MEMBER = Listing("access requests membership_id", ACCESS_REQUESTS, _IN_STATUS, owner=_r.membership_id)
_OPEN = ACCESS_REQUESTS.select.where(
    one_of(_r.membership_id, "ids"), _r.status == _PENDING, _r.expires_at > NOW
).order_by(_r.id)
_WITH_ID = ACCESS_REQUESTS.select.where(_r.id == bindparam("of_id"))
_EXPIRE = (
    update(access_requests)
    .where(_r.membership_id == bindparam("of_membership"), _r.status == _PENDING, _r.expires_at <= NOW)
    .values(status=RequestStatus.EXPIRED.value)
)
_END = (
    update(access_requests)
    .where(_r.id == bindparam("request_id"), _r.status == _PENDING)
    .values(
        status=bindparam("new_status"),
        decided_at=bindparam("now"),
        decided_by_id=bindparam("by"),
        note=bindparam("new_note"),
        valid_until=bindparam("until"),
    )
)


class AccessRequestQueries(DirectoryReader):
    """Queries about requests for access, newest first; `status` is where they stand at `now`, None for any."""

    async def access_requests(self, ids: Sequence[AccessRequestId]) -> Sequence[AccessRequestRecord | None]:
        """Return the requests with these ids."""
        return await self.records(ACCESS_REQUESTS, ids)

    async def access_requests_of(
        self,
        organization_ids: Sequence[OrganizationId],
        *,
        first: int,
        after: str | None,
        status: Sequence[RequestStatus] | None,
        now: datetime,
    ) -> Sequence[Page[AccessRequestRecord]]:
        """Return what the members of each organization asked for.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        statuses = chosen(status, RequestStatus)
        return await self.pages(_OF_ORGANIZATION, organization_ids, first, after, statuses=statuses, now=now)

    async def count_access_requests_of(
        self, organization_ids: Sequence[OrganizationId], status: Sequence[RequestStatus] | None, now: datetime
    ) -> Sequence[int]:
        """Return how many entries `access_requests_of` has for each organization in all."""
        return await self.counts(_OF_ORGANIZATION, organization_ids, statuses=chosen(status, RequestStatus), now=now)

    async def access_requests_by(
        self,
        membership_ids: Sequence[MembershipId],
        *,
        first: int,
        after: str | None,
        status: Sequence[RequestStatus] | None,
        now: datetime,
    ) -> Sequence[Page[AccessRequestRecord]]:
        """Return what each member asked for.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        statuses = chosen(status, RequestStatus)
        return await self.pages(_OF_MEMBER, membership_ids, first, after, statuses=statuses, now=now)

    async def count_access_requests_by(
        self, membership_ids: Sequence[MembershipId], status: Sequence[RequestStatus] | None, now: datetime
    ) -> Sequence[int]:
        """Return how many entries `access_requests_by` has for each member in all."""
        return await self.counts(_OF_MEMBER, membership_ids, statuses=chosen(status, RequestStatus), now=now)

    async def open_access_requests(
        self, membership_ids: Sequence[MembershipId], now: datetime
    ) -> Sequence[Sequence[AccessRequestRecord]]:
        """Return each member's requests that are to be decided, oldest first."""
        found = ACCESS_REQUESTS.records(await self.read_of(membership_ids, _OPEN, now=now))
        return gathered(membership_ids, ((request.membership_id, request) for request in found))


class AccessRequestChanges(Transaction):
    """Changes of requests for access."""

    async def add_access_request(self, request: AccessRequestRecord, *, now: datetime) -> None:
        """Store a new request; expired ones of the member make room for it.

        Raises:
            ChangeConflict: The member has an open one for the same meanwhile.
        """
        await self._execute(_EXPIRE, {"of_membership": request.membership_id, "now": now})
        same = "\n".join([*sorted(request.role_keys), "", *sorted(request.permissions)])
        await self._add(ACCESS_REQUESTS, request, wanted=same)

    async def end_access_request(
        self,
        id: AccessRequestId,
        status: RequestStatus,
        *,
        by: UserId | None,
        now: datetime,
        note: str | None = None,
        until: datetime | None = None,
    ) -> AccessRequestRecord:
        """Say what came of a request that is pending, and return it as it is now; LookupError when it is not."""
        ended = {"request_id": id, "new_status": status.value, "now": now, "by": by}
        if not (await self._execute(_END, {**ended, "new_note": note, "until": until})).rowcount:
            raise LookupError(f"There is no pending access request {id}.")
        return ACCESS_REQUESTS.record((await self._execute(_WITH_ID, {"of_id": id})).one())
