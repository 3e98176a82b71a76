"""The shipped catalogues: which role opens which application, and what is shown to whom."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.applications.embedded import EmbeddedApplications
from connectors.applications.interface import ApplicationRecord
from connectors.values import AccountKind
from gateway.profile_files import load_profile, shipped_profiles
from permissions.policy import parse_policy
from permissions.vocabulary import Permission

MATRIX = json.loads((Path(__file__).parents[1] / "role_matrix.json").read_text(encoding="utf-8"))


async def catalogue_of(profile_name: str) -> Sequence[ApplicationRecord]:
    profile = load_profile(profile_name)
    return await EmbeddedApplications.from_toml(profile.applications_text, profile.applications_source).catalogue()


@pytest.mark.parametrize("role", sorted(MATRIX["roles"]))
async def test_a_role_of_the_solar_terminal_opens_exactly_the_applications_of_the_matrix(role: str) -> None:
    stated = {key for key, opens in MATRIX["roles"][role]["applications"].items() if opens}
    config_tool = {"solar_config_tool"} if role == "planning" else set()

    catalogue = await catalogue_of("solar_terminal")

    assert {application.key for application in catalogue if role in application.role_keys} == stated | config_tool


async def test_applications_of_the_solar_terminal_open_for_business_customers_by_role_alone() -> None:
    for application in await catalogue_of("solar_terminal"):
        assert AccountKind.BUSINESS_CUSTOMER in application.audience
        assert AccountKind.BUSINESS_CUSTOMER not in application.open_to
        assert not application.for_every_member
        assert not application.permissions


async def test_the_first_three_applications_are_the_shop_the_portal_and_the_plan() -> None:
    catalogue = await catalogue_of("solar_terminal")

    assert [application.key for application in catalogue][:3] == ["webshop", "solar_portal", "solar_plan"]


async def test_the_pro_mode_is_for_the_installation_role_only() -> None:
    catalogue = {application.key: application for application in await catalogue_of("solar_terminal")}

    assert [(mode.key, set(mode.role_keys)) for mode in catalogue["solar_portal"].modes] == [("pro", {"installation"})]
    assert catalogue["solar_portal_app_pro"].parent_key == "solar_portal"


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        (AccountKind.PRIVATE_OPERATOR, ["solar_portal", "installer_search", "service_support"]),
        (
            AccountKind.COMMERCIAL_OPERATOR,
            ["solar_portal", "repower_check", "installer_search", "service_support"],
        ),
        (AccountKind.BUSINESS_CUSTOMER, []),
        (AccountKind.VENDOR_STAFF, []),
    ],
)
async def test_operators_have_tiles_of_their_own_without_an_organization(kind: AccountKind, keys: list[str]) -> None:
    catalogue = await catalogue_of("solar_terminal")

    assert [application.key for application in catalogue if kind in application.open_to] == keys


async def test_the_software_house_has_its_seven_tiles_in_order() -> None:
    catalogue = await catalogue_of("software_house")

    assert [(tile.key, sorted(tile.permissions), tile.for_every_member) for tile in catalogue] == [
        ("my_account", [], False),
        ("contract_documents", ["CONTRACT_DOCUMENT_VIEW"], False),
        ("manage_access", ["MEMBER_MANAGE"], False),
        ("downloads", ["SOFTWARE_DOWNLOAD"], False),
        ("support_module", [], True),
        ("shop", ["ORDER_PLACE"], False),
        ("orders", ["ORDER_PLACE", "ORDER_VIEW"], False),
    ]
    assert catalogue[0].open_to == {AccountKind.BUSINESS_CUSTOMER}


@pytest.mark.parametrize("name", shipped_profiles())
async def test_a_catalogue_names_only_roles_and_permissions_that_there_are(name: str) -> None:
    profile = load_profile(name)
    policy = parse_policy(profile.policy_text, profile.policy_source)

    for application in await catalogue_of(name):
        assert application.role_keys <= policy.roles.keys()
        assert application.permissions <= {permission.value for permission in Permission}
        assert all(mode.role_keys <= policy.roles.keys() for mode in application.modes)


@pytest.mark.parametrize("name", shipped_profiles())
async def test_each_application_has_an_icon_and_texts_in_three_languages(name: str) -> None:
    catalogue, profile = await catalogue_of(name), load_profile(name)
    of_the_portal = {profile.portal.logo, profile.portal.logo_dark, profile.portal.favicon}

    assert {f"/icons/{icon}" for icon in profile.icons} == {tile.icon_url for tile in catalogue} | of_the_portal
    for tile in catalogue:
        for texts in (tile.names, tile.taglines, tile.descriptions, tile.category.labels):
            assert sorted(texts) == ["de", "en", "fr"]


@pytest.mark.parametrize("name", shipped_profiles())
async def test_applications_are_launched_on_example_hosts_only(name: str) -> None:
    for application in await catalogue_of(name):
        assert application.launch_url.startswith("https://")
        assert application.launch_url.split("/")[2].endswith(".example")
