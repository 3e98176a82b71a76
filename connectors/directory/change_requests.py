"""What an organization asks the vendor to change: its name, its name in the register, its registered office."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connectors.directory.requests import RequestStatus
from connectors.ids import ChangeRequestId, OrganizationId, UserId
from connectors.pages import Page
from connectors.quick import quick
from connectors.values import Address


@quick
@dataclass(frozen=True, slots=True)
class ChangeRequestRecord:
    """What an organization is to be called, and where its registered office is to be.

    None for what stays as it is (D15).
    """

    id: ChangeRequestId
    organization_id: OrganizationId
    requested_by_id: UserId
    name: str | None
    legal_name: str | None
    seat: Address | None
    message: str | None
    status: RequestStatus
    created_at: datetime
    decided_at: datetime | None = None
    decided_by_id: UserId | None = None
    note: str | None = None


class ChangeRequestQueries(Protocol):
    """Queries about what organizations asked for."""

    async def change_requests(self, ids: Sequence[ChangeRequestId]) -> Sequence[ChangeRequestRecord | None]:
        """Return the requests with these ids."""

    async def open_change_requests(
        self, organization_ids: Sequence[OrganizationId]
    ) -> Sequence[ChangeRequestRecord | None]:
        """Return each organization's request that waits for a decision."""

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

    async def count_change_requests_of(
        self, organization_ids: Sequence[OrganizationId], status: Sequence[RequestStatus] | None
    ) -> Sequence[int]:
        """Return how many entries `change_requests_of` has for each organization in all."""

    async def all_change_requests(
        self, *, first: int, after: str | None, status: Sequence[RequestStatus] | None
    ) -> Page[ChangeRequestRecord]:
        """Return the requests of all organizations, newest first.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """

    async def count_all_change_requests(self, status: Sequence[RequestStatus] | None) -> int:
        """Return how many entries `all_change_requests` has in all."""


class ChangeRequestCommands(Protocol):
    """Changes of what organizations asked for; lock the organization first."""

    async def add_change_request(self, request: ChangeRequestRecord) -> None:
        """Store a new request; a second open one of the same organization is a ChangeConflict."""

    async def end_change_request(
        self, id: ChangeRequestId, status: RequestStatus, *, by: UserId, note: str | None, now: datetime
    ) -> ChangeRequestRecord | None:
        """Say how an open request ended, and return it as it is now; None when there is no such open one."""
