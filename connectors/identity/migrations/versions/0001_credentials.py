"""The password hash of each user who has one."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import CleanText, IdText

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table; it refers to no other, for the directory's tables may be in another database."""
    op.create_table(
        "identity_credentials",
        sa.Column("user_id", IdText),
        sa.Column("password_hash", CleanText, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_identity_credentials"),
    )
