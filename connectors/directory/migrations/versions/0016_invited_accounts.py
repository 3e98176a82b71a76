"""Whose confirmed address an invitation was sent to, so that it stays theirs when the address changes."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import IdText

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the column, and fill it for the invitations that are open."""
    # Without a foreign key: SQLite would have to copy the table, and accounts keep their rows.
    op.add_column("invitations", sa.Column("account_id", IdText))
    op.create_index(op.f("ix_invitations_account_id"), "invitations", ["account_id"])
    op.execute(
        "UPDATE invitations SET account_id = (SELECT id FROM users WHERE users.email_key = invitations.email_key) "
        "WHERE status = 'PENDING'"
    )
