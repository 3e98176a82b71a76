"""What the embedded catalogue answers, and what it says of a file that it cannot use."""

import pytest

from connectors.applications.embedded import EmbeddedApplications
from connectors.applications.interface import InvalidCatalogue, LaunchKind
from connectors.values import AccountKind

CATALOGUE = """
[categories.work]
label = { de = "Arbeit", en = "Work" }

[categories.help]
label = { de = "Hilfe", en = "Help" }

[applications.desk]
category = "help"
name = { en = "Desk" }
tagline = { en = "Ask" }
description = { en = "Ask us." }
audience = ["PRIVATE_OPERATOR", "BUSINESS_CUSTOMER"]
open_to = ["PRIVATE_OPERATOR"]
roles = ["buyer"]
launch = { kind = "EXTERNAL_LINK", url = "https://desk.example/" }

[applications.shop]
category = "work"
name = { en = "Shop" }
tagline = { en = "Buy" }
description = { en = "Buy things." }
icon = "/icons/shop.svg"
audience = ["BUSINESS_CUSTOMER"]
permissions = ["ORDER_PLACE"]
platforms = ["pc"]
launch = { kind = "OIDC_INITIATE_LOGIN", url = "https://shop.example/login" }
published_at = 2026-01-01T09:00:00+01:00

[applications.shop.modes.expert]
label = { en = "Expert mode" }
roles = ["buyer"]

[applications.shop_app]
category = "work"
name = { en = "Shop app" }
tagline = { en = "Buy on the way" }
description = { en = "The shop on your telephone." }
audience = ["BUSINESS_CUSTOMER"]
every_member = true
parent = "shop"
launch = { kind = "MOBILE_APP", url = "shop-app://open" }
"""


def read(text: str) -> EmbeddedApplications:
    return EmbeddedApplications.from_toml(text, "applications.toml")


async def test_the_catalogue_comes_in_the_order_of_the_page() -> None:
    catalogue = await read(CATALOGUE).catalogue()

    assert [(application.position, application.category.key, application.key) for application in catalogue] == [
        (1, "work", "shop"),
        (2, "work", "shop_app"),
        (3, "help", "desk"),
    ]


async def test_an_application_carries_what_its_table_says() -> None:
    (shop,) = await read(CATALOGUE).applications(["shop"])

    assert shop is not None
    assert (shop.names, shop.icon_url, shop.platforms) == ({"en": "Shop"}, "/icons/shop.svg", ("pc",))
    assert (shop.launch_kind, shop.launch_url) == (LaunchKind.OIDC_INITIATE_LOGIN, "https://shop.example/login")
    assert (set(shop.role_keys), set(shop.permissions), shop.for_every_member) == (set(), {"ORDER_PLACE"}, False)
    assert [(mode.key, set(mode.role_keys)) for mode in shop.modes] == [("expert", {"buyer"})]
    assert shop.published_at is not None
    assert shop.published_at.isoformat() == "2026-01-01T08:00:00+00:00"


async def test_open_to_some_kinds_of_accounts_still_asks_the_others_for_a_role() -> None:
    (desk,) = await read(CATALOGUE).applications(["desk"])

    assert desk is not None
    assert desk.audience == {AccountKind.PRIVATE_OPERATOR, AccountKind.BUSINESS_CUSTOMER}
    assert (set(desk.open_to), set(desk.role_keys)) == ({AccountKind.PRIVATE_OPERATOR}, {"buyer"})


async def test_unknown_keys_are_answered_in_their_position() -> None:
    found = await read(CATALOGUE).applications(["desk", "nothing", "shop", "desk"])

    assert [application and application.key for application in found] == ["desk", None, "shop", "desk"]


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("[applications.shop]", "[applications.shop", "applications.toml is not valid TOML: "),
        ("[applications.shop]", "[applications.desk]", "applications.toml is not valid TOML: "),
        ("[categories.work]", "[categorys.work]", '"categorys" is not known here; did you mean "categories"?'),
        ('icon = "/icons/shop.svg"', 'icn = "/x.svg"', '"icn" is not known here; did you mean "icon"?'),
        ('icon = "/icons/shop.svg"', 'icon = "//evil.example/x.svg"', "must be a path on our site"),
        ('category = "work"', 'category = "wrok"', 'category "wrok" is none of the file; did you mean "work"?'),
        ('platforms = ["pc"]', 'platforms = ["mainframe"]', "is no platform; known are pc, tablet, smartphone"),
        ('platforms = ["pc"]', 'platforms = ["pc", "pc"]', '"pc" stands twice in platforms; remove one'),
        ('permissions = ["ORDER_PLACE"]', "", "nobody could open it; give it roles"),
        ('permissions = ["ORDER_PLACE"]', 'permissions = "ORDER_PLACE"', "permissions must be a list of texts"),
        ('open_to = ["PRIVATE_OPERATOR"]', 'open_to = ["VENDOR_STAFF"]', "add VENDOR_STAFF to audience"),
        ('open_to = ["PRIVATE_OPERATOR"]', 'open_to = ["private"]', '"private" is not known here; did you mean'),
        ('audience = ["BUSINESS_CUSTOMER"]', "", "nobody would see it; list in audience some of PRIVATE_OPERATOR"),
        ('name = { en = "Shop" }', "", 'it needs name in each language, such as name = { de = "…"'),
        ('name = { en = "Shop" }', 'name = { de = "Laden" }', "name needs a text in en, the language of last resort"),
        ('"OIDC_INITIATE_LOGIN"', '"OIDC_LOGIN"', 'did you mean "OIDC_INITIATE_LOGIN"?'),
        ("every_member = true", 'every_member = "yes"', "every_member must be true or false"),
        ('parent = "shop"', 'parent = "shpo"', 'parent "shpo" is no application; did you mean "shop"?'),
        ('parent = "shop"', 'parent = "shop_app"', 'parent "shop_app" is itself part of an application'),
        ('roles = ["buyer"]\n\n', "\n", "nobody could use this mode; give it roles or permissions"),
        ("2026-01-01T09:00:00+01:00", "2026-01-01", "published_at must be an instant with its time zone"),
        ("2026-01-01T09:00:00+01:00", "2026-01-01T09:00:00", "published_at must be an instant with its time zone"),
    ],
)
def test_a_problem_in_the_file_is_reported_with_what_would_be_right(right: str, wrong: str, message: str) -> None:
    with pytest.raises(InvalidCatalogue) as refusal:
        read(CATALOGUE.replace(right, wrong))

    assert message in str(refusal.value)
    assert str(refusal.value).startswith("applications.toml")


@pytest.mark.parametrize("text", ["", '[categories.work]\nlabel = { en = "Work" }\n'])
def test_a_file_without_applications_is_refused(text: str) -> None:
    with pytest.raises(InvalidCatalogue, match=r"it has no (categories|applications); write at least one table"):
        read(text)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "javascript://shop.example/%0aalert(1)",
        "http://shop.example/login",
        "//shop.example/login",
        "/login",
        "https://",
        "https://user@shop.example/",
        "https://shop.example/a b",
        "https://[broken/",
        "shop-app://open",
    ],
)
def test_a_launch_url_that_no_portal_may_open_is_refused(url: str) -> None:
    with pytest.raises(InvalidCatalogue, match="none that a portal may open; write an absolute https:// address"):
        read(CATALOGUE.replace("https://shop.example/login", url))


def test_a_problem_is_reported_with_its_line() -> None:
    with pytest.raises(InvalidCatalogue, match=r"applications\.toml, line 18: \[applications\.shop\]: "):
        read(CATALOGUE.replace('icon = "/icons/shop.svg"', "icon = 3"))


def test_a_catalogue_or_an_application_with_more_than_the_page_can_show_is_refused() -> None:
    table = """[applications.{}]
title = {{ en = "One" }}
"""
    many = "".join(table.format(f"a{number}") for number in range(101))
    modes = "".join(f'[applications.shop.modes.m{number}]\nlabel = {{ en = "M" }}\n' for number in range(20))

    with pytest.raises(InvalidCatalogue, match="it has 101 applications; 100 are the most"):
        read('[categories.work]\nlabel = { en = "Work" }\n' + many)
    with pytest.raises(InvalidCatalogue, match=r"it has 2[12] modes; 20 are the most"):
        read(CATALOGUE + modes)
