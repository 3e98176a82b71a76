"""Invitations: who was asked to join an organization, by whom, with which roles and rights."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from connectors.ids import InvitationId, MembershipId, OrganizationId, UserId
from connectors.pages import ALL, Page
from connectors.quick import quick

if TYPE_CHECKING:
    from connectors.directory.interface import Author, MembershipRecord, UserRecord


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


@dataclass(frozen=True, slots=True)
class InvitationFilter:
    """Which invitations are asked for: those that stand like this at `now`; None as `status` means all."""

    status: tuple[InvitationStatus, ...] | None
    now: datetime


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation to store, with the hash of its token.

    `person` is stored with it, and so are their membership (INVITED) and what the invitation gives: the row that stands
    for somebody whom the organization does not know yet. Without it the membership is there already.
    """

    invitation: InvitationRecord
    token_hash: bytes
    person: "UserRecord | None"


class InvitationQueries(Protocol):
    """Queries about invitations; each costs one statement however long the lists are."""

    async def invitations(self, ids: Sequence[InvitationId]) -> Sequence[InvitationRecord | None]:
        """Return the invitations with these ids."""

    async def invitation_with_token(self, token_hash: bytes) -> InvitationRecord | None:
        """Return the invitation whose token has this hash; a token that was replaced by another counts no more."""

    async def invitations_of(
        self, organization_ids: Sequence[OrganizationId], *, first: int, after: str | None, where: InvitationFilter
    ) -> Sequence[Page[InvitationRecord]]:
        """Return each organization's invitations, newest first.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """

    async def count_invitations_of(
        self, organization_ids: Sequence[OrganizationId], where: InvitationFilter
    ) -> Sequence[int]:
        """Return how many entries `invitations_of` has for each organization in all."""

    async def open_invitations_to(
        self, emails: Sequence[str], now: datetime, *, limit: int = ALL
    ) -> Sequence[Sequence[InvitationRecord]]:
        """Return the open invitations to each address, whatever its case, into ACTIVE organizations, oldest first."""

    async def open_invitations_by(
        self, inviters: Sequence[tuple[OrganizationId, UserId]], now: datetime, *, limit: int
    ) -> Sequence[Sequence[InvitationRecord]]:
        """Return the open invitations that each person sent for each organization, newest first, `limit` at most."""

    async def last_invitations(
        self, invitees: Sequence[tuple[OrganizationId, str]]
    ) -> Sequence[InvitationRecord | None]:
        """Return of each organization and address the invitation stored as PENDING if there is one, else the newest."""

    async def members_with_email(
        self, invitees: Sequence[tuple[OrganizationId, str]]
    ) -> Sequence["MembershipRecord | None"]:
        """Return of each organization and address the membership of whom it is confirmed for, whatever its status."""

    async def expired_invitations(self, now: datetime, *, limit: int) -> Sequence[InvitationRecord]:
        """Return invitations that are stored as PENDING and past their time, those first that expired first."""


class InvitationCommands(Protocol):
    """Changes of invitations within a transaction, in an organization that is locked; each writes its audit rows."""

    async def add_invitations(self, new: Sequence[NewInvitation], *, by: "Author", now: datetime) -> None:
        """Store invitations, in as many statements for a hundred as for one.

        Raises:
            ChangeConflict: There is an open one for the same organization and address.
        """

    async def update_invited(self, person: "UserRecord") -> None:
        """Let the row that stands for an invited person say what the invitation says."""

    async def renew_invitation(
        self, id: InvitationId, token_hash: bytes, *, expires_at: datetime, by: "Author", now: datetime
    ) -> InvitationRecord:
        """Open the invitation again with another token and return it, sent by whoever does so (`by`).

        The old token counts no more.
        """

    async def end_invitation(
        self,
        id: InvitationId,
        status: InvitationStatus,
        *,
        by: "Author",
        now: datetime,
        accepted_by: UserId | None = None,
    ) -> InvitationRecord | None:
        """Say what became of an invitation that is stored as PENDING and return it; None when it is not (any more)."""

    async def withdraw_invitations(
        self, ids: Sequence[InvitationId], status: InvitationStatus, *, by: "Author", now: datetime
    ) -> Sequence[InvitationRecord]:
        """End invitations of one organization that nobody accepts, and return those that were stored as PENDING.

        Nobody is invited by them any more, and all that they would have given is taken, so that coming back by another
        brings nothing of it back. In as many statements for a thousand as for one; the organization is locked.
        """

    async def hand_over(self, invitation: InvitationRecord, user_id: UserId) -> MembershipId:
        """Give the invitation's membership, with what it gives, to the person, and return which membership that is.

        The row that stood for the invited person is gone then. Of a person who belonged to the organization once, it
        is their own membership, so that the history goes on.
        """
