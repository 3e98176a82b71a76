"""The directory's tables."""

from enum import StrEnum

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
)

from connectors.database import CleanText, IdText, UtcDateTime, new_metadata
from connectors.directory.interface import GrantKind, MembershipStatus, OrganizationKind, OrganizationStatus
from connectors.values import AccountKind

METADATA = new_metadata()


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


organizations = Table(
    "organizations",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("customer_number", IdText, unique=True),
    Column("name", CleanText, nullable=False),
    Column("legal_name", CleanText),
    Column("kind", IdText, nullable=False),
    Column("status", IdText, nullable=False),
    Column("seat", CleanText, doc="JSON of Address"),
    Column("vat_id", CleanText),
    Column("name_key", IdText, nullable=False, doc="the name folded, for ordering"),
    Column("access_epoch", Integer, nullable=False, server_default="0", doc="counts changes of access in it"),
    _one_of("kind", OrganizationKind),
    _one_of("status", OrganizationStatus),
)

users = Table(
    "users",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("email", CleanText, nullable=False),
    Column("email_verified", Boolean, nullable=False),
    Column("first_name", CleanText, nullable=False),
    Column("last_name", CleanText, nullable=False),
    Column("phone", CleanText),
    Column("locale", CleanText),
    Column("address", CleanText, doc="JSON of Address"),
    Column("account_kind", IdText, nullable=False),
    Column("default_organization_id", IdText, ForeignKey("organizations.id")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("profile_version", Integer, nullable=False),
    Column("email_key", IdText, nullable=False, unique=True, doc="the address in lower case"),
    Column("last_name_key", IdText, nullable=False, doc="the last name folded, for ordering"),
    Column("first_name_key", IdText, nullable=False, doc="the first name folded, for ordering"),
    Column("search_text", IdText, nullable=False, doc="names and address folded, for searching"),
    Column("access_epoch", Integer, nullable=False, server_default="0", doc="counts changes of what the person may do"),
    _one_of("account_kind", AccountKind),
)
Index("ix_users_default_organization_id", users.c.default_organization_id)

login_names = Table(
    "login_names",
    METADATA,
    Column("name_key", IdText, primary_key=True, doc="the name trimmed and in lower case"),
    Column("name", CleanText, nullable=False),
    Column("user_id", IdText, ForeignKey("users.id"), nullable=False, index=True),
)

memberships = Table(
    "memberships",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("organization_id", IdText, ForeignKey("organizations.id"), nullable=False, index=True),
    Column("user_id", IdText, ForeignKey("users.id"), nullable=False),
    Column("status", IdText, nullable=False),
    Column("joined_at", UtcDateTime),
    Column("job_title", CleanText),
    UniqueConstraint("user_id", "organization_id", name="uq_memberships_user_id_organization_id"),
    _one_of("status", MembershipStatus),
)

grants = Table(
    "grants",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("membership_id", IdText, ForeignKey("memberships.id"), nullable=False),
    Column("kind", IdText, nullable=False),
    Column("key", IdText, nullable=False),
    Column("granted_at", UtcDateTime, nullable=False),
    Column("granted_by_id", IdText, ForeignKey("users.id"), index=True),
    Column("valid_until", UtcDateTime),
    UniqueConstraint("membership_id", "kind", "key", name="uq_grants_membership_id_kind_key"),
    _one_of("kind", GrantKind),
)

vendor_permissions = Table(
    "vendor_permissions",
    METADATA,
    Column("user_id", IdText, ForeignKey("users.id"), primary_key=True),
    Column("permission", IdText, primary_key=True),
)

sessions = Table(
    "sessions",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("user_id", IdText, ForeignKey("users.id"), nullable=False, index=True),
    Column("device_label", CleanText, nullable=False),
    Column("ip_address", CleanText),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
)

refresh_tokens = Table(
    "refresh_tokens",
    METADATA,
    Column("hash", LargeBinary, primary_key=True),
    Column("session_id", IdText, ForeignKey("sessions.id"), nullable=False, index=True),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("replaced_at", UtcDateTime),
)

# Triggers of the first migration refuse to update or delete a row. There are no foreign keys: what was done stays
# on record when the person or the company is gone.
audit_events = Table(
    "audit_events",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("action", IdText, nullable=False),
    Column("actor_id", IdText),
    Column("subject_id", IdText, nullable=False),
    Column("organization_id", IdText),
    Column("request_id", CleanText, nullable=False),
    Column("ip_address", CleanText),
    Column("before", CleanText, nullable=False, doc="JSON object of names and values"),
    Column("after", CleanText, nullable=False, doc="JSON object of names and values"),
    Index("ix_audit_events_organization_id", "organization_id", "id"),
)
