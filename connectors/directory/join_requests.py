"""Requests to join an organization that exists already."""

from connectors.directory.approvals import Kind
from connectors.directory.columns import Columns
from connectors.directory.records.join_requests import JoinRequestRecord
from connectors.directory.records.requests import RequestStatus
from connectors.directory.tables import join_requests

JOIN_REQUESTS: Kind[JoinRequestRecord] = Kind(
    "join requests",
    join_requests,
    Columns(JoinRequestRecord, join_requests),
    RequestStatus,
    expires=(RequestStatus.PENDING, RequestStatus.EXPIRED),
)
