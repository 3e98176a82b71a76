"""What a page accepts and how it answers: mistakes at their fields, nothing by GET, nothing from elsewhere."""

import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.errors import BackendUnavailable
from gateway.pages.mail_links.forms import RefusedForm, check_same_origin
from gateway.pages.mail_links.rendering import languages
from gateway.settings_sources import read_settings
from tests.account.own_account import PURCHASE, gets_in
from tests.invitations.inviting import ADMINISTRATOR, NEW, invited, kept
from tests.pages import links
from tests.pages.links import BUTTONS, ENTRIES, MAILED, PASSWORD
from tests.pages.visitor import ADDRESS, Page, Visitor, link_to, open_to_visitors, visiting
from tests.portal import Portal

POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def without_graphiql() -> AsyncIterator[Portal]:
    async with open_to_visitors() as portal:
        yield portal


@pytest.fixture
async def visitor(without_graphiql: Portal) -> AsyncIterator[Visitor]:
    async with visiting(without_graphiql) as visitor:
        yield visitor


MISSING = {
    "de": {
        "firstName": "Geben Sie Ihren Vornamen ein.",
        "lastName": "Geben Sie Ihren Nachnamen ein.",
        "password": "Wählen Sie ein Passwort.",
        "passwordAgain": "Wiederholen Sie das Passwort.",
        "acceptTerms": "Für ein Benutzerkonto müssen Sie den Nutzungsbedingungen zustimmen.",
    },
    "en": {
        "firstName": "Enter your first name.",
        "lastName": "Enter your last name.",
        "password": "Choose a password.",
        "passwordAgain": "Repeat the password.",
        "acceptTerms": "You need to accept the terms of use to open an account.",
    },
    "fr": {
        "firstName": "Indiquez votre prénom.",
        "lastName": "Indiquez votre nom.",
        "password": "Choisissez un mot de passe.",
        "passwordAgain": "Répétez le mot de passe.",
        "acceptTerms": "Pour ouvrir un compte, vous devez accepter les conditions d’utilisation.",  # noqa: RUF001
    },
}


async def test_what_is_missing_is_said_at_each_field_and_above_all_of_them(
    without_graphiql: Portal, visitor: Visitor
) -> None:
    await invited(without_graphiql)
    link = await link_to(without_graphiql, NEW)

    for language, said in MISSING.items():
        visitor.language = language
        refused = await visitor.posts((await visitor.opens(link)).url, {"command": "accept"})

        assert refused.status == 422
        assert {name: refused.error_of(name) for name in said} == said
        assert {text: target for text, target in refused.links.items() if target.startswith("#")} == {
            text: f"#{name}" for name, text in said.items()
        }
        assert all(refused.fields[name]["aria-invalid"] == "true" for name in said)
        assert refused.title.startswith(languages()[language]["common"]["error"])


async def test_what_was_typed_is_kept_except_for_passwords_and_is_never_html(
    without_graphiql: Portal, visitor: Visitor
) -> None:
    page = await visitor.opens(await links.invitation(without_graphiql))
    name = '"><script>alert(1)</script>{{ 7*7 }}{portal.title}'

    refused = await visitor.presses(
        page, "accept", firstName=name, password="Nina Neu 2026", passwordAgain="Nina Neu 2026", acceptTerms="yes"
    )

    assert refused.status == 422
    assert refused.fields["firstName"]["value"] == name
    assert refused.fields["lastName"]["value"] == "Neu"
    assert "checked" in refused.fields["acceptTerms"]
    assert (refused.fields["password"]["value"], refused.fields["passwordAgain"]["value"]) == ("", "")
    assert refused.error_of("password") == languages()["en"]["errors"]["password"]["not"]
    assert refused.error_of("firstName") is None
    assert "<script" not in refused.html
    assert "Nina Neu 2026" not in refused.html


async def test_a_password_that_may_not_be_chosen_is_explained_and_the_link_still_counts(
    without_graphiql: Portal, visitor: Visitor
) -> None:
    page = await visitor.opens(await links.password_reset(without_graphiql))

    for password, again, field, said in (
        ("short", "short", "password", "length"),
        ("x" * 257, "x" * 257, "password", "length"),
        ("correct horse\x07 battery", "correct horse\x07 battery", "password", "printable"),
        ("password password", "password password", "password", "not"),
        (PASSWORD, f"{PASSWORD}!", "passwordAgain", "different"),
        (PASSWORD, "", "passwordAgain", "required"),
    ):
        page = await visitor.presses(page, "reset", password=password, passwordAgain=again)
        assert (page.status, page.error_of(field)) == (422, languages()["en"]["errors"][field][said])
    done = await visitor.presses(page, "reset", password=PASSWORD, passwordAgain=PASSWORD)

    assert done.title.startswith("Your new password has been set")


async def test_a_name_that_is_too_long_or_cannot_be_printed_is_explained(
    without_graphiql: Portal, visitor: Visitor
) -> None:
    page = await visitor.opens(await links.invitation(without_graphiql))

    refused = await visitor.presses(
        page, "accept", **{**ENTRIES["invitation"], "firstName": "n" * 101, "lastName": "N\x00eu"}
    )

    assert refused.error_of("firstName") == "Enter a first name of at most 100 characters."
    assert refused.error_of("lastName") == "Enter your last name without control characters."


async def test_fields_have_labels_and_say_what_browsers_may_fill_in(without_graphiql: Portal, visitor: Visitor) -> None:
    page = await visitor.opens(await links.invitation(without_graphiql))

    assert {name: found.get("autocomplete") for name, found in page.fields.items()} == {
        "firstName": "given-name",
        "lastName": "family-name",
        "password": "new-password",
        "passwordAgain": "new-password",
        "acceptTerms": None,
    }
    assert all(found["id"] == name and f'<label for="{name}">' in page.html for name, found in page.fields.items())
    assert page.html.count("<fieldset>") == page.html.count("<legend>") == 2
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page.html


async def test_reading_a_page_changes_nothing_however_often(without_graphiql: Portal, visitor: Visitor) -> None:
    """Mail programs open links before people do, with cookies and without."""
    mailed = {kind: await mail(without_graphiql) for kind, mail in MAILED.items()}
    before = await kept(without_graphiql)

    for kind, link in mailed.items():
        for method in ("GET", "HEAD", "GET"):
            opened = await visitor.client.request(method, link, follow_redirects=True)
            assert opened.status_code == 200
        asked = await visitor.client.get(f"{opened.url}?command={BUTTONS[kind]}&password={PASSWORD}")
        async with visiting(without_graphiql) as scanner:
            without_cookie = await scanner.client.get(str(opened.url))
            scanned = await scanner.client.get(link)
        assert (asked.status_code, scanned.status_code, without_cookie.status_code) == (200, 303, 404)

    assert await kept(without_graphiql) == before
    for kind, link in mailed.items():
        page = await visitor.opens(link)
        assert (await visitor.presses(page, BUTTONS[kind], **ENTRIES[kind])).status == 200


async def test_a_form_that_another_site_sends_is_refused(without_graphiql: Portal, visitor: Visitor) -> None:
    page = await visitor.opens(await links.password_reset(without_graphiql))
    fields = {"command": "reset", **ENTRIES["password-reset"]}

    refused = [
        await visitor.posts(page.url, fields, **headers)
        for headers in (
            {"sec_fetch_site": "cross-site", "origin": "https://evil.example"},
            {"sec_fetch_site": "cross-site", "origin": ADDRESS},
            {"sec_fetch_site": "same-site", "origin": "https://other.portal.example"},
            {"sec_fetch_site": "", "origin": ADDRESS},
        )
    ]
    sent: list[dict[str, str]] = [{}, {"origin": "https://evil.example"}, {"origin": "null"}]
    refused += [Page(await visitor.client.post(page.url, data=fields, headers=headers)) for headers in sent]

    title = "This request did not come from our page | Solar Terminal"
    assert [(found.status, found.title) for found in refused] == [(403, title)] * 7
    assert await gets_in(without_graphiql, PURCHASE, "forecourt-demo")
    ours = await visitor.client.post(page.url, data=fields, headers={"origin": ADDRESS})
    assert ours.status_code == 200


@pytest.mark.parametrize(
    ("address", "origin", "is_ours"),
    [
        (ADDRESS, ADDRESS, True),
        (ADDRESS, "https://Portal.example", True),
        (f"{ADDRESS}:443", ADDRESS, True),
        (ADDRESS, f"{ADDRESS}:8443", False),
        (ADDRESS, "http://portal.example", False),
        (ADDRESS, "https://portal.example.evil.example", False),
        (ADDRESS, "https://evil.example", False),
        (ADDRESS, "null", False),
        (ADDRESS, None, False),
        ("http://portal.internal:8000", "http://portal.internal:8000", True),
        ("http://portal.internal:8000", "null", True),
        ("http://portal.internal:8000", "http://evil.internal", False),
        ("http://portal.internal:8000", None, False),
    ],
)
def test_a_browser_that_does_not_say_which_site_sends_a_form_is_known_by_the_origin(
    address: str, origin: str | None, is_ours: bool
) -> None:
    refused = None
    try:
        check_same_origin({} if origin is None else {"origin": origin}, address)
    except RefusedForm as error:
        refused = error

    assert (refused is None) == is_ours


REFUSED_BODIES = [
    (b"command=reset&password=" + b"x" * 9_000, FORM, 413),
    (b"command=reset&" + b"&".join(b"f%d=1" % number for number in range(20)), FORM, 400),
    (b"command=reset&command=reset", FORM, 400),
    (b"command=reset&password=a&password=b", FORM, 400),
    (b"command=accept", FORM, 400),
    (b"password=x", FORM, 400),
    (b"command", FORM, 400),
    (b"", FORM, 400),
    (b"command=reset&password=%ff%fe", FORM, 400),
    (b"command=reset&password=\xc3\xa4", FORM, 400),
    (b"command=reset", "application/x-www-form-urlencoded; charset=utf-16", 415),
    (b'{"command": "reset"}', "application/json", 415),
    (b"command=reset", "text/plain", 415),
    (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x", 415),
    (b"command=reset", "", 415),
]


async def test_what_no_form_of_ours_sends_is_refused(without_graphiql: Portal, visitor: Visitor) -> None:
    page = await visitor.opens(await links.password_reset(without_graphiql))

    for body, content_type, status in REFUSED_BODIES:
        headers = {"content-type": content_type, "sec-fetch-site": "same-origin"}
        answer = await visitor.client.post(page.url, content=body, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8"), body
        assert "Your entries could not be read" in answer.text


async def test_a_page_without_its_cookie_or_with_another_ones_does_nothing(
    without_graphiql: Portal, visitor: Visitor
) -> None:
    link = await links.password_reset(without_graphiql)
    page = await visitor.opens(link)
    fields = {"command": "reset", **ENTRIES["password-reset"]}
    token = link.partition("token=")[2]
    own, path = f"__Secure-forecourt-link={token}", page.url.removeprefix(ADDRESS)

    async with visiting(without_graphiql) as stranger:
        stranger.language = "fr"
        without = [await stranger.opens(page.url), await stranger.posts(page.url, fields)]
        planted = [
            await stranger.posts(page.url, fields, cookie=f"__Secure-forecourt-link={'x' * 43}"),
            await stranger.posts(f"{ADDRESS}/password-reset/{'0' * 32}", fields, cookie=own),
            await stranger.posts(f"{ADDRESS}/password-reset/{token}", fields, cookie=own),
        ]

    assert [found.status for found in (*without, *planted)] == [404] * 5
    assert without[0].title == "Veuillez rouvrir le lien de l’e-mail | Solar Terminal"  # noqa: RUF001
    assert token not in path
    assert await gets_in(without_graphiql, PURCHASE, "forecourt-demo")


async def test_a_link_without_a_token_says_so_and_leaves_no_cookie(visitor: Visitor) -> None:
    for query in ("", "?token=", "?token=short", f"?token={'x' * 201}", "?token=a%0d%0aSet-Cookie:%20x=y"):
        page = await visitor.opens(f"{ADDRESS}/invitation{query}")
        assert (page.status, page.title) == (404, "The link is incomplete | Solar Terminal")
        assert "set-cookie" not in page.headers


async def test_links_in_two_tabs_do_not_get_into_each_others_way(without_graphiql: Portal, visitor: Visitor) -> None:
    first = await visitor.opens(await links.password_reset(without_graphiql))
    second = await visitor.opens(await links.registration(without_graphiql))
    third = await visitor.opens(await links.invitation(without_graphiql))

    done = [
        await visitor.presses(first, "reset", **ENTRIES["password-reset"]),
        await visitor.presses(second, "confirm", **ENTRIES["registration"]),
        await visitor.presses(third, "accept", **ENTRIES["invitation"]),
    ]

    assert [page.status for page in done] == [200, 200, 200]


async def test_the_token_moves_from_the_address_into_a_cookie_for_its_page_alone(
    without_graphiql: Portal, visitor: Visitor
) -> None:
    link = await links.password_reset(without_graphiql)
    token = link.partition("token=")[2]

    opened = await visitor.client.get(link)
    page = await visitor.opens(link)
    done = await visitor.presses(page, "reset", **ENTRIES["password-reset"])

    path = opened.headers["location"]
    assert opened.status_code == 303
    assert path.startswith("/password-reset/")
    assert set(opened.headers["set-cookie"].split("; ")) == {
        f"__Secure-forecourt-link={token}", "HttpOnly", "Secure", "SameSite=lax", "Max-Age=3600", f"Path={path}",
    }  # fmt: skip
    assert token not in page.html + done.html
    assert page.url == ADDRESS + path
    assert "Max-Age=0" in done.headers["set-cookie"]
    assert list(visitor.client.cookies.jar) == []


async def test_below_a_path_of_its_own_the_portal_finds_its_pages_and_cookies() -> None:
    async with open_to_visitors(public_url="https://vendor.example/portal") as portal, visiting(portal) as visitor:
        link = await links.password_reset(portal)
        opened = await visitor.client.get(link.replace("https://vendor.example/portal", ADDRESS))

    assert link.startswith("https://vendor.example/portal/password-reset?token=")
    assert opened.headers["location"].startswith("/portal/password-reset/")
    assert f"Path={opened.headers['location']}" in opened.headers["set-cookie"]


async def test_every_answer_keeps_to_itself(without_graphiql: Portal, visitor: Visitor) -> None:
    link = await links.password_reset(without_graphiql)
    answers: list[Any] = [
        await visitor.client.get("/"),
        await visitor.client.get(link),
        await visitor.client.get("/invitation"),
        await visitor.client.get(f"/invitation/{'0' * 32}"),
    ]
    page = await visitor.opens(link)
    forms = ({"command": "x"}, {"command": "reset"}, {"command": "reset", **ENTRIES["password-reset"]})
    answers += [await visitor.posts(page.url, fields) for fields in forms]

    for answer in (*answers, page):
        headers = answer.headers
        assert headers["content-security-policy"] == POLICY
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"
    # Nothing is loaded from elsewhere, and only links that somebody clicks lead there.
    assert "http" not in re.sub(r'<a href="[^"]*"', "<a", page.html.replace(ADDRESS, ""))
    assert "<script" not in page.html
    assert "style=" not in page.html
    style = await visitor.client.get("/pages/style.css")
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "url(" not in style.text


async def test_no_log_line_has_a_token_or_a_password(
    without_graphiql: Portal, visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="forecourt")
    link = await links.password_reset(without_graphiql)
    page = await visitor.opens(link)
    await visitor.presses(page, "reset", password="short", passwordAgain="short")
    await visitor.presses(page, "reset", **ENTRIES["password-reset"])
    await visitor.opens(link)

    # The client's library is not the gateway's: it writes down what it asks.
    written = str([(it.getMessage(), it.__dict__) for it in caplog.records if not it.name.startswith("httpx")])
    assert link.partition("token=")[2] not in written
    assert PASSWORD not in written


@pytest.mark.parametrize("authorization", ["Bearer nonsense", "Basic x", ""])
async def test_whoever_is_signed_in_does_not_matter(
    without_graphiql: Portal, visitor: Visitor, authorization: str
) -> None:
    administrator = await without_graphiql.person(ADMINISTRATOR)
    page = await visitor.opens(await links.invitation(without_graphiql))
    visitor.headers = {"authorization": authorization or f"Bearer {administrator.token}", "forecourt-view-as": "mbr_x"}

    done = await visitor.presses(page, "accept", **ENTRIES["invitation"])

    assert done.title.startswith("You now belong to Helios Montage GmbH")
    assert (await administrator.asks("{ viewer { id } }")).status == 200


async def test_too_many_attempts_are_counted_by_address_and_what_was_typed_stays(
    without_graphiql: Portal, visitor: Visitor
) -> None:
    page = await visitor.opens(await links.registration(without_graphiql))
    weak = {"password": "password password", "passwordAgain": "password password"}

    for _ in range(200):
        refused = await visitor.presses(page, "confirm", **weak)
        if refused.status != 422:
            break

    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 0
    assert languages()["en"]["common"]["wait"] in refused.words
    assert "confirm" in refused.buttons


async def test_a_directory_that_is_away_is_said_so_and_the_form_can_be_sent_again(
    without_graphiql: Portal, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await visitor.opens(await links.password_reset(without_graphiql))
    accounts = without_graphiql.wiring.backends.accounts

    async def fail(*_args: Any, **_more: Any) -> Any:
        raise BackendUnavailable("identity", "down for the test")

    with monkeypatch.context() as away:
        away.setattr(type(accounts), "hash", fail)
        refused = await visitor.presses(page, "reset", **ENTRIES["password-reset"])
    with monkeypatch.context() as away:
        away.setattr(type(without_graphiql.wiring.backends.directory), "issued_token", fail)
        unread = await visitor.opens(page.url)
    done = await visitor.presses(refused, "reset", **ENTRIES["password-reset"])

    assert (refused.status, unread.status, done.status) == (503, 503, 200)
    assert languages()["en"]["common"]["away"] in refused.words
    assert unread.title == "The portal cannot answer at the moment | Solar Terminal"


async def test_what_nobody_foresaw_is_said_with_a_reference_and_nothing_else(
    without_graphiql: Portal, visitor: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    page = await visitor.opens(await links.password_reset(without_graphiql))

    async def fail(*_args: Any, **_more: Any) -> Any:
        raise RuntimeError("a secret of the code")

    monkeypatch.setattr(type(without_graphiql.wiring.backends.accounts), "hash", fail)
    failed = await visitor.presses(page, "reset", **ENTRIES["password-reset"])

    (reference,) = [record.reference for record in caplog.records if record.getMessage() == "unexpected error"]
    assert (failed.status, failed.title) == (500, "Something went wrong | Solar Terminal")
    assert reference in failed.words
    assert "secret of the code" not in failed.html


async def test_the_portal_begins_with_a_page_of_its_own_or_where_a_setting_says() -> None:
    async with (
        open_to_visitors(page_urls={"portal": "https://www.example/start"}) as portal,
        visiting(portal) as visitor,
    ):
        start = await visitor.opens(f"{ADDRESS}/")
        page = await visitor.opens(await links.email_change(portal))
        done = await visitor.presses(page, "confirm")

    assert (start.status, start.title) == (200, "Welcome to the Solar Terminal portal | Solar Terminal")
    assert "service@vendor.example" in start.words
    assert done.links["Continue to the Solar Terminal portal"] == "https://www.example/start"


async def test_with_pages_of_ones_own_for_every_link_the_shipped_ones_can_be_off() -> None:
    kinds = ("invitation", "registration", "password_reset", "email_change", "account_deletion")
    own = {kind: f"https://www.example/{kind}" for kind in kinds}
    async with open_to_visitors(pages=False, page_urls=own) as portal, visiting(portal) as visitor:
        await invited(portal)
        await portal.deliver()
        (mail,) = await portal.mails(NEW)
        statuses = [(await visitor.client.get(path)).status_code for path in ("/", "/invitation", "/pages/style.css")]

    assert "https://www.example/invitation#token=" in mail.text
    assert statuses == [404, 404, 404]


async def test_a_page_leads_to_graphiql_in_development_only(portal: Portal, without_graphiql: Portal) -> None:
    async with visiting(portal) as developer, visiting(without_graphiql) as visitor:
        developer.client.base_url = portal.settings.address
        link = await links.invitation(portal)
        page = await developer.opens(link)
        other = await visitor.opens(await links.invitation(without_graphiql))

    assert page.links["Open in GraphiQL"] == f"/graphiql/invitation#token={link.partition('token=')[2]}"
    assert "graphiql" not in other.html.lower()


def test_the_texts_of_every_language_say_the_same_things() -> None:
    def shape(texts: Any) -> Any:
        """The names of the texts, and for each what is filled in."""
        if isinstance(texts, dict):
            return {name: shape(text) for name, text in texts.items()}
        whole = " ".join(texts) if isinstance(texts, list) else texts
        filled = ("portal", "organization", "email", "until", "reference", "date", "time")
        return sorted(name for name in filled if f"{{{name}}}" in whole), whole.count("{")

    shapes = {language: shape(texts) for language, texts in languages().items()}

    assert set(shapes) == {"de", "en", "fr"}
    assert shapes["de"] == shapes["en"] == shapes["fr"]


async def test_settings_of_a_portal_in_production_have_pages() -> None:
    """The mails' links would lead nowhere without them."""
    settings = read_settings(
        {}, environment="production", public_url=ADDRESS, signing_key_file="k", smtp_url="smtp://mail.portal.example"
    )

    assert (settings.pages, settings.serves_graphiql) == (True, False)
    assert all(url.startswith(f"{ADDRESS}/") for kind, url in settings.links.items() if kind != "portal")
