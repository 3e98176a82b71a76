"""Invitations: who was asked to join an organization, by whom, with which roles and permissions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connectors.directory.records.access import GrantRecord
from connectors.directory.records.memberships import MembershipRecord
from connectors.directory.records.people import UserRecord
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
    """An invitation as it is stored; what it gives (`role_keys`, `permissions`) ends at `valid_until`, None: never.

    `account_id` is whose confirmed address `email` was when it was sent, or has become since: the invitation is theirs,
    whatever address they have now.
    """

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
    account_id: UserId | None = None

    def status_at(self, now: datetime) -> InvitationStatus:
        """Return where it stands: a PENDING one past its time is EXPIRED, be it stored so or not yet."""
        is_expired = self.status is InvitationStatus.PENDING and self.expires_at <= now
        return InvitationStatus.EXPIRED if is_expired else self.status


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation to store, with the hash of its token.

    `person` is stored with it, and so are their membership (INVITED) and what the invitation gives: the row that stands
    for somebody whom the organization does not know yet. Without it the membership is there already.
    """

    invitation: InvitationRecord
    token_hash: bytes
    person: UserRecord | None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What has ended: invitations as they are now, what they gave, and the memberships of the invited as they were."""

    invitations: Sequence[InvitationRecord]
    grants: Sequence[GrantRecord]
    memberships: Sequence[MembershipRecord]
