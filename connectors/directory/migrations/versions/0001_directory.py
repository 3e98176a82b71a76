"""People, companies, who belongs to which and may do what there, sessions, and the audit log."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import CleanText, IdText, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables, and the triggers that keep the audit log as it was written."""
    op.create_table(
        "organizations",
        sa.Column("id", IdText),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("customer_number", IdText),
        sa.Column("name", CleanText, nullable=False),
        sa.Column("legal_name", CleanText),
        sa.Column("kind", IdText, nullable=False),
        sa.Column("status", IdText, nullable=False),
        sa.Column("seat", CleanText),
        sa.Column("vat_id", CleanText),
        sa.Column("name_key", IdText, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organizations"),
        sa.UniqueConstraint("customer_number", name="uq_organizations_customer_number"),
        sa.CheckConstraint(
            "kind IN ('INSTALLER', 'RESELLER', 'OPERATOR', 'LICENSEE')", name=op.f("ck_organizations_kind")
        ),
        sa.CheckConstraint(
            "status IN ('PENDING_REVIEW', 'ACTIVE', 'REJECTED', 'BLOCKED', 'CLOSED')",
            name=op.f("ck_organizations_status"),
        ),
    )
    op.create_table(
        "users",
        sa.Column("id", IdText),
        sa.Column("email", CleanText, nullable=False),
        sa.Column("email_verified", sa.Boolean, nullable=False),
        sa.Column("first_name", CleanText, nullable=False),
        sa.Column("last_name", CleanText, nullable=False),
        sa.Column("phone", CleanText),
        sa.Column("locale", CleanText),
        sa.Column("address", CleanText),
        sa.Column("account_kind", IdText, nullable=False),
        sa.Column("default_organization_id", IdText),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("profile_version", sa.Integer, nullable=False),
        sa.Column("email_key", IdText, nullable=False),
        sa.Column("last_name_key", IdText, nullable=False),
        sa.Column("first_name_key", IdText, nullable=False),
        sa.Column("search_text", IdText, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email_key", name="uq_users_email_key"),
        sa.ForeignKeyConstraint(
            ["default_organization_id"], ["organizations.id"], name="fk_users_default_organization_id"
        ),
        sa.CheckConstraint(
            "account_kind IN ('PRIVATE_OPERATOR', 'COMMERCIAL_OPERATOR', 'BUSINESS_CUSTOMER', 'VENDOR_STAFF')",
            name=op.f("ck_users_account_kind"),
        ),
    )
    op.create_index("ix_users_default_organization_id", "users", ["default_organization_id"])
    op.create_table(
        "login_names",
        sa.Column("name_key", IdText),
        sa.Column("name", CleanText, nullable=False),
        sa.Column("user_id", IdText, nullable=False),
        sa.PrimaryKeyConstraint("name_key", name="pk_login_names"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_login_names_user_id"),
    )
    op.create_index("ix_login_names_user_id", "login_names", ["user_id"])
    op.create_table(
        "memberships",
        sa.Column("id", IdText),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("organization_id", IdText, nullable=False),
        sa.Column("user_id", IdText, nullable=False),
        sa.Column("status", IdText, nullable=False),
        sa.Column("joined_at", UtcDateTime),
        sa.Column("job_title", CleanText),
        sa.PrimaryKeyConstraint("id", name="pk_memberships"),
        sa.UniqueConstraint("user_id", "organization_id", name="uq_memberships_user_id_organization_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_memberships_organization_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_memberships_user_id"),
        sa.CheckConstraint(
            "status IN ('INVITED', 'ACTIVE', 'SUSPENDED', 'REMOVED')", name=op.f("ck_memberships_status")
        ),
    )
    op.create_index("ix_memberships_organization_id", "memberships", ["organization_id"])
    op.create_table(
        "grants",
        sa.Column("id", IdText),
        sa.Column("membership_id", IdText, nullable=False),
        sa.Column("kind", IdText, nullable=False),
        sa.Column("key", IdText, nullable=False),
        sa.Column("granted_at", UtcDateTime, nullable=False),
        sa.Column("granted_by_id", IdText),
        sa.Column("valid_until", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
        sa.UniqueConstraint("membership_id", "kind", "key", name="uq_grants_membership_id_kind_key"),
        sa.ForeignKeyConstraint(["membership_id"], ["memberships.id"], name="fk_grants_membership_id"),
        sa.ForeignKeyConstraint(["granted_by_id"], ["users.id"], name="fk_grants_granted_by_id"),
        sa.CheckConstraint("kind IN ('ROLE', 'PERMISSION')", name=op.f("ck_grants_kind")),
    )
    op.create_index("ix_grants_granted_by_id", "grants", ["granted_by_id"])
    op.create_table(
        "vendor_permissions",
        sa.Column("user_id", IdText),
        sa.Column("permission", IdText),
        sa.PrimaryKeyConstraint("user_id", "permission", name="pk_vendor_permissions"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_vendor_permissions_user_id"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", IdText),
        sa.Column("user_id", IdText, nullable=False),
        sa.Column("device_label", CleanText, nullable=False),
        sa.Column("ip_address", CleanText),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("last_seen_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_table(
        "refresh_tokens",
        sa.Column("hash", sa.LargeBinary),
        sa.Column("session_id", IdText, nullable=False),
        sa.Column("issued_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("replaced_at", UtcDateTime),
        sa.PrimaryKeyConstraint("hash", name="pk_refresh_tokens"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name="fk_refresh_tokens_session_id"),
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"])
    op.create_table(
        "audit_events",
        sa.Column("id", IdText),
        sa.Column("occurred_at", UtcDateTime, nullable=False),
        sa.Column("action", IdText, nullable=False),
        sa.Column("actor_id", IdText),
        sa.Column("subject_id", IdText, nullable=False),
        sa.Column("organization_id", IdText),
        sa.Column("request_id", CleanText, nullable=False),
        sa.Column("ip_address", CleanText),
        sa.Column("before", CleanText, nullable=False),
        sa.Column("after", CleanText, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
    )
    op.create_index("ix_audit_events_organization_id", "audit_events", ["organization_id", "id"])
    if op.get_bind().dialect.name == "postgresql":
        _keep_audit_on_postgresql()
    else:
        _keep_audit_on_sqlite()


def _keep_audit_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'The audit log is append only.'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse()"
    )


def _keep_audit_on_sqlite() -> None:
    for command in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_events_refuse_{command.lower()} BEFORE {command} ON audit_events "
            "BEGIN SELECT RAISE(ABORT, 'The audit log is append only.'); END"
        )
