"""The GraphiQL page as a person uses it: sign in, open a tab, write, run, read the answer."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Request, Response, ViewportSize, expect

LONGEST_WAIT = 60.0


class Graphiql:
    """The page in one browser tab, and everything it complained about or asked of somebody else."""

    def __init__(self, page: Page, portal_url: str) -> None:
        self.page = page
        self.portal_url = portal_url
        self.complaints: list[str] = []
        self.foreign_requests: list[str] = []
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note_request)

    async def open(self) -> None:
        """Open the page and wait until it has read the schema."""
        async with self.page.expect_response(_is_introspection):
            await self.page.goto(f"{self.portal_url}/graphiql")
        await self.until_settled()

    @property
    def account(self) -> Locator:
        """The button that opens the menu of demo accounts, and shows who is signed in."""
        return self.page.locator(".account-button")

    @property
    def accounts(self) -> Locator:
        """The accounts in the open menu."""
        return self.page.get_by_role("menuitemradio")

    @property
    def notice(self) -> Locator:
        return self.page.locator(".notice")

    @property
    def sign_in_form(self) -> Locator:
        return self.page.get_by_role("form", name="Sign in")

    @property
    def sign_out_button(self) -> Locator:
        return self.page.get_by_role("button", name="Sign out")

    async def sign_in_as(self, login_name: str) -> None:
        """Choose a demo account, and wait until the schema was read in its name."""
        async with self.page.expect_response(_is_introspection):
            await self.account.click()
            await self.accounts.filter(has=self.page.get_by_text(login_name, exact=True)).click()
        await self.until_settled()
        await expect(self.account.get_by_text(login_name, exact=True)).to_be_visible()
        await expect(self.sign_out_button).to_be_visible()

    async def sign_in_with(self, login_name: str, password: str) -> None:
        """Fill in the form that is shown."""
        await self.sign_in_form.get_by_label("Login name").fill(login_name)
        await self.sign_in_form.get_by_label("Password").fill(password)
        await self.sign_in_form.get_by_role("button", name="Sign in").click()

    async def ask_for_the_form(self) -> None:
        """Choose the last entry of the menu, for whoever is not among the demo accounts."""
        await self.account.click()
        await self.accounts.get_by_text("Another account…").click()

    async def sign_in_as_another(self, login_name: str, password: str) -> None:
        """Sign in as somebody who is no demo account, and wait until the schema was read in their name."""
        await self.ask_for_the_form()
        async with self.page.expect_response(_is_introspection):
            await self.sign_in_with(login_name, password)
        await self.until_settled()
        await expect(self.account.get_by_text(login_name, exact=True)).to_be_visible()

    async def sign_out(self) -> None:
        """Sign out, and wait until the schema was read as a stranger."""
        async with self.page.expect_response(_is_introspection):
            await self.sign_out_button.click()
        await self.until_settled()
        await expect(self.sign_out_button).to_have_count(0)

    async def markers(self) -> list[str]:
        """What the editors underline in the open tab."""
        await self.page.evaluate("new Promise((done) => setTimeout(done, 1000))")  # validation waits for half of that
        return [str(message) for message in await self.page.evaluate(_MARKERS)]

    async def until_settled(self) -> None:
        """Wait until the tabs are those of whoever looks, and the editor can be used."""
        await expect(self.page.locator("main[aria-busy=false]")).to_have_count(1)
        await expect(self.page.locator(".graphiql-query-editor .view-line").first).to_be_visible()
        await expect(self._run_button).to_be_enabled()

    async def tabs(self) -> list[str]:
        return [name.strip() for name in await self.page.locator(".graphiql-tab-button").all_inner_texts()]

    async def open_tab(self, operation: str) -> None:
        """Open the tab that carries the operation's name."""
        await self.page.locator(".graphiql-tab-button").get_by_text(operation, exact=True).click()
        await self._until_the_query_was_read()

    async def until_tabs_are_stored(self, operation: str, variables: str = "") -> None:
        """Wait until a later visit would find a tab with the operation, and one with this text in its variables.

        GraphiQL stores each half a second later.
        """
        stored = ""
        async with asyncio.timeout(LONGEST_WAIT):
            while f'"title":"{operation}"' not in stored or variables not in stored:
                await asyncio.sleep(0.05)
                stored = str(await self.page.evaluate("sessionStorage.getItem('graphiql:tabState')"))

    async def query(self) -> str:
        return str(await self.page.evaluate(_READ, "operation"))

    async def variables(self) -> str:
        return str(await self.page.evaluate(_READ, "variables"))

    async def write(self, query: str) -> None:
        """Replace the query of the open tab."""
        await self.page.evaluate(_WRITE, ["operation", query])
        await self._until_the_query_was_read()

    async def write_variables(self, variables: object) -> None:
        """Replace the variables of the open tab."""
        await self.page.evaluate(_WRITE, ["variables", json.dumps(variables, indent=2)])
        await self._until_the_query_was_read()

    async def asks(self, query: str, **variables: object) -> Any:
        """Write the query and its variables into the open tab, run it, and return the answer."""
        await self.write(query)
        await self.write_variables(variables)
        return await self.run()

    async def run(self) -> Any:
        """Run the query of the open tab and return the answer that the response pane shows."""
        await self.page.evaluate(_WRITE, ["response", ""])
        await self._run_button.click()
        return await self.response_json()

    async def response_json(self) -> Any:
        """Return what the response pane shows, as soon as it shows anything."""
        text = ""
        async with asyncio.timeout(LONGEST_WAIT):
            while not text:
                await asyncio.sleep(0.02)
                text = str(await self.page.evaluate(_READ, "response")).strip()
        return json.loads(text)

    async def completions_after(self, text: str) -> list[str]:
        """Type at the end of the query and return the names that are offered."""
        await self.page.locator(".graphiql-query-editor .view-lines").click()
        await self.page.keyboard.press("Control+End")
        await self.page.keyboard.type(text)
        await self.page.keyboard.press("Control+Space")
        rows = self.page.locator(".graphiql-query-editor .suggest-widget .monaco-list-row")
        await expect(rows.first).to_be_visible()
        # All at once: the list is drawn again while more is found.
        labels = await rows.evaluate_all("(rows) => rows.map((row) => row.getAttribute('aria-label'))")
        return [label.split(",")[0] for label in labels if label]

    async def _until_the_query_was_read(self) -> None:
        # GraphiQL reads the operation's name a tenth of a second after the last change; until then it asks the old one.
        await self.page.evaluate("new Promise((done) => setTimeout(done, 150))")

    @property
    def _run_button(self) -> Locator:
        return self.page.get_by_role("button", name=re.compile("Execute query"))

    def _note_console(self, message: ConsoleMessage) -> None:
        # Chromium reports every answer of the endpoint above 399 as an error of the page; it is an answer all the same.
        is_answer = message.text.startswith("Failed to load resource") and "/graphiql" not in message.location["url"]
        if message.type in ("error", "warning") and not is_answer:
            self.complaints.append(f"{message.type}: {message.text}")

    def _note_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and f"{address.scheme}://{address.netloc}" != self.portal_url:
            self.foreign_requests.append(request.url)


@asynccontextmanager
async def graphiql_in(browser: Browser, portal_url: str, **options: Any) -> AsyncIterator[Graphiql]:
    """Open the page in a browser that has never been here, and check at the end that it behaved.

    `options` are those of a playwright context: `viewport`, `color_scheme`, ...
    """
    viewport: ViewportSize = {"width": 1280, "height": 800}
    context = await browser.new_context(**{"viewport": viewport, **options})
    try:
        graphiql = Graphiql(await context.new_page(), portal_url)
        await graphiql.open()
        yield graphiql
        assert graphiql.complaints == []
        assert graphiql.foreign_requests == []
    finally:
        await context.close()


async def shown(page: Page, portal_url: str) -> Graphiql:
    """GraphiQL in a tab that a link has opened, once it can be used."""
    graphiql = Graphiql(page, portal_url)
    await expect(page.locator("main[aria-busy=false]")).to_have_count(1, timeout=60_000)
    await expect(page.locator(".graphiql-query-editor .view-line").first).to_be_visible(timeout=60_000)
    await expect(page.get_by_role("tab").first).to_be_visible()
    return graphiql


async def photograph(page: Page, name: str) -> None:
    """Keep a picture of the page when FORECOURT_TEST_SCREENSHOTS names a folder for it."""
    folder = os.environ.get("FORECOURT_TEST_SCREENSHOTS")
    if folder:
        await page.screenshot(path=Path(folder) / f"{name}.png")


def _is_introspection(response: Response) -> bool:
    return "IntrospectionQuery" in (response.request.post_data or "")


_MODEL = """
const model = (kind) =>
  __MONACO.editor.getModels().find((candidate) => candidate.uri.path.includes(kind));
"""
_READ = f"(kind) => {{ {_MODEL} return model(kind)?.getValue() ?? ''; }}"
_MARKERS = "__MONACO.editor.getModelMarkers({}).map((marker) => marker.message)"
_WRITE = f"([kind, text]) => {{ {_MODEL} model(kind).setValue(text); }}"
