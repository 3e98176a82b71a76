"""Registrations: who wants to become a customer, and what the vendor says to it; and who looks the same as whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from connectors.ids import AuditEventId, OrganizationId, RegistrationId, UserId
from connectors.pages import Page
from connectors.quick import quick
from connectors.values import AccountKind, Address

if TYPE_CHECKING:
    from connectors.directory.interface import OrganizationKind, OrganizationRecord


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
    organization_kind: "OrganizationKind | None"
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

    organization: "OrganizationRecord"
    reasons: tuple[LikenessReason, ...]


class RegistrationQueries(Protocol):
    """Queries about registrations."""

    async def registrations(self, ids: Sequence[RegistrationId]) -> Sequence[RegistrationRecord | None]:
        """Return the registrations with these ids."""

    async def registration_with_token(self, token_hash: bytes) -> RegistrationRecord | None:
        """Return the registration whose address is confirmed by this token; None once it was used."""

    async def registration_with_reference(self, reference: str) -> RegistrationRecord | None:
        """Return the registration with this reference."""

    async def organization_registrations_of(self, user_ids: Sequence[UserId]) -> Sequence[RegistrationRecord | None]:
        """Return each person's last registration of an organization."""

    async def submitted_registrations(
        self, *, first: int, after: str | None, status: Sequence[RegistrationStatus]
    ) -> Page[RegistrationRecord]:
        """Return registrations of organizations by confirmed addresses that stand like this, oldest first.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """

    async def count_submitted_registrations(self, status: Sequence[RegistrationStatus]) -> int:
        """Return how many entries `submitted_registrations` has in all."""

    async def overdue_registrations(self, now: datetime, limit: int) -> Sequence[RegistrationRecord]:
        """Return registrations that wait for a review past their time and of which nobody was reminded."""

    async def expired_registrations(self, now: datetime, limit: int) -> Sequence[RegistrationRecord]:
        """Return registrations past their time that are not stored as EXPIRED yet."""

    async def registration_events(self, ids: Sequence[RegistrationId]) -> Sequence[Sequence[RegistrationEventRecord]]:
        """Return what happened to each registration, oldest first."""

    async def lookalikes(self, of: Sequence[Likeness]) -> Sequence[Sequence[Lookalike]]:
        """Return the organizations that are the same in something, each once, those alike in the most first."""


class RegistrationCommands(Protocol):
    """Changes of registrations, and what an approval gives."""

    async def add_registration(self, registration: RegistrationRecord, token_hash: bytes | None) -> None:
        """Store a new registration, with the hash of the token that confirms its address."""

    async def store_registration(self, registration: RegistrationRecord) -> None:
        """Store a registration as it is now, one version after the one that was read; its token counts no more.

        Raises:
            ChangeConflict: Somebody else changed it meanwhile.
        """

    async def mark_reminded(self, id: RegistrationId, now: datetime) -> bool:
        """Say that the reviewers are reminded of a registration that waits; return whether nobody was before.

        Its version stays: whoever read it decides about the same.
        """

    async def set_customer_number(self, organization_id: OrganizationId, number: str) -> None:
        """Give an organization its customer number; one that another organization has is a ChangeConflict."""

    async def add_login_name(self, name: str, user_id: UserId) -> None:
        """Let a person sign in under a name as well; somebody else's is a ChangeConflict."""
