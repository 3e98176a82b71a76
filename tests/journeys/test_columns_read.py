"""Whatever is selected of orders, members and people, the answer is that from whole records, and the database is asked
for the columns that it needs and no others.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.caching.test_consistency import HOLDER, WITHOUT_LIMITS
from tests.examples import examples
from tests.portal import Person, Portal, open_portal, open_portal_at

ALWAYS: Mapping[str, set[str]] = {
    "Order": {"shop_orders.id", "shop_orders.organization_id", "shop_orders.listed_at"},
    "OrderLine": {"shop_order_lines.order_id"},
    "OrderEvent": {"shop_order_events.id", "shop_order_events.order_id"},
    "Membership": {
        "memberships.id", "memberships.organization_id", "memberships.last_name_key", "memberships.first_name_key",
    },
    "RoleGrant": {"grants.id", "grants.membership_id", "grants.kind", "grants.valid_until"},
    "User": {"users.id"},
}  # fmt: skip
"""What is read of each, whatever is shown: keys, what the list is sorted by, and which grants there are."""

NEEDED: Mapping[str, Mapping[str, set[str]]] = {
    "Order": {
        "id": set(),
        "number": {"shop_orders.number"},
        "status": {"shop_orders.status"},
        "createdAt": {"shop_orders.created_at"},
        "placedAt": {"shop_orders.placed_at"},
        "trackingUrl": {"shop_orders.tracking_url"},
        "total": {"shop_orders.total_minor_units", "shop_orders.currency"},
        "placedBy": {"shop_orders.placed_by_id"},
        "lines": set(),
        "events": set(),
    },
    "OrderLine": {
        "sku": {"shop_order_lines.sku"},
        "name": {"shop_order_lines.name"},
        "quantity": {"shop_order_lines.quantity"},
        "unitPrice": {"shop_order_lines.unit_price_minor_units", "shop_order_lines.currency"},
        "total": {
            "shop_order_lines.quantity", "shop_order_lines.unit_price_minor_units", "shop_order_lines.currency",
        },
    },
    "OrderEvent": {
        "id": set(),
        "at": {"shop_order_events.at"},
        "status": {"shop_order_events.status"},
        "message": {"shop_order_events.messages"},
        "actor": {"shop_order_events.actor_id", "shop_orders.organization_id"},
    },
    "Membership": {
        "id": set(),
        "version": {"memberships.version"},
        "status": {"memberships.status"},
        "jobTitle": {"memberships.job_title"},
        "user": {"memberships.user_id", "memberships.status"},
        "roleGrants": {"memberships.user_id"},  # its guard lets everybody see their own
    },
    "RoleGrant": {
        "id": set(),
        "role": {"grants.key"},
        "grantedAt": {"grants.granted_at"},
        "validUntil": set(),
        "grantedBy": {"grants.granted_by_id", "grants.organization_id"},
    },
    "User": {
        "id": set(),
        "displayName": {"users.first_name", "users.last_name", "users.email"},
        "firstName": {"users.first_name", "users.email"},
        "lastName": {"users.last_name"},
        "phone": {"users.phone"},
        "createdAt": {"users.created_at"},
    },
}  # fmt: skip
"""Which columns each field needs, written down by hand."""

LEADS_TO = {
    "lines": "OrderLine", "events": "OrderEvent", "roleGrants": "RoleGrant", "placedBy": "User", "actor": "User",
    "user": "User", "grantedBy": "User",
}  # fmt: skip
WHOLE = {"total": "{ amount currency }", "unitPrice": "{ amount }", "role": "{ key }"}


@dataclass(frozen=True)
class Field:
    """One field of a selection: under its own alias, perhaps left out, perhaps in a fragment."""

    of: str
    name: str
    directive: str
    in_fragment: bool
    inner: "tuple[Field, ...]"

    @property
    def is_left_out(self) -> bool:
        return self.directive in ("@skip(if: true)", "@include(if: $no)")

    def text(self, alias: str) -> str:
        selected = WHOLE.get(self.name, "") if self.name not in LEADS_TO else written(self.inner)
        asked = f"{alias}: {self.name} {selected}"
        if self.in_fragment:
            return f"... on {self.of} {self.directive} {{ {asked} }}"
        return f"{alias}: {self.name} {self.directive} {selected}"


def written(fields: tuple[Field, ...]) -> str:
    """Return a selection of these fields, each under an alias of its own."""
    return f"{{ __typename {' '.join(field.text(f'f{number}') for number, field in enumerate(fields))} }}"


def needed(type_: str, fields: tuple[Field, ...]) -> Iterator[str]:
    """Yield the columns that a selection needs."""
    yield from ALWAYS[type_]
    for field in fields:
        if not field.is_left_out:
            yield from NEEDED[type_][field.name]
            if field.name in LEADS_TO:
                yield from needed(LEADS_TO[field.name], field.inner)


def selections(type_: str) -> st.SearchStrategy[tuple[Field, ...]]:
    """Return selections of a type, several levels deep; the same field may be selected several times."""
    directives = st.sampled_from(("", "", "", "@skip(if: true)", "@skip(if: $no)", "@include(if: $no)"))
    fields = [
        st.builds(
            Field,
            st.just(type_),
            st.just(name),
            directives,
            st.booleans(),
            selections(LEADS_TO[name]) if name in LEADS_TO else st.just(()),
        )
        for name in NEEDED[type_]
    ]
    return st.lists(st.one_of(fields), max_size=4).map(tuple)


def columns_of(statements: list[str]) -> set[str]:
    """Return the columns in the SELECT lists of statements that read orders, members and people."""
    found: set[str] = set()
    for statement in statements:
        if "access_epoch" in statement:  # who asks
            continue
        plain = re.sub(
            r"\(SELECT string_to_array\(.*?\)\)\)|\(SELECT min\(.*?\) AS \w+|coalesce\(.*?\) AS \w+|OVER \(.*?\)",
            "",
            " ".join(statement.replace(chr(34), "").split()),
        )
        for shown in re.findall(r"SELECT (.*?) FROM", plain):
            found |= set(re.findall(r"\b(?:shop_\w+|memberships|grants|users)\.\w+", shown))
    return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def portals(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Portal, Person, Person, str]]:
    """A portal, somebody who asks it, and the same person at one that is answered by graphql-core."""
    limits: dict[str, Any] = {**WITHOUT_LIMITS, "max_directives": 1_000}
    async with open_portal("software_house", request.param, **limits) as portal:
        same = {"signing_key_file": portal.settings.key_file, "execution": "graphql-core", **limits}
        async with open_portal_at(portal.settings.database, "software_house", **same) as whole:
            person = await portal.person(HOLDER)
            organization = await portal.organization_of(HOLDER)
            yield portal, person, replace(person, client=whole.client), organization


@examples(60)
@given(orders=selections("Order"), again=selections("Order"), members=selections("Membership"))
async def test_what_is_read_is_what_is_shown(
    portals: tuple[Portal, Person, Person, str],
    orders: tuple[Field, ...],
    again: tuple[Field, ...],
    members: tuple[Field, ...],
) -> None:
    portal, person, at_whole, organization = portals
    query = f"""query Q($id: ID!, $no: Boolean = false) {{ organization(id: $id) @skip(if: $no) {{
      orders(first: 4) {{ nodes {written(orders)} }}
      again: orders(first: 4) {{ edges {{ node {{ ...Again }} }} }}
      members(first: 5) {{ nodes {written(members)} }}
    }} }}
    fragment Again on Order {written(again)}"""
    expected = {*needed("Order", orders), *needed("Order", again), *needed("Membership", members)}

    with portal.statements() as statements:
        answer = await person.asks(query, id=organization)

    assert answer.data == (await at_whole.asks(query, id=organization)).data
    assert answer.errors == []
    assert _without_sorting(columns_of(statements)) == _without_sorting(expected)


def _without_sorting(columns: set[str]) -> set[str]:
    """People may be known without having been read alone, and SQLite sorts by columns that it does not show."""
    return columns - {"users.last_name_key", "users.first_name_key", "users.id"}
