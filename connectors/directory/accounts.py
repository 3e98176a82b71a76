"""What people decide about their own account: consents, new addresses and passwords, exports, leaving permanently."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from connectors.ids import ConsentId, DataExportId, OrganizationId, OutboxId, SessionId, UserId
from connectors.quick import quick

if TYPE_CHECKING:
    from connectors.directory.interface import SessionRecord, UserRecord

PersonalData = Mapping[str, Sequence[Mapping[str, Any]]]
"""All that is kept of a person, as JSON can write it: by topic, each entry by name and value."""


class MailedTokenPurpose(StrEnum):
    """What somebody proves with a token that was sent to them by mail."""

    PASSWORD_RESET = "PASSWORD_RESET"
    EMAIL_CHANGE = "EMAIL_CHANGE"
    DELETION_CANCEL = "DELETION_CANCEL"


class DataExportStatus(StrEnum):
    """Where an export of somebody's data stands; EXPIRED is one whose content is gone."""

    PENDING = "PENDING"
    READY = "READY"
    EXPIRED = "EXPIRED"


class ConsentPurpose(StrEnum):
    """What somebody can consent to."""

    NEWSLETTER = "NEWSLETTER"
    PRODUCT_ADVICE = "PRODUCT_ADVICE"
    USAGE_STATISTICS = "USAGE_STATISTICS"


@quick
@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """That somebody consented, or took it back; `source` says where, such as ``account`` or ``registration``."""

    id: ConsentId
    user_id: UserId
    purpose: ConsentPurpose
    granted: bool
    changed_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class CredentialsRecord:
    """Which of a person's passwords counts: the one of this version, whatever the identity back end knows yet.

    `item_id` is the item of the outbox that passes it on; None for a password that never changed.
    """

    user_id: UserId
    version: int
    item_id: OutboxId | None


@dataclass(frozen=True, slots=True)
class MailedTokenRecord:
    """The secret of a link in a mail, of which only the hash is kept; `value` is the address to be confirmed."""

    hash: bytes
    purpose: MailedTokenPurpose
    user_id: UserId
    value: str | None
    created_at: datetime
    expires_at: datetime


@quick
@dataclass(frozen=True, slots=True)
class DataExportRecord:
    """An export of what is kept of a person; its content is asked for separately."""

    id: DataExportId
    user_id: UserId
    status: DataExportStatus
    requested_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AccountDeletionRecord:
    """That somebody's account is to be deleted, and when."""

    user_id: UserId
    requested_at: datetime
    due_at: datetime


class AccountQueries(Protocol):
    """Queries about what people decided; lists are parallel to those asked with."""

    async def sessions_of(
        self, user_ids: Sequence[UserId], *, now: datetime, limit: int
    ) -> Sequence[Sequence["SessionRecord"]]:
        """Return each person's sessions that are neither ended nor expired, at most `limit`, seen last first."""

    async def sessions(self, ids: Sequence[SessionId], now: datetime) -> Sequence["SessionRecord | None"]:
        """Return the sessions with these ids, None for one that has ended or expired."""

    async def consents_of(self, user_ids: Sequence[UserId], *, limit: int) -> Sequence[Sequence[ConsentRecord]]:
        """Return what each person decided, by purpose, the last first and at most `limit` of a purpose."""

    async def consents(self, ids: Sequence[ConsentId]) -> Sequence[ConsentRecord | None]:
        """Return the decisions with these ids."""

    async def data_exports_of(self, user_ids: Sequence[UserId], *, limit: int) -> Sequence[Sequence[DataExportRecord]]:
        """Return each person's exports, the last first, at most `limit`."""

    async def data_exports(self, ids: Sequence[DataExportId]) -> Sequence[DataExportRecord | None]:
        """Return the exports with these ids."""

    async def content_of_data_export(self, id: DataExportId) -> bytes | None:
        """Return the JSON of an export; None when there is none (yet, or any more)."""

    async def account_deletions(self, user_ids: Sequence[UserId]) -> Sequence[AccountDeletionRecord | None]:
        """Return when each person's account is to be deleted."""

    async def due_account_deletions(self, now: datetime, *, limit: int) -> Sequence[AccountDeletionRecord]:
        """Return the accounts whose time has come, the longest overdue first."""

    async def mailed_token(self, hash: bytes, purpose: MailedTokenPurpose, now: datetime) -> MailedTokenRecord | None:
        """Return the token if it counts: known, for this purpose, not used, not expired."""

    async def credentials_of(self, user_ids: Sequence[UserId]) -> Sequence[CredentialsRecord | None]:
        """Return which password of each person counts; None for an unknown one."""

    async def kept_of(self, user_id: UserId) -> PersonalData:
        """Return all that the directory keeps of a person, without secrets and without what others are called.

        The one query that costs several statements, one for each topic.
        """


class AccountCommands(Protocol):
    """Changes of what people decided, within a transaction; the caller writes the audit rows."""

    async def end_sessions(self, user_id: UserId, now: datetime, *, but: SessionId | None = None) -> int:
        """End all of a person's sessions, except for one, each published like a change of access; return how many."""

    async def end_surplus_sessions(self, user_id: UserId, now: datetime, *, most: int) -> int:
        """End a person's running sessions but the `most` that were seen last, and return how many.

        In as many statements for thousands as for one.
        """

    async def add_consent(self, consent: ConsentRecord) -> None:
        """Store what somebody decided; earlier decisions stay as their history."""

    async def add_mailed_token(self, token: MailedTokenRecord) -> None:
        """Store a token that a mail carries."""

    async def use_mailed_token(
        self, hash: bytes, purpose: MailedTokenPurpose, now: datetime
    ) -> MailedTokenRecord | None:
        """Use up a token that counts, at most once however many ask at the same time; None when it does not."""

    async def void_mailed_tokens(self, user_id: UserId, purpose: MailedTokenPurpose, now: datetime) -> None:
        """Let no token of a person for this purpose count any more."""

    async def set_credentials(self, credentials: CredentialsRecord) -> None:
        """Let the password of another version count from the commit on; the person is locked, or was added here."""

    async def set_email(self, user_id: UserId, email: str) -> tuple["UserRecord", "UserRecord"]:
        """Make this the person's confirmed address; return the person before and after, with the next version.

        Raises:
            ChangeConflict: Somebody else has this address, confirmed.
            LookupError: There is no such person.
        """

    async def set_default_organization(self, user_id: UserId, organization_id: OrganizationId) -> None:
        """Store which organization a person looks at first."""

    async def add_data_export(self, export: DataExportRecord) -> None:
        """Store that somebody wants an export."""

    async def fill_data_export(self, id: DataExportId, content: bytes, *, expires_at: datetime) -> bool:
        """Store the content of an export that is PENDING, and say that it is READY; return whether it was PENDING."""

    async def expire_data_exports(self, now: datetime) -> int:
        """Erase the content of exports whose time is over, and return how many."""

    async def schedule_account_deletion(self, deletion: AccountDeletionRecord) -> None:
        """Store when an account is to be deleted; another time replaces an earlier one."""

    async def cancel_account_deletion(self, user_id: UserId) -> AccountDeletionRecord | None:
        """Let the account stay, and return what was planned; None when nothing was."""

    async def forget_person(self, user_id: UserId, now: datetime) -> None:
        """Erase who a person was: names, addresses, login names, devices, tokens, exports, a planned deletion.

        Open requests of theirs are withdrawn. The row stays, without a name, and so do the consents (that they were
        given has to be proved longer) and the audit log, which speaks of ids. Memberships and sessions are ended
        before.
        """
