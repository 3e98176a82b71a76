"""Orders are found by words of any length by index."""

from alembic import op

from connectors.database.text_search import make_index

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the index."""
    make_index(op.get_bind(), "shop_orders")
