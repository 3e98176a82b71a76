"""Reasons and refusals in the audit log, the outbox, and idempotency keys."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import CleanText, IdText, UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns and indexes, close a way around the audit log's triggers, and create the tables."""
    op.add_column("audit_events", sa.Column("reason", CleanText))
    op.add_column("audit_events", sa.Column("refused_with", IdText))
    op.drop_index("ix_audit_events_organization_id", "audit_events")
    for owner in ("organization_id", "actor_id", "subject_id"):
        op.create_index(f"ix_audit_events_{owner}", "audit_events", [owner, "occurred_at", "id"])
    op.create_index("ix_audit_events_occurred_at", "audit_events", ["occurred_at", "id"])
    if op.get_bind().dialect.name == "sqlite":
        # REPLACE removes a row without asking the triggers that refuse to delete one.
        op.execute(
            "CREATE TRIGGER audit_events_refuse_replace BEFORE INSERT ON audit_events "
            "WHEN EXISTS (SELECT 1 FROM audit_events WHERE id = NEW.id OR rowid = NEW.rowid) "
            "BEGIN SELECT RAISE(IGNORE); END"
        )
    op.create_index("ix_vendor_permissions_permission", "vendor_permissions", ["permission"])
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
