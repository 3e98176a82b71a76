"""Registrations: who wants to become a customer, and what the vendor says to it."""

from enum import StrEnum


class RegistrationStatus(StrEnum):
    """Where a registration stands; EXPIRED is one whose address was not confirmed in time."""

    EMAIL_UNVERIFIED = "EMAIL_UNVERIFIED"
    PENDING_REVIEW = "PENDING_REVIEW"
    INFORMATION_REQUESTED = "INFORMATION_REQUESTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
