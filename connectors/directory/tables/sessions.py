"""Signed-in devices and the tokens that continue their sessions."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, text

from connectors.database.columns import CleanText, IdText, UtcDateTime
from connectors.directory.tables.metadata import METADATA

sessions = Table(
    "sessions",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("user_id", IdText, ForeignKey("users.id"), nullable=False, index=True),
    Column("device_label", CleanText, nullable=False),
    Column("ip_address", CleanText),
    Column("network", CleanText, doc="in which the address is, to find whether somebody was there before"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("ended_at", UtcDateTime),
    Index("ix_sessions_network", "user_id", "network", "created_at"),
)

refresh_tokens = Table(
    "refresh_tokens",
    METADATA,
    Column("hash", LargeBinary, primary_key=True),
    Column("session_id", IdText, ForeignKey("sessions.id"), nullable=False, index=True),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("replaced_at", UtcDateTime),
    Column("sealed_successor", CleanText, doc="the token that replaced it, encrypted; only while it may be used again"),
    # By which those whose time is over are found.
    Index(
        "ix_refresh_tokens_sealed_successor",
        "replaced_at",
        postgresql_where=text("sealed_successor IS NOT NULL"),
        sqlite_where=text("sealed_successor IS NOT NULL"),
    ),
)
