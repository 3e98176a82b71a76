"""Registrations: who wants to become a customer, what the vendor decides, and which organizations look alike."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connectors.directory.records.organizations import OrganizationKind, OrganizationRecord
from connectors.ids import AuditEventId, OrganizationId, RegistrationId, UserId
from connectors.quick import quick
from connectors.values import AccountKind, Address


class RegistrationStatus(StrEnum):
    """Where a registration stands; EXPIRED is one whose address was not confirmed in time."""

    EMAIL_UNVERIFIED = "EMAIL_UNVERIFIED"
    PENDING_REVIEW = "PENDING_REVIEW"
    INFORMATION_REQUESTED = "INFORMATION_REQUESTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


class LikenessReason(StrEnum):
    """In what two organizations are alike."""

    VAT_ID = "VAT_ID"
    CUSTOMER_NUMBER = "CUSTOMER_NUMBER"
    NAME = "NAME"
    MAIL_DOMAIN = "MAIL_DOMAIN"


@quick
@dataclass(frozen=True, slots=True)
class RegistrationRecord:
    """Somebody who wants an account; with `organization_kind`, for an organization that the vendor has to approve.

    `note` is the reason of a rejection or what the vendor asked, `answer` what the applicant said to it.
    `customer_number` is what the applicant wrote, which proves nothing.
    """

    id: RegistrationId
    version: int
    reference: str
    account_kind: AccountKind
    organization_kind: OrganizationKind | None
    organization_name: str | None
    legal_name: str | None
    vat_id: str | None
    customer_number: str | None
    seat: Address | None
    first_name: str
    last_name: str
    email: str
    phone: str | None
    locale: str | None
    newsletter: bool
    role_keys: tuple[str, ...]
    status: RegistrationStatus
    created_at: datetime
    expires_at: datetime
    submitted_at: datetime | None = None
    review_due_at: datetime | None = None
    reminded_at: datetime | None = None
    decided_at: datetime | None = None
    decided_by_id: UserId | None = None
    note: str | None = None
    answer: str | None = None
    organization_id: OrganizationId | None = None
    user_id: UserId | None = None

    def status_at(self, now: datetime) -> RegistrationStatus:
        """Return where it stands: past its time, an address that was not confirmed has expired, stored or not."""
        if self.status is RegistrationStatus.EMAIL_UNVERIFIED and self.expires_at <= now:
            return RegistrationStatus.EXPIRED
        return self.status


@quick
@dataclass(frozen=True, slots=True)
class RegistrationEventRecord:
    """Something that happened to a registration, from the audit log; `status` is where it stood then."""

    id: AuditEventId
    registration_id: RegistrationId
    occurred_at: datetime
    actor_id: UserId | None
    status: RegistrationStatus
    note: str | None


@dataclass(frozen=True, slots=True)
class Likeness:
    """What an organization is known by; None is not looked for. `mail_domain` is what its people have after the @."""

    vat_id: str | None = None
    customer_number: str | None = None
    name: str | None = None
    mail_domain: str | None = None


@dataclass(frozen=True, slots=True)
class Lookalike:
    """An organization that is there already, and in what it is the same."""

    organization: OrganizationRecord
    reasons: tuple[LikenessReason, ...]
