"""GraphiQL keeps no secret: not in a storage of the browser, not in a history, and nothing after signing out."""

import json

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.account.own_account import PURCHASE
from tests.browser.graphiql import shown
from tests.pages import links
from tests.pages.links import PASSWORD
from tests.portal import Portal

EVERYTHING = """async () => JSON.stringify({
  local: {...localStorage}, session: {...sessionStorage}, databases: await indexedDB.databases()
})"""
OF_EARLIER_VERSIONS = {
    "graphiql:tabState": json.dumps({"tabs": [{"variables": f'{{"password": "{PASSWORD}"}}'}], "activeTabIndex": 0}),
    "graphiql:queries": json.dumps({"queries": [{"query": "mutation { signIn }", "variables": PASSWORD}]}),
    "graphiql:variables": PASSWORD,
}

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("built_graphiql")]


async def kept_by(page: Page) -> str:
    """All that the browser keeps for the portal's pages."""
    return str(await page.evaluate(EVERYTHING))


async def test_neither_a_link_s_token_nor_a_new_password_is_kept_anywhere(
    visitor: BrowserContext, open_to_browsers: tuple[Portal, str]
) -> None:
    portal, url = open_to_browsers
    token = (await links.password_reset(portal)).partition("token=")[2]
    page = await visitor.new_page()
    await page.goto(f"{url}/mailbox")
    await page.evaluate(
        "(entries) => Object.entries(entries).forEach((one) => localStorage.setItem(...one))", OF_EARLIER_VERSIONS
    )
    assert PASSWORD in await kept_by(page)

    await page.goto(f"{url}/graphiql/password-reset#token={token}")
    graphiql = await shown(page, url)
    await graphiql.write_variables({"input": {"token": token, "newPassword": PASSWORD}})
    answer = (await graphiql.run())["data"]["resetPassword"]
    assert answer["errors"] == []
    await expect(graphiql.account.get_by_text(PURCHASE, exact=True)).to_be_visible()
    await graphiql.open_tab("PortalPage")
    await graphiql.until_tabs_are_stored("PortalPage")
    kept = await kept_by(page)
    tabs = await graphiql.tabs()
    await graphiql.sign_out()

    assert "ResetPassword" in tabs
    assert json.loads(kept)["local"] == {}
    assert json.loads(kept)["databases"] == []
    assert "ResetPassword" not in kept
    for secret in (token, PASSWORD):
        assert secret not in kept
    kept = await kept_by(page)
    for secret in (token, PASSWORD, answer["accessToken"], answer["refreshToken"], PURCHASE):
        assert secret not in kept
    assert "ResetPassword" not in await graphiql.tabs()
    assert PASSWORD not in await page.inner_text("body")
    await expect(page.get_by_role("button", name="Show History")).to_have_count(0)


async def test_a_reload_keeps_the_tabs_but_those_with_secrets(
    visitor: BrowserContext, open_to_browsers: tuple[Portal, str]
) -> None:
    _, url = open_to_browsers
    page = await visitor.new_page()
    await page.goto(f"{url}/graphiql")
    graphiql = await shown(page, url)
    before = await graphiql.tabs()

    sign_in = "mutation SignInByHand($i: SignInInput!) { signIn(input: $i) { accessToken } }"
    await graphiql.asks(sign_in, i={"loginName": PURCHASE, "password": PASSWORD})
    await graphiql.open_tab(before[1])
    await graphiql.write("query MyOwn($id: ID!) { node(id: $id) { id } }")
    await graphiql.write_variables({"id": "org_1"})
    await graphiql.until_tabs_are_stored("MyOwn", "org_1")
    await page.reload()
    graphiql = await shown(page, url)

    assert await graphiql.tabs() == ["MyOwn", *before[2:]]
    assert "query MyOwn" in await graphiql.query()
    assert json.loads(await graphiql.variables()) == {"id": "org_1"}
