"""The mailbox page in a browser, and the way from a mail to GraphiQL."""

import json

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.graphiql import graphiql_in, shown
from tests.invitations.inviting import invited
from tests.mail.letters import DINA, TOKEN, mail, queue
from tests.portal import Portal

pytestmark = pytest.mark.slow


async def read_link(mailbox: Page) -> Page:
    """Click the button of the mail that is shown, and on the page that opens, the link to its mutation."""
    async with mailbox.context.expect_page() as opened:
        await mailbox.frame_locator("iframe").get_by_role("link", name="Accept the invitation").click()
    async with mailbox.context.expect_page() as opened_in_graphiql:
        await (await opened.value).get_by_role("link", name="Open in GraphiQL").click()
    return await opened_in_graphiql.value


@pytest.mark.usefixtures("built_graphiql")
async def test_an_invitation_leads_from_the_mailbox_to_its_mutation(
    visitor: BrowserContext, open_to_browsers: tuple[Portal, str]
) -> None:
    portal, url = open_to_browsers
    _, token = await invited(portal, locale="en")
    await portal.deliver()
    page = await visitor.new_page()
    foreign: list[str] = []
    visitor.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(url) else None)
    complaints: list[str] = []
    visitor.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)

    await page.goto(f"{url}/mailbox")
    await page.get_by_role("link", name="Helios Montage GmbH").click()
    graphiql = await shown(await read_link(page), url)

    assert "acceptInvitation(input: $input)" in await graphiql.query()
    variables = json.loads(await graphiql.variables())
    assert variables["input"].pop("password") not in ("", None)
    assert variables == {"input": {"token": token, "firstName": None, "lastName": None, "acceptTerms": True}}
    assert graphiql.page.url == f"{url}/graphiql/invitation"  # the token is gone from the address
    assert (await graphiql.tabs())[0] == "AcceptInvitation"
    assert [address for address in foreign if not address.startswith(("data:", "blob:"))] == []
    assert complaints == []


@pytest.mark.usefixtures("built_graphiql")
async def test_in_a_tab_that_has_shown_graphiql_a_link_gets_a_tab_beside_those_that_are_there(
    chromium: Browser, open_to_browsers: tuple[Portal, str]
) -> None:
    _, url = open_to_browsers
    async with graphiql_in(chromium, url) as first:
        before = await first.tabs()
        await first.open_tab(before[1])
        await first.until_tabs_are_stored(before[1])
        page = first.page

        await page.goto(f"{url}/graphiql/password-reset#token={TOKEN}")
        graphiql = await shown(page, url)

        assert await graphiql.tabs() == [*before, "ResetPassword"]
        await expect(page.locator(".graphiql-tab-active")).to_be_in_viewport(ratio=0.99)
        assert "resetPassword(input: $input)" in await graphiql.query()
        variables = json.loads(await graphiql.variables())
        assert variables["input"]["token"] == TOKEN
        assert len(variables["input"]["newPassword"]) == 20


@pytest.mark.usefixtures("built_graphiql")
@pytest.mark.parametrize(
    ("path", "mutation", "names"),
    [
        ("/invitation", "acceptInvitation", {"token", "firstName", "lastName", "password", "acceptTerms"}),
        ("/password-reset", "resetPassword", {"token", "newPassword"}),
        ("/registration", "confirmRegistration", {"token", "password"}),
        ("/email-change", "confirmEmailChange", {"token"}),
        ("/account-deletion", "cancelAccountDeletion", {"token"}),
    ],
)
async def test_each_link_opens_its_mutation_and_a_wrong_token_is_explained(
    visitor: BrowserContext, open_to_browsers: tuple[Portal, str], path: str, mutation: str, names: set[str]
) -> None:
    _, url = open_to_browsers
    page = await visitor.new_page()

    await page.goto(f"{url}/graphiql{path}#token={TOKEN}")
    graphiql = await shown(page, url)

    assert f"{mutation}(input: $input)" in await graphiql.query()
    variables = json.loads(await graphiql.variables())["input"]
    assert (variables["token"], variables.keys()) == (TOKEN, names)
    (error,) = (await graphiql.run())["data"][mutation]["errors"]
    assert (error["code"], error["path"]) == ("TOKEN_INVALID", ["token"])
    await expect(graphiql.account).to_contain_text("Not signed in")


@pytest.mark.usefixtures("built_graphiql")
@pytest.mark.parametrize("fragment", ["", "#token=", "#something"])
async def test_an_address_without_a_token_is_graphiql_as_always(
    visitor: BrowserContext, open_to_browsers: tuple[Portal, str], fragment: str
) -> None:
    _, url = open_to_browsers
    page = await visitor.new_page()

    await page.goto(f"{url}/graphiql/invitation{fragment}")
    graphiql = await shown(page, url)

    assert "AcceptInvitation" not in await graphiql.tabs()
    assert "PortalPage" in await graphiql.tabs()


async def test_a_phone_shows_either_the_list_or_the_mail(
    chromium: Browser, open_to_browsers: tuple[Portal, str]
) -> None:
    portal, url = open_to_browsers
    await queue(portal, mail(organization="Helios Montage GmbH"))
    await portal.deliver()
    context = await chromium.new_context(viewport={"width": 390, "height": 844}, is_mobile=True)
    page = await context.new_page()

    await page.goto(f"{url}/mailbox")
    await expect(page.get_by_text("Choose a mail")).to_be_hidden()
    await page.get_by_text(DINA).click()
    await expect(page.get_by_role("heading", name="Helios invites you to Helios Montage GmbH")).to_be_visible()
    await expect(page.locator(".list")).to_be_hidden()
    width = await page.evaluate("document.documentElement.scrollWidth")
    await page.get_by_role("link", name="← All mails").click()
    await expect(page.locator(".list")).to_be_visible()

    assert width == 390
    await context.close()
