"""The shipped profiles, and what is said of a profile that cannot be used."""

import json
import shutil
from pathlib import Path

import pytest
from graphql import parse

from gateway.profile_files import InvalidProfile, load_profile, shipped_profiles
from permissions.policy import Policy, Role, parse_policy
from permissions.vocabulary import VENDOR_PERMISSIONS, Permission

MATRIX = json.loads((Path(__file__).parents[1] / "role_matrix.json").read_text(encoding="utf-8"))


def copied(folder: Path) -> Path:
    """A copy of the solar terminal in this folder."""
    return Path(shutil.copytree(load_profile("solar_terminal").folder, folder / "own"))


@pytest.fixture
def own_profile(tmp_path: Path) -> Path:
    """A copy of a shipped profile to spoil."""
    return copied(tmp_path)


def policy_of(profile_name: str) -> Policy:
    profile = load_profile(profile_name)
    return parse_policy(profile.policy_text, profile.policy_source)


def codes_of(role: Role) -> set[str]:
    return {permission.value for permission in role.permissions}


def test_two_profiles_are_shipped() -> None:
    assert shipped_profiles() == ("software_house", "solar_terminal")


@pytest.mark.parametrize("name", shipped_profiles())
def test_a_shipped_profile_is_complete(name: str) -> None:
    profile = load_profile(name)

    assert profile.key == name
    assert sorted(profile.title) == ["de", "en", "fr"]
    assert profile.demo_text is not None
    assert profile.examples[0].name == "The portal page"
    assert len(profile.examples) == 8
    assert all(icon.startswith(b"<svg ") for icon in profile.icons.values())


@pytest.mark.parametrize("name", shipped_profiles())
def test_the_examples_are_queries_with_variables_that_they_declare(name: str) -> None:
    for example in load_profile(name).examples:
        (operation,) = parse(example.query).definitions
        declared = {variable.variable.name.value for variable in operation.variable_definitions or ()}  # type: ignore[attr-defined]
        given = set(json.loads(example.variables)) if example.variables else set()

        assert given <= declared, example.name


@pytest.mark.parametrize("role", sorted(MATRIX["stated_permissions"]))
def test_a_role_of_the_solar_terminal_may_do_what_is_stated_and_nothing_else(role: str) -> None:
    stated = set(MATRIX["stated_permissions"][role])
    warranty = {"WARRANTY_ACTIVATE"} if MATRIX["roles"][role]["applications"]["smart_warranty"] else set()

    assert codes_of(policy_of("solar_terminal").roles[role]) == stated | warranty


def test_only_the_administration_of_the_solar_terminal_delegates_roles() -> None:
    roles = policy_of("solar_terminal").roles

    assert list(roles) == ["administration", "purchase", "installation", "planning"]
    assert {key: role.assignable for key, role in roles.items() if role.assignable} == {"administration": tuple(roles)}
    assert [role.key for role in roles.values() if role.administrative] == ["administration"]


def test_a_licence_holder_holds_every_right_that_can_be_switched_on_or_given_by_another_role() -> None:
    policy = policy_of("software_house")
    given = {code for role in policy.roles.values() for code in codes_of(role)}

    assert given | {right.value for right in policy.direct_permissions} == codes_of(policy.roles["licence_holder"])


def test_an_authorised_person_holds_only_what_is_switched_on_for_them() -> None:
    policy = policy_of("software_house")

    assert policy.roles["authorised_person"].permissions == ()
    assert {right.value for right in policy.direct_permissions} == {
        "ORDER_PLACE",
        "ORDER_VIEW",
        "SOFTWARE_DOWNLOAD",
        "CONTRACT_DOCUMENT_VIEW",
        "ACCOUNT_MANAGE",
    }


def test_the_third_holder_of_contract_documents_or_of_the_account_is_warned_of() -> None:
    policy = policy_of("software_house")

    assert policy.warnings == {Permission.CONTRACT_DOCUMENT_VIEW: 2, Permission.ACCOUNT_MANAGE: 2}
    assert policy.customer_number_prefix == "DOMUS_"


@pytest.mark.parametrize("name", shipped_profiles())
def test_vendor_permissions_never_come_from_a_role(name: str) -> None:
    policy = policy_of(name)

    assert set(policy.vendor_permissions) == VENDOR_PERMISSIONS
    assert all(VENDOR_PERMISSIONS.isdisjoint(role.permissions) for role in policy.roles.values())


@pytest.mark.parametrize("name", shipped_profiles())
def test_roles_are_named_and_described_in_three_languages(name: str) -> None:
    for role in policy_of(name).roles.values():
        assert sorted(role.labels) == sorted(role.descriptions) == ["de", "en", "fr"]


def test_a_profile_in_a_folder_of_ones_own_is_loaded_by_its_path(own_profile: Path) -> None:
    profile = load_profile(str(own_profile))

    assert (profile.key, profile.folder) == ("own", own_profile.resolve())
    assert profile.policy_source == str(own_profile.resolve() / "policy.toml")


def test_a_profile_without_demo_examples_and_icons_is_allowed(own_profile: Path) -> None:
    (own_profile / "demo.toml").unlink()
    shutil.rmtree(own_profile / "examples")
    shutil.rmtree(own_profile / "icons")
    (own_profile / "profile.toml").write_text('title = { en = "Portal" }', encoding="utf-8")

    profile = load_profile(str(own_profile))

    assert (profile.demo_text, profile.examples, profile.icons) == (None, (), {})


def test_an_unknown_profile_is_answered_with_the_shipped_ones_and_the_nearest() -> None:
    with pytest.raises(InvalidProfile) as refusal:
        load_profile("solar-terminl")

    assert str(refusal.value) == (
        'There is no profile "solar-terminl". Did you mean "solar_terminal"? Shipped are software_house, '
        "solar_terminal; or give the path of a folder with a profile.toml of your own."
    )


@pytest.mark.parametrize("name", ["", "x" * 5000, "solar\0terminal"])
def test_a_name_that_no_folder_can_have_is_unknown(name: str) -> None:
    with pytest.raises(InvalidProfile, match="There is no profile"):
        load_profile(name)


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidProfile, match=r"is not a folder\. Give the path of a folder .* software_house"):
        load_profile(str(tmp_path / "nothing"))


@pytest.mark.parametrize("file", ["profile.toml", "policy.toml", "applications.toml"])
def test_a_missing_file_is_named_with_what_it_holds(own_profile: Path, file: str) -> None:
    (own_profile / file).unlink()

    with pytest.raises(
        InvalidProfile,
        match=rf"{file} is missing; it holds .* `forecourt profile new NAME` makes a profile with all files",
    ):
        load_profile(str(own_profile))


def test_a_file_that_is_not_utf_8_is_refused(own_profile: Path) -> None:
    (own_profile / "policy.toml").write_bytes("[rôles]".encode("latin-1"))

    with pytest.raises(InvalidProfile, match=r"policy\.toml cannot be read: it is not UTF-8"):
        load_profile(str(own_profile))


def test_a_folder_instead_of_a_file_is_refused(own_profile: Path) -> None:
    (own_profile / "policy.toml").unlink()
    (own_profile / "policy.toml").mkdir()

    with pytest.raises(InvalidProfile, match=r"policy\.toml cannot be read: Is a directory"):
        load_profile(str(own_profile))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = ", "is not valid TOML"),
        ('color = "blue"', '"color" is not known; known are title'),
        ("", "it needs title"),
        ('title = { de = "Portal" }', "at least in en"),
    ],
)
def test_a_problem_in_profile_toml_is_reported_with_what_would_be_right(
    own_profile: Path, text: str, message: str
) -> None:
    (own_profile / "profile.toml").write_text(text, encoding="utf-8")

    with pytest.raises(InvalidProfile, match=message):
        load_profile(str(own_profile))


def test_variables_that_are_no_json_are_refused(own_profile: Path) -> None:
    (own_profile / "examples" / "4-orders.variables.json").write_text("{status}", encoding="utf-8")

    with pytest.raises(InvalidProfile, match=r"4-orders\.variables\.json is not valid JSON"):
        load_profile(str(own_profile))


SPOILED = """
logo = "/icons/nothing.svg"
favicon = "icons/favicon.svg"
accent_colour = "red"
locales = ["de", "xx"]
default_locale = "it"
time_zone = "Mars/Base"
colour = "blue"

[title]
de = "Portal"

[terms_url]
de = "http://vendor.example/terms"

[help_url]

[registration]
account_kinds = ["VENDOR_STAFF"]
organization_kinds = ["INSTALLER", "INSTALLER", "BAKERY"]
vat_id_required = "yes"
review = 24
"""


def test_all_that_is_wrong_with_profile_toml_is_reported_at_once_each_with_its_line(own_profile: Path) -> None:
    (own_profile / "profile.toml").write_text(SPOILED, encoding="utf-8")

    with pytest.raises(InvalidProfile) as refusal:
        load_profile(str(own_profile))

    reported = [line.partition("profile.toml, line ")[2] for line in str(refusal.value).split("\n")]
    assert sorted(reported, key=lambda line: int(line.partition(":")[0])) == [
        "2: logo: write /icons/ and the name of an SVG file in the profile's folder icons, or an https address; there "
        "are favicon.svg, installer_portal.svg, installer_search.svg, logo.svg, logo_dark.svg, repower_check.svg, "
        "service_support.svg, smart_warranty.svg, solar_config_tool.svg, solar_plan.svg, solar_portal.svg, "
        "solar_portal_app_pro.svg, webshop.svg.",
        reported_as("3: favicon: ", reported),
        "4: accent_colour: write a colour as six hexadecimal digits, such as #0a6640.",
        '5: locales: the portal does not speak "xx"; it speaks de, en, fr.',
        '6: default_locale: "it" is none of locales, which are de, en, fr.',
        '7: time_zone: "Mars/Base" is no time zone of the IANA database, such as Europe/Berlin.',
        reported_as('8: "colour" is not known; known are title, contact, ', reported),
        '10: it needs title, such as title = { de = "…", en = "…", fr = "…" }, at least in en.',
        "14: terms_url.de: write an address such as https://www.company.example/terms.",
        '16: help_url: write a text in each language, such as { de = "…", en = "…", fr = "…" }.',
        "19: registration.account_kinds: of kinds of account without an organization there are PRIVATE_OPERATOR and "
        "COMMERCIAL_OPERATOR.",
        "20: registration.organization_kinds.2: input should be 'INSTALLER', 'RESELLER', 'OPERATOR' or 'LICENSEE'.",
        "21: registration.vat_id_required: input should be a valid boolean.",
        '22: "review" is not known in [registration].',
    ]


def reported_as(beginning: str, reported: list[str]) -> str:
    """The report that begins so."""
    (found,) = (one for one in reported if one.startswith(beginning))
    return found


@pytest.mark.parametrize(("given", "default"), [("", "en"), ('locales = ["fr", "de"]', "fr")])
def test_a_profile_that_says_no_more_than_its_title_is_a_portal_all_the_same(
    own_profile: Path, given: str, default: str
) -> None:
    (own_profile / "profile.toml").write_text(f'{given}\ntitle = {{ en = "Portal" }}', encoding="utf-8")

    portal = load_profile(str(own_profile)).portal

    assert (portal.fallback_locale, portal.time_zone, portal.facts().terms_urls) == (default, "UTC", {})
