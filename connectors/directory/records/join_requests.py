"""Requests of people to join an organization that exists already."""

from dataclasses import dataclass
from datetime import datetime

from connectors.directory.records.requests import RequestStatus
from connectors.ids import JoinRequestId, OrganizationId, UserId
from connectors.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class JoinRequestRecord:
    """Somebody who wants to join the organization that they described as `wanted`.

    Without `organization_id` no such organization was found, which the person does not learn: asking finds out nothing.
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
