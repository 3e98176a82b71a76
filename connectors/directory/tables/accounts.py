"""What people decide about their own account."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, LargeBinary, Table

from connectors.database.columns import CleanText, IdText, UtcDateTime
from connectors.directory.records.accounts import DataExportStatus, MailedTokenPurpose
from connectors.directory.tables.metadata import METADATA, one_of

# Every time that somebody consented or took it back; the last one of a purpose counts.
consents = Table(
    "consents",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("user_id", IdText, ForeignKey("users.id"), nullable=False),
    Column("purpose", IdText, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("source", CleanText, nullable=False),
    Index("ix_consents_user_id", "user_id", "purpose", "id"),
)

# What a link in a mail carries, once: resetting a password, confirming another address, cancelling a deletion.
mailed_tokens = Table(
    "mailed_tokens",
    METADATA,
    Column("hash", LargeBinary, primary_key=True),
    Column("purpose", IdText, nullable=False),
    Column("user_id", IdText, ForeignKey("users.id"), nullable=False),
    Column("value", CleanText, doc="the new address that is to be confirmed"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("used_at", UtcDateTime),
    Index("ix_mailed_tokens_user_id", "user_id", "purpose"),
    one_of("purpose", MailedTokenPurpose),
)

data_exports = Table(
    "data_exports",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("user_id", IdText, ForeignKey("users.id"), nullable=False),
    Column("status", IdText, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("content", LargeBinary, doc="JSON, once it is ready"),
    Index("ix_data_exports_user_id", "user_id", "id"),
    one_of("status", DataExportStatus),
)

account_deletions = Table(
    "account_deletions",
    METADATA,
    Column("user_id", IdText, ForeignKey("users.id"), primary_key=True),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False, index=True),
)
