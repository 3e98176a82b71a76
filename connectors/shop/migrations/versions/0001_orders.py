"""Orders with their lines and events."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import IdText, UtcDateTime

revision = "0001"
down_revision = None

KNOWN_STATUS = (
    "status IN ('DRAFT', 'PENDING_APPROVAL', 'REJECTED', 'SUBMITTED', 'CONFIRMED', 'PARTIALLY_SHIPPED', 'SHIPPED', "
    "'DELIVERED', 'CANCELLED', 'FAILED')"
)


def upgrade() -> None:
    """Create the three tables."""
    op.create_table(
        "shop_orders",
        sa.Column("id", IdText, nullable=False),
        sa.Column("number", IdText, nullable=False),
        sa.Column("organization_id", IdText, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("placed_at", UtcDateTime()),
        sa.Column("placed_by_id", IdText),
        sa.Column("total_minor_units", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("shipping_address", sa.Text()),
        sa.Column("tracking_url", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_shop_orders_number")),
        sa.CheckConstraint(KNOWN_STATUS, name=op.f("ck_shop_orders_status")),
        sa.CheckConstraint("status <> 'DRAFT' OR placed_at IS NULL", name=op.f("ck_shop_orders_draft_is_not_placed")),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_shop_orders_currency")),
    )
    op.create_index(
        op.f("ix_shop_orders_organization_id_created_at_id"), "shop_orders", ["organization_id", "created_at", "id"]
    )
    op.create_table(
        "shop_order_lines",
        sa.Column("order_id", IdText, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price_minor_units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "position", name=op.f("pk_shop_order_lines")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["shop_orders.id"], name=op.f("fk_shop_order_lines_order_id"), ondelete="CASCADE"
        ),
        sa.CheckConstraint("position > 0", name=op.f("ck_shop_order_lines_position")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_shop_order_lines_quantity")),
    )
    op.create_table(
        "shop_order_events",
        sa.Column("id", IdText, nullable=False),
        sa.Column("order_id", IdText, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("actor_id", IdText),
        sa.Column("messages", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_order_events")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["shop_orders.id"], name=op.f("fk_shop_order_events_order_id"), ondelete="CASCADE"
        ),
        sa.CheckConstraint(KNOWN_STATUS, name=op.f("ck_shop_order_events_status")),
    )
    op.create_index(op.f("ix_shop_order_events_order_id_at_id"), "shop_order_events", ["order_id", "at", "id"])
