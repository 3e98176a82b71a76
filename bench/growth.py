"""Whether what is shown of a large organization costs as much as of a small one: `python -m bench.growth`.

It fills a database on PostgreSQL, asks for each list, and prints tables in Markdown: milliseconds as the server
measures them, planning included, of statements that were asked before, as they are by a gateway that runs for longer.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import orjson
from sqlalchemy import event
from sqlalchemy.engine import make_url

from bench.growth_data import SIZES, WIDTHS, filling, member, organization_of, person_in, small_organization
from bench.serve import settings_for
from connectors.database.engine import AsyncEngine, open_database
from connectors.directory.approvals import INVITATIONS
from connectors.directory.directory import Directory
from connectors.directory.records.audit import AuditFilter
from connectors.directory.records.invitations import InvitationStatus
from connectors.directory.records.memberships import (
    MemberFilter,
    MemberOrder,
    MemberOrderField,
    MembershipFilter,
    MembershipStatus,
)
from connectors.directory.records.people import Acquaintances
from connectors.ids import OrganizationId
from connectors.pages import Page, Slice, SortDirection
from connectors.shop.embedded import EmbeddedShop
from connectors.shop.interface import OrderFilter, OrderSort, OrderSortField, OrderStatus
from gateway.wiring import migrate_our_database
from tests.servers import fresh_database, servers

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
_FIRST = Slice(25)
_TIMES = 11
_PLACED = tuple(status for status in OrderStatus if status is not OrderStatus.DRAFT)

Asked = Callable[[Any], Awaitable[Any]]


class Lists:
    """Every list that grows with its organization, and what else is asked about one of its members."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._directory, self._shop = Directory(engine), EmbeddedShop(engine)

    def of_organizations(self) -> dict[str, Asked]:
        """Return what is asked of an organization, by what it is called in the table."""
        directory, shop = self._directory, self._shop
        members: dict[str, MemberFilter] = {
            "members": MemberFilter(),
            **{
                f"members by {field.value}, {direction.value}": MemberFilter(order=MemberOrder(field, direction))
                for field in MemberOrderField
                for direction in SortDirection
            },
            "members: invited": MemberFilter(status=(MembershipStatus.INVITED,)),
            "members: search of one": MemberFilter(search="p50@"),
            "members: search of many": MemberFilter(search="growth"),
            "members: search of a seventh and a fifth": MemberFilter(search="emil weiss"),
            "members: search of a fifth, at the end": MemberFilter(search="weiss"),
            "members: search of all and of one": MemberFilter(search="growth.example p50@"),
            "members: search of one, by STATUS": MemberFilter(
                search="p50@", order=MemberOrder(MemberOrderField.STATUS, SortDirection.DESC)
            ),
            "members: search of nobody": MemberFilter(search="nobody"),
            "members: search of two letters": MemberFilter(search="nn"),
            "members: search of two letters of nobody": MemberFilter(search="qx"),
            "members: search of two letters of nobody, by JOINED_AT": MemberFilter(
                search="qx", order=MemberOrder(MemberOrderField.JOINED_AT, SortDirection.DESC)
            ),
            "members: search of a sign of nobody": MemberFilter(search="+"),
            "members: roleKeys of all": MemberFilter(role_keys=("purchase",), now=NOW),
            "members: roleKeys of few": MemberFilter(role_keys=("administration",), now=NOW),
            "members: roleKeys of all and search of nobody": MemberFilter(
                role_keys=("purchase",), search="nobody", now=NOW
            ),
            "members: roleKeys and search": MemberFilter(role_keys=("administration",), search="weiss", now=NOW),
        }
        orders: dict[str, OrderFilter] = {
            "orders": OrderFilter(),
            "orders: placed": OrderFilter(status=_PLACED),
            "orders: two rare statuses": OrderFilter(status=(OrderStatus.SUBMITTED, OrderStatus.SHIPPED)),
            "orders: placed, by number": OrderFilter(status=_PLACED, sort=OrderSort(OrderSortField.NUMBER)),
            "orders: placed, by total": OrderFilter(status=_PLACED, sort=OrderSort(OrderSortField.TOTAL)),
            "orders: search of one": OrderFilter(search="c4ca4238a0b9"),
            "orders: search of many": OrderFilter(search="module", status=_PLACED),
            "orders: search of none": OrderFilter(search="nothing", status=_PLACED),
            "orders: search of two letters of none": OrderFilter(search="qx", status=_PLACED),
        }
        events: dict[str, AuditFilter] = {
            "audit events": AuditFilter(),
            "audit events: a rare action": AuditFilter(actions=("organization.update",)),
            "audit events: an action of none": AuditFilter(actions=("organization.close",)),
        }
        asked: dict[str, Asked] = {}
        for name, where in members.items():
            asked[name] = partial(self._members, where)
        asked["members: a page in the middle"] = partial(self._after_the_middle, MemberFilter())
        for direction in SortDirection:
            by_status = MemberFilter(order=MemberOrder(MemberOrderField.STATUS, direction))
            name = f"members by STATUS, {direction.value}: in the middle"
            asked[name] = partial(self._after_the_middle, by_status)
        asked["members: the last"] = lambda id: directory.members_of(
            [id], Slice(25, backward=True), where=MemberFilter()
        )
        for name in ("members", "members: search of one", "members: search of many", "members: roleKeys of few"):
            asked[f"{name}: totalCount"] = partial(self._count_members, members[name])
        asked["members: by status, counted"] = lambda id: directory.member_counts_of([id])
        asked["administrators"] = lambda id: directory.holders_of(
            [id], role_keys=["administration"], permissions=["MEMBER_MANAGE"], now=NOW, limit=5
        )
        asked["lasting administrators"] = lambda id: directory.lasting_holders_of([id], role_keys=["administration"])
        for name, order in orders.items():
            asked[name] = partial(self._orders, order)
        asked["orders: placed: totalCount"] = lambda id: shop.count_orders_of([id], orders["orders: placed"])
        for name, entries in events.items():
            asked[name] = partial(self._audit_events, entries)
        asked["audit events: totalCount"] = lambda id: directory.count_audit_events_of([id], AuditFilter())
        asked["invitations"] = lambda id: directory.approvals_of(INVITATIONS, "organization_id", [id], _FIRST, now=NOW)
        pending = [InvitationStatus.PENDING]
        asked["invitations: pending"] = lambda id: directory.approvals_of(
            INVITATIONS, "organization_id", [id], _FIRST, status=pending, now=NOW
        )
        asked["named: for a reviewer"] = lambda id: directory.named(
            [member(50)], Acquaintances({}, own_subject_ids=["usr_x"], own_ids=[id], reviews_registrations=True)
        )
        asked["audit events of a person"] = lambda id: directory.audit_events_of_person(
            member(50), [member(50)], [id], _FIRST
        )
        return asked

    def of_people(self) -> dict[str, Asked]:
        """Return what is asked of a person."""
        directory = self._directory
        return {
            "memberships": lambda id: directory.memberships_of([id], _FIRST),
            "memberships: search": lambda id: directory.memberships_of(
                [id], _FIRST, where=MembershipFilter(search="a1")
            ),
            "memberships: totalCount": lambda id: directory.count_memberships_of([id]),
            "membership of one organization": lambda id: directory.membership_of(id, small_organization()),
        }

    async def _members(self, where: MemberFilter, id: OrganizationId) -> Any:
        return await self._directory.members_of([id], _FIRST, where=where)

    async def _count_members(self, where: MemberFilter, id: OrganizationId) -> Any:
        return await self._directory.count_members_of([id], where)

    async def _orders(self, where: OrderFilter, id: OrganizationId) -> Any:
        return await self._shop.orders_of([id], _FIRST, where=where)

    async def _audit_events(self, where: AuditFilter, id: OrganizationId) -> Any:
        return await self._directory.audit_events_of([id], _FIRST, where=where)

    async def _after_the_middle(self, where: MemberFilter, id: OrganizationId) -> Page[Any]:
        (page,) = await self._directory.members_of([id], Slice(40), where=where)
        cursor = page.cursor_of(page.items[-1])
        (next_page,) = await self._directory.members_of([id], Slice(25, cursor), where=where)
        return next_page


class Measure:
    """What the server takes for the statements that something asks."""

    def __init__(self, engine: AsyncEngine, connection: Any) -> None:
        self._connection = connection
        self._sent: list[tuple[str, Sequence[Any]]] = []
        self._prepared: dict[str, str] = {}
        for one in engine.sync_engines:
            event.listen(one, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, text: str, arguments: Any, *_rest: object) -> None:
        self._sent.append((text, arguments))

    async def plans(self, ask: Awaitable[Any], times: int = 1) -> list[list[dict[str, Any]]]:
        """Return the plans of the last statement that is asked, with what was read, as often as said."""
        self._sent.clear()
        await ask
        return [[await self._explained(text, arguments) for _ in range(times)] for text, arguments in self._sent[-1:]]

    async def milliseconds(self, ask: Awaitable[Any]) -> float:
        """Return what the server takes for what is asked, planning included: the median of some, after some others."""
        (plans,) = await self.plans(ask, _TIMES)
        return float(median(plan["Planning Time"] + plan["Execution Time"] for plan in plans[_TIMES // 2 :]))

    async def _explained(self, text: str, arguments: Sequence[Any]) -> dict[str, Any]:
        name = self._prepared.get(text)
        if name is None:
            name = self._prepared[text] = f"growth_{len(self._prepared)}"
            await self._connection.execute(f"PREPARE {name} AS {text}")
        values = f"({', '.join(map(_literal, arguments))})" if arguments else ""
        explain = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE {name}{values}"
        found: list[dict[str, Any]] = orjson.loads(await self._connection.fetchval(explain))
        return found[0]


def _literal(value: Any) -> str:
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return "'{}'".format(text.replace("'", "''"))


@asynccontextmanager
async def filled(url: str, statements: Sequence[str]) -> AsyncIterator[tuple[AsyncEngine, Any]]:
    """Give an engine of a migrated database that is filled by these statements, and a connection to it."""
    connection = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(False))
    for statement in statements:
        await connection.execute(statement)
    engine = open_database(url)
    try:
        yield engine, connection
    finally:
        await engine.dispose()
        await connection.close()


async def _measured() -> None:
    with TemporaryDirectory(prefix="forecourt-growth-") as folder:
        try:
            async with fresh_database("postgresql") as url:
                await migrate_our_database(settings_for(Path(folder), url))
                begun = perf_counter()
                async with filled(url, filling()) as (engine, connection):
                    print(f"Filled in {perf_counter() - begun:.0f} s.\n")  # noqa: T201
                    measure, lists = Measure(engine, connection), Lists(engine)
                    of_sizes = {size: organization_of(size) for size in SIZES}
                    await _print_table("members, orders, entries", lists.of_organizations(), of_sizes, measure)
                    of_widths = {width: person_in(width) for width in WIDTHS}
                    await _print_table("organizations of a person", lists.of_people(), of_widths, measure)
        finally:
            await servers.stop()


async def _print_table(what: str, asked: dict[str, Asked], ids: dict[int, Any], measure: Measure) -> None:
    print(f"| {what} | {' | '.join(f'{size:,}' for size in ids)} |")  # noqa: T201
    print(f"|---|{'--:|' * len(ids)}")  # noqa: T201
    for name, ask in asked.items():
        found = [await measure.milliseconds(ask(id)) for id in ids.values()]
        print(f"| {name} | {' | '.join(f'{one:.2f}' for one in found)} |", flush=True)  # noqa: T201
    print()  # noqa: T201


if __name__ == "__main__":
    asyncio.run(_measured())
