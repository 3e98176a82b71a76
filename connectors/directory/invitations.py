"""Invitations: who was asked to join a company, by whom, with which roles and rights."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connectors.ids import InvitationId, MembershipId, OrganizationId, UserId
from connectors.quick import quick


class InvitationStatus(StrEnum):
    """Where an invitation stands; EXPIRED is a PENDING one past its time, be it stored so or not yet."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


@quick
@dataclass(frozen=True, slots=True)
class InvitationRecord:
    """An invitation as it is stored; what it gives (`role_keys`, `permissions`) ends at `valid_until`, None: never."""

    id: InvitationId
    organization_id: OrganizationId
    membership_id: MembershipId
    email: str
    first_name: str | None
    last_name: str | None
    locale: str | None
    message: str | None
    role_keys: tuple[str, ...]
    permissions: tuple[str, ...]
    valid_until: datetime | None
    status: InvitationStatus
    created_at: datetime
    expires_at: datetime
    last_sent_at: datetime
    send_count: int
    inviter_id: UserId | None
    accepted_by_id: UserId | None
    ended_at: datetime | None
