"""The GraphiQL page in a real Chromium."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import served
from tests.browser.graphiql import Graphiql, graphiql_in
from tests.browser.small_portal import EXAMPLES, PASSWORD, SmallPortal

pytestmark = pytest.mark.slow

PURCHASE = "purchase@helios.example"
ADMINISTRATION = "administration@helios.example"
PETRA = {"data": {"viewer": {"user": {"displayName": "Petra Einkauf"}}}}


async def test_a_first_visit_finds_the_examples_in_tabs(graphiql: Graphiql) -> None:
    assert await graphiql.tabs() == ["PortalPage", "Colleagues"]
    assert await graphiql.query() == f"# {EXAMPLES[0].name}\n{EXAMPLES[0].query}"

    await graphiql.open_tab("Colleagues")

    assert await graphiql.query() == f"# {EXAMPLES[1].name}\n{EXAMPLES[1].query}"
    assert await graphiql.variables() == EXAMPLES[1].variables


async def test_a_first_example_with_variables_can_be_run_as_it_stands(
    chromium: Browser, built_graphiql: Path, small_portal: SmallPortal
) -> None:
    examples = EXAMPLES[1], EXAMPLES[0]
    async with served(small_portal.application(None, examples)) as url, graphiql_in(chromium, url) as graphiql:
        assert await graphiql.variables() == EXAMPLES[1].variables
        assert (await graphiql.run())["data"] == {"orders": ["2026-0001", "2026-0002"], "members": None}


async def test_a_later_visit_finds_the_tabs_as_they_were_left(graphiql: Graphiql) -> None:
    await graphiql.open_tab("Colleagues")
    await graphiql.write("query Mine { viewer { user { displayName } } }")
    await graphiql.until_tabs_are_stored("Mine")

    await graphiql.open()

    assert await graphiql.tabs() == ["PortalPage", "Mine"]


async def test_one_click_signs_in_as_a_demo_account(graphiql: Graphiql) -> None:
    await expect(graphiql.account).to_contain_text("Not signed in")
    assert await graphiql.run() == {"data": {"viewer": None}}

    await graphiql.sign_in_as(PURCHASE)

    assert await graphiql.run() == PETRA


async def test_the_accounts_are_listed_with_what_they_may_do_below_their_organizations(graphiql: Graphiql) -> None:
    await graphiql.account.click()

    lines = (await graphiql.page.get_by_role("menu").inner_text()).splitlines()
    assert [line for line in lines if line] == [
        "Not signed in",
        "Ask as a stranger",
        "Helios Montage GmbH",
        PURCHASE,
        "Purchase",
        "installation.purchase@helios.example",
        "Installation and purchase",
        ADMINISTRATION,
        "Administration",
        "Lumen Handels AG",
        "administration@lumen.example",
        "Administration",
        "Another account…",
        "Somebody who has registered or accepted an invitation",
    ]


async def test_the_keyboard_alone_chooses_an_account(graphiql: Graphiql) -> None:
    await graphiql.account.focus()
    await graphiql.page.keyboard.press("Enter")
    await expect(graphiql.accounts.first).to_be_focused()

    await graphiql.page.keyboard.press("ArrowDown")
    await graphiql.page.keyboard.press("Enter")

    await expect(graphiql.account).to_contain_text(PURCHASE)
    await expect(graphiql.account).to_be_focused()
    await expect(graphiql.sign_out_button).to_be_visible()


async def test_somebody_who_is_no_demo_account_signs_in_with_their_own_password(
    graphiql: Graphiql, small_portal: SmallPortal
) -> None:
    small_portal.newcomers["nina@solarhof.example"] = ("Nina Neu", "five clouds over Basel")
    await graphiql.sign_in_as(PURCHASE)

    await graphiql.sign_in_as_another("nina@solarhof.example", "five clouds over Basel")

    await expect(graphiql.sign_in_form).to_have_count(0)
    await expect(graphiql.account).to_be_focused()
    await expect(graphiql.account.locator(".role")).to_have_text("Nina Neu")
    assert await graphiql.run() == {"data": {"viewer": {"user": {"displayName": "Nina Neu"}}}}
    assert small_portal.asked["SignOut", PURCHASE] == 1
    await graphiql.account.click()
    another = graphiql.accounts.filter(has_text="Another account…")
    await expect(another).to_be_checked()
    await expect(another.locator(".description")).to_have_text("nina@solarhof.example")


async def test_the_form_for_another_account_stays_until_it_works_or_is_left(graphiql: Graphiql) -> None:
    await graphiql.sign_in_as(PURCHASE)
    await graphiql.ask_for_the_form()
    await expect(graphiql.sign_in_form.get_by_label("Login name")).to_be_focused()

    await graphiql.sign_in_with("nina@solarhof.example", "wrong")
    await expect(graphiql.notice).to_contain_text("Login name or password is wrong.")
    await expect(graphiql.sign_in_form.get_by_label("Login name")).to_have_value("nina@solarhof.example")
    await graphiql.sign_in_form.get_by_role("button", name="Cancel").click()

    await expect(graphiql.account).to_be_focused()
    await expect(graphiql.account).to_contain_text(PURCHASE)
    assert await graphiql.run() == PETRA


async def test_the_keyboard_alone_asks_for_the_form_leaves_it_and_signs_in(
    graphiql: Graphiql, small_portal: SmallPortal
) -> None:
    small_portal.newcomers["nina@solarhof.example"] = ("Nina Neu", "five clouds over Basel")
    keyboard = graphiql.page.keyboard
    await graphiql.account.focus()
    for key in ("Enter", "End", "Enter"):
        await keyboard.press(key)
    await expect(graphiql.sign_in_form).to_be_visible()
    await keyboard.press("Escape")
    await expect(graphiql.account).to_be_focused()

    for key in ("Enter", "End", "Enter"):
        await keyboard.press(key)
    await keyboard.type("nina@solarhof.example")
    await keyboard.press("Tab")
    await keyboard.type("five clouds over Basel")
    await keyboard.press("Enter")

    await expect(graphiql.account).to_contain_text("Nina Neu")
    await expect(graphiql.account).to_be_focused()


async def test_a_refused_field_is_explained_in_the_answer_and_the_rest_stands(graphiql: Graphiql) -> None:
    await graphiql.sign_in_as(PURCHASE)
    await graphiql.open_tab("Colleagues")

    answer = await graphiql.run()

    assert answer["data"] == {"orders": ["2026-0001", "2026-0002"], "members": None}
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (["members"], "UNAUTHORIZED_FIELD_OR_TYPE")
    ]
    assert answer["errors"][0]["extensions"]["authorization"]["missing"] == ["MEMBER_READ"]
    await expect(graphiql.page.locator(".graphiql-response")).to_contain_text("UNAUTHORIZED_FIELD_OR_TYPE")


async def test_the_next_account_gets_its_own_answers_and_ends_the_session_before(
    graphiql: Graphiql, small_portal: SmallPortal
) -> None:
    await graphiql.open_tab("Colleagues")
    await graphiql.sign_in_as(PURCHASE)
    await graphiql.sign_in_as(ADMINISTRATION)

    answer = await graphiql.run()

    assert answer["data"]["members"] == ["Anton Verwalter", "Ingo Monteur"]
    assert small_portal.asked["IntrospectionQuery", None] == 1
    assert small_portal.asked["IntrospectionQuery", PURCHASE] == 1
    assert small_portal.asked["IntrospectionQuery", ADMINISTRATION] == 1
    assert small_portal.asked["SignOut", PURCHASE] == 1


async def test_completion_offers_the_fields_of_the_schema(graphiql: Graphiql) -> None:
    await graphiql.write("query ")

    assert await graphiql.completions_after("{ mem") == ["members"]


async def test_signing_out_ends_the_session_and_forgets_it(graphiql: Graphiql, small_portal: SmallPortal) -> None:
    await graphiql.sign_in_as(PURCHASE)

    await graphiql.sign_out()

    await expect(graphiql.account).to_contain_text("Not signed in")
    assert await graphiql.run() == {"data": {"viewer": None}}
    assert small_portal.asked["SignOut", PURCHASE] == 1
    assert small_portal.refresh_tokens == {}
    kept = await graphiql.page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")
    assert "forecourt:session" not in kept
    assert PURCHASE not in kept


async def test_a_reload_stays_signed_in(graphiql: Graphiql) -> None:
    await graphiql.sign_in_as(PURCHASE)

    await graphiql.open()

    await expect(graphiql.account).to_contain_text(PURCHASE)
    assert await graphiql.run() == PETRA


async def test_an_access_token_that_ran_out_is_renewed_and_the_query_repeated(
    graphiql: Graphiql, small_portal: SmallPortal
) -> None:
    await graphiql.sign_in_as(PURCHASE)
    small_portal.expire_access_tokens()

    answer = await graphiql.run()

    assert answer == PETRA
    assert small_portal.asked["RefreshSession", None] == 1


async def test_queries_asked_at_once_share_one_renewal(graphiql: Graphiql, small_portal: SmallPortal) -> None:
    small_portal.lifetime = timedelta(seconds=1)
    await graphiql.sign_in_as(PURCHASE)  # with a token that is about to expire whenever it is needed
    small_portal.lifetime, small_portal.slowness = timedelta(minutes=5), 0.5
    before = small_portal.asked["RefreshSession", None]

    await graphiql.page.get_by_role("button", name="Re-fetch GraphQL schema").click()
    answer = await graphiql.run()

    assert answer == PETRA
    assert small_portal.asked["RefreshSession", None] == before + 1
    await expect(graphiql.notice).to_have_count(0)


async def test_a_session_that_ended_elsewhere_is_announced(graphiql: Graphiql, small_portal: SmallPortal) -> None:
    await graphiql.sign_in_as(PURCHASE)
    small_portal.end_sessions()

    answer = await graphiql.run()

    assert answer["errors"][0]["message"] == "The access token has expired."
    await expect(graphiql.notice).to_contain_text(f"The session of {PURCHASE} has ended. Please sign in again.")
    await expect(graphiql.account).to_contain_text("Not signed in")


async def test_a_subscription_arrives_in_the_name_of_the_account(graphiql: Graphiql) -> None:
    await graphiql.sign_in_as(PURCHASE)
    await graphiql.write("subscription Greetings { greetings }")

    assert await graphiql.run() == {"data": {"greetings": f"Good morning, {PURCHASE}"}}


async def test_without_the_demo_a_form_signs_in(
    chromium: Browser, built_graphiql: Path, small_portal: SmallPortal
) -> None:
    async with served(small_portal.application(None)) as url, graphiql_in(chromium, url) as graphiql:
        await expect(graphiql.account).to_have_count(0)

        await graphiql.sign_in_with(PURCHASE, "wrong")
        await expect(graphiql.notice).to_contain_text("Login name or password is wrong.")
        await graphiql.sign_in_with(PURCHASE, PASSWORD)

        await expect(graphiql.page.get_by_text("Signed in as Petra Einkauf")).to_be_visible()
        await expect(graphiql.notice).to_have_count(0)
        await expect(graphiql.sign_in_form).to_have_count(0)
        assert await graphiql.run() == PETRA


async def test_the_licences_are_one_click_away(graphiql: Graphiql) -> None:
    async with graphiql.page.context.expect_page() as opening:
        await graphiql.page.get_by_role("link", name="Licences").click()
    licences = await opening.value

    await expect(licences.locator("body")).to_contain_text("monaco-editor")


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 780)])
async def test_nothing_sticks_out_of_the_window(
    chromium: Browser,
    built_graphiql: Path,
    small_portal: SmallPortal,
    color_scheme: str,
    width: int,
    height: int,
) -> None:
    size = {"width": width, "height": height}
    async with (
        served(small_portal.application(None)) as url,
        graphiql_in(chromium, url, viewport=size, color_scheme=color_scheme) as graphiql,
    ):
        overflow = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        assert await graphiql.page.evaluate(overflow) == [width, height]
        for part in (".graphiql-query-editor", ".graphiql-response", "form.sign-in"):
            box = await graphiql.page.locator(part).bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["y"] >= 0
            assert box["x"] + box["width"] <= width
            assert box["y"] + box["height"] <= height
            assert box["width"] >= 150
        assert await graphiql.run() == {"data": {"viewer": None}}
