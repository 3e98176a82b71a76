"""Who was invited to which organization."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table

from connectors.database.columns import CleanText, IdText, UtcDateTime
from connectors.directory.records.invitations import InvitationStatus
from connectors.directory.tables.metadata import METADATA, one_of, while_pending

invitations = Table(
    "invitations",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("organization_id", IdText, ForeignKey("organizations.id"), nullable=False),
    Column("membership_id", IdText, ForeignKey("memberships.id"), nullable=False),
    Column("email", CleanText, nullable=False),
    Column("email_key", IdText, nullable=False, doc="the address in lower case"),
    Column("first_name", CleanText),
    Column("last_name", CleanText),
    Column("locale", CleanText),
    Column("message", CleanText),
    Column("role_keys", CleanText, nullable=False, doc="JSON list"),
    Column("permissions", CleanText, nullable=False, doc="JSON list"),
    Column("valid_until", UtcDateTime, doc="when what was granted ends"),
    Column("status", IdText, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("last_sent_at", UtcDateTime, nullable=False),
    Column("send_count", Integer, nullable=False),
    Column("inviter_id", IdText, ForeignKey("users.id"), index=True),
    Column("accepted_by_id", IdText, ForeignKey("users.id"), index=True),
    Column("ended_at", UtcDateTime),
    Column(
        "account_id",
        IdText,
        index=True,
        doc="whose confirmed address it was when it was sent",
    ),
    Index("ix_invitations_organization_id", "organization_id", "status", "id"),
    Index("ix_invitations_membership_id", "membership_id"),
    Index("ix_invitations_email_key", "email_key", "organization_id"),
    one_of("status", InvitationStatus),
)
while_pending("uq_invitations_open", invitations, "organization_id", "email_key")
while_pending("ix_invitations_expires_at", invitations, "expires_at", unique=False)
