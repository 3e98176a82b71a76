"""What members ask for that they may not do yet: a role or direct permissions, granted by those who may delegate."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from connectors.directory.requests import RequestStatus
from connectors.ids import AccessRequestId, MembershipId, OrganizationId, UserId
from connectors.pages import Page
from connectors.quick import quick

if TYPE_CHECKING:
    from connectors.directory.interface import Author


@quick
@dataclass(frozen=True, slots=True)
class AccessRequestRecord:
    """What a member asks for; `status` is what is stored, `status_at` what counts.

    `valid_until` is when what was granted ends automatically, None while undecided and permanently.
    """

    id: AccessRequestId
    membership_id: MembershipId
    organization_id: OrganizationId
    user_id: UserId
    role_keys: tuple[str, ...]
    permissions: tuple[str, ...]
    message: str | None
    status: RequestStatus
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
    decided_by_id: UserId | None = None
    note: str | None = None
    valid_until: datetime | None = None

    def status_at(self, now: datetime) -> RequestStatus:
        """Return where the request stands: one that nobody decided in time has expired."""
        is_expired = self.status is RequestStatus.PENDING and self.expires_at <= now
        return RequestStatus.EXPIRED if is_expired else self.status


class AccessRequestQueries(Protocol):
    """Queries about requests for access, newest first; `status` is where they stand at `now`, None for any."""

    async def access_requests(self, ids: Sequence[AccessRequestId]) -> Sequence[AccessRequestRecord | None]:
        """Return the requests with these ids."""

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

    async def count_access_requests_of(
        self, organization_ids: Sequence[OrganizationId], status: Sequence[RequestStatus] | None, now: datetime
    ) -> Sequence[int]:
        """Return how many entries `access_requests_of` has for each organization in all."""

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

    async def count_access_requests_by(
        self, membership_ids: Sequence[MembershipId], status: Sequence[RequestStatus] | None, now: datetime
    ) -> Sequence[int]:
        """Return how many entries `access_requests_by` has for each member in all."""

    async def open_access_requests(
        self, membership_ids: Sequence[MembershipId], now: datetime
    ) -> Sequence[Sequence[AccessRequestRecord]]:
        """Return each member's requests that are to be decided, oldest first."""


class AccessRequestCommands(Protocol):
    """Changes of requests for access within a transaction, each with its audit row."""

    async def add_access_request(self, request: AccessRequestRecord, *, by: "Author", now: datetime) -> None:
        """Store a new request; expired ones of the member make room for it.

        Raises:
            ChangeConflict: The member has an open one for the same meanwhile.
        """

    async def end_access_request(
        self,
        id: AccessRequestId,
        status: RequestStatus,
        *,
        by: "Author",
        now: datetime,
        note: str | None = None,
        until: datetime | None = None,
    ) -> AccessRequestRecord:
        """Say what came of a request that is pending, and return it as it is now; LookupError when it is not."""
