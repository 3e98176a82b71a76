"""Each link of a mail, followed to its end in a browser without script; and what else may become of it."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from tests.account.own_account import PURCHASE, gets_in
from tests.invitations.inviting import ADMINISTRATOR, NEW, PREVIEW, REVOKE, invited, invites, row
from tests.pages import links
from tests.pages.links import BUTTONS, ENTRIES, MAILED, NEW_ADDRESS, PASSWORD
from tests.pages.visitor import ADDRESS, link_to, open_to_visitors, visiting
from tests.portal import Portal
from tests.registrations.registering import LIST as REGISTRATIONS
from tests.registrations.registering import reviewer

LANGUAGES = ["de", "en", "fr"]
TITLES = {
    "invitation": {
        "de": ("Einladung zu Helios Montage GmbH", "Sie gehören jetzt zu Helios Montage GmbH"),
        "en": ("Invitation to Helios Montage GmbH", "You now belong to Helios Montage GmbH"),
        "fr": ("Invitation à rejoindre Helios Montage GmbH", "Vous avez rejoint Helios Montage GmbH"),
    },
    "registration": {
        "de": ("Registrierung bestätigen", "Ihre Registrierung ist bestätigt"),
        "en": ("Confirm your registration", "Your registration is confirmed"),
        "fr": ("Confirmez votre inscription", "Votre inscription est confirmée"),
    },
    "password-reset": {
        "de": ("Neues Passwort wählen", "Ihr neues Passwort ist gespeichert"),
        "en": ("Choose a new password", "Your new password has been set"),
        "fr": ("Choisissez un nouveau mot de passe", "Votre nouveau mot de passe est enregistré"),
    },
    "email-change": {
        "de": ("Neue E-Mail-Adresse bestätigen", "Ihre neue E-Mail-Adresse ist bestätigt"),
        "en": ("Confirm your new email address", "Your new email address is confirmed"),
        "fr": ("Confirmez votre nouvelle adresse e-mail", "Votre nouvelle adresse e-mail est confirmée"),
    },
    "account-deletion": {
        "de": ("Benutzerkonto behalten?", "Ihr Benutzerkonto bleibt bestehen"),
        "en": ("Keep your account?", "Your account will be kept"),
        "fr": ("Conserver votre compte\u00a0?", "Votre compte est conservé"),
    },
}

ME = "{ viewer { user { email displayName } deletionDueAt memberships { nodes { organization { name } } } } }"


async def what_came_of_it(portal: Portal, kind: str) -> object:
    """What a link has changed, as the portal says afterwards."""
    match kind:
        case "invitation":
            nina = await portal.person(NEW)
            return (await nina.asks(ME)).at("viewer.memberships.nodes"), await gets_in(portal, NEW, PASSWORD)
        case "registration":
            return await gets_in(portal, "zoe@privat.example", PASSWORD)
        case "password-reset":
            return await gets_in(portal, PURCHASE, PASSWORD), await gets_in(portal, PURCHASE, "forecourt-demo")
        case "email-change":
            return (await (await portal.person(NEW_ADDRESS)).asks(ME)).at("viewer.user.email")
    return (await (await portal.person(PURCHASE)).asks(ME)).at("viewer.deletionDueAt")


CHANGED = {
    "invitation": ([{"organization": {"name": "Helios Montage GmbH"}}], True),
    "registration": True,
    "password-reset": (True, False),
    "email-change": NEW_ADDRESS,
    "account-deletion": None,
}


@pytest.mark.parametrize("kind", MAILED)
async def test_each_link_leads_to_a_page_that_finishes_what_it_is_for(kind: str) -> None:
    """Three times, by three people who read three languages; each on a portal of its own."""
    for language in LANGUAGES:
        async with open_to_visitors() as portal, visiting(portal, language) as visitor:
            link = await MAILED[kind](portal)

            page = await visitor.opens(link)
            done = await visitor.presses(page, BUTTONS[kind], **ENTRIES[kind])

            title, title_when_done = TITLES[kind][language]
            assert (page.status, page.language, page.title) == (200, language, f"{title} | Solar Terminal")
            assert urlsplit(link).path == f"/{kind}"
            assert (done.status, done.language, done.title) == (200, language, f"{title_when_done} | Solar Terminal")
            assert ADDRESS in done.links.values()
            assert "service@vendor.example" in page.words
            assert await what_came_of_it(portal, kind) == CHANGED[kind]


async def test_the_language_can_be_changed_on_the_page_and_stays_with_the_form() -> None:
    async with open_to_visitors() as portal, visiting(portal, "es, fr-CH;q=0.9, de;q=0.5") as visitor:
        link = await links.password_reset(portal)

        french = await visitor.opens(link)
        german = await visitor.opens(french.url + french.links["Deutsch"])
        refused = await visitor.presses(german, "reset", password="kurz", passwordAgain="kurz")
        by_link = await visitor.opens(f"{link}&lang=de")
        unknown = await visitor.opens(f"{link}&lang=../../x")

    assert (french.language, german.language, refused.language, by_link.language) == ("fr", "de", "de", "de")
    assert unknown.language == "fr"
    assert refused.error_of("password") == "Wählen Sie ein Passwort mit 12 bis 256 Zeichen."


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("de", ["Nutzungsbedingungen", "Datenschutz", "Impressum", "Hilfe"]),
        ("en", ["Terms of use", "Privacy", "Legal notice", "Help"]),
        ("fr", ["Conditions d\u2019utilisation", "Protection des données", "Mentions légales", "Aide"]),
    ],
)
async def test_what_one_accepts_can_be_read_and_each_page_leads_to_the_legal_ones(
    language: str, names: list[str]
) -> None:
    async with open_to_visitors() as portal, visiting(portal, language) as visitor:
        facts = portal.wiring.backends.portal.facts
        page = await visitor.opens(await links.invitation(portal))
        other = await visitor.opens(await links.password_reset(portal))

    urls = [
        texts.get(language) for texts in (facts.terms_urls, facts.privacy_urls, facts.imprint_urls, facts.help_urls)
    ]
    expected = {name: url for name, url in zip(names, urls, strict=True) if url}
    assert len(expected) >= 3
    for shown in (page, other):
        assert {name: url for name, url in shown.links.items() if name in names} == expected
    assert page.html.count(f'href="{urls[0]}"') == 2  # below the box that accepts them, too
    assert other.html.count(f'href="{urls[0]}"') == 1


async def test_an_organization_that_registers_hears_that_it_will_be_reviewed() -> None:
    async with open_to_visitors() as portal, visiting(portal) as visitor:
        page = await visitor.opens(await links.registration_of_an_organization(portal))
        done = await visitor.presses(page, "confirm", password=PASSWORD, passwordAgain=PASSWORD)
        to_review = await (await reviewer(portal)).asks(REGISTRATIONS)

    assert "Organization Firstblick GmbH Email address z***@firstblick.example" in page.words
    assert "We will now review the registration of Firstblick GmbH" in done.words
    assert "Firstblick GmbH" in [node["organizationName"] for node in to_review.at("registrations.nodes")]


async def test_somebody_who_did_not_register_withdraws_it_and_the_link_opens_no_account() -> None:
    async with open_to_visitors() as portal, visiting(portal) as visitor:
        link = await links.registration(portal)
        page = await visitor.opens(link)

        done = await visitor.presses(page, "withdraw")
        later = await visitor.opens(link)

        assert (done.status, done.title) == (200, "The registration has been withdrawn | Solar Terminal")
        assert (later.status, later.title) == (410, "This link is no longer valid | Solar Terminal")
        assert not await gets_in(portal, "zoe@privat.example", PASSWORD)


async def test_somebody_with_an_account_accepts_at_a_click_and_needs_no_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_to_visitors() as portal, visiting(portal) as visitor:
        await invited(portal, "administration@lumen.example")
        page = await visitor.opens(await link_to(portal, "administration@lumen.example"))
        done = await visitor.presses(page, "accept")
        person = await portal.person("administration@lumen.example")
        names = [node["organization"]["name"] for node in (await person.asks(ME)).at("viewer.memberships.nodes")]

    assert page.fields == {}
    assert "You already have an account." in page.words
    assert done.title == "You now belong to Helios Montage GmbH | Solar Terminal"
    assert "Helios Montage GmbH" in names
    assert [record for record in caplog.records if record.name == "forecourt.pages"] == []  # no session to end


async def test_an_invitation_is_declined_at_a_click_and_its_sender_is_notified() -> None:
    async with open_to_visitors() as portal, visiting(portal, "de") as visitor:
        link = await links.invitation(portal)
        page = await visitor.opens(link)

        done = await visitor.presses(page, "decline")
        again = await visitor.opens(link)
        await portal.deliver()

        assert done.title == "Sie haben die Einladung abgelehnt | Solar Terminal"
        assert (again.status, again.title) == (410, "Diese Einladung wurde abgelehnt | Solar Terminal")
        assert list(again.buttons) == ["renew"]
        assert NEW in (await portal.mails(ADMINISTRATOR))[-1].subject


async def test_an_invitation_that_has_expired_says_so_and_a_new_one_is_asked_for() -> None:
    async with open_to_visitors() as portal, visiting(portal, "fr") as visitor:
        link = await links.invitation(portal)
        page = await visitor.opens(link)
        portal.clock.move(timedelta(days=8))

        late = await visitor.presses(page, "accept", **ENTRIES["invitation"])
        expired = await visitor.opens(link)
        asked = await visitor.presses(expired, "renew")
        await portal.deliver()

        assert (late.status, late.title) == (410, "Cette invitation a expiré | Solar Terminal")
        assert (expired.status, expired.title) == (410, "Cette invitation a expiré | Solar Terminal")
        assert "valable jusqu’au 28 novembre 2026 à 10:00 (UTC+01:00)" in expired.words  # noqa: RUF001
        assert (asked.status, asked.title) == (200, "Nous avons transmis votre demande | Solar Terminal")
        assert NEW in (await portal.mails(ADMINISTRATOR))[-1].subject


async def test_each_end_of_an_invitation_has_a_page_of_its_own() -> None:
    async with open_to_visitors() as portal, visiting(portal) as visitor:
        administrator = await portal.person(ADMINISTRATOR)
        id, _ = await invited(portal)
        revoked = await link_to(portal, NEW)
        await administrator.asks(REVOKE, input={"id": id})
        later = await link_to_another(portal)
        page = await visitor.opens(later)
        await visitor.presses(page, "accept", **{**ENTRIES["invitation"], "firstName": "N", "lastName": "N"})

        pages = [await visitor.opens(url) for url in (revoked, later, f"{ADDRESS}/invitation?token={'x' * 43}")]

    assert [(page.status, page.title.partition(" |")[0]) for page in pages] == [
        (410, "This invitation has been withdrawn"),
        (410, "This invitation has already been accepted"),
        (404, "We cannot find this invitation"),
    ]
    assert [list(page.buttons) for page in pages] == [[], [], []]


async def link_to_another(portal: Portal) -> str:
    """The link of an invitation to somebody else."""
    organization = await portal.organization_of(ADMINISTRATOR)
    await invites(await portal.person(ADMINISTRATOR), organization, row("otto@elsewhere.example"))
    return await link_to(portal, "otto@elsewhere.example")


@pytest.mark.parametrize("kind", [kind for kind in MAILED if kind != "invitation"])
async def test_a_link_that_is_wrong_was_used_or_is_too_old_says_what_to_do(kind: str) -> None:
    async with open_to_visitors() as portal, visiting(portal) as visitor:
        wrong = await visitor.opens(f"{ADDRESS}/{kind}?token={'x' * 43}")
        link = await MAILED[kind](portal)
        page = await visitor.opens(link)
        await visitor.presses(page, BUTTONS[kind], **ENTRIES[kind])
        used = await visitor.opens(link)
    async with open_to_visitors() as portal, visiting(portal) as visitor:
        page = await visitor.opens(await MAILED[kind](portal))
        portal.clock.move(timedelta(days=31))
        late = await visitor.presses(page, BUTTONS[kind], **ENTRIES[kind])

    for gone in (wrong, used, late):
        assert (gone.status, gone.title) == (410, "This link is no longer valid | Solar Terminal")
        assert "If you have just" in gone.words
        assert gone.buttons == {}


async def test_an_address_that_somebody_confirmed_meanwhile_stays_theirs() -> None:
    async with open_to_visitors() as portal, visiting(portal) as visitor:
        page = await visitor.opens(await links.email_change(portal))
        await invited(portal, NEW_ADDRESS)
        other = await visitor.opens(await link_to(portal, NEW_ADDRESS))
        await visitor.presses(other, "accept", **{**ENTRIES["invitation"], "firstName": "Jo", "lastName": "Neu"})

        refused = await visitor.presses(page, "confirm")

    assert (refused.status, refused.title) == (409, "Another account has this address | Solar Terminal")


async def test_a_page_leaves_no_session_behind() -> None:
    async with open_to_visitors() as portal, visiting(portal) as visitor:
        page = await visitor.opens(await links.password_reset(portal))
        await visitor.presses(page, "reset", **ENTRIES["password-reset"])
        sessions = await (await portal.person(PURCHASE)).asks("{ viewer { sessions { current } } }")

    assert sessions.at("viewer.sessions") == [{"current": True}]  # that of the query


async def test_what_the_page_shows_is_what_the_graph_says_of_the_link(portal: Portal) -> None:
    ask = "query P($kind: MailLinkKind!, $token: String!) { linkPreview(kind: $kind, token: $token) "
    ask += "{ maskedEmail organizationName expiresAt } }"
    previews = {}
    for kind in ("registration", "password-reset", "email-change", "account-deletion"):
        token = (await MAILED[kind](portal)).partition("token=")[2]
        code = kind.replace("-", "_").upper()
        previews[code] = (await portal.anybody().asks(ask, kind=code, token=token)).at("linkPreview")
        wrong = "EMAIL_CHANGE" if code != "EMAIL_CHANGE" else "PASSWORD_RESET"
        wrong_kind = (await portal.anybody().asks(ask, kind=wrong, token=token)).at("linkPreview")
        assert set(wrong_kind.values()) == {None}
        assert (await portal.anybody().asks(PREVIEW, token=token)).at("invitationPreview") is None

    nobody = {"organizationName": None}
    assert previews == {
        "REGISTRATION": {"maskedEmail": "z***@privat.example", "expiresAt": "2026-11-28T09:00:00Z", **nobody},
        "PASSWORD_RESET": {"maskedEmail": "p***@helios.example", "expiresAt": "2026-11-21T10:00:00Z", **nobody},
        "EMAIL_CHANGE": {"maskedEmail": "j***@helios.example", "expiresAt": "2026-11-22T09:00:00Z", **nobody},
        "ACCOUNT_DELETION": {"maskedEmail": "p***@helios.example", "expiresAt": "2026-12-21T09:00:00Z", **nobody},
    }
