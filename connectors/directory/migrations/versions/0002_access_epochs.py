"""A number for each person and each company that counts the changes of what somebody may do."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the numbers; nobody's access has changed yet."""
    for table in ("users", "organizations"):
        op.add_column(table, sa.Column("access_epoch", sa.Integer, nullable=False, server_default="0"))
