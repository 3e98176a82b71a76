"""The time zone of a person, in which mails write instants; none is the portal's."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import CleanText

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the column."""
    op.add_column("users", sa.Column("time_zone", CleanText))
