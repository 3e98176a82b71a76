"""What the embedded shop promises beyond the interface: its statements, its tables, what it refuses to load."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, insert, make_url
from sqlalchemy.exc import IntegrityError

from connectors.database.engine import AsyncEngine, open_database
from connectors.database.migrations import check_migrated, migrate
from connectors.errors import BackendUnavailable
from connectors.folding import search_words, searchable
from connectors.ids import OrderEventId, OrderId, OrganizationId, UserId
from connectors.pages import Slice, SortDirection
from connectors.shop.embedded import EmbeddedShop
from connectors.shop.interface import OrderFilter, OrderRecord, OrderSort, OrderSortField, OrderStatus, Shop, ShopData
from connectors.shop.migrations import MIGRATIONS
from connectors.shop.rows import LINES, order_row
from connectors.shop.tables import METADATA, SHOP_ORDER_LINES, SHOP_ORDERS
from connectors.values import Money
from tests.contracts.shop_records import NOON, emptied, event_of, line_of, order_of
from tests.servers import PATIENT, DatabaseKind, fresh_database

EVERY = OrderFilter()
ACME, BETA = OrganizationId("org_acme"), OrganizationId("org_beta")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def shop_database(request: pytest.FixtureRequest) -> AsyncIterator[AsyncEngine]:
    async with fresh_database(request.param, MIGRATIONS) as url:
        engine = open_database(url, PATIENT)
        yield engine
        await engine.dispose()


@pytest.fixture
async def engine(shop_database: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    """A database with the shop's tables, empty."""
    yield shop_database
    await emptied(shop_database)


@contextmanager
def statements_of(engine: AsyncEngine) -> Iterator[list[str]]:
    """Collect the statements that reach the database."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    for one in engine.sync_engines:
        event.listen(one, "before_cursor_execute", note)
    yield seen
    for one in engine.sync_engines:
        event.remove(one, "before_cursor_execute", note)


async def test_the_migrations_make_the_tables_that_the_code_knows(database_url: str) -> None:
    engine = open_database(database_url)

    revisions = await migrate(engine, MIGRATIONS)

    async with engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(
                MigrationContext.configure(sync, opts={"compare_type": True, "include_name": _is_of_tables}), METADATA
            )
        )
    assert revisions[0] == "0001"
    assert [difference for difference in differences if not _is_version_table(difference)] == []
    assert await migrate(engine, MIGRATIONS) == []
    await check_migrated(engine, MIGRATIONS)
    await engine.dispose()


def _is_of_tables(name: str | None, _kind: str, _parents: object) -> bool:
    """Return whether the tables speak of something; of what `connectors.database.text_search` makes, they do not."""
    return name is None or not name.startswith(("shop_orders_search", "ix_shop_orders_search"))


def _is_version_table(difference: Any) -> bool:
    return bool(difference[0] == "remove_table" and difference[1].name == MIGRATIONS.version_table)


Query = Callable[[Shop, int], Awaitable[Sequence[Any]]]

QUERIES: dict[str, Query] = {
    "orders_of": lambda shop, n: shop.orders_of(_organizations(n), Slice(3), where=EVERY),
    "orders_of, filtered": lambda shop, n: shop.orders_of(
        _organizations(n), Slice(3), where=OrderFilter((OrderStatus.SUBMITTED,) * n, UserId("usr_1"))
    ),
    "count_orders_of": lambda shop, n: shop.count_orders_of(_organizations(n), EVERY),
    "orders": lambda shop, n: shop.orders(_ids(n)),
    "lines_of": lambda shop, n: shop.lines_of(_ids(n)),
    "events_of": lambda shop, n: shop.events_of(_ids(n)),
    "events": lambda shop, n: shop.events([OrderEventId(f"evt_{n}") for n in range(n)]),
}


def _organizations(count: int) -> list[OrganizationId]:
    return [OrganizationId(f"org_{n}") for n in range(count)]


def _ids(count: int) -> list[OrderId]:
    return [OrderId(f"ord_{n}") for n in range(count)]


async def test_orders_are_found_by_words_of_any_length_among_hundreds(engine: AsyncEngine) -> None:
    ours, theirs = OrganizationId("org_ours"), OrganizationId("org_theirs")
    orders = [order_of((ours, theirs)[n % 2], f"{n % 7}-{n}+{'q' * (n == 600)}", total=5) for n in range(700)]
    shop = EmbeddedShop(engine)
    await shop.load(ShopData(orders, [line_of(order, 1, 1, 5) for order in orders], []))

    for words in ("q", "9", "99", "+", "2-", "artikel 65", "sku-1 №", "x", "qx", "4 8", "8-"):
        found = await shop.orders_of([ours], Slice(700), where=OrderFilter(search=words))

        texts = {order.id: searchable(order.number, "SKU-1", "Artikel № 1") for order in orders[::2]}
        expected = {id for id, text in texts.items() if all(word in text for word in search_words(words))}
        assert {order.id for order in found[0].items} == expected, words
        assert await shop.count_orders_of([ours], OrderFilter(search=words)) == [len(expected)]


@pytest.mark.parametrize("name", QUERIES)
async def test_a_query_is_one_statement_however_much_is_asked_for(engine: AsyncEngine, name: str) -> None:
    orders = [order_of(OrganizationId(f"org_{n}"), str(n), total=5) for n in range(100)]
    lines = [line_of(order, 1, 1, 5) for order in orders]
    events = [event_of(order, order.number, NOON, OrderStatus.SUBMITTED) for order in orders]
    shop = EmbeddedShop(engine)
    await shop.load(ShopData(orders, lines, events))

    for count, expected in ((0, 0), (1, 1), (100, 1), (40_000, 1)):
        with statements_of(engine) as seen:
            answers = await QUERIES[name](shop, count)

        assert (len(answers), len(seen)) == (count, expected)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def long_history(request: pytest.FixtureRequest) -> AsyncIterator[AsyncEngine]:
    """Two organizations with ten thousand orders each, of which few are drafts and few are Anna's."""
    async with fresh_database(request.param, MIGRATIONS) as url:
        engine = open_database(url, PATIENT)
        await _make_history(engine)
        yield engine
        await engine.dispose()


async def _make_history(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        for organization in (ACME, BETA):
            orders = [
                order_of(
                    organization,
                    f"{organization}-{n}",
                    created_at=NOON + timedelta(minutes=n // 3),
                    status=OrderStatus.DRAFT if n % 2_000 == 0 else OrderStatus.DELIVERED,
                    placed_by_id=UserId("usr_anna") if n % 1_000 == 1 else UserId(f"usr_{n % 5}"),
                    total=n % 400,
                )
                for n in range(10_000)
            ]
            await connection.execute(insert(SHOP_ORDERS), [order_row(order, ()) for order in orders])
    async with engine.begin() as connection:
        await connection.exec_driver_sql("ANALYZE")


@pytest.mark.parametrize(
    ("where", "index"),
    [
        (EVERY, "organization_id_listed_at_id"),
        (
            OrderFilter(tuple(status for status in OrderStatus if status is not OrderStatus.DRAFT)),
            "placed",
        ),
        (OrderFilter(since=NOON, until=NOON + timedelta(days=2)), "organization_id_listed_at_id"),
        (OrderFilter((OrderStatus.SHIPPED, OrderStatus.DELIVERED)), "organization_id_status_listed_at_id"),
        (OrderFilter((OrderStatus.DRAFT,)), "organization_id_status_listed_at_id"),
        (OrderFilter(placed_by_id=UserId("usr_anna")), "organization_id_placed_by_id_listed_at_id"),
        (OrderFilter(sort=OrderSort(OrderSortField.NUMBER)), "organization_id_number_id"),
        (
            OrderFilter(sort=OrderSort(OrderSortField.TOTAL, SortDirection.ASC)),
            "organization_id_currency_total_minor_units_id",
        ),
    ],
)
@pytest.mark.parametrize("backward", [False, True])
async def test_a_page_of_a_long_history_is_cut_off_at_an_index(
    long_history: AsyncEngine, where: OrderFilter, index: str, backward: bool
) -> None:
    shop = EmbeddedShop(long_history)
    [start] = await shop.orders_of([ACME], Slice(4, backward=backward), where=where)
    cursor = start.cursor_of(start.items[1])
    asked = [
        Slice(4, backward=backward),
        Slice(4, cursor, backward=backward),
        Slice(4, before=cursor, backward=backward),
    ]

    for page in asked:
        plan = await _plan(long_history, shop, where, page)

        assert f"ix_shop_orders_{index}" in plan
        assert "SCAN shop_orders" not in plan
        assert "Seq Scan" not in plan
        # What PostgreSQL read of the index, in all: the pages, one entry more, and one beyond each cursor.
        assert sum(int(rows) for rows in re.findall(r"Index.*actual rows=(\d+)", plan)) <= 60


async def _plan(engine: AsyncEngine, shop: EmbeddedShop, where: OrderFilter, page: Slice) -> str:
    """Return how a page is read, by the database itself."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    for one in engine.sync_engines:
        event.listen(one, "before_cursor_execute", note)
    await shop.orders_of([ACME], page, where=where)
    for one in engine.sync_engines:
        event.remove(one, "before_cursor_execute", note)
    [(statement, parameters)] = seen
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF)"
    async with engine.connect() as connection:
        found = await connection.exec_driver_sql(f"{explain} {statement}", parameters)
        return "\n".join(row[-1] for row in found)


async def test_a_shop_is_empty_until_something_is_loaded(engine: AsyncEngine) -> None:
    shop = EmbeddedShop(engine)

    before = await shop.is_empty()
    await shop.load(ShopData([], [], []))
    after_nothing = await shop.is_empty()
    await shop.load(ShopData([order_of(ACME, "A-1")], [], []))

    assert (before, after_nothing, await shop.is_empty()) == (True, True, False)


async def test_loading_costs_one_statement_for_each_table(engine: AsyncEngine) -> None:
    orders = [order_of(ACME, f"A-{n}", total=5) for n in range(500)]
    lines = [line_of(order, 1, 1, 5) for order in orders]
    events = [event_of(order, order.number, NOON, OrderStatus.SUBMITTED) for order in orders]

    with statements_of(engine) as seen:
        await EmbeddedShop(engine).load(ShopData(orders, lines, events))

    assert [statement.split("(")[0].strip() for statement in seen if statement != "BEGIN IMMEDIATE"] == [
        "INSERT INTO shop_orders",
        "INSERT INTO shop_order_lines",
        "INSERT INTO shop_order_events",
    ]


SOUND = order_of(ACME, "A-1", total=300)
LINE = line_of(SOUND, 1, 3, 100)
EVENT = event_of(SOUND, "1", NOON, OrderStatus.SUBMITTED)


@pytest.mark.parametrize(
    ("contradiction", "message"),
    [
        (
            ShopData([replace(SOUND, total=Money(299, "EUR"))], [LINE], []),
            r"Order A-1 has a total of 299, but its lines add up to 300 EUR \(minor units\)\.",
        ),
        (ShopData([SOUND], [], []), "Order A-1 has a total of 300, but its lines add up to 0"),
        (ShopData([replace(SOUND, total=Money(300, "CHF"))], [LINE], []), "Order A-1 is in CHF, but line 1 is not"),
        (ShopData([SOUND], [replace(LINE, quantity=2)], []), "Line 1 of order A-1 is not quantity times unit price"),
        (ShopData([SOUND], [LINE, line_of(order_of(ACME, "A-2"), 4, 1, 0)], []), "Line 4 is of order ord_A-2"),
        (ShopData([replace(SOUND, status=OrderStatus.DRAFT)], [LINE], []), "Order A-1 is a draft, but was placed"),
        (ShopData([], [], [EVENT]), "Event evt_1 is of order ord_A-1, which is not among the orders"),
        (
            ShopData([SOUND], [LINE], [replace(EVENT, organization_id=BETA)]),
            "Event evt_1 of order A-1 names another organization",
        ),
    ],
)
async def test_orders_that_contradict_themselves_are_refused_by_name_and_nothing_is_stored(
    engine: AsyncEngine, contradiction: ShopData, message: str
) -> None:
    shop = EmbeddedShop(engine)

    with pytest.raises(ValueError, match=message):
        await shop.load(contradiction)

    assert await shop.is_empty()


async def test_an_order_number_exists_once_and_a_failed_load_stores_nothing(engine: AsyncEngine) -> None:
    shop = EmbeddedShop(engine)
    twin = replace(order_of(BETA, "A-1"), id=OrderId("ord_twin"))

    with pytest.raises(IntegrityError):
        await shop.load(ShopData([order_of(ACME, "A-1"), twin], [], []))

    assert await shop.is_empty()


@pytest.mark.parametrize(
    ("order_change", "line_change"),
    [
        ({"status": "LOST"}, {}),
        ({"status": "DRAFT"}, {}),
        ({"currency": "EURO"}, {}),
        ({}, {"quantity": 0}),
        ({}, {"quantity": -1}),
        ({}, {"position": 0}),
        ({}, {"order_id": "ord_unknown"}),
    ],
)
async def test_the_tables_themselves_refuse_what_no_order_can_be(
    engine: AsyncEngine, order_change: dict[str, Any], line_change: dict[str, Any]
) -> None:
    async def store() -> None:
        async with engine.begin() as connection:
            await connection.execute(insert(SHOP_ORDERS).values(order_row(SOUND, [LINE]) | order_change))
            await connection.execute(insert(SHOP_ORDER_LINES).values(LINES.row(LINE) | line_change))

    with pytest.raises(IntegrityError):
        await store()

    assert await EmbeddedShop(engine).is_empty()


def _nowhere(kind: DatabaseKind) -> str:
    if kind == "sqlite":
        return "sqlite+aiosqlite:////nonexistent/folder/shop.sqlite"
    return "postgresql+asyncpg://nobody@127.0.0.1:1/shop"


async def test_a_shop_whose_database_is_away_is_unavailable(database_kind: DatabaseKind) -> None:
    engine = open_database(_nowhere(database_kind))
    shop = EmbeddedShop(engine)
    order: OrderRecord = order_of(ACME, "A-1")
    queries: list[Awaitable[Any]] = [
        shop.orders_of([ACME], Slice(1), where=EVERY),
        shop.count_orders_of([ACME], EVERY),
        shop.orders([order.id]),
        shop.lines_of([order.id]),
        shop.events_of([order.id]),
        shop.events([OrderEventId("evt_1")]),
        shop.is_empty(),
        shop.load(ShopData([order], [], [])),
    ]

    for query in queries:
        with pytest.raises(BackendUnavailable) as failure:
            await query
        assert failure.value.backend == "shop"
    assert not await shop.healthy()
    await engine.dispose()


async def test_a_shop_whose_database_restarts_goes_on_answering() -> None:
    async with fresh_database("postgresql", MIGRATIONS) as url:
        engine, other = open_database(url, PATIENT), open_database(url, PATIENT)
        shop = EmbeddedShop(engine)
        assert await shop.healthy()
        async with other.connect() as connection:
            await connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
                (make_url(url).database,),
            )

        answer = await shop.orders([OrderId("ord_1")])

        assert answer == [None]
        await engine.dispose()
        await other.dispose()
