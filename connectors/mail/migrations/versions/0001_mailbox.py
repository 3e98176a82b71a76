"""The mails that stay here, because there is no mail server."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import CleanText, IdText, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "mailbox_mails",
        sa.Column("id", IdText),
        sa.Column("message_id", IdText, nullable=False),
        sa.Column("sender", CleanText, nullable=False),
        sa.Column("sender_name", CleanText, nullable=False),
        sa.Column("recipient", CleanText, nullable=False),
        sa.Column("subject", CleanText, nullable=False),
        sa.Column("text", CleanText, nullable=False),
        sa.Column("html", CleanText, nullable=False),
        sa.Column("locale", CleanText, nullable=False),
        sa.Column("written_at", UtcDateTime, nullable=False),
        sa.Column("headers", CleanText, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mailbox_mails"),
        sa.UniqueConstraint("message_id", name="uq_mailbox_mails_message_id"),
    )
    op.create_index("ix_mailbox_mails_written_at", "mailbox_mails", ["written_at"])
