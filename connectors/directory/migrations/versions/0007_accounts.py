"""What people decide about their own account."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import CleanText, IdText, UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "consents",
        sa.Column("id", IdText),
        sa.Column("user_id", IdText, nullable=False),
        sa.Column("purpose", IdText, nullable=False),
        sa.Column("granted", sa.Boolean, nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.Column("source", CleanText, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_consents_user_id"),
    )
    op.create_index("ix_consents_user_id", "consents", ["user_id", "purpose", "id"])
    op.create_table(
        "mailed_tokens",
        sa.Column("hash", sa.LargeBinary),
        sa.Column("purpose", IdText, nullable=False),
        sa.Column("user_id", IdText, nullable=False),
        sa.Column("value", CleanText),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("claimed_until", UtcDateTime),
        sa.Column("used_at", UtcDateTime),
        sa.PrimaryKeyConstraint("hash", name="pk_mailed_tokens"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_mailed_tokens_user_id"),
        sa.CheckConstraint(
            "purpose IN ('PASSWORD_RESET', 'EMAIL_CHANGE', 'DELETION_CANCEL')", name=op.f("ck_mailed_tokens_purpose")
        ),
    )
    op.create_index("ix_mailed_tokens_expires_at", "mailed_tokens", ["expires_at"])
    op.create_index("ix_mailed_tokens_user_id", "mailed_tokens", ["user_id", "purpose"])
    op.create_table(
        "data_exports",
        sa.Column("id", IdText),
        sa.Column("user_id", IdText, nullable=False),
        sa.Column("status", IdText, nullable=False),
        sa.Column("requested_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("content", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_data_exports"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_data_exports_user_id"),
        sa.CheckConstraint("status IN ('PENDING', 'READY', 'EXPIRED')", name=op.f("ck_data_exports_status")),
    )
    op.create_index("ix_data_exports_expires_at", "data_exports", ["expires_at"])
    op.create_index("ix_data_exports_user_id", "data_exports", ["user_id", "id"])
    op.create_table(
        "account_deletions",
        sa.Column("user_id", IdText),
        sa.Column("requested_at", UtcDateTime, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_account_deletions"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_account_deletions_user_id"),
    )
    op.create_index("ix_account_deletions_due_at", "account_deletions", ["due_at"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])  # by which old ones are found and forgotten
    # What is kept of a person is found by these when they ask for it, or leave.
    op.create_index("ix_change_requests_requested_by_id", "change_requests", ["requested_by_id"])
