"""What is searched, ordered and compared: letters with a stroke, apostrophes, numbers with the name of the tax."""

from alembic import op

from connectors.directory.migrations.derived import fill

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Fill the columns again."""
    fill(op.get_bind())
