"""What a point of estimated cost takes: `python -m bench.cost`, in process, on PostgreSQL.

Each operation is asked as often as it takes to see its CPU time, and named with its estimate, the microseconds of CPU
for a point of it, and the longest step of the event loop. The default of `max_cost` comes from the most expensive of
them.
"""

import asyncio
import gc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from time import process_time
from typing import Any

import orjson
from graphql import get_introspection_query

from bench.asgi import asked
from bench.blocks import Clocked
from bench.serve import settings_for
from bench.stage import Stage, open_stage
from bench.workload import ORGANIZATION_ID, QUERIES, Query, directory_data, growing, shop_data
from connectors.database.engine import open_database
from connectors.directory.directory import Directory
from connectors.directory.records.access import GrantRecord
from connectors.directory.records.data import DirectoryData
from connectors.directory.records.memberships import MembershipRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.ids import GrantId, MembershipId, OrderId, OrganizationId
from connectors.shop.embedded import EmbeddedShop
from connectors.shop.interface import OrderLineRecord, OrderRecord, ShopData
from gateway.app import create_app
from gateway.server.gc_tuning import settle

ORGANIZATIONS = 40
"""So many copies of the bench's first organization are added, each with the same 25 people and 24 orders of its own."""

_SECONDS = 2.0
_ROUNDS = 5

_ADDRESS = "{ name company street postalCode city region countryCode phone }"
_PERSON = "user { id displayName firstName lastName email phone locale }"
_MEMBER = f"id version status joinedAt jobTitle {_PERSON}"
_MAY = "viewerCanUpdateRoles viewerCanSuspend viewerCanReactivate viewerCanRemove"
_REASONS = "viewerCannotUpdateRolesReasons viewerCannotRemoveReasons"
_RIGHTS = "effectivePermissions { validUntil permission { code label description } sources { __typename } }"
_GRANTS = "roleGrants { id grantedAt validUntil grantedBy { displayName } role { key label description } }"
_LINES = "lines { sku name quantity unitPrice { amount currency formatted } total { amount currency formatted } }"
_ORDER = f"id number status placedAt placedBy {{ displayName }} total {{ amount currency formatted }} {_LINES}"


def _organizations(count: int, within: str) -> str:
    return f"{{ viewer {{ memberships(first: {count}) {{ nodes {{ organization {{ {within} }} }} }} }} }}"


def _page(name: str, count: int, within: str) -> Query:
    return Query(name, f"query {name} {_organizations(count, within)}", {})


OPERATIONS = (
    *QUERIES,
    growing(100),
    _page("Companies", 10, f"name members {{ nodes {{ {_MEMBER} }} }} orders {{ nodes {{ {_ORDER} }} }}"),
    _page("Names", 40, "members(first: 25) { nodes { user { displayName } } }"),
    _page("Members", 40, f"members(first: 25) {{ nodes {{ {_MEMBER} }} }}"),
    _page("Orders", 40, f"orders(first: 24) {{ nodes {{ {_ORDER} }} }}"),
    _page("MayBeChanged", 40, f"members(first: 25) {{ nodes {{ {_MAY} {_REASONS} }} }}"),
    _page("EffectivePermissions", 40, f"members(first: 25) {{ nodes {{ {_RIGHTS} }} }}"),
    _page("Grants", 40, f"members(first: 25) {{ nodes {{ {_GRANTS} }} }}"),
    _page("Applications", 40, "members(first: 25) { nodes { applications { id key name tagline description } } }"),
    _page("Addresses", 40, f"orders(first: 24) {{ nodes {{ shippingAddress {_ADDRESS} }} }}"),
    _page(
        "WidestOrders",
        40,
        f"orders(first: 24) {{ nodes {{ {' '.join(f'a{n}: shippingAddress {_ADDRESS}' for n in range(15))} }} }}",
    ),
    _page(
        "WidestMembers",
        40,
        f"members(first: 25) {{ nodes {{ user {{ {' '.join(f'a{n}: displayName' for n in range(15))} }} }} }}",
    ),
    _page("Edges", 40, "members(first: 25) { edges { cursor } }"),
    _page("Counted", 40, "members(first: 1) { totalCount } orders(first: 1) { totalCount }"),
    _page("Searched", 40, 'members(first: 1, search: "name1") { totalCount }'),
    _page(
        "SearchedByAliases",
        1,
        " ".join(f'a{n}: members(first: 1, search: "name{n}") {{ totalCount }}' for n in range(15)),
    ),
    Query("IntrospectionQuery", get_introspection_query(), {}),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What an operation took; times in milliseconds of CPU."""

    name: str
    estimate: int
    cpu: float
    step: float
    size: int

    def __str__(self) -> str:
        figures = f"{self.cpu:.1f} | {1000 * self.cpu / self.estimate:.0f} | {self.step:.0f} | {self.size // 1000:,}"
        return f"| {self.name} | {self.estimate:,} | {figures} |"


def _copies() -> tuple[DirectoryData, ShopData]:
    """Return the bench's first organization so many times, under other ids."""
    one, shop = directory_data(), shop_data()
    organization = next(it for it in one.organizations if it.id == ORGANIZATION_ID)
    members = [it for it in one.memberships if it.organization_id == ORGANIZATION_ID]
    mine = {it.id for it in members}
    grants = [it for it in one.grants if it.membership_id in mine]
    orders = [it for it in shop.orders if it.organization_id == ORGANIZATION_ID]
    organizations: list[OrganizationRecord] = []
    memberships: list[MembershipRecord] = []
    given: list[GrantRecord] = []
    ordered: list[OrderRecord] = []
    lines: list[OrderLineRecord] = []
    for copy in range(ORGANIZATIONS):
        mark = f"{copy:02}"
        organization_id = OrganizationId(ORGANIZATION_ID[:-4] + f"cc{mark}")
        organizations.append(
            replace(organization, id=organization_id, customer_number=f"98{mark}00", name=f"Copy {mark} GmbH")
        )
        memberships += [
            replace(member, id=MembershipId(_marked(member.id, mark)), organization_id=organization_id)
            for member in members
        ]
        given += [
            replace(
                grant,
                id=GrantId(_marked(grant.id, mark)),
                membership_id=MembershipId(_marked(grant.membership_id, mark)),
                organization_id=organization_id,
            )
            for grant in grants
        ]
        for order in orders:
            id = OrderId(_marked(order.id, mark))
            ordered.append(replace(order, id=id, number=f"C{mark}-{order.number}", organization_id=organization_id))
            lines += [replace(line, order_id=id) for line in shop.lines if line.order_id == order.id]
    return DirectoryData([], [], organizations, memberships, given, []), ShopData(ordered, lines, [])


def _marked(id: str, mark: str) -> str:
    return id[:6] + f"c{mark}" + id[9:]


async def measured(app: Any, stage: Stage, query: Query) -> Measured:
    """Return what an operation takes."""
    answer = await asked(app, query, stage.token, [(b"forecourt-cost", b"true")])
    body = orjson.loads(answer)
    assert "data" in body, answer[:500]
    estimate = body["extensions"]["cost"]["estimated"]
    cpu, step = [], []
    for _ in range(_ROUNDS):
        gc.collect()
        times, begin = 0, process_time()
        clocked = Clocked()
        with clocked.watching():
            while times < 3 or process_time() - begin < _SECONDS / _ROUNDS:
                await asked(app, query, stage.token)
                times += 1
        cpu.append((process_time() - begin) / times)
        step.append(clocked.longest)
    return Measured(query.name, estimate, median(cpu) * 1000, median(step) * 1000, len(answer))


async def main(queries: Sequence[Query] = OPERATIONS) -> None:
    """Print what each operation takes."""
    async with open_stage() as stage:
        engine = open_database(stage.database_url)
        directory, shop = _copies()
        await Directory(engine).load(directory)
        await EmbeddedShop(engine).load(shop)
        await engine.dispose()
        app = create_app(settings_for(stage.folder, stage.database_url, cost_mode="measure"))
        async with app.router.lifespan_context(app):
            settle()
            print("| operation | estimate | CPU ms | µs a point | longest step ms | KB |\n|---|---|---|---|---|---|")  # noqa: T201
            for query in queries:
                print(await measured(app, stage, query), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
