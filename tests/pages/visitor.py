"""Somebody with a browser that runs no script: opens links of mails, reads pages, fills in forms, presses buttons."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx2

from tests.portal import Portal, open_portal

ADDRESS = "https://portal.example"


class Page(HTMLParser):
    """A page as the browser shows it: its words, its links, and the form of each button."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__()
        self.status = response.status_code
        self.headers = response.headers
        self.url = str(response.url)
        self.html = response.text
        self.language = ""
        self.title = ""
        self.links: dict[str, str] = {}
        self.forms: list[dict[str, str]] = []
        self.fields: dict[str, dict[str, str | None]] = {}
        self.ids: dict[str, str] = {}
        self.buttons: dict[str, dict[str, str]] = {}
        self.words = ""
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(response.text)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag not in ("meta", "link", "input", "br"):
            self._open.append((tag, found))
        if identity := found.get("id"):
            self.ids[identity] = ""
        match tag:
            case "html":
                self.language = found.get("lang") or ""
            case "form":
                assert found.get("method") == "post"
                assert "action" not in found  # to the address of the page itself
                self.forms.append({})
            case "input":
                name = found["name"]
                assert name is not None
                self.fields[name] = found
                if found.get("type") != "checkbox" or "checked" in found:
                    self.forms[-1][name] = found.get("value") or ""
            case "button":
                self.buttons[found["value"] or ""] = self.forms[-1]

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if any(tag == "title" for tag, _ in self._open):
            self.title += data
            return
        self.words += data + " "
        for tag, attributes in self._open:
            if tag == "a":
                self.links[data.strip()] = attributes["href"] or ""
            if identity := attributes.get("id"):
                self.ids[identity] = f"{self.ids[identity]} {data}".strip()

    def error_of(self, name: str) -> str | None:
        """What is said to be wrong with a field, as a screen reader reads it with the field."""
        described = (self.fields[name].get("aria-describedby") or "").split()
        assert all(identity in self.ids for identity in described)
        return next((self.ids[identity] for identity in described if identity.endswith("-error")), None)


@dataclass
class Visitor:
    """The browser, which has its own cookies."""

    client: httpx2.AsyncClient
    language: str = "en"
    headers: dict[str, str] = field(default_factory=dict)

    async def opens(self, url: str) -> Page:
        """Open an address, as by a click in a mail program on the web."""
        sent = {"accept-language": self.language, "sec-fetch-site": "cross-site", **self.headers}
        return Page(await self.client.get(url, headers=sent, follow_redirects=True))

    async def presses(self, page: Page, button: str, **typed: str) -> Page:
        """Fill in the form of a button, press it, and return what comes."""
        return await self.posts(page.url, {**page.buttons[button], **typed, "command": button})

    async def posts(self, url: str, fields: dict[str, str], **headers: str) -> Page:
        """Send a form; names of headers are written with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"accept-language": self.language, "sec-fetch-site": "same-origin", **self.headers, **given}
        return Page(await self.client.post(url, data=fields, headers=sent))


@asynccontextmanager
async def visiting(portal: Portal, language: str = "en") -> AsyncIterator[Visitor]:
    """A browser that has never been at the portal."""
    transport = httpx2.ASGITransport(app=portal.app)
    async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS) as client:
        yield Visitor(client, language)


@asynccontextmanager
async def open_to_visitors(**given: Any) -> AsyncIterator[Portal]:
    """A portal as it is in production: known by its address, and without GraphiQL."""
    async with open_portal(**{"graphiql": False, "public_url": ADDRESS} | given) as portal:
        yield portal


async def link_to(portal: Portal, email: str) -> str:
    """The link in the last mail that has arrived at the address."""
    await portal.deliver()
    mail = (await portal.mails(email))[-1]
    (link,) = set(re.findall(r"https?://\S+token=\S+", mail.text))
    assert f'href="{link}"' in mail.html
    return link
