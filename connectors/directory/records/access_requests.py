"""What members ask for that they may not do yet: roles or direct permissions, decided by those who delegate."""

from dataclasses import dataclass
from datetime import datetime

from connectors.directory.records.requests import RequestStatus
from connectors.ids import AccessRequestId, MembershipId, OrganizationId, UserId
from connectors.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class AccessRequestRecord:
    """What a member asks for; `status` is what is stored, `status_at` what counts.

    `valid_until` is when what was granted ends automatically, None while undecided and without an end.
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
