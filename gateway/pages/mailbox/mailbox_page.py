"""The routes of the mailbox page: written by the server, without a script, and closed to everything from elsewhere."""

import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.errors import BackendUnavailable
from connectors.mail.interface import KeptMail, KeptMails
from gateway.pages.page_headers import page_headers, style_route

Page = Callable[[Request], Awaitable[Response]]

SHOWN = 200
"""So many mails are listed, those that came last."""

_FOLDER = Path(__file__).parent

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
# A mail is somebody's words: nothing in it runs, loads or is sent, and its links open beside this page.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)

_pages = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def mailbox_routes(mailbox: KeptMails, address: str) -> list[BaseRoute]:
    """Serve the page at /mailbox; in the texts of mails, links to the portal at `address` can be clicked."""

    async def mails(_request: Request) -> Response:
        return _page(await mailbox.mails(limit=SHOWN), None, address)

    async def mail(request: Request) -> Response:
        opened = await mailbox.mail(request.path_params["id"])
        listed = await mailbox.mails(limit=SHOWN)
        return _page(listed, opened, address, is_missing=opened is None)

    async def letter(request: Request) -> Response:
        opened = await mailbox.mail(request.path_params["id"])
        if opened is None:
            return _answer("<!doctype html><title>Gone</title><p>There is no such mail.", MAIL_POLICY, 404)
        return _answer(opened.message.html, MAIL_POLICY)

    return [
        Route("/mailbox", _or_away(mails)),
        style_route("/mailbox/style.css", _FOLDER / "style.css"),
        Route("/mailbox/{id}", _or_away(mail)),
        Route("/mailbox/{id}/letter", _or_away(letter)),
    ]


def _or_away(page: Page) -> Page:
    async def answered(request: Request) -> Response:
        try:
            return await page(request)
        except BackendUnavailable:
            return _answer(
                "<!doctype html><title>Away</title><p>The mailbox does not answer. Try again.", MAIL_POLICY, 503
            )

    return answered


def _page(listed: Sequence[KeptMail], opened: KeptMail | None, address: str, *, is_missing: bool = False) -> Response:
    text = _with_links(opened.message.text, address) if opened is not None else ""
    words = {"mails": listed, "opened": opened, "text": text, "is_missing": is_missing, "shown": SHOWN}
    return _answer(_pages.get_template("page.html").render(words), PAGE_POLICY, 404 if is_missing else 200)


def _with_links(text: str, address: str) -> Markup:
    """Return the text, escaped, with its links to the portal as links."""
    pieces = re.split(rf"({re.escape(address)}[A-Za-z0-9/?#=_.~%-]*)", text)
    link = Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>')
    return Markup("").join(link.format(piece) if number % 2 else piece for number, piece in enumerate(pieces))


def _answer(html: str, policy: str, status: int = 200) -> Response:
    return HTMLResponse(html, status, page_headers(policy))
