"""Requests that somebody has to decide: for access, to join a company, to change a company's name or seat."""

from enum import StrEnum


class RequestStatus(StrEnum):
    """Where a request stands; EXPIRED is a PENDING one past its time."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
