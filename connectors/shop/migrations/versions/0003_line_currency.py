"""The currency of an order's lines beside their price, so that lines are read without their order."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column, and fill it from the orders."""
    op.add_column("shop_order_lines", sa.Column("currency", sa.Text))
    op.execute(
        "UPDATE shop_order_lines SET currency = (SELECT currency FROM shop_orders WHERE id = shop_order_lines.order_id)"
    )
