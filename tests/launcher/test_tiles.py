"""The applications on the page: exactly what the roles open, for each account of the demo."""

from datetime import timedelta

import pytest

from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.data import DirectoryData
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.people import UserRecord
from connectors.ids import GrantId, MembershipId, OrganizationId, UserId
from connectors.values import AccountKind
from tests.portal import NOW, Answer, Portal
from tests.role_matrix import PAGE, SUBSETS, applications_of, permissions_of

TILES = """
query Tiles($organization: ID, $all: Boolean! = false) {
  viewer {
    applications(organizationId: $organization, includeUnavailable: $all) {
      application { key }
      state
      reason
      missing { code }
      grantedBy { __typename ... on RoleGrant { role { key } } ... on DirectGrant { permission { code } } }
      launch { kind url }
    }
  }
}
"""

OPERATORS_PAGE = ["solar_portal", "installer_search", "service_support"]

OPEN = ("AVAILABLE", None)
NEEDS_ROLE = ("NEEDS_ROLE", "MISSING_PERMISSION")
NO_ORGANIZATION = ("NEEDS_ROLE", "NOT_A_MEMBER")


def keys_in(answer: Answer) -> list[str]:
    """The keys of the applications on the page, in its order."""
    return [tile["application"]["key"] for tile in answer.at("viewer.applications")]


def states_in(answer: Answer) -> dict[str, tuple[str, str | None]]:
    """State and reason of each tile, by key."""
    return {tile["application"]["key"]: (tile["state"], tile["reason"]) for tile in answer.at("viewer.applications")}


@pytest.mark.parametrize(
    ("login_name", "roles"),
    [
        ("administration@helios.example", ["administration"]),
        ("purchase@helios.example", ["purchase"]),
        ("installation@helios.example", ["installation"]),
        ("planning@helios.example", ["planning"]),
        ("purchase.planning@helios.example", ["purchase", "planning"]),  # K33, K37: the union
        ("two.companies@helios.example", ["administration"]),
    ],
)
async def test_the_tiles_of_an_account_are_those_of_its_roles(solar: Portal, login_name: str, roles: list[str]) -> None:
    """K4, K50-K58."""
    person = await solar.person(login_name)

    answer = await person.asks(TILES)

    assert answer.errors == []
    assert keys_in(answer) == applications_of(roles)
    assert set(states_in(answer).values()) == {OPEN}
    for tile in answer.at("viewer.applications"):
        granted = [source["role"]["key"] for source in tile["grantedBy"]]
        assert granted == sorted(role for role in roles if tile["application"]["key"] in applications_of([role]))
        assert tile["launch"]["url"].startswith("https://")


async def test_a_tile_that_does_not_open_says_why_and_cannot_be_launched(solar: Portal) -> None:
    person = await solar.person("planning@helios.example")

    answer = await person.asks(TILES, all=True)

    assert keys_in(answer) == list(PAGE)
    assert states_in(answer) == {key: OPEN if key in applications_of(["planning"]) else NEEDS_ROLE for key in PAGE}
    closed = [tile for tile in answer.at("viewer.applications") if tile["state"] != "AVAILABLE"]
    assert [(tile["launch"], tile["grantedBy"]) for tile in closed] == [(None, [])] * 4


async def test_each_organization_has_its_own_tiles(solar: Portal) -> None:
    person = await solar.person("two.companies@helios.example")
    lumen = await solar.organization_of("administration@lumen.example")
    helios = await solar.organization_of("administration@helios.example")

    at_helios = await person.asks(TILES, organization=helios)
    at_lumen = await person.asks(TILES, organization=lumen)

    assert keys_in(at_helios) == applications_of(["administration"])
    assert keys_in(at_lumen) == applications_of(["purchase"])


async def test_a_private_operator_needs_no_organization_for_their_tiles(solar: Portal) -> None:
    """K9."""
    person = await solar.person("private@home.example")

    shown = await person.asks(TILES)
    all_of_them = await person.asks(TILES, all=True)
    account = await person.asks("{ viewer { accountKind memberships { totalCount } defaultOrganization { id } } }")

    assert keys_in(shown) == OPERATORS_PAGE
    assert states_in(all_of_them) == dict.fromkeys(OPERATORS_PAGE, OPEN)
    assert account.at("viewer") == {
        "accountKind": "PRIVATE_OPERATOR",
        "memberships": {"totalCount": 0},
        "defaultOrganization": None,
    }


async def test_the_tiles_of_a_commercial_operator_are_neither_those_of_a_private_one_nor_of_an_installer(
    solar: Portal,
) -> None:
    """K10."""
    person = await solar.person("commercial@suesskind.example")

    answer = await person.asks(TILES, all=True)

    assert states_in(answer) == dict.fromkeys(
        ["webshop", "solar_portal", "smart_warranty", "repower_check", "installer_search", "service_support"], OPEN
    )


async def test_in_a_blocked_organization_no_tile_opens_whatever_the_role(solar: Portal) -> None:
    person = await solar.person("administration@nordlicht.example")

    shown = await person.asks(TILES)
    all_of_them = await person.asks(TILES, all=True)

    assert keys_in(shown) == []
    assert states_in(all_of_them) == dict.fromkeys(PAGE, ("NOT_ACTIVE", "ORGANIZATION_NOT_ACTIVE"))


async def test_for_a_suspended_member_no_tile_opens_whatever_the_role(solar: Portal) -> None:
    person = await solar.person("suspended@helios.example")
    helios = await solar.organization_of("administration@helios.example")

    shown = await person.asks(TILES, organization=helios)
    all_of_them = await person.asks(TILES, organization=helios, all=True)
    unasked = await person.asks(TILES, all=True)

    assert keys_in(shown) == []
    assert states_in(all_of_them) == dict.fromkeys(PAGE, ("NOT_ACTIVE", "MEMBERSHIP_SUSPENDED"))
    assert unasked.body == all_of_them.body


async def test_vendor_staff_have_no_tiles(solar: Portal) -> None:
    person = await solar.person("review@vendor.example")

    answer = await person.asks(TILES, all=True)

    assert answer.at("viewer.applications") == []


@pytest.mark.parametrize(
    ("login_name", "keys"),
    [
        (
            "licence.holder@hausgut.example",
            ["my_account", "contract_documents", "manage_access", "downloads", "support_module", "shop", "orders"],
        ),
        ("orders@hausgut.example", ["my_account", "support_module", "shop", "orders"]),
        ("downloads@hausgut.example", ["my_account", "downloads", "support_module"]),
        ("contracts@hausgut.example", ["my_account", "contract_documents", "support_module"]),
        ("deputy@kappel.example", ["my_account", "contract_documents", "support_module", "shop", "orders"]),
        ("lena.strauss@hausgut.example", ["my_account", "support_module", "orders"]),
        ("suspended@hausgut.example", ["my_account"]),
        ("licence.holder@wohnwert.example", ["my_account"]),
        ("ulrike.schaefer@hausgut.example", ["my_account", "support_module"]),  # her right ended in 2025
    ],
)
async def test_the_seven_tiles_of_the_software_house_keep_their_order_for_every_account(
    software: Portal, login_name: str, keys: list[str]
) -> None:
    """D8, D18-D20."""
    person = await software.person(login_name)

    answer = await person.asks(TILES)

    assert keys_in(answer) == keys


async def test_a_tile_that_a_direct_permission_would_open_names_the_permission(software: Portal) -> None:
    person = await software.person("downloads@hausgut.example")

    answer = await person.asks(TILES, all=True)

    missing = {
        tile["application"]["key"]: [permission["code"] for permission in tile["missing"]]
        for tile in answer.at("viewer.applications")
        if tile["state"] != "AVAILABLE"
    }
    assert missing == {
        "contract_documents": ["CONTRACT_DOCUMENT_VIEW"],
        "manage_access": ["MEMBER_MANAGE"],
        "shop": ["ORDER_PLACE"],
        "orders": ["ORDER_VIEW", "ORDER_PLACE"],
    }
    (source,) = answer.at("viewer.applications.3.grantedBy")
    assert source == {"__typename": "DirectGrant", "permission": {"code": "SOFTWARE_DOWNLOAD"}}


async def test_everybody_sees_the_catalogue_without_signing_in(solar: Portal) -> None:
    """K5."""
    answer = await solar.anybody().asks(
        '{ applicationCatalogue { key name(locale: "fr") category { key position } iconUrl platforms } viewer { id } }'
    )

    catalogue = answer.at("applicationCatalogue")
    assert answer.errors == []
    assert [application["key"] for application in catalogue] == list(PAGE)
    assert catalogue[7]["name"] == "Recherche d'installateurs"
    assert catalogue[0]["category"] == {"key": "central", "position": 1}
    assert answer.at("viewer") is None


async def test_the_catalogue_can_be_asked_for_one_kind_of_account(solar: Portal) -> None:
    answer = await solar.anybody().asks("{ applicationCatalogue(audience: PRIVATE_OPERATOR) { key } }")

    assert [application["key"] for application in answer.at("applicationCatalogue")] == OPERATORS_PAGE


@pytest.mark.parametrize(
    ("login_name", "available"),
    [("installation@helios.example", True), ("administration@helios.example", False)],
)
async def test_only_installation_opens_the_solar_portal_in_pro_mode(
    solar: Portal, login_name: str, available: bool
) -> None:
    """K52."""
    person = await solar.person(login_name)

    answer = await person.asks(
        "{ viewer { applications { application { key parent { key } } modes { key available } } } }"
    )

    modes = {tile["application"]["key"]: tile["modes"] for tile in answer.at("viewer.applications")}
    assert modes["solar_portal"] == [{"key": "pro", "available": available}]


async def test_the_overview_of_roles_is_the_role_matrix(solar: Portal) -> None:
    """K14, K36."""
    answer = await solar.anybody().asks(
        "{ roles { key isAdministrative memberAssignable applications { key } permissions { code } "
        'de: label(locale: "de") fr: label(locale: "fr") en: label(locale: "en") } }'
    )

    roles = answer.at("roles")
    assert [role["key"] for role in roles] == ["administration", "purchase", "installation", "planning"]
    assert [(role["de"], role["fr"], role["en"]) for role in roles] == [
        ("Administration", "Administration", "Administration"),
        ("Einkauf", "Achat", "Purchase"),
        ("Montage", "Montage", "Installation"),
        ("Planung", "Planification", "Planning"),
    ]
    for role in roles:
        assert [application["key"] for application in role["applications"]] == applications_of([role["key"]])
        assert {permission["code"] for permission in role["permissions"]} == permissions_of([role["key"]])
        assert role["isAdministrative"] is (role["key"] == "administration")


async def test_any_set_of_roles_opens_and_allows_the_union_and_nothing_else(portal: Portal) -> None:
    """K33, K37, K63: all sixteen sets of roles, asked through the gateway."""
    helios = OrganizationId(await portal.organization_of("administration@helios.example"))
    await portal.wiring.backends.directory.load(_people_with_every_set_of_roles(helios))
    codes = [
        permission["code"] for permission in (await portal.anybody().asks("{ permissions { code } }")).at("permissions")
    ]

    for number, roles in enumerate(SUBSETS):
        person = await portal.person(f"set-{number}@helios.example")
        answer = await person.asks(
            """
            query Everything($all: [PermissionCode!]!) {
              viewer {
                applications { application { key } }
                can(permissions: $all) { allowed permission { code } }
                memberships {
                  nodes { applications { key } effectivePermissions { permission { code } } }
                }
              }
            }
            """,
            all=codes,
        )

        membership = answer.at("viewer.memberships.nodes.0")
        decisions = answer.at("viewer.can")
        allowed = {decision["permission"]["code"] for decision in decisions if decision["allowed"]}
        effective = {effective["permission"]["code"] for effective in membership["effectivePermissions"]}
        assert keys_in(answer) == applications_of(roles), roles
        assert [application["key"] for application in membership["applications"]] == applications_of(roles), roles
        assert [decision["permission"]["code"] for decision in decisions] == codes
        assert allowed == effective == permissions_of(roles), roles


def _people_with_every_set_of_roles(organization: OrganizationId) -> DirectoryData:
    users, memberships, grants = [], [], []
    for number, roles in enumerate(SUBSETS):
        user_id, membership_id = UserId(f"usr_set{number}"), MembershipId(f"mbr_set{number}")
        users.append(
            UserRecord(
                user_id, f"set-{number}@helios.example", True, "Set", f"Nr. {number}", None, None, None,
                AccountKind.BUSINESS_CUSTOMER, None, NOW, 1,
            )
        )  # fmt: skip
        memberships.append(
            MembershipRecord(membership_id, 1, organization, user_id, MembershipStatus.ACTIVE, NOW, None)
        )
        grants += [
            GrantRecord(
                GrantId(f"grt_set{number}{role}"), membership_id, organization, user_id, GrantKind.ROLE, role,
                NOW - timedelta(days=1), None, None,
            )
            for role in roles
        ]  # fmt: skip
    return DirectoryData(users, [], [], memberships, grants, [])


PAGES = """
query Pages($organization: ID!, $membership: ID!) {
  viewer { applications(organizationId: $organization, includeUnavailable: true) { ...Tile } }
  own: node(id: $membership) { ... on Membership { tiles(includeUnavailable: true) { ...Tile } } }
}
fragment Tile on ApplicationTile {
  id application { key } organization { id } state requestable openedByRoles { key } pendingRequest { id }
  modes { key available launch { url } } launch { url }
}
"""


async def test_a_tile_is_the_same_by_the_page_by_the_membership_and_by_its_id(solar: Portal) -> None:
    person = await solar.person("installation@helios.example")
    helios = await solar.organization_of("installation@helios.example")
    own = await person.asks("query M($id: ID!) { viewer { membership(organizationId: $id) { id } } }", id=helios)

    answer = await person.asks(PAGES, organization=helios, membership=own.at("viewer.membership.id"))
    tiles = answer.at("viewer.applications")
    again = await person.asks(
        "query N($ids: [ID!]!) { nodes(ids: $ids) { ... on ApplicationTile { id state launch { url } } } }",
        ids=[tile["id"] for tile in tiles],
    )

    assert answer.errors == []
    assert answer.at("own.tiles") == tiles
    assert again.at("nodes") == [{key: tile[key] for key in ("id", "state", "launch")} for tile in tiles]
    (portal_tile,) = [tile for tile in tiles if tile["application"]["key"] == "solar_portal"]
    assert portal_tile["organization"] == {"id": helios}
    assert portal_tile["modes"] == [{"key": "pro", "available": True, "launch": portal_tile["launch"]}]


async def test_a_colleagues_tile_shows_what_it_would_take_and_opens_nothing(solar: Portal) -> None:
    administrator = await solar.person("administration@helios.example")
    planner = await solar.person("planning@helios.example")
    helios = await solar.organization_of("planning@helios.example")
    shop = "app_webshop"
    asked = await planner.asks(
        "mutation R($input: RequestAccessInput!) { requestAccess(input: $input) { accessRequest { id } } }",
        input={"organizationId": helios, "applicationId": shop},
    )
    tiles = (
        'search: "Löffler") { nodes { id tiles(includeUnavailable: true) { id application { id } state requestable '
        "openedByRoles { key } pendingRequest { id } launch { url } modes { available launch { url } } } } } } }"
    )

    answer = await administrator.asks("query T($id: ID!) { organization(id: $id) { members(" + tiles, id=helios)

    by_application = {
        tile["application"]["id"]: tile
        for member in answer.at("organization.members.nodes")
        for tile in member["tiles"]
    }
    assert {tile["launch"] is None for tile in by_application.values()} == {True}
    closed = by_application[shop]
    assert (closed["state"], closed["requestable"]) == ("NEEDS_ROLE", True)
    assert [role["key"] for role in closed["openedByRoles"]] == ["administration", "purchase", "installation"]
    assert closed["pendingRequest"] == asked.at("requestAccess.accessRequest")
    stranger = await solar.person("administration@lumen.example")
    for person, found in ((planner, True), (administrator, True), (stranger, False)):
        looked = await person.asks("query N($id: ID!) { node(id: $id) { id } }", id=closed["id"])
        assert (looked.at("node") is not None) is found


async def test_a_request_for_an_application_is_accepted_exactly_where_its_tile_is_requestable(solar: Portal) -> None:
    request = "mutation R($input: RequestAccessInput!) { requestAccess(input: $input) { errors { code } } }"
    for login_name in ("planning@helios.example", "suspended@helios.example", "lena.hartwig@helios.example"):
        person = await solar.person(login_name)
        helios = await solar.organization_of(login_name)
        answer = await person.asks(
            "query T($id: ID!) { viewer { applications(organizationId: $id, includeUnavailable: true) "
            "{ application { id } requestable } } }",
            id=helios,
        )
        for tile in answer.at("viewer.applications"):
            asked = {"organizationId": helios, "applicationId": tile["application"]["id"]}
            refused = (await person.asks(request, input=asked)).at("requestAccess.errors")
            expected = [] if tile["requestable"] else refused
            same = [{"code": "CONFLICT"}]  # two applications that the same role opens are one request
            assert refused == expected or (tile["requestable"] and refused == same), (login_name, tile, refused)
            assert tile["requestable"] or refused != []
