"""What the page costs does not grow: as many statements for a hundred members, orders or organizations as for one."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.data import DirectoryData
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.ids import GrantId, MembershipId, OrderEventId, OrderId, OrganizationId, UserId
from connectors.shop.interface import OrderEventRecord, OrderLineRecord, OrderRecord, OrderStatus, ShopData
from connectors.values import AccountKind, Money
from tests.portal import NOW, UNMEASURED, Portal, open_portal
from tests.servers import DatabaseKind

PAGE = """
query Page($groups: Int!, $entries: Int!) {
  viewer {
    loginNames
    defaultOrganization { name }
    applications(includeUnavailable: true) { application { key parent { key } } grantedBy { __typename } }
    can(permissions: [MEMBER_MANAGE, SERVICE_CODE_VIEW]) { allowed grantableBy { user { displayName } } }
    memberships(first: $groups) {
      totalCount
      nodes {
        roleGrants { grantedBy { displayName } }
        directGrants { id }
        organization {
          name
          viewerMembership { id }
          administrators { user { displayName } }
          members(first: $entries) {
            totalCount
            nodes {
              user { displayName email }
              roleGrants { role { key } grantedBy { displayName } }
              effectivePermissions { permission { code } }
              applications { key }
            }
          }
          orders(first: $entries) {
            totalCount
            nodes { number placedBy { displayName email } lines { sku } events { status actor { displayName } } }
          }
        }
      }
    }
  }
}
"""

FIELDS_OF_PEOPLE = 7
"""`grantableBy`, `administrators`, `members`, `placedBy`, `actor`, and `grantedBy` twice."""

SOMEBODY = {"one": (1, 1), "many-companies": (100, 1), "much-in-one-company": (1, 100)}
"""Who: in so many organizations, each with so many members and orders."""


async def test_the_page_takes_as_many_statements_for_a_hundred_as_for_one(large_portal: Portal) -> None:
    taken = {}
    for name, (groups, entries) in SOMEBODY.items():
        person = await large_portal.person(f"{name}-0@count.example")
        await person.asks("{ __typename }")  # since then it is known who is in many organizations
        with large_portal.statements() as statements:
            answer = await person.asks(PAGE, groups=groups, entries=entries)
        organizations = [node["organization"] for node in answer.at("viewer.memberships.nodes")]
        assert answer.errors == []
        assert len(organizations) == groups
        assert {len(organization["members"]["nodes"]) for organization in organizations} == {entries}
        assert {len(organization["orders"]["nodes"]) for organization in organizations} == {entries}
        # A person who was read for one field of the page is not read for another, so a field may need no statement; nor
        # does any where the members, with whom their people come, are there before the orders.
        of_people = [statement for statement in statements if _reads_people(statement)]
        assert len(of_people) <= FIELDS_OF_PEOPLE
        # Of somebody in many organizations, what they hold there is read when the page needs it, once for all.
        assert sum(map(_reads_standings, statements)) == (1 if groups == 100 else 0)
        taken[name] = [
            statement.split()[0]
            for statement in statements
            if not _reads_people(statement) and not _reads_standings(statement)
        ]

    assert taken["many-companies"] == taken["one"]
    assert taken["much-in-one-company"] == taken["one"]


def _reads_standings(statement: str) -> bool:
    return statement.startswith("SELECT held.id") and "FROM users " not in statement


def _reads_people(statement: str) -> bool:
    return "FROM users" in statement and "JOIN" not in statement and "UNION" not in statement


@pytest.fixture
async def large_portal(portal_kind: DatabaseKind) -> AsyncIterator[Portal]:
    """A gateway with the people and organizations of SOMEBODY, on each kind of database in turn."""
    async with open_portal(kind=portal_kind, **UNMEASURED) as portal:
        for name, (groups, entries) in SOMEBODY.items():
            directory, shop = organization_data(name, groups, entries)
            await portal.wiring.backends.directory.load(directory)
            await portal.wiring.backends.shop.load(shop)
        yield portal


@pytest.mark.parametrize("number", [1, 84])
async def test_any_number_of_orders_by_id_takes_one_statement_for_each_kind(solar: Portal, number: int) -> None:
    person = await solar.person("kaethe.jaeger@helios.example")
    answer = await person.asks(
        "{ viewer { memberships { nodes { organization { orders(first: 100) { nodes { id events { id } } } } } } } }"
    )
    orders = answer.at("viewer.memberships.nodes.0.organization.orders.nodes")
    ids = [order["id"] for order in orders][:number]
    ids += [order["events"][0]["id"] for order in orders][: 100 - len(ids)]

    with solar.statements() as statements:
        found = await person.asks("query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)

    assert [node["id"] for node in found.at("nodes")] == ids
    assert len(statements) == 3  # who asks, the orders, the events


def organization_data(name: str, groups: int, entries: int) -> tuple[DirectoryData, ShopData]:
    """So many organizations, each with so many members and orders; the first person belongs to all of them."""
    people = [
        UserRecord(
            UserId(f"usr_{name}{index}"), f"{name}-{index}@count.example", True, "Count", f"{index:03}", None, None,
            None, AccountKind.BUSINESS_CUSTOMER, None, NOW, 1,
        )
        for index in range(entries)
    ]  # fmt: skip
    organizations, memberships, grants = [], [], []
    orders: list[OrderRecord] = []
    for group in range(groups):
        organization = OrganizationId(f"org_{name}{group}")
        organizations.append(
            OrganizationRecord(
                organization, 1, None, f"{name} {group:03}", None, OrganizationKind.INSTALLER,
                OrganizationStatus.ACTIVE, None, None,
            )
        )  # fmt: skip
        for person in people:
            membership = MembershipId(f"mbr_{name}{group}_{person.id}")
            memberships.append(
                MembershipRecord(membership, 1, organization, person.id, MembershipStatus.ACTIVE, NOW, None)
            )
            grants += [
                GrantRecord(
                    GrantId(f"grt_{membership}{key}"), membership, organization, person.id, kind, key,
                    NOW - timedelta(days=1), people[0].id, None,
                )
                for kind, key in (
                    (GrantKind.ROLE, "administration"), (GrantKind.ROLE, "purchase"),
                    (GrantKind.PERMISSION, "ORDER_VIEW"),
                )
            ]  # fmt: skip
        orders += _orders(f"{name}{group}", organization, people)
    price = Money(100, "EUR")
    return (
        DirectoryData(people, [], organizations, memberships, grants, []),
        ShopData(
            orders,
            [OrderLineRecord(order.id, 1, "SKU", "Article", 1, price, price) for order in orders],
            [
                OrderEventRecord(
                    OrderEventId(f"oev_{order.id}"), order.id, order.organization_id, NOW, OrderStatus.SUBMITTED,
                    order.placed_by_id, {},
                )
                for order in orders
            ],
        ),
    )  # fmt: skip


def _orders(name: str, organization: OrganizationId, people: list[UserRecord]) -> Iterator[OrderRecord]:
    for index, person in enumerate(people):
        yield OrderRecord(
            OrderId(f"ord_{name}_{index}"), f"{name}-{index}", organization, OrderStatus.SUBMITTED,
            NOW - timedelta(minutes=index), NOW, person.id, Money(100, "EUR"), None, None,
        )  # fmt: skip
