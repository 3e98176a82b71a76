"""In which network a session was begun. Those of before are not known; a person is by their next one."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import CleanText

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column and what finds by it."""
    op.add_column("sessions", sa.Column("network", CleanText))
    op.create_index("ix_sessions_network", "sessions", ["user_id", "network", "created_at"])
