"""Reasons and refusals in the audit log, the outbox, and idempotency keys."""

import sqlalchemy as sa
from alembic import op

from connectors.database import CleanText, IdText, UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns and create the tables."""
    op.add_column("audit_events", sa.Column("reason", CleanText))
    op.add_column("audit_events", sa.Column("refused_with", IdText))
    # An address takes its place once it is confirmed, so that nobody keeps the address of somebody else occupied.
    op.execute("UPDATE users SET email_key = id WHERE NOT email_verified")
    op.create_table(
        "outbox",
        sa.Column("id", IdText),
        sa.Column("kind", IdText, nullable=False),
        sa.Column("content", CleanText, nullable=False),
        sa.Column("sealed", CleanText),
        sa.Column("state", IdText, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_error", CleanText),
        sa.Column("ended_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.CheckConstraint("state IN ('QUEUED', 'DONE', 'DEAD')", name=op.f("ck_outbox_state")),
    )
    op.create_index("ix_outbox_state", "outbox", ["state", "due_at", "id"])
    op.create_table(
        "idempotency_records",
        sa.Column("actor", IdText),
        sa.Column("key", IdText),
        sa.Column("input_hash", sa.LargeBinary, nullable=False),
        sa.Column("receipt", CleanText, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("actor", "key", name="pk_idempotency_records"),
    )
    op.create_index("ix_idempotency_records_created_at", "idempotency_records", ["created_at"])
