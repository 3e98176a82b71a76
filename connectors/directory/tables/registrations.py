"""Who wants to become a customer."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table

from connectors.database.columns import CleanText, IdText, UtcDateTime
from connectors.directory.records.registrations import RegistrationStatus
from connectors.directory.tables.metadata import METADATA, one_of
from connectors.values import AccountKind

registrations = Table(
    "registrations",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("reference", IdText, nullable=False, unique=True, doc="what the applicant asks with; cannot be guessed"),
    Column("account_kind", IdText, nullable=False),
    Column("organization_kind", IdText),
    Column("organization_name", CleanText),
    Column("legal_name", CleanText),
    Column("vat_id", CleanText),
    Column("customer_number", CleanText),
    Column("seat", CleanText, doc="JSON of Address"),
    Column("first_name", CleanText, nullable=False),
    Column("last_name", CleanText, nullable=False),
    Column("email", CleanText, nullable=False),
    Column("email_key", IdText, nullable=False, index=True, doc="the address in lower case"),
    Column("phone", CleanText),
    Column("locale", CleanText),
    Column("newsletter", Boolean, nullable=False),
    Column("role_keys", CleanText, nullable=False, doc="JSON list of further roles that are asked for"),
    Column("status", IdText, nullable=False),
    Column("token_hash", LargeBinary, unique=True, doc="of the mail that confirms the address"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, doc="when it expires if the address is not confirmed"),
    Column("submitted_at", UtcDateTime),
    Column("review_due_at", UtcDateTime),
    Column("reminded_at", UtcDateTime),
    Column("decided_at", UtcDateTime),
    Column("decided_by_id", IdText, ForeignKey("users.id")),
    Column("note", CleanText, doc="the reason of a rejection, or what information is asked for"),
    Column("answer", CleanText, doc="the information that the applicant gave"),
    Column("organization_id", IdText, ForeignKey("organizations.id"), index=True),
    Column("user_id", IdText, ForeignKey("users.id"), index=True),
    Index("ix_registrations_status", "status", "id"),
    one_of("account_kind", AccountKind),
    one_of("status", RegistrationStatus),
)
_has_token = registrations.c.token_hash.is_not(None)
Index(
    "ix_registrations_token_expires_at",
    registrations.c.expires_at,  # of the others the token is forgotten already, and there are more of them every day
    sqlite_where=_has_token,
    postgresql_where=_has_token,
)
