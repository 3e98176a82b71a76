"""An administrator sees the portal as a member would: read-only, marked, on record, and nothing that is a secret."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from connectors.directory.records.audit import Author
from connectors.directory.records.memberships import MembershipFilter
from connectors.directory.tables import audit_events, users
from connectors.pages import Slice
from gateway.profile_files import load_profile
from permissions.access_rules import OPEN
from permissions.policy import parse_policy
from resolvers.audit import recorded
from resolvers.context import RequestContext, ViewAs
from resolvers.refusals import Coordinate
from resolvers.view_as import ViewIsReadOnly
from schema.graph.guards import Guard
from tests.portal import Answer, Person, Portal, open_portal

HELIOS, LUMEN = "administration@helios.example", "administration@lumen.example"

PAGE = """
query Page {
  viewer {
    user { displayName email phone locale } loginNames address { city }
    applications(includeUnavailable: true) { application { key } state }
    can(permissions: [MEMBER_MANAGE, ORDER_PLACE, PLANNING_TOOL_USE, SERVICE_CODE_VIEW]) { allowed }
    memberships {
      totalCount nodes { roleGrants { role { key } } organization { name orders(first: 2) { nodes { number } } } }
    }
    defaultOrganization { members(first: 3) { nodes { user { displayName email } } } }
  }
}
"""

REFUSED = (
    "There is no such member, or you may not view the portal as this member. This requires MEMBER_MANAGE in the "
    "member's organization."
)


@dataclass
class Looking:
    """Somebody who looks as a member."""

    portal: Portal
    person: Person
    membership_id: str

    async def asks(self, query: str, **variables: Any) -> Answer:
        body = json.dumps({"query": query, "variables": variables}).encode()
        return await self.person.posts(body, forecourt_view_as=self.membership_id)


async def membership_of(portal: Portal, login_name: str, number: int = 0) -> str:
    """The id of somebody's membership, by its position among theirs."""
    engine = portal.wiring.backends.directory._engine  # type: ignore[attr-defined]
    async with engine.connect() as connection:
        query = select(users.c.id).where(func.lower(users.c.email) == login_name)
        user_id = (await connection.execute(query)).scalar_one()
    (page,) = await portal.wiring.backends.directory.memberships_of(
        [user_id], Slice(10), where=MembershipFilter(["INVITED", "ACTIVE", "SUSPENDED", "REMOVED"])
    )
    return page.items[number].id


async def looking(portal: Portal, as_whom: str, who: str = HELIOS, number: int = 0) -> Looking:
    return Looking(portal, await portal.person(who), await membership_of(portal, as_whom, number))


async def views_on_record(portal: Portal) -> list[tuple[Any, ...]]:
    """Who looked as whom, by the audit log."""
    columns = audit_events.c
    engine = portal.wiring.backends.directory._engine  # type: ignore[attr-defined]
    async with engine.connect() as connection:
        rows = await connection.execute(
            select(columns.actor_id, columns.subject_id, columns.organization_id)
            .where(columns.action == "view_as")
            .order_by(columns.id)
        )
    return [tuple(row) for row in rows]


def change_policy(portal: Portal, **lists: list[str]) -> None:
    """Let the policy say so under [view_as]."""
    text = load_profile("solar_terminal").policy_text.split("[view_as]")[0]
    rest = load_profile("solar_terminal").policy_text.split("[view_as]")[1]
    said = "".join(f"{key} = {json.dumps(codes)}\n" for key, codes in lists.items())
    portal.wiring.policies.current = parse_policy(f"{text}[view_as]\n{said}\n[vendor]{rest.split('[vendor]')[1]}", "x")


@pytest.mark.parametrize("login_name", ["planning@helios.example", "purchase@helios.example"])
async def test_an_administrator_sees_what_the_member_sees(portal: Portal, login_name: str) -> None:
    own = await (await portal.person(login_name)).asks(PAGE)
    look = await looking(portal, login_name)

    seen = await look.asks(PAGE)

    expected = own.data
    expected["viewer"]["loginNames"] = []
    expected["viewer"]["address"] = None
    assert seen.status == 200
    assert seen.data == expected
    assert seen.codes == own.codes
    assert seen.body["extensions"]["viewAs"] == {
        "membershipId": look.membership_id,
        "displayName": own.at("viewer.user.displayName"),
        "by": "Annegret Kästner",
        "withheld": [],
    }
    assert "extensions" not in own.body


async def test_secrets_are_withheld_and_the_mark_says_so(portal: Portal) -> None:
    look = await looking(portal, "installation@helios.example")

    seen = await look.asks("{ viewer { can(permissions: [SERVICE_CODE_VIEW, VOUCHER_REGISTER]) { allowed reason } } }")

    assert seen.at("viewer.can") == [
        {"allowed": False, "reason": "MISSING_PERMISSION"},
        {"allowed": True, "reason": None},
    ]
    assert seen.body["extensions"]["viewAs"]["withheld"] == ["ACTIVATION_CODE_VIEW", "SERVICE_CODE_VIEW"]


async def test_the_members_other_organizations_stay_hidden(portal: Portal) -> None:
    lumen = await portal.organization_of("beat.buerki@lumen.example")
    elsewhere = await membership_of(portal, "two.companies@helios.example", 1)
    look = await looking(portal, "two.companies@helios.example")

    seen = await look.asks(
        """
        query Other($id: ID!, $node: ID!) {
          viewer {
            memberships { totalCount nodes { organization { name } } }
            all: memberships(status: [ACTIVE, SUSPENDED, REMOVED, INVITED]) { totalCount }
            none: memberships(status: [SUSPENDED]) { totalCount }
            membership(organizationId: $id) { id }
          }
          organization(id: $id) { name }
          nodes(ids: [$id, $node]) { id }
        }
        """,
        id=lumen,
        node=elsewhere,
    )

    assert seen.data == {
        "viewer": {
            "memberships": {"totalCount": 1, "nodes": [{"organization": {"name": "Helios Montage GmbH"}}]},
            "all": {"totalCount": 1},
            "none": {"totalCount": 0},
            "membership": None,
        },
        "organization": None,
        "nodes": [None, None],
    }


@pytest.mark.parametrize(
    "mutation",
    [
        'mutation { updateProfile(input: {expectedVersion: 1, firstName: "X"}) { viewer { profileVersion } } }',
        "mutation { signOut(input: {}) { accepted } }",
        'mutation { signIn(input: {loginName: "a", password: "b"}) { accessToken } }',
        "mutation { __typename }",
    ],
)
async def test_nothing_can_be_changed(portal: Portal, mutation: str) -> None:
    look = await looking(portal, "planning@helios.example")
    before = await look.asks("{ viewer { profileVersion } }")

    refused = await look.asks(mutation)

    assert refused.status == 403
    assert refused.codes == {"": "VIEW_AS_READ_ONLY"}
    assert "data" not in refused.body
    assert refused.errors[0]["extensions"]["viewAs"]["by"] == "Annegret Kästner"
    assert (await look.asks("{ viewer { profileVersion } }")).data == before.data


async def test_a_change_that_comes_by_another_way_is_caught_at_the_field(portal: Portal) -> None:
    guard = Guard(OPEN, Coordinate("Mutation", "signOut"), None, None)
    context = RequestContext(
        backends=portal.wiring.backends,
        policy=portal.wiring.policy,
        now=portal.clock(),
        request_id="test",
        view_as=ViewAs("mbr_x", "A", "B", True, ()),  # type: ignore[arg-type]
    )

    with pytest.raises(ViewIsReadOnly):
        guard.refusals(context, [None])


@pytest.mark.parametrize("who", ["planning@helios.example", LUMEN, "review@vendor.example", "private@home.example"])
async def test_who_may_not_is_refused_alike_for_unknown_and_existing_members(portal: Portal, who: str) -> None:
    look = await looking(portal, "purchase@helios.example", who)
    nobodys = Looking(portal, look.person, look.membership_id[:-6] + "zzzzzz")

    with portal.statements() as for_existing:
        refused = await look.asks("{ viewer { id } }")
    with portal.statements() as for_unknown:
        unknown = await nobodys.asks("{ viewer { id } }")

    assert refused.status == unknown.status == 403
    assert refused.body == unknown.body
    assert refused.errors == [{"message": REFUSED, "extensions": {"code": "VIEW_AS_REFUSED"}}]
    assert for_existing == for_unknown
    assert await views_on_record(portal) == []


@pytest.mark.parametrize("value", ["", " ", "mbr_a, mbr_b", "\x7f" * 200, "usr_x"])
async def test_a_header_that_names_no_membership_is_never_ignored(portal: Portal, value: str) -> None:
    look = Looking(portal, await portal.person(HELIOS), value)

    assert (await look.asks("{ viewer { id } }")).codes == {"": "VIEW_AS_REFUSED"}


async def test_nobody_looks_without_being_signed_in(portal: Portal) -> None:
    look = Looking(portal, portal.anybody(), await membership_of(portal, "purchase@helios.example"))

    refused = await look.asks("{ viewer { id } }")

    assert refused.errors[0]["message"].startswith("Please sign in first;")


@pytest.mark.parametrize("login_name", ["heike.preuss@helios.example", "ayse.brandt@helios.example"])
async def test_there_is_nothing_to_see_as_somebody_who_is_no_member_at_present(portal: Portal, login_name: str) -> None:
    look = await looking(portal, login_name)

    refused = await look.asks("{ viewer { id } }")

    assert refused.codes == {"": "VIEW_AS_REFUSED"}
    assert refused.errors[0]["message"] == (
        "This person is not a member of the organization at the moment, so there is nothing to see."
    )


async def test_a_suspended_member_is_seen_as_they_see_it(portal: Portal) -> None:
    own = await (await portal.person("suspended@helios.example")).asks(
        "{ viewer { can(permissions: [ORDER_PLACE]) { reason } } }"
    )
    look = await looking(portal, "suspended@helios.example")

    seen = await look.asks("{ viewer { can(permissions: [ORDER_PLACE]) { reason } } }")

    assert seen.data == own.data == {"viewer": {"can": [{"reason": "MEMBERSHIP_SUSPENDED"}]}}


async def test_each_view_is_on_record_once_an_hour(portal: Portal) -> None:
    look = await looking(portal, "planning@helios.example")
    other = await looking(portal, "purchase@helios.example")
    other.person = look.person
    again = await looking(portal, "planning@helios.example")

    for one in (look, look, other, look, again):
        await one.asks("{ viewer { id } }")
    in_the_first_hour = await views_on_record(portal)
    portal.clock.move(timedelta(minutes=5))
    await look.asks("{ viewer { id } }")
    within_the_hour = await views_on_record(portal)
    portal.clock.now += timedelta(hours=1)
    later = await looking(portal, "planning@helios.example")
    await later.asks("{ viewer { id } }")

    who = await portal.wiring.backends.directory.user_id_of_login_name(HELIOS)
    helios = await portal.organization_of(HELIOS)
    assert sorted(in_the_first_hour) == sorted(
        [(who, look.membership_id, helios)] * 2 + [(who, other.membership_id, helios)]
    )
    assert within_the_hour == in_the_first_hour
    assert len(await views_on_record(portal)) == 4


async def test_an_administrator_who_may_not_delegate_roles_sees_no_more_than_they_hold(portal: Portal) -> None:
    """A member who may place orders, and lets others look, without ROLE_ASSIGN."""
    change_policy(portal, organization=["ORDER_PLACE"])
    look = await looking(portal, "planning@helios.example", "purchase@helios.example")

    seen = await look.asks(
        "{ viewer { user { email } can(permissions: [PLANNING_TOOL_USE]) { allowed } "
        "memberships { nodes { roleGrants { role { key } } } } } }"
    )

    assert seen.at("viewer.can") == [{"allowed": False}]
    assert seen.body["extensions"]["viewAs"]["withheld"] == ["PLANNING_TOOL_USE"]
    assert seen.at("viewer.memberships.nodes.0.roleGrants") == [{"role": {"key": "planning"}}]
    assert seen.codes == {"viewer.user.email": "UNAUTHORIZED_FIELD_OR_TYPE"}


async def test_the_vendors_staff_sees_what_an_organization_does_and_not_its_people(portal: Portal) -> None:
    change_policy(portal, organization=[], vendor=["CHANGE_REQUEST_REVIEW"])
    buyer = await looking(portal, "purchase@helios.example", "review@vendor.example")
    administrator = await looking(portal, HELIOS, "review@vendor.example")

    bought = await buyer.asks(PAGE)
    organization = await administrator.asks("{ viewer { defaultOrganization { members { totalCount } } } }")

    assert bought.at("viewer.user") == {"displayName": "Jörg Weiß", "email": None, "phone": None, "locale": None}
    assert len(bought.at("viewer.memberships.nodes.0.organization.orders.nodes")) == 2
    assert organization.at("viewer.defaultOrganization.members") is None
    assert organization.body["extensions"]["viewAs"]["withheld"] == ["MEMBER_MANAGE"]
    assert organization.body["extensions"]["viewAs"]["by"] == bought.body["extensions"]["viewAs"]["by"]


@pytest.mark.parametrize("level", ["none", "code"])
async def test_whoever_looks_learns_of_no_permission_where_none_may_be_disclosed(level: str) -> None:
    async with open_portal(authorization_disclosure=level) as portal:
        refused = await (await looking(portal, HELIOS, "purchase@helios.example")).asks("{ viewer { id } }")
        seen = await (await looking(portal, "planning@helios.example")).asks("{ viewer { id } }")

    message = "There is no such member, or you may not view the portal as this member."
    assert [error["message"] for error in refused.errors] == [message]
    assert set(seen.body["extensions"]["viewAs"]) == {"membershipId", "displayName", "by"}


async def test_where_the_policy_lists_nothing_nobody_looks(portal: Portal) -> None:
    change_policy(portal)
    look = await looking(portal, "planning@helios.example")

    refused = await look.asks("{ viewer { id } }")

    assert refused.codes == {"": "VIEW_AS_REFUSED"}
    assert refused.errors[0]["message"].endswith("Viewing as a member is switched off here.")


async def test_a_right_to_look_that_was_taken_away_counts_on_the_next_request(portal: Portal) -> None:
    look = await looking(portal, "planning@helios.example")
    assert (await look.asks("{ viewer { id } }")).status == 200
    directory = portal.wiring.backends.directory
    membership = await membership_of(portal, HELIOS)
    (grants,) = await directory.grants_of([membership])  # type: ignore[list-item]
    async with directory.change() as change:
        for grant in grants:
            await recorded.revoke(change, grant.id, by=Author(None, "test"), now=portal.clock())

    assert (await look.asks("{ viewer { id } }")).codes == {"": "VIEW_AS_REFUSED"}
