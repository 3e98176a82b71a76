"""What members, and those who would like to be, ask for; and the addresses of an organization."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table, text

from connectors.database.columns import CleanText, IdText, UtcDateTime
from connectors.directory.records.requests import RequestStatus
from connectors.directory.tables.metadata import METADATA, one_of, while_pending

access_requests = Table(
    "access_requests",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("membership_id", IdText, ForeignKey("memberships.id"), nullable=False),
    Column("organization_id", IdText, ForeignKey("organizations.id"), nullable=False),
    Column("role_keys", CleanText, nullable=False, doc="JSON list"),
    Column("permissions", CleanText, nullable=False, doc="JSON list"),
    Column("wanted", IdText, nullable=False, doc="what is asked for, in one order, to notice the same request"),
    Column("message", CleanText),
    Column("status", IdText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
    Column("decided_by_id", IdText, ForeignKey("users.id"), index=True),
    Column("note", CleanText),
    Column("valid_until", UtcDateTime, doc="when what was granted ends"),
    Index("ix_access_requests_organization_id", "organization_id", "status", "id"),
    Index("ix_access_requests_membership_id", "membership_id", "id"),
    one_of("status", RequestStatus),
)
while_pending("uq_access_requests_open", access_requests, "membership_id", "wanted")

join_requests = Table(
    "join_requests",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column(
        "organization_id",
        IdText,
        ForeignKey("organizations.id"),
        doc="null: no organization was found, which nobody says",
    ),
    Column("user_id", IdText, ForeignKey("users.id"), nullable=False, index=True),
    Column("wanted", CleanText, nullable=False, doc="the organization as the person wrote it"),
    Column("message", CleanText),
    Column("status", IdText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
    Column("decided_by_id", IdText, ForeignKey("users.id"), index=True),
    Column("note", CleanText),
    Index("ix_join_requests_organization_id", "organization_id", "status", "id"),
    one_of("status", RequestStatus),
)
while_pending("uq_join_requests_open", join_requests, "organization_id", "user_id")

change_requests = Table(
    "change_requests",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("organization_id", IdText, ForeignKey("organizations.id"), nullable=False),
    Column("requested_by_id", IdText, ForeignKey("users.id"), nullable=False),
    Column("name", CleanText),
    Column("legal_name", CleanText),
    Column("seat", CleanText, doc="JSON of Address"),
    Column("message", CleanText),
    Column("status", IdText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
    Column("decided_by_id", IdText, ForeignKey("users.id"), index=True),
    Column("note", CleanText),
    Index("ix_change_requests_organization_id", "organization_id", "status", "id"),
    Index("ix_change_requests_status", "status", "id"),
    Index("ix_change_requests_requested_by_id", "requested_by_id"),
    one_of("status", RequestStatus),
)
while_pending("uq_change_requests_open", change_requests, "organization_id")

addresses = Table(
    "addresses",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("organization_id", IdText, ForeignKey("organizations.id"), nullable=False),
    Column("address", CleanText, nullable=False, doc="JSON of Address"),
    Column("is_default_billing", Boolean, nullable=False),
    Column("is_default_shipping", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_addresses_organization_id", "organization_id", "id"),
)
for _use in ("billing", "shipping"):
    Index(
        f"uq_addresses_default_{_use}",
        addresses.c.organization_id,
        unique=True,
        sqlite_where=text(f"is_default_{_use}"),
        postgresql_where=text(f"is_default_{_use}"),
    )
