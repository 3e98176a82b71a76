"""That the bench compares like with like: the data is what its page says, and everybody answers the same."""

import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from bench.asgi import asked
from bench.engine import leaf_values
from bench.measure import Figures
from bench.plot import growth_plot
from bench.report import Results, ratios, table
from bench.serve import CONTESTANTS, PROFILE, settings_for
from bench.stage import Stage
from bench.workload import (
    DASHBOARD,
    LINES,
    LOGIN_NAME,
    MEMBERS,
    ORDERS,
    ORGANIZATION_ID,
    SMALL,
    Query,
    directory_data,
    growing,
    shop_data,
)
from connectors.database.engine import open_database
from connectors.directory.directory import Directory
from connectors.shop.embedded import EmbeddedShop
from gateway.app import utc_now
from gateway.cli.token import token_for
from gateway.wiring import migrate_our_database
from tests.servers import PATIENT, fresh_database


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A database with the bench's organizations, without the demo."""
    folder: Path = tmp_path_factory.mktemp("bench")
    async with fresh_database("postgresql") as url:
        settings = settings_for(folder, url)
        await migrate_our_database(settings)
        engine = open_database(url, PATIENT)
        await Directory(engine).load(directory_data())
        await EmbeddedShop(engine).load(shop_data())
        await engine.dispose()
        yield Stage(folder, url, await token_for(settings, LOGIN_NAME, clock=utc_now))


def test_the_organization_has_the_members_roles_and_orders_that_the_page_speaks_of() -> None:
    directory, shop = directory_data(), shop_data()

    members = [member.id for member in directory.memberships if member.organization_id == ORGANIZATION_ID]
    roles = Counter(grant.membership_id for grant in directory.grants)
    orders = [order.id for order in shop.orders if order.organization_id == ORGANIZATION_ID]
    lines = Counter(line.order_id for line in shop.lines)

    assert (len(members), len(orders)) == (MEMBERS, ORDERS) == (25, 24)
    assert {roles[id] for id in members} == {2}
    assert {lines[id] for id in orders} == {LINES} == {5}


@pytest.mark.parametrize(
    ("query", "leaves"),
    [(DASHBOARD, 957), (SMALL, 38), (growing(1), 108), (growing(10), 1_080)],
    ids=["dashboard", "small", "one long order", "ten long orders"],
)
async def test_every_contestant_gives_the_same_answer(stage: Stage, query: Query, leaves: int) -> None:
    answers = {}
    for name, contestant in CONTESTANTS.items():
        app = contestant(stage.folder, stage.database_url)
        if name == "plain_strawberry":  # which has no lifespan, as its documentation shows it
            answers[name] = orjson.loads(await asked(app, query, stage.token))
            await app.close()
            continue
        async with app.router.lifespan_context(app):
            answers[name] = orjson.loads(await asked(app, query, stage.token))

    assert PROFILE == "solar_terminal"
    assert {name for name, answer in answers.items() if answer != answers["handwritten"]} == set()
    assert "errors" not in answers["handwritten"]
    assert leaf_values(answers["handwritten"]["data"]) == leaves


def test_the_ratios_show_how_the_gateway_compares() -> None:
    figures = {
        "handwritten": Figures(100, 1000, 200, 400, 44),
        "forecourt": Figures(150, 800, 300, 450, 90),
        "forecourt_graphql_core": Figures(1_200, 300, 1_300, 2_000, 95),
        "plain_strawberry": Figures(3_000, 100, 3_300, 5_000, 120),
        "mercurius": Figures(200, 600, 400, 600, 80),
    }
    results = Results(figures={("Dashboard", 1): figures}, sizes={"Dashboard": (957, 27_008)})

    assert ratios(results) == {
        "dashboard_1_cpu_to_handwritten": 1.5,
        "dashboard_1_cpu_of_graphql_core": 8.0,
        "dashboard_1_cpu_of_plain_strawberry": 20.0,
        "dashboard_1_cpu_to_mercurius": 0.75,
        "dashboard_1_p99_to_p50": 1.5,
        "dashboard_1_p99_to_handwritten": 1.12,
        "memory_mb": 90,
    }
    assert "957 leaf values" in table(results)


def test_the_plot_is_svg_with_a_line_for_each_contestant() -> None:
    plot = growth_plot(
        [(108, {"handwritten": 120.0, "forecourt": 300.0}), (10_800, {"handwritten": 4e3, "forecourt": 9e3})]
    )

    drawn = ElementTree.fromstring(plot)

    assert len(drawn.findall("{http://www.w3.org/2000/svg}polyline")) == 2
