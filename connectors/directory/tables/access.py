"""Who belongs to which organization and what they were granted there."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, UniqueConstraint, text

from connectors.database.columns import CleanText, IdText, MadeOf, UtcDateTime
from connectors.directory.records.access import GrantKind
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationStatus
from connectors.directory.tables.metadata import METADATA, one_of
from connectors.values import AccountKind

_RANK = "CASE status WHEN 'INVITED' THEN '0' WHEN 'ACTIVE' THEN '1' WHEN 'SUSPENDED' THEN '2' ELSE '3' END"
_NEVER_LAST = "`joined_at`, or what stands last in a list that goes this way, in any time zone of the session"
_NAME = ("last_name_key", "first_name_key", "id", "listed_text")

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
    Column("phone", CleanText),
    Column("email", CleanText),
    Column("website", CleanText),
    Column("name_key", IdText, nullable=False, doc="the name folded, for ordering"),
    Column("vat_key", IdText, index=True, doc="the number for value added tax without blanks, to find it again"),
    Column(
        "likeness_key",
        IdText,
        index=True,
        doc="the name without what organizations write differently, to find it again",
    ),
    Column("access_epoch", Integer, nullable=False, server_default="0", doc="counts changes of access in it"),
    one_of("kind", OrganizationKind),
    one_of("status", OrganizationStatus),
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
    Column(
        "email_key",
        IdText,
        nullable=False,
        unique=True,
        doc="the address in lower case once it is confirmed; until then the person's id, which keeps nobody out",
    ),
    Column("last_name_key", IdText, nullable=False, doc="the last name folded, for ordering"),
    Column("first_name_key", IdText, nullable=False, doc="the first name folded, for ordering"),
    Column("search_text", IdText, nullable=False, doc="names and address folded, for searching"),
    Column("email_domain", IdText, index=True, doc="of the address once it is confirmed, to find colleagues"),
    Column("access_epoch", Integer, nullable=False, server_default="0", doc="counts changes of what the person may do"),
    Column("credential_version", BigInteger, nullable=False, server_default="0", doc="grows with each password"),
    Column("credential_item_id", IdText, doc="the item of the outbox that carries the password of this version"),
    Column("time_zone", CleanText, doc="a name of the IANA database"),
    one_of("account_kind", AccountKind),
)
Index("ix_users_default_organization_id", users.c.default_organization_id)

login_names = Table(
    "login_names",
    METADATA,
    Column("name_key", IdText, primary_key=True, doc="the name trimmed and in lower case"),
    Column("name", CleanText, nullable=False),
    Column("user_id", IdText, ForeignKey("users.id"), nullable=False, index=True),
)

# The triggers of migration 0019 keep here what an organization's members are sorted and found by: `last_name_key`,
# `first_name_key` and `search_text` are the person's, whoever changes the person, and whosever a membership becomes.
memberships = Table(
    "memberships",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("organization_id", IdText, ForeignKey("organizations.id"), nullable=False),
    Column("user_id", IdText, ForeignKey("users.id"), nullable=False),
    Column("status", IdText, nullable=False),
    Column("joined_at", UtcDateTime),
    Column("job_title", CleanText),
    Column("last_name_key", IdText, nullable=False, server_default=""),
    Column("first_name_key", IdText, nullable=False, server_default=""),
    Column("search_text", IdText, nullable=False, server_default=""),
    Column(
        "listed_text",
        IdText,
        MadeOf("CASE WHEN length(search_text) <= 200 THEN search_text END"),
        doc="the text as the indexes of lists have it, which have no room for longer ones",
    ),
    Column("status_rank", IdText, MadeOf(_RANK), doc="the status, by how members are sorted by it"),
    Column("joined_up", UtcDateTime, MadeOf("coalesce(joined_at, '9999-12-31 00:00:00.000000')"), doc=_NEVER_LAST),
    Column("joined_down", UtcDateTime, MadeOf("coalesce(joined_at, '0001-01-02 00:00:00.000000')"), doc=_NEVER_LAST),
    # Each list of members stands in an index, within each status; both databases read backwards at no cost.
    Index("ix_memberships_organization_id", "organization_id", "status"),
    Index("ix_memberships_name", "organization_id", "status_rank", *_NAME),
    Index(
        "ix_memberships_present",  # most lists are of all but who was removed
        "organization_id",
        *_NAME,
        sqlite_where=text("status <> 'REMOVED'"),
        postgresql_where=text("status <> 'REMOVED'"),
    ),
    Index("ix_memberships_joined_up", "organization_id", "status_rank", "joined_up", *_NAME),
    Index("ix_memberships_joined_down", "organization_id", "status_rank", "joined_down", *_NAME),
    UniqueConstraint("user_id", "organization_id", name="uq_memberships_user_id_organization_id"),
    one_of("status", MembershipStatus),
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
    Column("organization_id", IdText, nullable=False, server_default="", doc="the membership's, to find holders there"),
    Index("ix_grants_organization_id", "organization_id", "kind", "key", "membership_id"),
    UniqueConstraint("membership_id", "kind", "key", name="uq_grants_membership_id_kind_key"),
    one_of("kind", GrantKind),
)

vendor_permissions = Table(
    "vendor_permissions",
    METADATA,
    Column("user_id", IdText, ForeignKey("users.id"), primary_key=True),
    Column("permission", IdText, primary_key=True, index=True),
)
