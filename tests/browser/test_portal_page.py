"""The portal's page in GraphiQL, in front of the whole gateway."""

import pytest
from playwright.async_api import Browser

from tests.browser.conftest import served
from tests.browser.graphiql import graphiql_in
from tests.portal import Portal


@pytest.mark.usefixtures("built_graphiql")
async def test_a_newcomer_signs_in_runs_the_page_and_reads_why_a_field_is_refused(
    chromium: Browser, portal: Portal
) -> None:
    async with served(portal.app_without_lifespan()) as url, graphiql_in(chromium, url) as page:
        await page.sign_in_as("purchase@helios.example")
        await page.open_tab("PortalPage")

        answer = await page.run()

        organization = answer["data"]["viewer"]["memberships"]["nodes"][0]["organization"]
        assert organization["name"] == "Helios Montage GmbH"
        assert organization["members"] is None
        assert organization["orders"]["totalCount"] == 81
        (error,) = answer["errors"]
        assert error["path"] == ["viewer", "memberships", "nodes", 0, "organization", "members"]
        assert error["extensions"]["code"] == "UNAUTHORIZED_FIELD_OR_TYPE"
        assert error["extensions"]["authorization"]["missing"] == ["MEMBER_VIEW", "MEMBER_MANAGE"]
        assert error["extensions"]["authorization"]["requestable"]
        assert [way["role"] for way in error["extensions"]["authorization"]["grantableBy"]] == ["administration"]


@pytest.mark.usefixtures("built_graphiql")
async def test_another_account_sees_another_page_after_one_click(chromium: Browser, portal: Portal) -> None:
    async with served(portal.app_without_lifespan()) as url, graphiql_in(chromium, url) as page:
        await page.open_tab("PortalPage")
        before = await page.run()
        await page.sign_in_as("planning@helios.example")

        after = await page.run()

        assert before == {"data": {"viewer": None}}
        opened = [tile for tile in after["data"]["viewer"]["applications"] if tile["state"] == "AVAILABLE"]
        assert sorted(tile["application"]["key"] for tile in opened) == [
            "installer_portal",
            "installer_search",
            "repower_check",
            "service_support",
            "solar_config_tool",
            "solar_plan",
        ]
