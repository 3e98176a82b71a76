"""Requests of people to join an organization that is there already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connectors.directory.requests import RequestStatus
from connectors.ids import JoinRequestId, OrganizationId, UserId
from connectors.pages import Page
from connectors.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class JoinRequestRecord:
    """Somebody who wants to join the organization that they described as `wanted`.

    Without `organization_id` no such organization was found; the person does not learn so, so that nobody finds out by
    asking.
    """

    id: JoinRequestId
    organization_id: OrganizationId | None
    user_id: UserId
    wanted: str
    message: str | None
    status: RequestStatus
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
    decided_by_id: UserId | None = None
    note: str | None = None

    def status_at(self, now: datetime) -> RequestStatus:
        """Return where it stands: a request that nobody decided in time has expired, stored or not."""
        if self.status is RequestStatus.PENDING and self.expires_at <= now:
            return RequestStatus.EXPIRED
        return self.status


@dataclass(frozen=True, slots=True)
class JoinRequestFilter:
    """Which requests are asked for; None means no restriction. EXPIRED are those past their time at `now`."""

    status: tuple[RequestStatus, ...] | None
    now: datetime


class JoinRequestQueries(Protocol):
    """Queries about requests to join."""

    async def join_requests(self, ids: Sequence[JoinRequestId]) -> Sequence[JoinRequestRecord | None]:
        """Return the requests with these ids."""

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

    async def count_join_requests_of(
        self, organization_ids: Sequence[OrganizationId], where: JoinRequestFilter
    ) -> Sequence[int]:
        """Return how many entries `join_requests_of` has for each organization in all."""

    async def join_requests_by(
        self, user_ids: Sequence[UserId], *, limit: int
    ) -> Sequence[Sequence[JoinRequestRecord]]:
        """Return each person's own requests, newest first, `limit` at most."""


class JoinRequestCommands(Protocol):
    """Changes of requests to join."""

    async def add_join_request(self, request: JoinRequestRecord) -> None:
        """Store a new request; a second open one of the person for the organization is a ChangeConflict."""

    async def close_join_request(self, request: JoinRequestRecord) -> None:
        """Store an open request as it is now that it is closed.

        Raises:
            ChangeConflict: Somebody else closed it meanwhile.
        """
