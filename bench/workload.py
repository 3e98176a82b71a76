"""The data that every contestant answers from, and what is asked of it: the same on every machine and every day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.data import DirectoryData
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.ids import GrantId, MembershipId, OrderId, OrganizationId, UserId, base32
from connectors.shop.interface import OrderLineRecord, OrderRecord, OrderStatus, ShopData
from connectors.values import AccountKind, Address, Money

MEMBERS = 25
ORDERS = 24
LINES = 5
LONG_ORDERS = 100
LINES_OF_LONG_ORDERS = 15

SINCE = datetime(2025, 1, 6, 8, 0, tzinfo=UTC)
LOGIN_NAME = "member00@bench.example"

_ROLES = ("administration", "purchase", "installation", "planning")
_TIMES = (OrderStatus.SUBMITTED, OrderStatus.CONFIRMED, OrderStatus.SHIPPED, OrderStatus.DELIVERED)


def _id(kind: str, *numbers: int) -> str:
    number = 0
    for part in numbers:
        number = number * 1000 + part
    return f"{kind}_{base32(number)}"


ORGANIZATION_ID = OrganizationId(_id("org", 1))
"""Has exactly MEMBERS members with two roles each, and ORDERS orders of LINES lines."""

LONG_ORGANIZATION_ID = OrganizationId(_id("org", 2))
"""Has LONG_ORDERS orders of LINES_OF_LONG_ORDERS lines, to see how the cost grows with the answer."""

VIEWER_ID = UserId(_id("usr", 0))


def directory_data() -> DirectoryData:
    """Return the organizations and their members; the first member may see everything that is asked for."""
    organizations = [
        OrganizationRecord(
            id, 1, number, name, None, OrganizationKind.INSTALLER, OrganizationStatus.ACTIVE, _address(0), None
        )
        for id, number, name in (
            (ORGANIZATION_ID, "990001", "Bench Solartechnik GmbH"),
            (LONG_ORGANIZATION_ID, "990002", "Bench Großhandel AG"),
        )
    ]
    users = [_user(number) for number in range(MEMBERS)]
    memberships = [_membership(ORGANIZATION_ID, 1, number) for number in range(MEMBERS)]
    memberships.append(_membership(LONG_ORGANIZATION_ID, 2, 0))
    grants = [
        grant
        for index, membership in enumerate(memberships)
        for grant in _grants(membership, 0 if membership.user_id == VIEWER_ID else index)
    ]
    return DirectoryData(users, [], organizations, memberships, grants, [])


def shop_data() -> ShopData:
    """Return the orders of both organizations."""
    orders: list[OrderRecord] = []
    lines: list[OrderLineRecord] = []
    for series, organization_id, count, length in (
        (1, ORGANIZATION_ID, ORDERS, LINES),
        (2, LONG_ORGANIZATION_ID, LONG_ORDERS, LINES_OF_LONG_ORDERS),
    ):
        for number in range(count):
            order_id = OrderId(_id("ord", series, number))
            own = [_line(order_id, number, position) for position in range(1, length + 1)]
            lines += own
            at = SINCE + timedelta(days=number, minutes=7 * number)
            orders.append(
                OrderRecord(
                    id=order_id,
                    number=f"B{series}-{number:05}",
                    organization_id=organization_id,
                    status=_TIMES[number % 4],
                    created_at=at,
                    placed_at=at + timedelta(minutes=5),
                    placed_by_id=UserId(_id("usr", number % MEMBERS if series == 1 else 0)),
                    total=Money(sum(line.total.minor_units for line in own), "EUR"),
                    shipping_address=_address(series * 1000 + number),
                    tracking_url=None,
                )
            )
    return ShopData(orders, lines, [])


def _address(number: int) -> Address:
    return Address(
        (f"Messplatz {number}",), "79100", "Freiburg im Breisgau", "DE", company="Bench GmbH", phone="+49761555000"
    )


def _user(number: int) -> UserRecord:
    return UserRecord(
        id=UserId(_id("usr", number)),
        email=f"member{number:02}@bench.example",
        email_verified=True,
        first_name=f"Vorname{number:02}",
        last_name=f"Nachname{number:02}",
        phone="+49761555001",
        locale="de-DE",
        address=_address(number),
        account_kind=AccountKind.BUSINESS_CUSTOMER,
        default_organization_id=ORGANIZATION_ID,
        created_at=SINCE,
        profile_version=1,
    )


def _membership(organization_id: OrganizationId, series: int, number: int) -> MembershipRecord:
    return MembershipRecord(
        id=MembershipId(_id("mbr", series, number)),
        version=1,
        organization_id=organization_id,
        user_id=UserId(_id("usr", number)),
        status=MembershipStatus.ACTIVE,
        joined_at=SINCE + timedelta(days=number),
        job_title="Elektrofachkraft" if number % 2 else "Einkauf und Disposition",
    )


def _grants(membership: MembershipRecord, index: int) -> Sequence[GrantRecord]:
    return [
        GrantRecord(
            id=GrantId(f"grt_{membership.id.removeprefix('mbr_')[2:]}{role[:2]}"),
            membership_id=membership.id,
            organization_id=membership.organization_id,
            user_id=membership.user_id,
            kind=GrantKind.ROLE,
            key=role,
            granted_at=SINCE,
            granted_by_id=VIEWER_ID,
            valid_until=None,
        )
        for role in (_ROLES[index % 4], _ROLES[(index + 1) % 4])
    ]


def _line(order_id: OrderId, number: int, position: int) -> OrderLineRecord:
    price = Money(1_999 + 1_250 * position + 7 * number, "EUR")
    quantity = 1 + (number + position) % 6
    return OrderLineRecord(
        order_id=order_id,
        position=position,
        sku=f"HW-{position:03}-G{number % 9}",
        name=f"Hybrid-Wechselrichter {position},5 kW",
        quantity=quantity,
        unit_price=price,
        total=Money(price.minor_units * quantity, "EUR"),
    )


@dataclass(frozen=True, slots=True)
class Query:
    """An operation as a client sends it: the hand-written endpoint goes by `name`, the others by `document`."""

    name: str
    document: str
    variables: dict[str, str | int]


DASHBOARD = Query(
    "Dashboard",
    """query Dashboard($id: ID!) {
  viewer {
    user { displayName email }
    applications { state application { key name tagline iconUrl } launch { kind url } }
  }
  organization(id: $id) {
    id name customerNumber status
    members(first: 25) {
      nodes {
        id status jobTitle
        user { displayName email }
        roleGrants { validUntil role { key label } }
      }
    }
    orders(first: 20) {
      nodes {
        number status placedAt
        placedBy { displayName }
        total { amount currency }
        lines { sku name quantity unitPrice { amount } total { amount } }
      }
    }
  }
}""",
    {"id": ORGANIZATION_ID},
)

SMALL = Query(
    "Small",
    """query Small($id: ID!) {
  viewer {
    user { displayName email }
    applications { state application { key name } launch { url } }
  }
  organization(id: $id) { id name customerNumber status }
}""",
    {"id": ORGANIZATION_ID},
)

QUERIES = (DASHBOARD, SMALL)


def growing(orders: int) -> Query:
    """Return the query for so many long orders, some 108 leaf values each."""
    return Query(
        "Growing",
        """query Growing($id: ID!, $first: Int!) {
  organization(id: $id) {
    orders(first: $first) {
      nodes {
        number status placedAt
        lines { sku name quantity unitPrice { amount currency } total { amount currency } }
      }
    }
  }
}""",
        {"id": LONG_ORGANIZATION_ID, "first": orders},
    )
