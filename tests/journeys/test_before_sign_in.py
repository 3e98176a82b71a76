"""What a page learns of the portal before anybody has signed in: all that it needs, and nothing of customers."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type

from connectors.directory import tables
from resolvers.registrations.commands import TIME_TO_REVIEW
from tests.gateway.test_profiles import copied
from tests.portal import Answer, Portal, open_portal
from tests.registrations.registering import registers
from tests.schemas import shared_core

BOOT = """
query PortalBoot($locale: Locale) {
  portal {
    title(locale: $locale) contact(locale: $locale) logoUrl logoDarkUrl faviconUrl accentColour
    locales defaultLocale timeZone
    termsUrl(locale: $locale) privacyUrl(locale: $locale) imprintUrl(locale: $locale) helpUrl(locale: $locale)
    loginNameHint(locale: $locale)
    signInMethods { kind key label(locale: $locale) iconUrl startUrl }
    passwordRule { minimumLength maximumLength hint(locale: $locale) }
    registration {
      reviewHours vatIdRequired customerNumberHint(locale: $locale)
      accountKinds { kind label(locale: $locale) description(locale: $locale) }
      organizationKinds { kind label(locale: $locale) }
      additionalRoles { id key label(locale: $locale) }
    }
    consents { purpose label(locale: $locale) }
    domains
  }
}
"""
PROFILES = ["solar_terminal", "software_house"]


async def boot(portal: Portal, locale: str | None = None) -> Any:
    """What the portal says of itself to somebody not signed in."""
    answer = await portal.anybody().asks(BOOT, locale=locale)
    assert answer.errors == []
    return answer.at("portal")


async def test_a_page_has_all_that_it_needs_before_anybody_signs_in(portal: Portal) -> None:
    said = await boot(portal, "de")

    assert (said["title"], said["accentColour"]) == ("Solar Terminal", "#1f4b6e")
    assert (said["locales"], said["defaultLocale"], said["timeZone"]) == (["de", "en", "fr"], "en", "Europe/Berlin")
    assert said["termsUrl"] == "https://www.vendor.example/de/nutzungsbedingungen"
    assert said["signInMethods"] == [
        {
            "kind": "PASSWORD",
            "key": "password",
            "label": "Mit Benutzername und Passwort anmelden",
            "iconUrl": None,
            "startUrl": None,
        }
    ]
    registration = said["registration"]
    assert [one["kind"] for one in registration["accountKinds"]] == [
        "PRIVATE_OPERATOR", "COMMERCIAL_OPERATOR", "BUSINESS_CUSTOMER",
    ]  # fmt: skip
    assert [one["kind"] for one in registration["organizationKinds"]] == ["INSTALLER", "RESELLER", "OPERATOR"]
    assert [role["key"] for role in registration["additionalRoles"]] == ["purchase", "installation", "planning"]
    assert timedelta(hours=registration["reviewHours"]) == TIME_TO_REVIEW
    assert [one["purpose"] for one in said["consents"]] == ["NEWSLETTER", "PRODUCT_ADVICE", "USAGE_STATISTICS"]
    assert said["domains"] == ["ORDERS"]


async def test_a_portal_for_organizations_only_says_so(software_portal: Portal) -> None:
    registration = (await boot(software_portal))["registration"]

    assert [one["kind"] for one in registration["accountKinds"]] == ["BUSINESS_CUSTOMER"]
    assert [one["kind"] for one in registration["organizationKinds"]] == ["LICENSEE"]


@pytest.mark.parametrize("profile", PROFILES)
async def test_every_text_is_in_the_language_asked_for(profile: str) -> None:
    """Three languages, and no text that is the same in two of them, but for the name of the portal."""
    async with open_portal(profile) as portal:
        by_language = [dict(texts_in(await boot(portal, locale))) for locale in ("de", "en", "fr")]

    for path in by_language[0]:
        texts = [texts[path] for texts in by_language]
        assert len(set(texts)) == 3 or path == "title", (path, texts)
    assert len(by_language[0]) > 15


def texts_in(value: Any, path: str = "") -> list[tuple[str, str]]:
    """The texts of an answer that are in a language, each with its path."""
    if isinstance(value, dict):
        parts = value.items() if "additionalRoles" not in path else ()  # whose labels are the policy's own
        return [found for key, one in parts for found in texts_in(one, f"{path}.{key}".lstrip("."))]
    if isinstance(value, list):
        return [found for number, one in enumerate(value) for found in texts_in(one, f"{path}.{number}")]
    last = path.rpartition(".")[2]
    by_language = ("title", "contact", "label", "description", "hint", "customerNumberHint", "loginNameHint")
    is_text = last in by_language or last in ("termsUrl", "privacyUrl", "imprintUrl", "helpUrl")
    return [(path, value)] if is_text and value is not None else []


async def test_the_images_are_served(portal: Portal) -> None:
    said = await boot(portal)

    for name in ("logoUrl", "logoDarkUrl", "faviconUrl"):
        answer = await portal.client.get(said[name])
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml"), name


@pytest.mark.parametrize("length", [-1, 0])
async def test_the_password_rule_is_the_one_that_counts(portal: Portal, length: int) -> None:
    rule = (await boot(portal))["passwordRule"]
    person = await portal.person("purchase@helios.example")
    change = "mutation C($input: ChangePasswordInput!) { changePassword(input: $input) { errors { code path } } }"

    async def refused(password: str) -> bool:
        portal.forget_attempts()
        input = {"currentPassword": "not mine", "newPassword": password}
        errors = (await person.asks(change, input=input)).at("changePassword.errors")
        return {"code": "INVALID_INPUT", "path": ["newPassword"]} in errors

    letters = "quaint zebra jumps over dusk " * 20
    assert await refused(letters[: rule["minimumLength"] + length]) is (length < 0)
    assert await refused(letters[: rule["maximumLength"] - length]) is (length < 0)


@pytest.mark.parametrize("as_somebody", [False, True])
async def test_it_asks_no_back_end(portal: Portal, as_somebody: bool) -> None:
    """So that a page may ask at every start; who is signed in is all that is read, once, as for any request."""
    person = await portal.person("purchase@helios.example") if as_somebody else portal.anybody()
    with portal.statements() as plain:
        await person.asks("{ __typename }")

    with portal.statements() as sent, portal.without_shop():
        answer = await person.asks(BOOT)

    assert answer.errors == []
    assert sent == plain
    assert as_somebody or sent == []


async def test_it_is_the_same_for_everybody(portal: Portal) -> None:
    async def asked(login_name: str | None) -> Answer:
        return await (await portal.person(login_name) if login_name else portal.anybody()).asks(BOOT, locale="fr")

    answers = [await asked(one) for one in (None, "purchase@helios.example", "review@vendor.example")]

    assert answers[0].body == answers[1].body == answers[2].body


@pytest.mark.parametrize("profile", PROFILES)
async def test_nothing_of_customers_stands_in_it(profile: str) -> None:
    """Every field of the type is asked, in depth; no address, name, number or id of anybody is in the answer."""
    async with open_portal(profile, cost_mode="measure") as portal:
        answer = await portal.anybody().asks(f"{{ portal {selection_of(portal_type(), 4)} }}")
        shown = json.dumps(answer.data["portal"], ensure_ascii=False).casefold()
        async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
            known = [
                str(value)
                for table, names in (
                    (tables.users, ("id", "email", "last_name", "phone")),
                    (tables.organizations, ("id", "name", "customer_number", "vat_id")),
                    (tables.memberships, ("id",)),
                )
                for row in await connection.execute(table.select())
                for name in names
                if (value := getattr(row, name)) is not None
            ]

    assert answer.errors == []
    assert len(known) > 100
    found = [one for one in known if len(one) > 5 and one.casefold() in shown]
    assert found == []


def portal_type() -> GraphQLObjectType:
    found = shared_core().type_map["Portal"]
    assert isinstance(found, GraphQLObjectType)
    return found


def selection_of(type_: GraphQLObjectType, depth: int) -> str:
    """Everything that can be selected of a type without an argument that is needed, so deep."""
    parts = []
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        if any(argument.type.__class__.__name__ == "GraphQLNonNull" for argument in field.args.values()):
            continue
        if is_leaf_type(inner):
            parts.append(name)
        elif depth and isinstance(inner, GraphQLObjectType):
            parts.append(f"{name} {selection_of(inner, depth - 1)}")
    return f"{{ {' '.join(parts)} }}"


async def test_a_vat_number_is_asked_for_where_the_profile_wants_one(tmp_path: Path) -> None:
    own = copied(tmp_path)
    file = own / "profile.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[registration]\n", "[registration]\nvat_id_required = true\n"), encoding="utf-8")
    async with open_portal("solar_terminal") as seen, open_portal(str(own)) as portal:
        assert (await boot(seen))["registration"]["vatIdRequired"] is False
        assert (await boot(portal))["registration"]["vatIdRequired"] is True

        refused = await registers(portal.anybody(), vatId=" ")

    assert [(error["code"], error["path"]) for error in refused["errors"]] == [("INVALID_INPUT", ["vatId"])]
