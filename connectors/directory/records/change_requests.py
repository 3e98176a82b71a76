"""What an organization asks the vendor to change: its name, its legal name, its registered office."""

from dataclasses import dataclass
from datetime import datetime

from connectors.directory.records.requests import RequestStatus
from connectors.ids import ChangeRequestId, OrganizationId, UserId
from connectors.quick import quick
from connectors.values import Address


@quick
@dataclass(frozen=True, slots=True)
class ChangeRequestRecord:
    """What an organization is to be called, and where its registered office is to be; None for what stays as it is."""

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

    def status_at(self, _now: datetime) -> RequestStatus:
        """Return where it stands: it waits for as long as it takes."""
        return self.status
