"""The texts of mails: all there in every language, and safe whatever is filled into them."""

import re
import tomllib
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.wheel import WheelBuilder
from jinja2 import Environment, meta

from gateway.settings_sources import read_settings
from resolvers.mail.pages import PAGES, page_urls
from resolvers.mail.rendering import FOLDER, MailTexts, RenderedMail, languages
from resolvers.mail.templates import TEMPLATES, InvalidMailTexts, UnknownMail, link_to
from resolvers.mail.wording import MailWording
from resolvers.texts import Text, stored
from tests.mail.letters import LISTS, TOKEN, values_of

ROOT = Path(__file__).parents[2]
TITLES = {"de": "Solar Terminal", "en": "Solar Terminal", "fr": "Terminal solaire"}
CONTACTS = {"de": "Wir helfen gern.", "en": "We like to help.", "fr": "Nous vous aidons."}
EVERY = [(language, name) for language in ("de", "en", "fr") for name in TEMPLATES]
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }} {% for i in x %} {{ ''.__class__ }}",
    "Eve\r\nBcc: all@helios.example\r\n\r\nBuy",
    "Eve\u2028Bcc: all@helios.example\x00\x1b[31m",
    "\u202eelpmaxe.live",
    "click https://evil.example/now",
    "see www.evil.example",
    "evil.example/now",
    "me@evil.example",
    "HTTP:\\\\EVIL.EXAMPLE",
    "www\u3002evil\uff0eexample",
    "x" * 10_000,
    "\n" * 10_000,
    "",
]


PAGE_URLS = {
    **page_urls("https://portal.example", PAGES),
    **read_settings({}, public_url="https://portal.example").links,
}


ABOUT = {"organization": "org_1", "id": "obj_1"}


def render(
    name: str, locale: str | None, values: dict[str, Any], texts: MailTexts | None = None, token: str | None = TOKEN
) -> RenderedMail:
    return (texts or MailTexts()).render(
        name,
        [locale, "en"],
        "Europe/Berlin",
        values,
        token,
        about=ABOUT,
        titles=TITLES,
        contacts=CONTACTS,
        page_urls=PAGE_URLS,
    )


def placeholders(language: str, name: str) -> set[str]:
    """Everything that is filled into a text."""
    text = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))[name]
    pieces = [text["subject"]]
    shown = set()
    for piece in text["body"]:
        if isinstance(piece, str):
            pieces.append(piece)
        else:
            pieces += [piece[kind] for kind in ("button", "title") if kind in piece]
            shown |= {piece[kind] for kind in ("quote", "points") if kind in piece}
    reader = Environment(autoescape=True)
    reader.filters["listed"] = str
    return shown | {used for piece in pieces for used in meta.find_undeclared_variables(reader.parse(piece))}


class Page(HTMLParser):
    """What a browser makes of a mail: its elements, its links, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self.links: list[str | None] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_every_mail_has_a_text_in_every_language_with_the_same_values_in_it() -> None:
    assert languages() == ("de", "en", "fr")
    for language in languages():
        written = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
        assert written.keys() - {"layout"} == TEMPLATES.keys()
    for name, template in TEMPLATES.items():
        used = {language: placeholders(language, name) - {"portal"} for language in languages()}
        # The name stands in the greeting, which all mails share.
        wanted = template.needs | template.may
        assert {language: found | ({"name"} & wanted) for language, found in used.items()} == dict.fromkeys(
            languages(), wanted
        ), name


@pytest.mark.parametrize("with_all", [True, False])
@pytest.mark.parametrize(("language", "name"), EVERY)
def test_a_mail_says_the_same_as_text_and_as_html(language: str, name: str, with_all: bool) -> None:
    values = values_of(name, "Müller & Söhne", with_all=with_all)

    mail = render(name, language, values)

    page = Page(mail.html)
    assert mail.locale == language
    assert 5 <= len(mail.subject) <= 120
    assert CONTACTS[language] in mail.text
    assert CONTACTS[language] in "".join(page.words)
    assert "None" not in mail.text + mail.html
    assert "{" not in mail.text + mail.html
    said = "".join(page.words)
    lines = [line.removeprefix("> ").removeprefix("- ") for line in mail.text.splitlines()]
    assert [line for line in lines if line not in said and line != "-- "] == []
    link = link_to(PAGE_URLS, TEMPLATES[name], TOKEN, ABOUT)
    assert set(page.links) <= {link}
    assert (link in mail.text.splitlines()) == bool(page.links)
    if TEMPLATES[name].page is not None:
        assert page.links


@pytest.mark.parametrize("hostile", HOSTILE, ids=[ascii(text[:20]) for text in HOSTILE])
@pytest.mark.parametrize("name", TEMPLATES)
def test_what_people_write_is_shown_and_does_nothing(name: str, hostile: str) -> None:
    for language in languages():
        mail, harmless = render(name, language, values_of(name, hostile)), render(name, language, values_of(name, "x"))

        page, expected = Page(mail.html), Page(harmless.html)
        assert set(page.elements) - {"br"} <= set(expected.elements)
        assert page.attributes <= expected.attributes
        assert set(page.links) <= set(expected.links)
        assert mail.subject.isprintable()
        assert len(mail.subject) <= 120
        assert "49" not in mail.text
        assert "\x1b" not in mail.text
        assert "\u202e" not in mail.text + mail.html
        assert "\nBcc:" not in mail.text
        assert len(mail.text) < 20_000
        if "message" not in TEMPLATES[name].may and not {"note", "reason", "question"} & (
            TEMPLATES[name].may | TEMPLATES[name].needs
        ):
            if not {"email", "names", "new_address"} & (TEMPLATES[name].may | TEMPLATES[name].needs):
                assert _LINK.findall(mail.text.replace("https://portal.example", "")) == []
            assert "https://evil" not in mail.text + mail.html


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("www.1und1.de", "www. 1und1. de"),
        ("Booking.com GmbH", "Booking. com GmbH"),
        ("J.R.R. Tolkien e.V.", "J.R.R. Tolkien e.V."),
        ("Müller & Co.KG, 10.000 m²", "Müller & Co. KG, 10.000 m²"),
        ("münchen.bayern", "münchen. bayern"),
    ],
)
def test_names_are_taken_apart_only_where_a_link_would_begin_or_go_on(written: str, shown: str) -> None:
    mail = render("membership_ended", "en", {"organization": written})

    assert shown in mail.text
    assert shown in mail.subject + mail.text


def test_an_address_to_sign_in_with_can_be_copied() -> None:
    mail = render("login_names", "de", {"names": ["jörg@www.firma.example", "DOMUS_12345"]})

    assert "jörg@www.firma.example" in mail.text


@pytest.mark.parametrize(
    "locale", ["de_AT", "de-", "-", "*", "de-DE-x-odd", "de--AT", "x" * 300, "und", "de\n", "日本"]
)
def test_an_odd_language_gets_a_mail_all_the_same(locale: str) -> None:
    values = values_of("invitation", "x")

    assert render("invitation", locale, values).locale in ("de", "en")


_LINK = re.compile(r"(?i)\w:[/\\]{2}|\bwww[.\u3002\uff0e]\S|[\w-][.\u3002\uff0e](?:example|com)\b")


def test_a_mail_is_in_the_language_of_the_country_and_otherwise_in_english() -> None:
    values = values_of("data_export_ready", "Dina")

    assert "28 novembre 2026 à 10:05 (UTC+01:00)" in render("data_export_ready", "fr", values).text
    assert "28. November 2026, 10:05 Uhr (MEZ)" in render("data_export_ready", "de-AT", values).text
    assert "November 28, 2026, 10:05" in render("data_export_ready", "en", values).text
    assert "28 November 2026, 10:05" in render("data_export_ready", "en-GB", values).text
    for locale in (None, "", "es", "it-CH", "zz", "x" * 300, "de\n"):
        assert render("data_export_ready", locale, values).locale == "en"
    assert render("data_export_ready", "fr-CH", values).locale == "fr"
    assert render("data_export_ready", "fr-XX", values).locale == "fr"


def test_every_mail_leads_to_the_page_of_what_it_is_about() -> None:
    """The others are about nothing that has a page: the way in, and an account or a membership that is no more."""
    to_the_start = [name for name, template in TEMPLATES.items() if template.page is None and template.about is None]

    assert to_the_start == [
        "registration_existing_account",
        "membership_ended",
        "login_names",
        "account_unknown",
        "account_deleted",
    ]
    assert link_to(PAGE_URLS, TEMPLATES["join_request"], None, ABOUT) == (
        "https://portal.example/organizations/org_1/join-requests/obj_1"
    )
    assert {template.about for template in TEMPLATES.values()} - {None} == PAGES.keys()


def test_what_was_queued_before_pages_had_addresses_leads_to_the_start() -> None:
    assert link_to(PAGE_URLS, TEMPLATES["join_request"], None, None) == "https://portal.example"


@pytest.mark.parametrize("locale", ["it", "ja-JP", None, "de-AT", "fr-CA"])
@pytest.mark.parametrize("default", ["de", "en", "fr"])
def test_a_mail_has_one_language_whoever_reads_it(locale: str | None, default: str) -> None:
    language = {"de-AT": "de", "fr-CA": "fr"}.get(str(locale), default)
    labels = {"de": "Einkauf", "en": "Purchase", "fr": "Achat"}
    wanted = [labels, Text("Registered office: {address}", address="Bern")]
    values = {**values_of("access_request_decided"), "wanted": [stored(one) for one in wanted], "decision": "approved"}

    mail = MailTexts().render(
        "access_request_decided", [locale, default], "UTC", values, None,
        titles=TITLES, contacts=CONTACTS, page_urls=PAGE_URLS,
    )  # fmt: skip

    assert mail.locale == language
    assert labels[language] in mail.text
    assert CONTACTS[language] in mail.text
    assert {"de": "Sitz: Bern", "en": "Registered office: Bern", "fr": "Siège : Bern"}[language] in mail.text
    assert [label for tag, label in labels.items() if tag != language and label in mail.text] == []


def test_a_language_of_ones_own_needs_all_that_mails_share() -> None:
    italian = "[account_deleted]\nsubject = 'Arrivederci'\nbody = ['Addio.']"

    with pytest.raises(InvalidMailTexts, match=r"it\.toml, \[layout\]: .*greeting.* is missing"):
        MailTexts({"it": (italian, "it.toml")})


def test_a_list_is_written_as_people_do() -> None:
    values = {**values_of("invitation"), "roles": ["Achat", "Planification", "Montage"]}

    assert "Achat, Planification et Montage." in render("invitation", "fr", values).text


def test_a_token_stands_in_the_link_and_nowhere_else() -> None:
    mail = render("password_reset", "de", {"name": "Dina"}, token="a/b?c#d&e")

    assert "https://portal.example/password-reset?token=a%2Fb%3Fc%23d%26e\n" in mail.text
    assert "a/b" not in mail.text + mail.html
    assert TOKEN not in mail.subject


@pytest.mark.parametrize(
    ("name", "values", "token", "said"),
    [
        ("invitatoin", {}, None, "There is no mail 'invitatoin'."),
        ("invitation", {"organization": "x"}, TOKEN, "lacks expires_at, inviter, roles"),
        ("password_reset", {"name": "Dina"}, None, "lacks its token"),
    ],
)
def test_a_mail_that_lacks_something_is_not_written(
    name: str, values: dict[str, Any], token: str | None, said: str
) -> None:
    with pytest.raises(UnknownMail, match=said):
        render(name, "en", values, token=token)


def test_a_portal_has_texts_of_its_own_for_some_mails_and_languages() -> None:
    own = """
        [layout]
        closing = "Sonnige Grüße\\nIhr {{ portal }}"
        [account_deleted]
        subject = "Tschüss, {{ name }}"
        body = ["Schön war's."]
        """
    italian = """
        [layout]
        greeting = "Buongiorno {{ name }},"
        greeting_without_name = "Buongiorno,"
        by_hand = "Se il pulsante non funziona, copi questo indirizzo nel browser:"
        closing = "Cordiali saluti\\n{{ portal }}"
        automatic = "Messaggio automatico del portale."
        [account_deleted]
        subject = "Arrivederci"
        body = ["{{ name }}, addio."]
        """
    texts = MailTexts({"de": (own, "de.toml"), "it": (italian, "it.toml")})

    assert render("account_deleted", "de", {"name": "Dina"}, texts).subject == "Tschüss, Dina"
    assert "Sonnige Grüße\nIhr Solar Terminal\n" in render("password_changed", "de", {"name": "Dina"}, texts).text
    assert render("account_deleted", "it-CH", {"name": "Dina"}, texts).locale == "it"
    assert render("password_changed", "it", {"name": "Dina"}, texts).locale == "en"
    assert render("account_deleted", "en", {"name": "Dina"}, texts).subject == "Your account has been deleted"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[invitation", "own.toml is not valid TOML"),
        ("invitation = 1", "own.toml, [invitation]: write a table with subject and body."),
        (
            "[invitatoin]\nsubject = 'x'\nbody = ['y']",
            'own.toml: "invitatoin" is not known. Did you mean "invitation"?',
        ),
        ("[account_deleted]\nsubject = 'x'", "[account_deleted]: it needs a subject, which is a text, and a body"),
        ("[account_deleted]\nsubject = 'x'\nbody = []", "it needs a subject"),
        ("[account_deleted]\nsubject = '{{ nmae }}'\nbody = ['y']", '"nmae" is not known. Did you mean "name"?'),
        ("[account_deleted]\nsubject = 'x'\nbody = ['{{ name']", "cannot be read"),
        ("[account_deleted]\nsubject = 'x'\nbody = ['{{ name | upper }}']", "cannot be read: No filter named 'upper'"),
        ("[account_deleted]\nsubject = 'x'\nbody = ['{{ range(9) }}']", '"range" is not known'),
        ("[account_deleted]\nsubject = 'x'\nbody = [{ quote = 'nmae' }]", '"nmae" is not known'),
        ("[account_deleted]\nsubject = 'x'\nbody = [{ image = 'x' }]", "a piece of the body is a text"),
        ("[password_reset]\nsubject = 'x'\nbody = ['y']", "the mail is nothing without its link; give it one button"),
        ("[layout]\nhello = 'x'", '"hello" is not known'),
        ("[layout]\nclosing = 1", "1 is no text"),
    ],
)
def test_a_text_that_cannot_be_used_is_named(written: str, said: str) -> None:
    with pytest.raises(InvalidMailTexts) as refused:
        MailTexts({"de": (written, "own.toml")})

    assert said in str(refused.value)


def test_a_problem_in_a_portal_s_own_texts_is_reported_before_any_mail_is_written() -> None:
    with pytest.raises(InvalidMailTexts, match="needs a subject"):
        MailWording({"de": ("[account_deleted]\nsubject = 'x'\nbody = []", "own.toml")})


def test_a_text_of_a_portal_cannot_reach_beyond_its_words() -> None:
    reaching = "[account_deleted]\nsubject = 'x'\nbody = [\"{{ name.__class__.__mro__ }}\"]"

    with pytest.raises(Exception, match="unsafe"):
        render("account_deleted", "de", {"name": "Dina"}, MailTexts({"de": (reaching, "own.toml")}))


def test_the_wheel_has_the_texts_and_the_pages(tmp_path: Path) -> None:
    wheel = next(iter(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])))

    names = set(zipfile.ZipFile(wheel).namelist())

    wanted = [f"resolvers/mail/texts/{name}" for name in ("de.toml", "en.toml", "fr.toml", "layout.html", "layout.txt")]
    wanted += [
        "gateway/pages/mailbox/page.html",
        "gateway/pages/mailbox/style.css",
        "gateway/pages/mail_links/style.css",
        "gateway/pages/mail_links/templates/base.html",
        "gateway/pages/mail_links/texts/fr.toml",
        "connectors/mail/migrations/versions/0001_mailbox.py",
    ]
    assert set(wanted) <= names


def test_the_lists_of_the_samples_are_those_of_the_texts() -> None:
    assert {value for template in TEMPLATES.values() for value in template.needs | template.may} >= LISTS
