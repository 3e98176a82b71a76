"""The tables as SQLAlchemy's documentation maps them: declarative ORM classes, for the plain Strawberry server."""

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """All that is mapped here."""


class UserModel(Base):
    """A person."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str]
    first_name: Mapped[str]
    last_name: Mapped[str]
    locale: Mapped[str | None]
    account_kind: Mapped[str]
    default_organization_id: Mapped[str | None]
    last_name_key: Mapped[str]
    first_name_key: Mapped[str]


class OrganizationModel(Base):
    """An organization."""

    __tablename__ = "organizations"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    customer_number: Mapped[str | None]
    status: Mapped[str]


class MembershipModel(Base):
    """One person's membership of one organization."""

    __tablename__ = "memberships"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    status: Mapped[str]
    job_title: Mapped[str | None]


class GrantModel(Base):
    """A role that somebody was given."""

    __tablename__ = "grants"

    id: Mapped[str] = mapped_column(primary_key=True)
    membership_id: Mapped[str] = mapped_column(ForeignKey("memberships.id"))
    kind: Mapped[str]
    key: Mapped[str]
    valid_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class OrderModel(Base):
    """An order."""

    __tablename__ = "shop_orders"

    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str]
    organization_id: Mapped[str]
    status: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    placed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    placed_by_id: Mapped[str | None]
    total_minor_units: Mapped[int]
    currency: Mapped[str]


class OrderLineModel(Base):
    """One position of an order."""

    __tablename__ = "shop_order_lines"

    order_id: Mapped[str] = mapped_column(ForeignKey("shop_orders.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str]
    name: Mapped[str]
    quantity: Mapped[int]
    unit_price_minor_units: Mapped[int]
