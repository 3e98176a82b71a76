"""What requests have in common that somebody has to decide."""

from enum import StrEnum


class RequestStatus(StrEnum):
    """Where a request stands; EXPIRED is a PENDING one past its time."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
