"""Orders are found by parts of their numbers and articles by index, however many an organization has."""

from alembic import op

from connectors.database.text_search import make_index

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the index, where the database has what it needs."""
    make_index(op.get_bind(), "shop_orders")
