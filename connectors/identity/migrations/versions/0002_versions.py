"""Which change of the directory a hash is of, and a row that stays when credentials are deleted."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import CleanText

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the version, and let a row have no hash."""
    with op.batch_alter_table("identity_credentials") as table:  # SQLite copies the table
        table.alter_column("password_hash", existing_type=CleanText(), nullable=True)
        table.add_column(sa.Column("version", sa.BigInteger, nullable=False, server_default="0"))
