"""GraphiQL shows each account the schema that it may use, organization by organization, on the whole gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.browser.conftest import served
from tests.browser.graphiql import Graphiql, graphiql_in, photograph
from tests.portal import Portal

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("built_graphiql")]

TWO_ORGANIZATIONS = "two.companies@helios.example"
HELIOS, LUMEN = "Helios Montage GmbH", "Lumen Handels AG"

IN_ORGANIZATION = "query Organization { viewer { defaultOrganization { "


@asynccontextmanager
async def page_of(chromium: Browser, portal: Portal, **options: Any) -> AsyncIterator[Graphiql]:
    """The page in front of the whole gateway."""
    async with served(portal.app_without_lifespan()) as url, graphiql_in(chromium, url, **options) as page:
        yield page


def switcher(page: Graphiql) -> Locator:
    """The choice of an organization."""
    return page.page.get_by_role("combobox", name="Organization")


async def look_at(page: Graphiql, organization: str) -> None:
    """Choose an organization, and wait until the schema was read for it."""
    async with page.page.expect_response(lambda response: "IntrospectionQuery" in (response.request.post_data or "")):
        await switcher(page).select_option(organization)
    await page.until_settled()


async def completed(page: Graphiql, start: str) -> list[str]:
    """The fields of an organization that are offered for these first letters."""
    await page.write(IN_ORGANIZATION)
    return await page.completions_after(start)


async def read_in_documentation(page: Graphiql, type_name: str) -> str:
    """What the documentation beside the editor says of a type that a field of Query leads to."""
    await page.page.get_by_role("button", name="Show Documentation Explorer").click()
    names = page.page.locator(".graphiql-doc-explorer-type-name")
    title = page.page.locator(".graphiql-doc-explorer-title")
    for name in ("Query", type_name):
        await names.get_by_text(name, exact=True).first.click()
        await expect(title).to_have_text(name)
    return await page.page.locator(".graphiql-doc-explorer").inner_text()


async def test_choosing_an_organization_shows_and_hides_what_the_roles_there_allow(
    chromium: Browser, portal: Portal
) -> None:
    """Administration at Helios, purchase at Lumen."""
    async with page_of(chromium, portal) as page:
        await page.sign_in_as(TWO_ORGANIZATIONS)
        await expect(switcher(page)).to_be_visible()
        assert await switcher(page).locator("option").all_inner_texts() == ["All of mine", HELIOS, LUMEN]
        assert "orders" in await completed(page, "ord")
        assert "members" in await completed(page, "mem")

        await look_at(page, HELIOS)
        assert "orders" not in await completed(page, "o")
        assert "members" in await completed(page, "mem")
        await photograph(page.page, "two-companies-at-helios")

        await look_at(page, LUMEN)
        assert "orders" in await completed(page, "ord")
        assert "members" not in await completed(page, "m")
        await photograph(page.page, "two-companies-at-lumen")


async def test_a_reload_still_looks_at_the_chosen_organization_and_another_account_at_its_own(
    chromium: Browser, portal: Portal
) -> None:
    async with page_of(chromium, portal) as page:
        await page.sign_in_as(TWO_ORGANIZATIONS)
        await look_at(page, LUMEN)

        await page.open()

        await expect(switcher(page).locator("option:checked")).to_have_text(LUMEN)
        assert "orders" in await completed(page, "ord")

        await page.sign_in_as("administration@helios.example")

        await expect(switcher(page)).to_have_count(0)
        assert "members" in await completed(page, "mem")
        assert "orders" not in await completed(page, "o")


async def test_who_belongs_to_one_organization_or_to_none_has_nothing_to_choose(
    chromium: Browser, portal: Portal
) -> None:
    async with page_of(chromium, portal) as page:
        await expect(switcher(page)).to_have_count(0)
        for login_name in ("purchase@helios.example", "private@home.example"):
            async with page.page.expect_response(
                lambda response: "query Organizations" in (response.request.post_data or "")
            ):
                await page.sign_in_as(login_name)
            await expect(switcher(page)).to_have_count(0)


@pytest.mark.parametrize(
    ("login_name", "shown", "hidden"),
    [
        ("administration@helios.example", ["members("], ["orders("]),
        ("planning@helios.example", ["administrators"], ["members(", "orders("]),
    ],
)
async def test_the_documentation_lists_what_the_account_may_use(
    chromium: Browser, portal: Portal, login_name: str, shown: list[str], hidden: list[str]
) -> None:
    async with page_of(chromium, portal) as page:
        await page.sign_in_as(login_name)

        text = await read_in_documentation(page, "Organization")

        assert [field for field in shown if field in text] == shown
        assert [field for field in hidden if field in text] == []
        await photograph(page.page, login_name.partition("@")[0])


async def test_a_hidden_field_can_still_be_asked_and_is_refused_with_its_reason(
    chromium: Browser, portal: Portal
) -> None:
    async with page_of(chromium, portal) as page:
        await page.sign_in_as("planning@helios.example")
        await page.write("query Orders { viewer { defaultOrganization { name orders { totalCount } } } }")

        answer = await page.run()

        assert answer["data"] == {"viewer": {"defaultOrganization": {"name": HELIOS, "orders": None}}}
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "UNAUTHORIZED_FIELD_OR_TYPE"


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 780)])
async def test_the_choice_of_an_organization_fits_into_the_bar(
    chromium: Browser, portal: Portal, width: int, height: int
) -> None:
    async with page_of(chromium, portal, viewport={"width": width, "height": height}) as page:
        await page.sign_in_as(TWO_ORGANIZATIONS)
        await look_at(page, HELIOS)

        overflow = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        assert await page.page.evaluate(overflow) == [width, height]
        for part in (switcher(page), page.account, page.sign_out_button):
            box = await part.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        await photograph(page.page, f"bar-{width}")
