"""Who wants to become a customer, and by what else a company is known."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import CleanText, IdText, UtcDateTime

revision = "0005"
down_revision = "0004"

_DOMAIN = {
    "sqlite": "substr(email_key, instr(email_key, '@') + 1)",
    "postgresql": "split_part(email_key, '@', 2)",
}


def upgrade() -> None:
    """Add the column and create the table."""
    op.add_column("organizations", sa.Column("vat_key", IdText))
    op.create_index("ix_organizations_vat_key", "organizations", ["vat_key"])
    op.execute("UPDATE organizations SET vat_key = upper(replace(replace(replace(vat_id, ' ', ''), '.', ''), '-', ''))")
    op.add_column("organizations", sa.Column("likeness_key", IdText))
    op.create_index("ix_organizations_likeness_key", "organizations", ["likeness_key"])
    op.execute("UPDATE organizations SET likeness_key = replace(replace(name_key, ' ', ''), '.', '')")
    op.add_column("users", sa.Column("email_domain", IdText))
    op.create_index("ix_users_email_domain", "users", ["email_domain"])
    op.execute(f"UPDATE users SET email_domain = {_DOMAIN[op.get_bind().dialect.name]} WHERE email_verified")
    op.create_table(
        "registrations",
        sa.Column("id", IdText),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("reference", IdText, nullable=False),
        sa.Column("account_kind", IdText, nullable=False),
        sa.Column("organization_kind", IdText),
        sa.Column("organization_name", CleanText),
        sa.Column("legal_name", CleanText),
        sa.Column("vat_id", CleanText),
        sa.Column("customer_number", CleanText),
        sa.Column("seat", CleanText),
        sa.Column("first_name", CleanText, nullable=False),
        sa.Column("last_name", CleanText, nullable=False),
        sa.Column("email", CleanText, nullable=False),
        sa.Column("email_key", IdText, nullable=False),
        sa.Column("phone", CleanText),
        sa.Column("locale", CleanText),
        sa.Column("newsletter", sa.Boolean, nullable=False),
        sa.Column("role_keys", CleanText, nullable=False),
        sa.Column("status", IdText, nullable=False),
        sa.Column("token_hash", sa.LargeBinary),
        sa.Column("confirming_until", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("submitted_at", UtcDateTime),
        sa.Column("review_due_at", UtcDateTime),
        sa.Column("reminded_at", UtcDateTime),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("decided_by_id", IdText),
        sa.Column("note", CleanText),
        sa.Column("answer", CleanText),
        sa.Column("organization_id", IdText),
        sa.Column("user_id", IdText),
        sa.PrimaryKeyConstraint("id", name="pk_registrations"),
        sa.UniqueConstraint("reference", name="uq_registrations_reference"),
        sa.UniqueConstraint("token_hash", name="uq_registrations_token_hash"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name="fk_registrations_decided_by_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_registrations_organization_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_registrations_user_id"),
        sa.CheckConstraint(
            "status IN ('EMAIL_UNVERIFIED', 'PENDING_REVIEW', 'INFORMATION_REQUESTED', 'APPROVED', 'REJECTED', "
            "'WITHDRAWN', 'EXPIRED')",
            name=op.f("ck_registrations_status"),
        ),
        sa.CheckConstraint(
            "account_kind IN ('PRIVATE_OPERATOR', 'COMMERCIAL_OPERATOR', 'BUSINESS_CUSTOMER', 'VENDOR_STAFF')",
            name=op.f("ck_registrations_account_kind"),
        ),
    )
    op.create_index("ix_registrations_email_key", "registrations", ["email_key"])
    op.create_index("ix_registrations_organization_id", "registrations", ["organization_id"])
    op.create_index("ix_registrations_status", "registrations", ["status", "id"])
    op.create_index("ix_registrations_user_id", "registrations", ["user_id"])
