"""Orders are listed by index without drafts, however many an organization has."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the index."""
    is_placed = sa.text("status <> 'DRAFT'")
    op.create_index(
        "ix_shop_orders_placed",
        "shop_orders",
        ["organization_id", "listed_at", "id"],
        sqlite_where=is_placed,
        postgresql_where=is_placed,
    )
