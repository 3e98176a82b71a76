"""Requests that somebody decides: for access, to join an organization, to change its name or registered office."""

from enum import StrEnum


class RequestStatus(StrEnum):
    """Where a request stands; EXPIRED is a PENDING one past its time."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
