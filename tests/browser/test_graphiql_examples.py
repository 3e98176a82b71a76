"""The first sight of GraphiQL is calm: whoever looks finds examples that they can run, and nothing is underlined."""

import pytest
from playwright.async_api import Browser

from tests.browser.conftest import served
from tests.browser.graphiql import Graphiql, graphiql_in, photograph
from tests.portal import Portal, open_portal

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("built_graphiql")]

FIRST = ["PortalPage", "RolesAndCatalogue"]
OF_ACCOUNTS = {
    "purchase@helios.example": [*FIRST, "Orders"],
    "administration@helios.example": [*FIRST, "Colleagues", "WhatWaits", "InviteAColleague", "ChangeRoles"],
    "review@vendor.example": [*FIRST, "Registrations"],
    "private@home.example": FIRST,
}


async def underlined_in(page: Graphiql) -> dict[str, list[str]]:
    """What is underlined in each tab, tabs without such left out."""
    found = {}
    for tab in await page.tabs():
        await page.open_tab(tab)
        if markers := await page.markers():
            found[tab] = markers
    return found


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 780)])
async def test_somebody_who_is_not_signed_in_sees_what_runs_and_nothing_red(
    chromium: Browser, portal: Portal, width: int, height: int
) -> None:
    size = {"width": width, "height": height}
    async with served(portal.app_without_lifespan()) as url, graphiql_in(chromium, url, viewport=size) as page:
        tabs, markers = await page.tabs(), await page.markers()
        await photograph(page.page, f"first-sight-{width}")
        answer = await page.run()

    assert tabs == FIRST
    assert markers == []
    assert "errors" not in answer
    assert answer["data"]["viewer"] is None
    assert len(answer["data"]["applicationCatalogue"]) == 10


async def test_each_account_finds_the_examples_that_it_can_run_and_nothing_is_underlined(
    chromium: Browser, portal: Portal
) -> None:
    async with served(portal.app_without_lifespan()) as url, graphiql_in(chromium, url) as page:
        tabs, underlined = {}, {}
        for login_name in OF_ACCOUNTS:
            await page.sign_in_as(login_name)
            tabs[login_name] = await page.tabs()
            underlined[login_name] = await underlined_in(page)
        await page.sign_out()
        after = await page.tabs()

    assert tabs == OF_ACCOUNTS
    assert underlined == {login_name: {} for login_name in OF_ACCOUNTS}
    assert after == FIRST


async def test_what_somebody_has_written_stays_when_they_sign_in(chromium: Browser, portal: Portal) -> None:
    async with served(portal.app_without_lifespan()) as url, graphiql_in(chromium, url) as page:
        await page.open_tab("RolesAndCatalogue")
        await page.write("query Mine { viewer { user { displayName } } }")
        await page.until_tabs_are_stored("Mine")

        await page.sign_in_as("review@vendor.example")

        assert await page.tabs() == [*FIRST, "Registrations", "Mine"]
        assert await page.query() == "query Mine { viewer { user { displayName } } }"
        assert (await page.run())["data"]["viewer"]["user"]["displayName"] == "Claire Hübner"


async def test_the_software_house_greets_as_calmly(chromium: Browser) -> None:
    async with (
        open_portal("software_house") as portal,
        served(portal.app_without_lifespan()) as url,
        graphiql_in(chromium, url) as page,
    ):
        first = await page.tabs(), await underlined_in(page)
        await page.sign_in_as("licence.holder@hausgut.example")
        holder = await page.tabs(), await underlined_in(page)

    assert first == (["PortalPage", "RolesAndRights"], {})
    assert holder == (
        [
            "PortalPage",
            "RolesAndRights",
            "AuthorisedPersons",
            "Orders",
            "WhatWaits",
            "InviteAColleague",
            "ChangeRights",
        ],
        {},
    )
