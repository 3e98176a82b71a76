"""What members ask for, and how to reach a company."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import CleanText, IdText, UtcDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns and create the tables."""
    for column in ("phone", "email", "website"):
        op.add_column("organizations", sa.Column(column, CleanText))
    op.create_table(
        "access_requests",
        sa.Column("id", IdText),
        sa.Column("membership_id", IdText, nullable=False),
        sa.Column("organization_id", IdText, nullable=False),
        sa.Column("role_keys", CleanText, nullable=False),
        sa.Column("permissions", CleanText, nullable=False),
        sa.Column("wanted", IdText, nullable=False),
        sa.Column("message", CleanText),
        sa.Column("status", IdText, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("decided_by_id", IdText),
        sa.Column("note", CleanText),
        sa.Column("valid_until", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_access_requests"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name="fk_access_requests_decided_by_id"),
        sa.ForeignKeyConstraint(["membership_id"], ["memberships.id"], name="fk_access_requests_membership_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_access_requests_organization_id"),
        sa.CheckConstraint(
            "status IN ('PENDING', 'APPROVED', 'DECLINED', 'WITHDRAWN', 'EXPIRED')",
            name=op.f("ck_access_requests_status"),
        ),
    )
    op.create_index("ix_access_requests_organization_id", "access_requests", ["organization_id", "id"])
    op.create_index("ix_access_requests_membership_id", "access_requests", ["membership_id", "id"])
    op.create_index(
        "uq_access_requests_open",
        "access_requests",
        ["membership_id", "wanted"],
        unique=True,
        sqlite_where=sa.text("status = 'PENDING'"),
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.create_table(
        "join_requests",
        sa.Column("id", IdText),
        sa.Column("organization_id", IdText),
        sa.Column("user_id", IdText, nullable=False),
        sa.Column("wanted", CleanText, nullable=False),
        sa.Column("message", CleanText),
        sa.Column("status", IdText, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("decided_by_id", IdText),
        sa.Column("note", CleanText),
        sa.PrimaryKeyConstraint("id", name="pk_join_requests"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name="fk_join_requests_decided_by_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_join_requests_organization_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_join_requests_user_id"),
        sa.CheckConstraint(
            "status IN ('PENDING', 'APPROVED', 'DECLINED', 'WITHDRAWN', 'EXPIRED')",
            name=op.f("ck_join_requests_status"),
        ),
    )
    op.create_index("ix_join_requests_organization_id", "join_requests", ["organization_id", "id"])
    op.create_index("ix_join_requests_user_id", "join_requests", ["user_id"])
    op.create_index(
        "uq_join_requests_open",
        "join_requests",
        ["organization_id", "user_id"],
        unique=True,
        sqlite_where=sa.text("status = 'PENDING'"),
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.create_table(
        "change_requests",
        sa.Column("id", IdText),
        sa.Column("organization_id", IdText, nullable=False),
        sa.Column("requested_by_id", IdText, nullable=False),
        sa.Column("name", CleanText),
        sa.Column("legal_name", CleanText),
        sa.Column("seat", CleanText),
        sa.Column("message", CleanText),
        sa.Column("status", IdText, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("decided_by_id", IdText),
        sa.Column("note", CleanText),
        sa.PrimaryKeyConstraint("id", name="pk_change_requests"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name="fk_change_requests_decided_by_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_change_requests_organization_id"),
        sa.ForeignKeyConstraint(["requested_by_id"], ["users.id"], name="fk_change_requests_requested_by_id"),
        sa.CheckConstraint(
            "status IN ('PENDING', 'APPROVED', 'DECLINED', 'WITHDRAWN', 'EXPIRED')",
            name=op.f("ck_change_requests_status"),
        ),
    )
    op.create_index("ix_change_requests_organization_id", "change_requests", ["organization_id", "id"])
    op.create_index("ix_change_requests_status", "change_requests", ["status", "id"])
    op.create_index(
        "uq_change_requests_open",
        "change_requests",
        ["organization_id"],
        unique=True,
        sqlite_where=sa.text("status = 'PENDING'"),
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.create_table(
        "addresses",
        sa.Column("id", IdText),
        sa.Column("organization_id", IdText, nullable=False),
        sa.Column("address", CleanText, nullable=False),
        sa.Column("is_default_billing", sa.Boolean, nullable=False),
        sa.Column("is_default_shipping", sa.Boolean, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_addresses"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_addresses_organization_id"),
    )
    op.create_index("ix_addresses_organization_id", "addresses", ["organization_id", "id"])
    for use in ("billing", "shipping"):
        op.create_index(
            f"uq_addresses_default_{use}",
            "addresses",
            ["organization_id"],
            unique=True,
            sqlite_where=sa.text(f"is_default_{use}"),
            postgresql_where=sa.text(f"is_default_{use}"),
        )
