"""What organizations ask the vendor to change."""

from connectors.directory.approvals import Kind
from connectors.directory.columns import Columns
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.requests import RequestStatus
from connectors.directory.tables import change_requests

CHANGE_REQUESTS: Kind[ChangeRequestRecord] = Kind(
    "change requests", change_requests, Columns(ChangeRequestRecord, change_requests), RequestStatus
)
