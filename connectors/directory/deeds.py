"""What can be changed in the directory."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Protocol

from connectors.directory.access_requests import AccessRequestCommands
from connectors.directory.accounts import AccountCommands
from connectors.directory.addresses import AddressCommands
from connectors.directory.change_requests import ChangeRequestCommands
from connectors.directory.housekeeping import ScheduledTaskCommands
from connectors.directory.idempotency import IdempotencyCommands
from connectors.directory.interface import (
    AuditEntry,
    Author,
    DirectoryQueries,
    GrantRecord,
    MembershipRecord,
    MembershipStatus,
    OrganizationChange,
    OrganizationRecord,
    OrganizationStatus,
    ProfileChange,
    RotatedToken,
    SessionRecord,
    UserRecord,
)
from connectors.directory.invitations import InvitationCommands
from connectors.directory.join_requests import JoinRequestCommands
from connectors.directory.outbox import OutboxCommands
from connectors.directory.registrations import RegistrationCommands
from connectors.ids import GrantId, MembershipId, OrganizationId, SessionId, UserId


class AccessCommands(Protocol):
    """Changes of what somebody may do.

    Each writes its audit row and counts up `access_epoch` of the people and of the organization concerned; the events
    are published to the other processes when the transaction has been committed. What is so already changes nothing,
    and writes nothing. Within one organization the commands of two transactions follow one another, never overlap. An
    unknown id is a LookupError.
    """

    async def grant_role(
        self, membership_id: MembershipId, role_key: str, *, until: datetime | None, by: Author, now: datetime
    ) -> GrantRecord:
        """Give a role, until an instant or permanently; a role that the member holds already gets this end."""

    async def grant_permission(
        self, membership_id: MembershipId, code: str, *, until: datetime | None, by: Author, now: datetime
    ) -> GrantRecord:
        """Give a single permission, until an instant or permanently; one held already gets this end."""

    async def revoke(self, grant_id: GrantId, *, by: Author, now: datetime) -> GrantRecord | None:
        """Take a grant away and return it; None when there is none such (any more)."""

    async def renew_membership(self, membership_id: MembershipId) -> MembershipRecord:
        """Count up the membership's version, once for all that a change gave and took, and return it as it is now."""

    async def set_membership_status(
        self,
        membership_id: MembershipId,
        status: MembershipStatus,
        *,
        by: Author,
        now: datetime,
        expected_version: int | None = None,
    ) -> tuple[MembershipRecord, MembershipRecord]:
        """Say where a member stands, and return the membership as it was and as it is now.

        Raises:
            StaleVersion: The membership's version is not `expected_version`. Nothing is changed.
        """

    async def set_organization_status(
        self,
        organization_id: OrganizationId,
        status: OrganizationStatus,
        *,
        by: Author,
        now: datetime,
        expected_version: int | None = None,
    ) -> tuple[OrganizationRecord, OrganizationRecord]:
        """Say where an organization stands, and return it as it was and as it is now; concerns every member.

        Raises:
            StaleVersion: The organization's version is not `expected_version`. Nothing is changed.
        """

    async def set_vendor_permissions(
        self, user_id: UserId, codes: Collection[str], *, by: Author, now: datetime
    ) -> tuple[str, ...]:
        """Let a person of the vendor's staff hold exactly these permissions, and return those held before."""


class DirectoryChange(
    AccessCommands,
    ScheduledTaskCommands,
    AccountCommands,
    AccessRequestCommands,
    IdempotencyCommands,
    InvitationCommands,
    JoinRequestCommands,
    OutboxCommands,
    ChangeRequestCommands,
    AddressCommands,
    RegistrationCommands,
    Protocol,
):
    """Deeds, all in one transaction with their audit rows, and queries that are answered as it sees things."""

    @property
    def ask(self) -> DirectoryQueries:
        """Return the directory's queries, answered within this transaction."""

    async def lock_organization(self, organization_id: OrganizationId) -> OrganizationRecord | None:
        """Keep others from changing who is in the organization and what they may do there until the end; None: unknown.

        What is asked afterwards stays true until the commit. Lock one organization before anything else of it.
        """

    async def lock_user(self, user_id: UserId) -> UserRecord | None:
        """Keep others from changing the person until the end; None for an unknown one. After the organization."""

    async def add_user(self, user: UserRecord) -> None:
        """Store a new person; an address that is confirmed is theirs from now on.

        Raises:
            ChangeConflict: Somebody else got the address meanwhile.
        """

    async def add_organization(self, organization: OrganizationRecord) -> None:
        """Store a new organization."""

    async def update_organization(
        self, organization_id: OrganizationId, change: OrganizationChange, *, expected_version: int | None = None
    ) -> tuple[OrganizationRecord, OrganizationRecord]:
        """Change an organization's data and return it as it was and as it is now, with the next version; locks it.

        An unknown organization is a LookupError.

        Raises:
            StaleVersion: The organization's version is not `expected_version`. Nothing is changed.
        """

    async def add_membership(self, membership: MembershipRecord) -> None:
        """Store a new membership; one of the same person in the same organization is a ChangeConflict."""

    async def move_login_name(
        self, name: str, user_id: UserId, organization_id: OrganizationId, *, by: Author, now: datetime
    ) -> bool:
        """Let a login name denote another person from now on; return whether there is such a name.

        It denotes somebody because of what they are in the organization, in whose log the move stands.
        """

    async def open_session(
        self,
        session: SessionRecord,
        refresh_token_hash: bytes,
        refresh_expires_at: datetime,
        *,
        network: str | None = None,
    ) -> None:
        """Store a new session with its first refresh token (only the hash is stored), begun in this network."""

    async def rotate_refresh_token(
        self,
        old_hash: bytes,
        new_hash: bytes,
        *,
        now: datetime,
        expires_at: datetime,
        sealed_successor: str | None = None,
        reuse_window: timedelta = timedelta(),
    ) -> RotatedToken | None:
        """Replace a refresh token by its successor, at most once however many ask at the same time.

        `sealed_successor` is the successor as it may be kept. A token replaced less than the `reuse_window` ago is
        not replaced again: the answer says so and has the successor of the first time. Until the transaction ends,
        nobody else gets an answer about that token.

        Returns None when the token is unknown or expired or its session ended.

        Raises:
            RefreshTokenReused: The token was replaced longer ago. The session is ended, and that is committed.
        """

    async def add_successor(
        self,
        old_hash: bytes,
        new_hash: bytes,
        session_id: SessionId,
        *,
        now: datetime,
        expires_at: datetime,
        sealed_successor: str,
    ) -> None:
        """Give a replaced token one more successor, which is the one kept from now on; the others count too."""

    async def end_session(self, session_id: SessionId, now: datetime) -> None:
        """End a session, published like a change of access; ending one that is over changes nothing."""

    async def update_profile(
        self, user_id: UserId, change: ProfileChange, *, expected_version: int, now: datetime
    ) -> tuple[UserRecord, UserRecord]:
        """Change a profile and return it as it was and as it is now, with the next version.

        Raises:
            StaleVersion: The profile's version is not `expected_version`. Nothing is changed.
        """

    async def record(self, entry: AuditEntry, now: datetime) -> None:
        """Append to the audit log."""

    async def record_hourly(self, entry: AuditEntry, now: datetime, key: str) -> bool:
        """Append to the audit log once in an hour (of UTC) for this action and key; return whether it was now."""
