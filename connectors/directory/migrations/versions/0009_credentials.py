"""Which of a person's passwords counts; with it, nobody needs a link for themself while a password is being stored."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import IdText

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the columns, and drop those that reserved a link for one request."""
    op.add_column("users", sa.Column("credential_version", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("users", sa.Column("credential_item_id", IdText))
    op.drop_column("mailed_tokens", "claimed_until")
    op.drop_column("registrations", "confirming_until")
