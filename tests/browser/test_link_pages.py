"""The pages that links of mails lead to, in a real browser that runs no script, on a telephone."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.account.own_account import PURCHASE, gets_in
from tests.browser.graphiql import photograph
from tests.invitations.inviting import NEW
from tests.pages import links
from tests.pages.links import PASSWORD
from tests.portal import Portal

pytestmark = pytest.mark.slow


@pytest.fixture
async def telephone(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """A browser of 390 pixels without script."""
    context = await chromium.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 844}, is_mobile=True, locale="de-DE"
    )
    yield context
    await context.close()


async def test_without_script_somebody_corrects_a_form_and_accepts_an_invitation(
    telephone: BrowserContext,
    open_to_browsers: tuple[Portal, str],
) -> None:
    portal, url = open_to_browsers
    page = await telephone.new_page()
    foreign: list[str] = []
    page.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(url) else None)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))

    link = await links.invitation(portal)
    await page.goto(link)
    await expect(page.get_by_role("heading", name="Einladung zu Helios Montage GmbH")).to_be_visible()
    assert "token" not in page.url
    await fits(page)
    await photograph(page, "page-invitation-390")

    await page.get_by_label("Passwort", exact=True).fill("kurz")
    await page.get_by_label("Passwort wiederholen").fill("kurz")
    await page.get_by_role("button", name="Einladung annehmen").click()
    summary = page.get_by_role("alert")
    await expect(summary).to_be_focused()
    await expect(page.get_by_label("Vorname")).to_have_value("Nina")
    await fits(page)
    await photograph(page, "page-invitation-errors-390")
    await summary.get_by_role("link").last.click()
    await expect(page.get_by_role("checkbox")).to_be_in_viewport()

    await page.get_by_label("Passwort", exact=True).fill(PASSWORD)
    await page.get_by_label("Passwort wiederholen").fill(PASSWORD)
    await page.get_by_role("checkbox").check()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Sie gehören jetzt zu Helios Montage GmbH")).to_be_visible()
    await fits(page)
    await photograph(page, "page-invitation-done-390")

    assert await gets_in(portal, NEW, PASSWORD)
    assert await telephone.cookies() == []
    assert foreign == []
    assert complaints == ["Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"]


async def test_a_form_of_another_site_changes_nothing_in_a_browser_that_has_opened_the_link(
    telephone: BrowserContext,
    open_to_browsers: tuple[Portal, str],
) -> None:
    portal, _ = open_to_browsers
    page = await telephone.new_page()
    await page.goto(await links.password_reset(portal))
    target = page.url
    inputs = "".join(f'<input name="{name}" value="{PASSWORD}">' for name in ("password", "passwordAgain"))
    button = '<button name="command" value="reset">Win a prize</button>'
    form = f'<form method="post" action="{target}">{inputs}{button}</form>'

    await page.goto(f"data:text/html,{form}")
    await page.get_by_role("button").click()

    await expect(
        page.get_by_role("heading", name="Bitte öffnen Sie den Link in der E-Mail noch einmal")
    ).to_be_visible()
    assert not await gets_in(portal, PURCHASE, PASSWORD)


async def fits(page: Page) -> None:
    """Check that nothing sticks out of the window."""
    box = await page.locator("html").bounding_box()
    assert box is not None
    assert box["width"] == 390
    for one in await page.locator("main, input, button, h1, dl").all():
        inner = await one.bounding_box()
        assert inner is not None
        assert inner["x"] >= 0
        assert inner["x"] + inner["width"] <= 390
