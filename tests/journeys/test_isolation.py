"""Nothing of one organization is seen from another, by any route.

What is foreign looks like what does not exist (K63).
"""

import json
from dataclasses import dataclass

import pytest

from tests.portal import Answer, Person, Portal

OUTSIDERS = (
    "administration@lumen.example",
    "beat.buerki@lumen.example",
    "private@home.example",
    "review@vendor.example",
    "heike.preuss@helios.example",  # was removed from Helios
    None,  # not signed in
)

LUMENS = ("administration@lumen.example", "beat.buerki@lumen.example")

EVERYTHING = """
query Everything {
  viewer {
    id user { id displayName email } loginNames
    defaultOrganization { ...Company }
    memberships(first: 100) { totalCount nodes { ...Member organization { ...Company } } }
    applications(includeUnavailable: true) { application { key } state grantedBy { ...Source } }
    can(permissions: [MEMBER_MANAGE, ORDER_PLACE, SERVICE_CODE_VIEW]) {
      allowed sources { ...Source } grantableBy { ...Member }
    }
  }
  roles { key }
}
fragment Company on Organization {
  id name customerNumber
  administrators { ...Member }
  members(first: 100) { totalCount edges { cursor } nodes { ...Member } }
  orders(first: 100) {
    totalCount edges { cursor }
    nodes { id number placedBy { ...Who } lines { sku } events { id actor { ...Who } } shippingAddress { company } }
  }
  viewerMembership { ...Member }
}
fragment Member on Membership {
  id user { ...Who } roleGrants { ...Source grantedBy { ...Who } } effectivePermissions { sources { ...Source } }
}
fragment Who on User { id displayName email phone locale }
fragment Source on PermissionSource { ... on RoleGrant { id grantedBy { id } } ... on DirectGrant { id } }
"""


@dataclass(frozen=True)
class Helios:
    """Ids of everything that belongs to Helios, by kind."""

    organization: str
    ids: dict[str, list[str]]
    cursors: dict[str, str]

    @property
    def all_ids(self) -> list[str]:
        """The ids of all kinds."""
        return [identifier for ids in self.ids.values() for identifier in ids]


@pytest.fixture(scope="module")
async def helios(solar: Portal) -> Helios:
    """What its own people see of Helios."""
    administration = await solar.person("administration@helios.example")
    purchase = await solar.person("purchase@helios.example")
    organization = await solar.organization_of("administration@helios.example")
    people = await administration.asks(
        """
        query People($id: ID!) {
          viewer { id }
          organization(id: $id) {
            members(first: 100, status: [ACTIVE, SUSPENDED, INVITED, REMOVED]) {
              nodes { id user { id } roleGrants { id } } pageInfo { endCursor }
            }
            first: members(first: 1) { pageInfo { endCursor } }
          }
        }
        """,
        id=organization,
    )
    orders = await purchase.asks(
        """
        query Orders($id: ID!) {
          organization(id: $id) {
            orders(first: 100) { nodes { id events { id } } }
            middle: orders(first: 40) { pageInfo { endCursor } }
          }
        }
        """,
        id=organization,
    )
    members, bought = people.at("organization.members.nodes"), orders.at("organization.orders.nodes")
    ids = {
        "org": [organization],
        "vwr": [people.at("viewer.id")],
        "mbr": [member["id"] for member in members],
        "usr": [member["user"]["id"] for member in members],
        "grt": [grant["id"] for member in members for grant in member["roleGrants"]],
        "ord": [order["id"] for order in bought],
        "oev": [event["id"] for order in bought for event in order["events"]],
    }
    assert {kind: len(found) for kind, found in ids.items() if kind not in ("grt", "oev")} == {
        "org": 1, "vwr": 1, "mbr": 27, "usr": 27, "ord": 81,
    }  # fmt: skip
    cursors = {
        "members": people.at("organization.first.pageInfo.endCursor"),
        "orders": orders.at("organization.middle.pageInfo.endCursor"),
    }
    return Helios(organization, ids, cursors)


async def someone(portal: Portal, login_name: str | None) -> Person:
    """The person with this login name, or somebody who is not signed in."""
    return await portal.person(login_name) if login_name is not None else portal.anybody()


def unknown(identifier: str) -> str:
    """An id of the same kind that nothing has."""
    return f"{identifier[:-6]}zzzzzz"


async def asked_with_both(
    portal: Portal, person: Person, query: str, foreign: str | list[str], **more: object
) -> tuple[Answer, Answer]:
    """The answers for a foreign id and for an unknown one; fails when they took different statements."""
    nobodys = unknown(foreign) if isinstance(foreign, str) else [unknown(identifier) for identifier in foreign]
    with portal.statements() as for_foreign:
        answer = await person.asks(query, id=foreign, **more)
    with portal.statements() as for_unknown:
        nothing = await person.asks(query, id=nobodys, **more)
    assert for_foreign == for_unknown
    return answer, nothing


@pytest.mark.parametrize("login_name", OUTSIDERS)
async def test_no_object_of_an_organization_is_a_node_for_outsiders(
    solar: Portal, helios: Helios, login_name: str | None
) -> None:
    """Every id of Helios, of all seven kinds, a hundred at a time."""
    person = await someone(solar, login_name)
    shared = await solar.person("two.companies@helios.example")
    also_at_lumen = (await shared.asks("{ viewer { user { id } } }")).at("viewer.user.id")
    asked = [identifier for identifier in helios.all_ids if identifier != also_at_lumen]
    if login_name == "heike.preuss@helios.example":
        me = (await person.asks("{ viewer { user { id } } }")).at("viewer.user.id")
        asked.remove(me)

    for start in range(0, len(asked), 100):
        some = asked[start : start + 100]
        answer, nothing = await asked_with_both(
            solar, person, "query Nodes($id: [ID!]!) { nodes(ids: $id) { __typename id } }", some
        )

        assert answer.body == {"data": {"nodes": [None] * len(some)}}
        assert nothing.body == answer.body


@pytest.mark.parametrize("login_name", OUTSIDERS)
@pytest.mark.parametrize("kind", ["org", "vwr", "mbr", "usr", "grt", "ord", "oev"])
async def test_a_foreign_node_and_an_unknown_one_get_the_same_answer_at_the_same_cost(
    solar: Portal, helios: Helios, login_name: str | None, kind: str
) -> None:
    person = await someone(solar, login_name)

    answer, nothing = await asked_with_both(
        solar, person, "query Node($id: ID!) { node(id: $id) { __typename id } }", helios.ids[kind][0]
    )

    assert (answer.status, answer.body) == (200, {"data": {"node": None}})
    assert nothing.body == answer.body


@pytest.mark.parametrize("login_name", OUTSIDERS[:-1])
async def test_a_foreign_organization_and_an_unknown_one_get_the_same_answer_at_the_same_cost(
    solar: Portal, helios: Helios, login_name: str
) -> None:
    person = await someone(solar, login_name)

    answer, nothing = await asked_with_both(
        solar,
        person,
        """
        query Foreign($id: ID!) {
          organization(id: $id) { name members { totalCount } orders { totalCount } administrators { id } }
          viewer {
            membership(organizationId: $id) { id organization { name } }
            can(organizationId: $id, permissions: [MEMBER_MANAGE, ORDER_PLACE]) {
              allowed reason sources { __typename } grantableBy { id }
            }
            applications(organizationId: $id) { application { key } grantedBy { __typename } }
            all: applications(organizationId: $id, includeUnavailable: true) { application { key } state reason }
          }
        }
        """,
        helios.organization,
    )

    viewer = answer.at("viewer")
    refused = {"allowed": False, "reason": "NOT_A_MEMBER", "sources": [], "grantableBy": []}
    assert answer.errors == []
    assert (answer.at("organization"), viewer["membership"], viewer["can"]) == (None, None, [refused] * 2)
    assert {tile["reason"] for tile in viewer["all"]} <= {"NOT_A_MEMBER", None}
    assert nothing.body == answer.body


@pytest.mark.parametrize("login_name", [*LUMENS, "noemie.rochat@lumen.example", "heike.preuss@helios.example"])
async def test_a_page_that_asks_for_everything_holds_nothing_of_another_organization(
    solar: Portal, helios: Helios, login_name: str
) -> None:
    person = await solar.person(login_name)
    shared = await solar.person("two.companies@helios.example")
    also_at_lumen = (await shared.asks("{ viewer { user { id } } }")).at("viewer.user.id")
    me = (await person.asks("{ viewer { id user { id } } }")).at("viewer.user.id")

    answer = await person.asks(EVERYTHING)

    text = json.dumps(answer.body, ensure_ascii=False)
    assert answer.at("viewer.user.id") == me
    assert "Helios Montage" not in text
    assert [identifier for identifier in helios.all_ids if identifier in text] == (
        [me] if login_name == "heike.preuss@helios.example" else [also_at_lumen]
    )


async def test_a_cursor_of_another_organizations_list_leads_to_entries_of_ones_own_only(
    solar: Portal, helios: Helios
) -> None:
    lumen = await solar.organization_of("administration@lumen.example")

    for login_name, listing in (("administration@lumen.example", "members"), ("beat.buerki@lumen.example", "orders")):
        person = await solar.person(login_name)
        query = f"""
            query List($id: ID!, $after: String) {{
              organization(id: $id) {{ list: {listing}(first: 100, after: $after) {{ nodes {{ id }} }} }}
            }}
        """
        all_of_them = await person.asks(query, id=lumen)
        after_theirs = await person.asks(query, id=lumen, after=helios.cursors[listing])

        own = [node["id"] for node in all_of_them.at("organization.list.nodes")]
        rest = [node["id"] for node in after_theirs.at("organization.list.nodes")]
        assert after_theirs.errors == []
        assert rest == own[len(own) - len(rest) :]
        assert not set(own) & set(helios.all_ids)


async def test_orders_cannot_be_filtered_by_somebody_of_another_organization(solar: Portal, helios: Helios) -> None:
    """Whoever may not see members filters by nobody but themselves.

    The refusal does not say whether the person exists.
    """
    lumen = await solar.organization_of("administration@lumen.example")
    buyer = await solar.person("beat.buerki@lumen.example")

    answer, nothing = await asked_with_both(
        solar,
        buyer,
        """
        query Of($lumen: ID!, $id: ID!) {
          organization(id: $lumen) { orders(placedBy: $id) { totalCount nodes { id } } }
        }
        """,
        helios.ids["usr"][0],
        lumen=lumen,
    )

    assert answer.data == nothing.data == {"organization": {"orders": None}}
    assert answer.codes == nothing.codes == {"organization.orders": "UNAUTHORIZED_FIELD_OR_TYPE"}
    assert answer.errors[0]["message"] == nothing.errors[0]["message"]


async def test_a_role_in_one_organization_opens_nothing_in_the_other(solar: Portal, helios: Helios) -> None:
    """Administration at Helios, purchase at Lumen."""
    person = await solar.person("two.companies@helios.example")

    answer = await person.asks(
        """
        {
          viewer {
            memberships {
              nodes {
                effectivePermissions { permission { code } }
                organization {
                  name viewerCanManageMembers viewerCanManageOrganization viewerCanPlaceOrders
                  members { totalCount } orders { totalCount }
                }
              }
            }
          }
        }
        """
    )

    at_helios, at_lumen = (node["organization"] for node in answer.at("viewer.memberships.nodes"))
    assert at_helios == {
        "name": "Helios Montage GmbH",
        "viewerCanManageMembers": True,
        "viewerCanManageOrganization": True,
        "viewerCanPlaceOrders": False,
        "members": {"totalCount": 25},
        "orders": None,
    }
    assert at_lumen == {
        "name": "Lumen Handels AG",
        "viewerCanManageMembers": False,
        "viewerCanManageOrganization": False,
        "viewerCanPlaceOrders": True,
        "members": None,
        "orders": {"totalCount": 68},
    }
    assert answer.codes == {
        "viewer.memberships.nodes.0.organization.orders": "UNAUTHORIZED_FIELD_OR_TYPE",
        "viewer.memberships.nodes.1.organization.members": "UNAUTHORIZED_FIELD_OR_TYPE",
    }


async def test_each_object_is_a_node_only_where_the_right_is_held(solar: Portal, helios: Helios) -> None:
    person = await solar.person("two.companies@helios.example")
    buyer = await solar.person("beat.buerki@lumen.example")
    manager = await solar.person("administration@lumen.example")
    lumen = await solar.organization_of("administration@lumen.example")
    order = await buyer.asks(
        "query O($id: ID!) { organization(id: $id) { orders(first: 1) { nodes { id events { id } } } } }", id=lumen
    )
    member = await manager.asks(
        'query M($id: ID!) { organization(id: $id) { members(search: "Zürcher") { nodes { id } } } }', id=lumen
    )
    at_lumen = [
        order.at("organization.orders.nodes.0.id"),
        order.at("organization.orders.nodes.0.events.0.id"),
        member.at("organization.members.nodes.0.id"),
    ]
    at_helios = [helios.ids["ord"][0], helios.ids["oev"][0], helios.ids["mbr"][0]]

    answer = await person.asks("query N($ids: [ID!]!) { nodes(ids: $ids) { __typename } }", ids=at_lumen + at_helios)

    assert [node and node["__typename"] for node in answer.at("nodes")] == [
        "Order", "OrderEvent", None, None, None, "Membership",
    ]  # fmt: skip


async def test_a_removed_member_sees_nothing_of_the_organization(solar: Portal, helios: Helios) -> None:
    person = await solar.person("heike.preuss@helios.example")

    answer = await person.asks(
        """
        query Removed($id: ID!) {
          organization(id: $id) { name }
          viewer {
            user { displayName }
            defaultOrganization { name }
            membership(organizationId: $id) { id }
            memberships { totalCount nodes { id } }
            removed: memberships(status: [REMOVED]) { totalCount nodes { id } }
            applications { application { key } }
          }
        }
        """,
        id=helios.organization,
    )

    nothing = {"totalCount": 0, "nodes": []}
    assert answer.body == {
        "data": {
            "organization": None,
            "viewer": {
                "user": {"displayName": "Heike Preuß"},
                "defaultOrganization": None,
                "membership": None,
                "memberships": nothing,
                "removed": nothing,
                "applications": [],
            },
        }
    }


async def test_a_suspended_member_sees_the_name_of_the_organization_and_learns_why_nothing_else(
    solar: Portal, helios: Helios
) -> None:
    person = await solar.person("suspended@helios.example")

    answer = await person.asks(
        """
        query Suspended($id: ID!) {
          organization(id: $id) {
            name members { totalCount } orders { totalCount } viewerCanPlaceOrders
            viewerMembership { status effectivePermissions { permission { code } } applications { key } }
          }
          viewer { can(permissions: [ORDER_PLACE]) { allowed reason grantableBy { id } } }
        }
        """,
        id=helios.organization,
    )

    assert answer.data == {
        "organization": {
            "name": "Helios Montage GmbH",
            "members": None,
            "orders": None,
            "viewerCanPlaceOrders": False,
            "viewerMembership": {"status": "SUSPENDED", "effectivePermissions": [], "applications": []},
        },
        "viewer": {"can": [{"allowed": False, "reason": "MEMBERSHIP_SUSPENDED", "grantableBy": []}]},
    }
    assert {tuple(error["path"]): error["extensions"]["authorization"]["reason"] for error in answer.errors} == {
        ("organization", "members"): "MEMBERSHIP_SUSPENDED",
        ("organization", "orders"): "MEMBERSHIP_SUSPENDED",
    }


async def test_in_a_blocked_organization_every_role_is_refused_because_of_the_organization(solar: Portal) -> None:
    person = await solar.person("administration@nordlicht.example")

    answer = await person.asks(
        """
        {
          viewer {
            defaultOrganization { name status members { totalCount } viewerCanManageMembers }
            can(permissions: [MEMBER_MANAGE]) { allowed reason }
          }
        }
        """
    )

    assert answer.at("viewer.can") == [{"allowed": False, "reason": "ORGANIZATION_NOT_ACTIVE"}]
    assert answer.at("viewer.defaultOrganization") == {
        "name": "Nordlicht Elektrotechnik GmbH", "status": "BLOCKED", "members": None, "viewerCanManageMembers": False,
    }  # fmt: skip
    (error,) = answer.errors
    assert error["extensions"]["authorization"]["reason"] == "ORGANIZATION_NOT_ACTIVE"


@pytest.mark.parametrize("field", ["email", "phone", "locale"])
async def test_contact_details_are_hidden_from_colleagues_who_may_not_see_members(
    solar: Portal, helios: Helios, field: str
) -> None:
    person = await solar.person("purchase@helios.example")

    answer = await person.asks(
        f"query W($id: ID!) {{ organization(id: $id) {{ administrators {{ user {{ displayName {field} }} }} }} }}",
        id=helios.organization,
    )

    users = [member["user"] for member in answer.at("organization.administrators")]
    assert [user[field] for user in users] == [None] * 3
    assert [user["displayName"] for user in users] == ["Annegret Kästner", "Regula Oberhänsli", "Günther Strauß"]
    assert {error["extensions"]["code"] for error in answer.errors} == {"UNAUTHORIZED_FIELD_OR_TYPE"}
