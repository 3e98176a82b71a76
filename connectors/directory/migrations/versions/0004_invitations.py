"""Who was invited to which company."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import CleanText, IdText, UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "invitations",
        sa.Column("id", IdText),
        sa.Column("organization_id", IdText, nullable=False),
        sa.Column("membership_id", IdText, nullable=False),
        sa.Column("email", CleanText, nullable=False),
        sa.Column("email_key", IdText, nullable=False),
        sa.Column("first_name", CleanText),
        sa.Column("last_name", CleanText),
        sa.Column("locale", CleanText),
        sa.Column("message", CleanText),
        sa.Column("role_keys", CleanText, nullable=False),
        sa.Column("permissions", CleanText, nullable=False),
        sa.Column("valid_until", UtcDateTime),
        sa.Column("status", IdText, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("last_sent_at", UtcDateTime, nullable=False),
        sa.Column("send_count", sa.Integer, nullable=False),
        sa.Column("inviter_id", IdText),
        sa.Column("accepted_by_id", IdText),
        sa.Column("ended_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("token_hash", name="uq_invitations_token_hash"),
        sa.ForeignKeyConstraint(["accepted_by_id"], ["users.id"], name="fk_invitations_accepted_by_id"),
        sa.ForeignKeyConstraint(["inviter_id"], ["users.id"], name="fk_invitations_inviter_id"),
        sa.ForeignKeyConstraint(["membership_id"], ["memberships.id"], name="fk_invitations_membership_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_invitations_organization_id"),
        sa.CheckConstraint(
            "status IN ('PENDING', 'ACCEPTED', 'DECLINED', 'REVOKED', 'EXPIRED')", name=op.f("ck_invitations_status")
        ),
    )
    op.create_index("ix_invitations_email_key", "invitations", ["email_key", "organization_id"])
    op.create_index("ix_invitations_membership_id", "invitations", ["membership_id"])
    op.create_index("ix_invitations_organization_id", "invitations", ["organization_id", "id"])
    op.create_index(
        "uq_invitations_open",
        "invitations",
        ["organization_id", "email_key"],
        unique=True,
        sqlite_where=sa.text("status = 'PENDING'"),
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.create_index(
        "ix_invitations_expires_at",
        "invitations",
        ["expires_at"],
        sqlite_where=sa.text("status = 'PENDING'"),
        postgresql_where=sa.text("status = 'PENDING'"),
    )
