"""Requests for access: roles and direct permissions that members ask for."""

from connectors.directory.approvals import Kind
from connectors.directory.columns import Columns
from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.requests import RequestStatus
from connectors.directory.tables import access_requests, memberships


def _wanted(request: AccessRequestRecord) -> dict[str, str]:
    return {"wanted": "\n".join([*sorted(request.role_keys), "", *sorted(request.permissions)])}


ACCESS_REQUESTS: Kind[AccessRequestRecord] = Kind(
    "access requests",
    access_requests,
    Columns(AccessRequestRecord, access_requests, elsewhere={"user_id": memberships.c.user_id}, derived=_wanted),
    RequestStatus,
    expires=(RequestStatus.PENDING, RequestStatus.EXPIRED),
    joined=(memberships.c.id == access_requests.c.membership_id,),
)
