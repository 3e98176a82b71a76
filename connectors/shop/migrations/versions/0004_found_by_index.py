"""Orders are read by index, however many an organization has: found by parts of them, and listed without drafts."""

import sqlalchemy as sa
from alembic import op

from connectors.database.text_search import make_index

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the indexes; the one for searching where the database has what it needs."""
    make_index(op.get_bind(), "shop_orders")
    is_placed = sa.text("status <> 'DRAFT'")
    op.create_index(
        "ix_shop_orders_placed",
        "shop_orders",
        ["organization_id", "listed_at", "id"],
        sqlite_where=is_placed,
        postgresql_where=is_placed,
    )
