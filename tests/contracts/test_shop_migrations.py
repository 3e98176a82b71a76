"""Orders that were stored before a migration are listed, found and priced after it as those that are loaded today."""

from datetime import timedelta

from sqlalchemy import text

from connectors.database.engine import open_database
from connectors.database.migrations import upgrade
from connectors.ids import OrderId, OrganizationId
from connectors.pages import Slice
from connectors.shop.embedded import EmbeddedShop
from connectors.shop.interface import OrderFilter, OrderStatus
from connectors.shop.migrations import MIGRATIONS
from connectors.values import Money
from tests.contracts.shop_records import NOON
from tests.servers import PATIENT, DatabaseKind, fresh_database

ACME = OrganizationId("org_acme")
ORDER = text(
    "INSERT INTO shop_orders (id, number, organization_id, status, created_at, placed_at, total_minor_units, currency) "
    "VALUES (:id, :number, 'org_acme', :status, :created, :placed, 0, :currency)"
)
LINE = text(
    "INSERT INTO shop_order_lines (order_id, position, sku, name, quantity, unit_price_minor_units) "
    "VALUES (:id, :position, :sku, :name, 1, 0)"
)


async def test_orders_of_before_are_listed_by_day_and_found_by_article(database_kind: DatabaseKind) -> None:
    async with fresh_database(database_kind) as url:
        engine = open_database(url, PATIENT)
        async with engine.begin() as connection:
            await connection.run_sync(upgrade, MIGRATIONS, "0001")
            sqlite = database_kind == "sqlite"
            for number in range(1_100):  # more than are filled at once
                placed = None if number == 7 else NOON - timedelta(minutes=number)
                values = {
                    "id": f"ord_{number:04}",
                    "number": f"SW-{number}",
                    "status": "DRAFT" if placed is None else "SUBMITTED",
                    "created": _kept(NOON - timedelta(days=9), sqlite),
                    "placed": _kept(placed, sqlite) if placed is not None else None,
                    "currency": "EUR" if number % 2 == 0 else "CHF",
                }
                await connection.execute(ORDER, values)
            for position, (sku, name) in enumerate([("WR-5", "Wechselrichter Größe 5"), ("K-1", "Kabel")], 1):
                for order in ("ord_1098", "ord_1099"):
                    given = {"id": order, "position": position, "sku": sku, "name": name}
                    await connection.execute(LINE, given)

        async with engine.begin() as connection:
            await connection.run_sync(upgrade, MIGRATIONS)

        shop = EmbeddedShop(engine)
        [newest] = await shop.orders_of([ACME], Slice(3), where=OrderFilter())
        [drafts] = await shop.orders_of([ACME], Slice(3), where=OrderFilter((OrderStatus.DRAFT,)))
        [found] = await shop.orders_of([ACME], Slice(3), where=OrderFilter(search="kabel GROSSE sw-1099"))
        assert [order.number for order in newest.items] == ["SW-0", "SW-1", "SW-2"]
        assert [order.number for order in drafts.items] == ["SW-7"]
        assert [order.number for order in found.items] == ["SW-1099"]
        lines = await shop.lines_of([OrderId("ord_1098"), OrderId("ord_1099")])
        assert [[line.unit_price for line in of_order] for of_order in lines] == [
            [Money(0, "EUR"), Money(0, "EUR")],
            [Money(0, "CHF"), Money(0, "CHF")],
        ]
        await engine.dispose()


def _kept(instant: object, sqlite: bool) -> object:
    """The instant as the database keeps it: SQLite as text without an offset."""
    return str(instant).removesuffix("+00:00") if sqlite else instant
