"""That what is shown of a large organization is read by index: no more of it than of a small one, whatever is asked."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from bench.growth import Lists, Measure, filled
from bench.growth_data import filling, organization_of, person_in
from connectors.directory.migrations import MIGRATIONS
from connectors.shop.migrations import MIGRATIONS as SHOP_MIGRATIONS
from tests.servers import fresh_database

MEMBERS = 5_000
A_FEW_PAGES = 250
WALKED = 3_500
"""What is asked for by text or role is looked for among 2,000 first, or 300 of each status, then among those with the
words, a thousand where a fifth has them; a thousand holders of a role are counted before."""

WHOLE = {
    "members: totalCount": "counting is going through an index",
    "members: search of many: totalCount": "counting is going through an index",
    "members: by status, counted": "counting is going through an index",
    "orders: placed: totalCount": "counting is going through an index",
    "audit events: totalCount": "counting is going through an index",
}
"""What reads all of an organization, and why."""


@pytest.fixture(scope="module")
async def large() -> AsyncIterator[tuple[Lists, Measure]]:
    """An organization with five thousand of everything, and some small ones."""
    async with (
        fresh_database("postgresql", MIGRATIONS, SHOP_MIGRATIONS) as url,
        filled(url, filling((100, 1_000, MEMBERS), (1, 300))) as (engine, connection),
    ):
        await connection.execute("SET enable_seqscan = off")  # these tables are small: walking them is fast
        yield Lists(engine), Measure(engine, connection)


async def test_no_list_of_a_large_organization_is_read_whole(large: tuple[Lists, Measure]) -> None:
    lists, measure = large
    asked = lists.of_organizations()
    read = {}
    for name, ask in asked.items():
        (plans,) = await measure.plans(ask(organization_of(MEMBERS)))
        read[name] = sum(map(rows_read, nodes(plans[-1]["Plan"])))

    assert WHOLE.keys() <= asked.keys()
    looked_up = ("search", "role", "administrators")
    few = {
        name: rows for name, rows in read.items() if name not in WHOLE and not any(word in name for word in looked_up)
    }
    assert {name: rows for name, rows in few.items() if rows > A_FEW_PAGES} == {}
    rest = {name: rows for name, rows in read.items() if name not in WHOLE and name not in few}
    assert {name: rows for name, rows in rest.items() if rows > WALKED} == {}


async def test_by_status_a_search_walks_in_the_index_alone(large: tuple[Lists, Measure]) -> None:
    """PostgreSQL would read every row of an average organization and sort them, if it had to read the table anyway."""
    lists, measure = large
    (plans,) = await measure.plans(
        lists.of_organizations()["members: search of one, by STATUS"](organization_of(MEMBERS))
    )

    (walk,) = (node for node in nodes(plans[-1]["Plan"]) if node.get("Index Name") == "ix_memberships_name")
    assert (walk["Node Type"], walk["Actual Rows"]) == ("Index Only Scan", 2_000)


async def test_no_list_of_a_person_is_read_from_a_whole_table(large: tuple[Lists, Measure]) -> None:
    lists, measure = large
    for name, ask in lists.of_people().items():
        (plans,) = await measure.plans(ask(person_in(1)))

        assert sum(map(rows_read, nodes(plans[-1]["Plan"]))) <= 2 * A_FEW_PAGES, name


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return a plan's nodes."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def rows_read(node: dict[str, Any]) -> float:
    """Return how many rows of a table a node has read, those that it left out too."""
    if "Relation Name" not in node:
        return 0
    left_out = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return float((node["Actual Rows"] + left_out) * node["Actual Loops"])
