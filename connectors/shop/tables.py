"""The embedded shop's tables. Organizations and persons are known by their ids alone: the directory owns them.

An order keeps its total although it is the sum of the lines, so that a list of orders is read without touching the
lines; `EmbeddedShop.load` refuses an order whose lines say otherwise, or are in another currency.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, text

from connectors.database.columns import IdText, UtcDateTime, new_metadata
from connectors.shop.interface import OrderStatus

METADATA = new_metadata()

_KNOWN_STATUS = f"status IN ({', '.join(repr(status.value) for status in OrderStatus)})"

SHOP_ORDERS = Table(
    "shop_orders",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("number", IdText, nullable=False, unique=True),
    Column("organization_id", IdText, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("placed_at", UtcDateTime),
    Column("placed_by_id", IdText),
    Column("total_minor_units", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("shipping_address", Text),  # JSON of connectors.values.Address
    Column("tracking_url", Text),
    Column("listed_at", UtcDateTime),  # placed_at; of what is not placed, created_at
    Column("search_text", IdText),  # the number and the articles, folded
    CheckConstraint(_KNOWN_STATUS, name="status"),
    CheckConstraint("status <> 'DRAFT' OR placed_at IS NULL", name="draft_is_not_placed"),
    CheckConstraint("length(currency) = 3", name="currency"),
    # One for each order of the list, and for what narrows it most. Both databases read backwards at no cost.
    Index(None, "organization_id", "listed_at", "id"),
    Index(None, "organization_id", "status", "listed_at", "id"),
    Index(
        "ix_shop_orders_placed",  # most lists are of all but drafts
        "organization_id",
        "listed_at",
        "id",
        sqlite_where=text("status <> 'DRAFT'"),
        postgresql_where=text("status <> 'DRAFT'"),
    ),
    Index(None, "organization_id", "placed_by_id", "listed_at", "id"),
    Index(None, "organization_id", "number", "id"),
    Index(None, "organization_id", "currency", "total_minor_units", "id"),
)

SHOP_ORDER_LINES = Table(
    "shop_order_lines",
    METADATA,
    Column("order_id", IdText, ForeignKey("shop_orders.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("sku", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price_minor_units", BigInteger, nullable=False),
    Column("currency", Text),  # the order's, so that lines are read without it
    CheckConstraint("position > 0", name="position"),
    CheckConstraint("quantity > 0", name="quantity"),
)

SHOP_ORDER_EVENTS = Table(
    "shop_order_events",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("order_id", IdText, ForeignKey("shop_orders.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("status", Text, nullable=False),
    Column("actor_id", IdText),
    Column("messages", Text, nullable=False),  # JSON object: language to text
    CheckConstraint(_KNOWN_STATUS, name="status"),
    Index(None, "order_id", "at", "id"),
)
