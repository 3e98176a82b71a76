"""The directory as the rest of Forecourt sees it: records, queries, and what can go wrong; changes are in commands.py.

Exception
    StaleVersion            somebody changed the record since it was read
    RefreshTokenReused      a refresh token came twice; its session has been ended
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from connectors.directory.access_requests import AccessRequestQueries
from connectors.directory.accounts import AccountQueries
from connectors.directory.addresses import AddressQueries
from connectors.directory.audit import AuditEntry as AuditEntry
from connectors.directory.audit import AuditQueries
from connectors.directory.audit import Author as Author
from connectors.directory.change_requests import ChangeRequestQueries
from connectors.directory.invitations import InvitationQueries, InvitationRecord
from connectors.directory.join_requests import JoinRequestQueries
from connectors.directory.outbox import OutboxQueries
from connectors.directory.registrations import RegistrationQueries
from connectors.ids import GrantId, MembershipId, OrganizationId, SessionId, UserId
from connectors.pages import Page
from connectors.quick import quick
from connectors.values import AccountKind, Address

if TYPE_CHECKING:
    from connectors.directory.deeds import DirectoryChange


class OrganizationKind(StrEnum):
    """What an organization is to the vendor (K11)."""

    INSTALLER = "INSTALLER"
    RESELLER = "RESELLER"
    OPERATOR = "OPERATOR"
    LICENSEE = "LICENSEE"


class OrganizationStatus(StrEnum):
    """Where an organization stands; permissions count only in an ACTIVE one."""

    PENDING_REVIEW = "PENDING_REVIEW"
    ACTIVE = "ACTIVE"
    REJECTED = "REJECTED"
    BLOCKED = "BLOCKED"
    CLOSED = "CLOSED"


class MembershipStatus(StrEnum):
    """Where a person stands in an organization; permissions count only for an ACTIVE member."""

    INVITED = "INVITED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REMOVED = "REMOVED"


class GrantKind(StrEnum):
    """A grant gives either a role or one single permission."""

    ROLE = "ROLE"
    PERMISSION = "PERMISSION"


@quick
@dataclass(frozen=True, slots=True)
class UserRecord:
    """A person. `seen_in` is the organization through which the record was reached, None for the person themself."""

    id: UserId
    email: str
    email_verified: bool
    first_name: str
    last_name: str
    phone: str | None
    locale: str | None
    address: Address | None
    account_kind: AccountKind
    default_organization_id: OrganizationId | None
    created_at: datetime
    profile_version: int
    seen_in: OrganizationId | None = None


@quick
@dataclass(frozen=True, slots=True)
class OrganizationRecord:
    """An organization that buys from the vendor."""

    id: OrganizationId
    version: int
    customer_number: str | None
    name: str
    legal_name: str | None
    kind: OrganizationKind
    status: OrganizationStatus
    seat: Address | None
    vat_id: str | None
    phone: str | None = None
    email: str | None = None
    website: str | None = None


@quick
@dataclass(frozen=True, slots=True)
class MembershipRecord:
    """One person's membership of one organization; `user` is the person, as seen in it, where they were read along."""

    id: MembershipId
    version: int
    organization_id: OrganizationId
    user_id: UserId
    status: MembershipStatus
    joined_at: datetime | None
    job_title: str | None
    user: UserRecord | None = field(default=None, compare=False, repr=False)


@quick
@dataclass(frozen=True, slots=True)
class GrantRecord:
    """A role or one permission, given to a membership; `key` is the role's key or the permission's code."""

    id: GrantId
    membership_id: MembershipId
    organization_id: OrganizationId
    user_id: UserId
    kind: GrantKind
    key: str
    granted_at: datetime
    granted_by_id: UserId | None
    valid_until: datetime | None


@quick
@dataclass(frozen=True, slots=True)
class StandingRecord:
    """What one person holds in one organization: the membership, the organization as it is, and every grant."""

    membership_id: MembershipId
    organization: OrganizationRecord
    membership_status: MembershipStatus
    grants: tuple[GrantRecord, ...]

    @property
    def organization_id(self) -> OrganizationId:
        """In which organization."""
        return self.organization.id


@quick
@dataclass(frozen=True, slots=True)
class CallerRecord:
    """All that a request needs to know of the caller: the person, their standings (without REMOVED), vendor rights.

    `vendor_permissions` are codes that vendor staff hold directly, never through an organization.
    `access_epoch` counts the stored changes of all this, so that whoever keeps something made of it longer than a
    request can find out that it is out of date. A grant that ends automatically changes no number.
    """

    user: UserRecord
    session_id: SessionId | None
    standings: tuple[StandingRecord, ...]
    vendor_permissions: tuple[str, ...]
    access_epoch: int = 0


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One signed-in device; ended sessions are refused on the next request."""

    id: SessionId
    user_id: UserId
    device_label: str
    ip_address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MemberFilter:
    """Which members of an organization are asked for; None means no restriction.

    `search` finds part of a first name, last name or e-mail address, whatever the case. `role_keys` keeps members
    who hold at least one of these roles, unexpired at `now`. Without `status`, REMOVED members are left out.
    """

    status: tuple[MembershipStatus, ...] | None = None
    search: str | None = None
    role_keys: tuple[str, ...] | None = None
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """The parts of a profile to set; a part that is absent from `values` stays as it is.

    Keys: ``first_name``, ``last_name``, ``phone``, ``locale`` (str or None), ``address`` (Address or None).
    """

    values: Mapping[str, str | Address | None]


@dataclass(frozen=True, slots=True)
class OrganizationChange:
    """The parts of an organization's data to set; a part that is absent from `values` stays as it is.

    Keys: ``name``, ``legal_name``, ``phone``, ``email``, ``website`` (str or None), ``seat`` (Address or None).
    """

    values: Mapping[str, str | Address | None]


@dataclass(frozen=True, slots=True)
class DirectoryData:
    """Whole records to load at once, for demo data and imports; `login_names` are (shown as, whose) pairs.

    `vendor_permissions` are (who, permission code) pairs; `invitations` are loaded with tokens that nobody knows.
    """

    users: Sequence[UserRecord]
    login_names: Sequence[tuple[str, UserId]]
    organizations: Sequence[OrganizationRecord]
    memberships: Sequence[MembershipRecord]
    grants: Sequence[GrantRecord]
    vendor_permissions: Sequence[tuple[UserId, str]]
    invitations: Sequence[InvitationRecord] = ()


class StaleVersion(Exception):
    """The record was changed since it was read; `current_version` is the version it has now."""

    def __init__(self, current_version: int) -> None:
        super().__init__(f"The current version is {current_version}.")
        self.current_version = current_version


@dataclass(frozen=True, slots=True)
class RotatedToken:
    """The session that a refresh token continues.

    `is_repeated` says that the token had been replaced a moment before; `sealed_successor` is then what replaced it,
    None when that was not kept.
    """

    session: SessionRecord
    is_repeated: bool = False
    sealed_successor: str | None = None


class RefreshTokenReused(Exception):
    """A refresh token came again too late, so it was stolen or replayed; the whole session has been ended."""

    def __init__(self, session_id: SessionId, user_id: UserId) -> None:
        super().__init__("The refresh token had been replaced by another; its session has been ended.")
        self.session_id = session_id
        self.user_id = user_id


class DirectoryQueries(
    AccountQueries,
    AccessRequestQueries,
    InvitationQueries,
    JoinRequestQueries,
    OutboxQueries,
    ChangeRequestQueries,
    AddressQueries,
    AuditQueries,
    RegistrationQueries,
    Protocol,
):
    """Queries. Every list answer is parallel to the list asked with, None where there is no such record.

    Each method costs one statement however long the lists are; every method raises BackendUnavailable when the
    database does not answer.
    """

    async def caller(self, user_id: UserId, session_id: SessionId | None, now: datetime) -> CallerRecord | None:
        """Return who asks, in one indexed read; None for an unknown or deleted user.

        With a `session_id`, None also when that session is not this user's, was ended or has expired at `now`.
        """

    async def user_id_of_login_name(self, login_name: str) -> UserId | None:
        """Return whose login name (already normalized: trimmed, lower case) or verified e-mail address this is."""

    async def has_signed_in_from(self, user_id: UserId | None, network: str | None, *, since: datetime) -> bool:
        """Return whether the person began a session in this network since then; for nobody, not, by the same work."""

    async def knows_refresh_token(self, hash: bytes) -> bool:
        """Return whether a session has, or had, the refresh token with this hash, whatever became of both."""

    async def login_names_of(self, user_ids: Sequence[UserId]) -> Sequence[Sequence[str]]:
        """Return each user's login names as they are shown, e-mail address first; parallel to `user_ids`."""

    async def users_with_email(self, emails: Sequence[str]) -> Sequence[UserRecord | None]:
        """Return whose confirmed e-mail address each of these is, whatever the case."""

    async def users(self, ids: Sequence[UserId]) -> Sequence[UserRecord | None]:
        """Return the users with these ids."""

    async def users_in_common(
        self, viewer_id: UserId, ids: Sequence[UserId]
    ) -> Sequence[Sequence[tuple[UserRecord, OrganizationId]]]:
        """Return each user once per organization where both they and the viewer have a membership not REMOVED.

        Not where they are only invited, unless the record stands for an invited person and no more. The records carry
        that organization as `seen_in`.
        """

    async def organizations(self, ids: Sequence[OrganizationId]) -> Sequence[OrganizationRecord | None]:
        """Return the organizations with these ids."""

    async def organizations_with_numbers(self, numbers: Sequence[str]) -> Sequence[OrganizationRecord | None]:
        """Return the organization with each customer number."""

    async def memberships(self, ids: Sequence[MembershipId]) -> Sequence[MembershipRecord | None]:
        """Return the memberships with these ids."""

    async def memberships_of(
        self, user_ids: Sequence[UserId], *, first: int, after: str | None, status: Sequence[MembershipStatus] | None
    ) -> Sequence[Page[MembershipRecord]]:
        """Return each user's memberships by name of the organization; without `status`, REMOVED ones are left out.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """

    async def count_memberships_of(
        self, user_ids: Sequence[UserId], status: Sequence[MembershipStatus] | None
    ) -> Sequence[int]:
        """Return how many entries `memberships_of` has for each user in all."""

    async def members_of(
        self, organization_ids: Sequence[OrganizationId], *, first: int, after: str | None, where: MemberFilter
    ) -> Sequence[Page[MembershipRecord]]:
        """Return each organization's members by last name, first name and id, each with the person read along.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """

    async def count_members_of(self, organization_ids: Sequence[OrganizationId], where: MemberFilter) -> Sequence[int]:
        """Return how many entries `members_of` has for each organization in all."""

    async def grants_of(self, membership_ids: Sequence[MembershipId]) -> Sequence[Sequence[GrantRecord]]:
        """Return each membership's grants, expired ones too, roles first, then by key."""

    async def grants(self, ids: Sequence[GrantId]) -> Sequence[GrantRecord | None]:
        """Return the grants with these ids."""

    async def holders_of(
        self,
        organization_ids: Sequence[OrganizationId],
        *,
        role_keys: Sequence[str],
        permissions: Sequence[str],
        now: datetime,
        limit: int | None = None,
    ) -> Sequence[Sequence[MembershipRecord]]:
        """Return each organization's ACTIVE holders of one of these roles or single permissions, unexpired at `now`.

        In the order of `members_of`; the first `limit` of each organization, without it all.
        """

    async def who_belonged(
        self, organization_ids: Sequence[OrganizationId], user_ids: Sequence[UserId]
    ) -> Collection[tuple[OrganizationId, UserId]]:
        """Return which of these people belong, or once belonged, to which of these organizations."""

    async def holders_of_vendor_permission(self, permission: str) -> Sequence[UserRecord]:
        """Return the vendor's staff who hold this permission, by id."""

    async def vendor_staff(self, *, limit: int) -> Sequence[tuple[UserRecord, tuple[str, ...]]]:
        """Return who holds permissions of the vendor's, and which (their codes), by id, `limit` people at most."""

    async def lasting_holders_of(
        self, organization_ids: Sequence[OrganizationId], *, role_keys: Sequence[str]
    ) -> Sequence[Sequence[MembershipRecord]]:
        """Return each organization's ACTIVE holders of one of these roles that does not end automatically.

        In the order of `members_of`.
        """  # fmt: skip

    async def access_epochs(self, user_ids: Sequence[UserId]) -> Sequence[int | None]:
        """Return each person's `access_epoch`."""

    async def running(self, session_ids: Sequence[SessionId], now: datetime) -> Sequence[bool]:
        """Return whether each session is neither ended nor expired."""

    async def is_empty(self) -> bool:
        """Return whether there is no user and no organization yet."""


class Directory(DirectoryQueries, Protocol):
    """The directory: its queries, and a transaction to change it in."""

    def change(self) -> AbstractAsyncContextManager["DirectoryChange"]:
        """Open one transaction; it commits when the block ends, and nothing of it stays when the block raises."""

    async def load(self, data: DirectoryData) -> None:
        """Store all of these new records in one transaction, in few statements however many they are."""

    async def healthy(self) -> bool:
        """Return whether the database answers."""

    async def is_writable(self) -> bool:
        """Return whether changes are stored: whether one was a moment ago, or one of no consequence is now.

        Raises:
            BackendUnavailable: They are not; it says why.
        """
