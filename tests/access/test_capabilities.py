"""What somebody may do, from where, who could give more, and that the answer beforehand is the answer afterwards."""

from datetime import timedelta
from itertools import chain

import pytest
from sqlalchemy import update

from connectors.directory.tables import memberships
from permissions.vocabulary import Permission
from tests.portal import Answer, Portal
from tests.role_matrix import permissions_of

SOURCES = """
sources {
  __typename
  ... on RoleGrant { role { key } }
  ... on DirectGrant { permission { code } }
}
"""

EFFECTIVE = f"{{ permission {{ code }} validUntil {SOURCES} }}"

ALL = [permission.value for permission in Permission]

ACCOUNTS = {
    "solar": (
        "administration@helios.example", "purchase@helios.example", "installation@helios.example",
        "planning@helios.example", "purchase.planning@helios.example", "two.companies@helios.example",
        "administration@lumen.example", "suspended@helios.example", "administration@nordlicht.example",
        "commercial@suesskind.example", "remi.leveque@helios.example", "marko.zoeller@helios.example",
        "lena.hartwig@helios.example", "tobias.voegeli@helios.example", "heike.preuss@helios.example",
        "review@vendor.example", "private@home.example",
    ),
    "software": (
        "licence.holder@hausgut.example", "orders@hausgut.example", "downloads@hausgut.example",
        "contracts@hausgut.example", "licence.holder@kappel.example", "deputy@kappel.example",
        "suspended@hausgut.example", "licence.holder@wohnwert.example", "lena.strauss@hausgut.example",
        "ulrike.schaefer@hausgut.example", "review@vendor.example",
    ),
}  # fmt: skip


def names_in(sources: list[dict[str, dict[str, str]]]) -> list[str]:
    """Of each source the key of the role, or the code of the direct permission."""
    return [source["role"]["key"] if "role" in source else source["permission"]["code"] for source in sources]


async def test_each_permission_names_every_role_it_comes_from(solar: Portal) -> None:
    """K37."""
    person = await solar.person("guenther.strauss@helios.example")  # administration and purchase

    answer = await person.asks(f"{{ viewer {{ memberships {{ nodes {{ effectivePermissions {EFFECTIVE} }} }} }} }}")

    effective = answer.at("viewer.memberships.nodes.0.effectivePermissions")
    assert {entry["permission"]["code"]: names_in(entry["sources"]) for entry in effective} == {
        code: [role for role in ("administration", "purchase") if code in permissions_of([role])]
        for code in permissions_of(["administration", "purchase"])
    }
    assert {entry["validUntil"] for entry in effective} == {None}


async def test_two_roles_together_give_the_union(solar: Portal) -> None:
    """K33, K37."""
    person = await solar.person("purchase.planning@helios.example")

    answer = await person.asks(f"{{ viewer {{ memberships {{ nodes {{ effectivePermissions {EFFECTIVE} }} }} }} }}")

    effective = answer.at("viewer.memberships.nodes.0.effectivePermissions")
    assert {entry["permission"]["code"] for entry in effective} == permissions_of(["purchase", "planning"])
    assert [names_in(entry["sources"]) for entry in effective] == [["purchase"]] * 6 + [["planning"]]


async def test_a_right_that_ends_says_when_and_one_that_has_ended_is_gone(solar: Portal) -> None:
    administration = await solar.person("administration@helios.example")
    query = f"""
        query Search($name: String!) {{ viewer {{ memberships {{ nodes {{ organization {{
          members(search: $name) {{
            nodes {{ roleGrants {{ role {{ key }} validUntil }} effectivePermissions {EFFECTIVE} }}
          }}
        }} }} }} }} }}
    """

    ending = await administration.asks(query, name="Hofstätter")
    ended = await administration.asks(query, name="Petrović")

    (member,) = ending.at("viewer.memberships.nodes.0.organization.members.nodes")
    (other,) = ended.at("viewer.memberships.nodes.0.organization.members.nodes")
    (until,) = {entry["validUntil"] for entry in member["effectivePermissions"]}
    assert member["roleGrants"] == [{"role": {"key": "installation"}, "validUntil": until}]
    assert until.startswith(("2099-12-31T", "2100-01-01T"))
    assert other["roleGrants"] == [{"role": {"key": "installation"}, "validUntil": None}]
    assert {name for entry in other["effectivePermissions"] for name in names_in(entry["sources"])} == {"installation"}


async def test_the_authorised_persons_are_shown_with_each_direct_permission(software: Portal) -> None:
    """D22, D23."""
    holder = await software.person("licence.holder@hausgut.example")

    answer = await holder.asks(
        f"""
        {{ viewer {{ memberships {{ nodes {{ organization {{ members(first: 100) {{ nodes {{
          user {{ displayName }} status
          directGrants {{ permission {{ code }} }} effectivePermissions {EFFECTIVE}
        }} }} }} }} }} }} }}
        """
    )

    members = answer.at("viewer.memberships.nodes.0.organization.members.nodes")
    switched_on = {
        member["user"]["displayName"]: [grant["permission"]["code"] for grant in member["directGrants"]]
        for member in members
    }
    assert switched_on == {
        "Jana Böhm": ["ORDER_VIEW"],
        "Günther Brandt": ["ORDER_PLACE", "ORDER_VIEW"],
        "Marko Groß": [],
        "Roswitha Gut": [],
        "Bärbel Hübner": ["CONTRACT_DOCUMENT_VIEW"],
        "Thomas Köhler": ["ORDER_PLACE"],
        "Felix Krüger": ["ORDER_PLACE", "SOFTWARE_DOWNLOAD"],
        "Tobias Preuß": ["SOFTWARE_DOWNLOAD"],
        "Ulrike Schäfer": [],  # hers ended in 2025
        "Jürgen Seidel": ["SOFTWARE_DOWNLOAD"],
        "Lena Strauß": ["ORDER_VIEW"],
        "Sabine Wörner": ["ORDER_PLACE", "SOFTWARE_DOWNLOAD"],
        "Elif Y\u0131ld\u0131z": ["ORDER_VIEW"],
    }
    for member in members:
        effective = {entry["permission"]["code"]: entry for entry in member["effectivePermissions"]}
        name = member["user"]["displayName"]
        if name == "Roswitha Gut":  # D29: the licence holder has every right, by the role
            assert {source for entry in effective.values() for source in names_in(entry["sources"])} == {
                "licence_holder"
            }
            assert set(effective) >= set(chain.from_iterable(switched_on.values()))
        elif member["status"] == "ACTIVE":
            assert {code: names_in(entry["sources"]) for code, entry in effective.items()} == {
                code: [code] for code in switched_on[name]
            }
        else:
            assert effective == {}


async def test_a_right_from_a_role_and_from_a_switch_names_both(software: Portal) -> None:
    """D23."""
    deputy = await software.person("deputy@kappel.example")

    answer = await deputy.asks(
        f"{{ viewer {{ can(permissions: [ACCOUNT_MANAGE, ORDER_PLACE, ORDER_VIEW]) {{ allowed reason {SOURCES} }} }} }}"
    )

    decisions = answer.at("viewer.can")
    assert [(decision["allowed"], decision["reason"], names_in(decision["sources"])) for decision in decisions] == [
        (True, None, ["deputy"]),
        (True, None, ["ORDER_PLACE"]),
        (False, "MISSING_PERMISSION", []),
    ]


async def test_a_refusal_beforehand_names_the_members_who_could_give_the_right(solar: Portal) -> None:
    person = await solar.person("planning@helios.example")

    answer = await person.asks(
        "{ viewer { can(permissions: [ORDER_PLACE, PLANNING_TOOL_USE, REGISTRATION_REVIEW]) "
        "{ allowed reason permission { code } grantableBy { user { displayName } } } } }"
    )

    placing, plan, review = answer.at("viewer.can")
    assert (placing["allowed"], placing["reason"]) == (False, "MISSING_PERMISSION")
    assert [member["user"]["displayName"] for member in placing["grantableBy"]] == [
        "Annegret Kästner", "Regula Oberhänsli", "Günther Strauß",
    ]  # fmt: skip
    assert (plan["allowed"], plan["reason"], plan["grantableBy"]) == (True, None, [])
    assert (review["allowed"], review["reason"], review["grantableBy"]) == (False, "MISSING_PERMISSION", [])


async def test_vendor_staff_hold_their_rights_without_an_organization(solar: Portal) -> None:
    person = await solar.person("review@vendor.example")

    answer = await person.asks(
        "query All($all: [PermissionCode!]!) "
        "{ viewer { accountKind can(permissions: $all) { allowed permission { code } } } }",
        all=ALL,
    )

    assert answer.at("viewer.accountKind") == "VENDOR_STAFF"
    assert [decision["permission"]["code"] for decision in answer.at("viewer.can") if decision["allowed"]] == [
        "REGISTRATION_REVIEW", "CHANGE_REQUEST_REVIEW", "APPLICATION_MANAGE", "ANNOUNCEMENT_MANAGE",
    ]  # fmt: skip


async def test_everybody_may_know_who_administers_their_organization(solar: Portal) -> None:
    person = await solar.person("lena.hartwig@helios.example")

    answer = await person.asks(
        "{ viewer { memberships { nodes { organization { administrators { status user { displayName } } } } } } }"
    )

    assert answer.at("viewer.memberships.nodes.0.organization.administrators") == [
        {"status": "ACTIVE", "user": {"displayName": name}}
        for name in ("Annegret Kästner", "Regula Oberhänsli", "Günther Strauß")
    ]


@pytest.mark.parametrize("profile", ACCOUNTS)
async def test_what_may_be_done_beforehand_is_what_is_not_refused_afterwards(
    profile: str, solar: Portal, software: Portal
) -> None:
    """For every account of the demo, in every organization that any of them knows."""
    portal = {"solar": solar, "software": software}[profile]
    people = {login_name: await portal.person(login_name) for login_name in ACCOUNTS[profile]}
    organizations: set[str] = set()
    for person in people.values():
        answer = await person.asks("{ viewer { memberships(first: 100) { nodes { organization { id } } } } }")
        organizations |= {node["organization"]["id"] for node in answer.at("viewer.memberships.nodes")}

    for login_name, person in people.items():
        for organization in organizations:
            answer = await person.asks(
                """
                query Both($id: ID!, $all: [PermissionCode!]!) {
                  viewer { can(organizationId: $id, permissions: $all) { allowed permission { code } } }
                  organization(id: $id) {
                    viewerCanManageMembers viewerCanManageOrganization viewerCanPlaceOrders
                    viewerMembership { effectivePermissions { permission { code } } }
                    members(first: 1) { totalCount }
                    orders(first: 1) { totalCount }
                  }
                }
                """,
                id=organization,
                all=ALL,
            )
            _assert_agreement(answer, login_name)


def _assert_agreement(answer: Answer, login_name: str) -> None:
    vendors = {"REGISTRATION_REVIEW", "CHANGE_REQUEST_REVIEW", "APPLICATION_MANAGE", "ANNOUNCEMENT_MANAGE"}
    allowed = {entry["permission"]["code"] for entry in answer.at("viewer.can") if entry["allowed"]} - vendors
    organization = answer.at("organization")
    if organization is None:
        assert (allowed, answer.errors) == (set(), []), login_name
        return
    sees_members = not allowed.isdisjoint({"MEMBER_VIEW", "MEMBER_MANAGE"})
    sees_orders = not allowed.isdisjoint({"ORDER_VIEW", "ORDER_PLACE", "ORDER_APPROVE"})
    refused = {
        path
        for path, sees in (("organization.members", sees_members), ("organization.orders", sees_orders))
        if not sees
    }
    effective = organization["viewerMembership"]["effectivePermissions"]
    assert {entry["permission"]["code"] for entry in effective} == allowed, login_name
    assert organization["viewerCanManageMembers"] is ("MEMBER_MANAGE" in allowed)
    assert organization["viewerCanManageOrganization"] is bool({"ORGANIZATION_MANAGE", "ACCOUNT_MANAGE"} & allowed)
    assert organization["viewerCanPlaceOrders"] is ("ORDER_PLACE" in allowed)
    assert (organization["members"] is not None, organization["orders"] is not None) == (sees_members, sees_orders)
    assert answer.codes == dict.fromkeys(refused, "UNAUTHORIZED_FIELD_OR_TYPE"), login_name


async def test_the_administrators_page_shows_for_each_member_what_that_member_sees(solar: Portal) -> None:
    """K31, K39: one decision, whoever looks."""
    administration = await solar.person("administration@helios.example")
    everybody = await administration.asks(
        """
        { viewer { memberships { nodes { organization { members(first: 100) { nodes {
          user { email } applications { key } effectivePermissions { permission { code } }
        } } } } } } }
        """
    )

    for member in everybody.at("viewer.memberships.nodes.0.organization.members.nodes"):
        if member["user"]["email"] == "ayse.brandt@helios.example":  # invited, and cannot sign in yet
            assert (member["applications"], member["effectivePermissions"]) == ([], [])
            continue
        person = await solar.person(member["user"]["email"])
        helios = await solar.organization_of("administration@helios.example")
        own = await person.asks(
            """
            query Own($id: ID!) { viewer {
              membership(organizationId: $id) { effectivePermissions { permission { code } } }
              applications(organizationId: $id) { application { key } }
            } }
            """,
            id=helios,
        )
        assert own.at("viewer.membership.effectivePermissions") == member["effectivePermissions"]
        assert [tile["application"] for tile in own.at("viewer.applications")] == member["applications"]


async def test_somebody_who_was_only_invited_is_no_member_yet(portal: Portal) -> None:
    person = await portal.person("purchase@helios.example")
    helios = await portal.organization_of("purchase@helios.example")
    me = (await person.asks("{ viewer { user { id } } }")).at("viewer.user.id")
    async with portal.wiring.backends.directory._engine.begin() as connection:  # type: ignore[attr-defined]
        await connection.execute(update(memberships).where(memberships.c.user_id == me).values(status="INVITED"))
    portal.clock.move(timedelta(seconds=1))

    answer = await person.asks(
        """
        query Invited($id: ID!) {
          organization(id: $id) { name }
          viewer {
            applications { application { key } }
            can(organizationId: $id, permissions: [ORDER_PLACE]) { allowed reason grantableBy { id } }
            membership(organizationId: $id) { id }
            memberships { totalCount nodes { organization { name } } }
            all: memberships(status: [INVITED]) { totalCount nodes { organization { name } } }
          }
        }
        """,
        id=helios,
    )

    assert answer.at("organization") is None
    assert answer.at("viewer") == {
        "applications": [],
        "can": [{"allowed": False, "reason": "NOT_A_MEMBER", "grantableBy": []}],
        "membership": None,
        "memberships": {"totalCount": 0, "nodes": []},
        "all": {"totalCount": 0, "nodes": []},
    }
    assert answer.errors == []
