"""What is made of names and numbers, as the code makes it: 0005 kept legal forms, and tabs, in what it filled."""

from alembic import op

from connectors.directory.migrations.derived import fill

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Fill the columns again."""
    fill(op.get_bind())
