"""What people decide about their own account: consents, new addresses and passwords, exports, its deletion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from connectors.ids import ConsentId, DataExportId, OutboxId, UserId
from connectors.quick import quick

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


@quick
@dataclass(frozen=True, slots=True)
class CredentialsRecord:
    """Which of a person's passwords counts: the one of this version, whatever the identity back end knows yet.

    `item_id` is the item of the outbox that carries it; None for a password that never changed.
    """

    user_id: UserId
    version: int
    item_id: OutboxId | None


@quick
@dataclass(frozen=True, slots=True)
class MailedTokenRecord:
    """The secret of a link in a mail, of which only the hash is kept; `value` is the address to be confirmed."""

    hash: bytes
    purpose: MailedTokenPurpose
    user_id: UserId
    value: str | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


@quick
@dataclass(frozen=True, slots=True)
class DataExportRecord:
    """An export of what is kept of a person; its content is asked for separately."""

    id: DataExportId
    user_id: UserId
    status: DataExportStatus
    requested_at: datetime
    expires_at: datetime


@quick
@dataclass(frozen=True, slots=True)
class AccountDeletionRecord:
    """That somebody's account is to be deleted, and when."""

    user_id: UserId
    requested_at: datetime
    due_at: datetime
