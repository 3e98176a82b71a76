"""What orders are listed and found by: the day that is shown, and their number and articles."""

import sqlalchemy as sa
from alembic import op

from connectors.database.columns import IdText, UtcDateTime
from connectors.shop.rows import search_text

revision = "0002"
down_revision = "0001"

_AT_ONCE = 1_000
_INDEXES = (
    ("organization_id", "listed_at", "id"),
    ("organization_id", "status", "listed_at", "id"),
    ("organization_id", "placed_by_id", "listed_at", "id"),
    ("organization_id", "number", "id"),
    ("organization_id", "currency", "total_minor_units", "id"),
)


def upgrade() -> None:
    """Add both columns, fill them, and index what lists are sorted by."""
    op.drop_index(op.f("ix_shop_orders_organization_id_created_at_id"), "shop_orders")
    op.add_column("shop_orders", sa.Column("listed_at", UtcDateTime))
    op.add_column("shop_orders", sa.Column("search_text", IdText))
    _fill(op.get_bind())
    for columns in _INDEXES:
        op.create_index(op.f(f"ix_shop_orders_{'_'.join(columns)}"), "shop_orders", [*columns])


def _fill(connection: sa.Connection) -> None:
    order = sa.table(
        "shop_orders", sa.column("id"), sa.column("number"), sa.column("listed_at"), sa.column("search_text")
    )
    line = sa.table("shop_order_lines", *map(sa.column, ("order_id", "position", "sku", "name")))
    connection.execute(sa.text("UPDATE shop_orders SET listed_at = coalesce(placed_at, created_at)"))
    last = ""
    while orders := connection.execute(
        sa.select(order.c.id, order.c.number).where(order.c.id > last).order_by(order.c.id).limit(_AT_ONCE)
    ).all():
        articles: dict[str, list[tuple[str, str]]] = {id: [] for id, _ in orders}
        last = orders[-1].id
        between = line.c.order_id >= orders[0].id, line.c.order_id <= last
        lines = sa.select(line.c.order_id, line.c.sku, line.c.name).where(*between)
        for id, sku, name in connection.execute(lines.order_by(line.c.order_id, line.c.position)):
            articles[id].append((sku, name))
        connection.execute(
            sa.update(order).where(order.c.id == sa.bindparam("of_id")).values(search_text=sa.bindparam("text")),
            [{"of_id": id, "text": search_text(number, articles[id])} for id, number in orders],
        )
