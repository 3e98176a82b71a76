"""Where the gateway writes to find out whether it can."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import UtcDateTime

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "write_checks",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("checked_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_write_checks"),
    )
