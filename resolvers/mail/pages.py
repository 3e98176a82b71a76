"""The pages of a portal's front end that mails lead to, each the page of the object that the mail is about."""

import difflib
import re
from collections.abc import Mapping
from string import Formatter
from typing import Any
from urllib.parse import quote


class InvalidPage(ValueError):
    """An address of a page cannot be used; the message says what would be right."""


PAGES: Mapping[str, str] = {
    "profile": "/account/profile",
    "sessions": "/account/sessions",
    "data_export": "/account/exports/{id}",
    "own_registration": "/account/registrations/{id}",
    "own_join_request": "/account/join-requests/{id}",
    "organization": "/organizations/{organization}",
    "members": "/organizations/{organization}/members",
    "invitation_sent": "/organizations/{organization}/invitations/{id}",
    "access_request": "/organizations/{organization}/access-requests/{id}",
    "join_request": "/organizations/{organization}/join-requests/{id}",
    "change_request": "/organizations/{organization}/change-requests/{id}",
    "registration_review": "/vendor/registrations/{id}",
    "change_review": "/vendor/change-requests/{id}",
}
"""Where each page is, below the portal's address; a profile may have it elsewhere. Ids are those of `node(id:)`."""

_LONGEST = 500
_ADDRESS = re.compile(r"(?:/(?!/)|https?://[A-Za-z0-9])[!-~]*")


def checked_pages(written: Any) -> Mapping[str, str]:
    """Return where every page is, as a profile writes it, else as above.

    Raises:
        InvalidPage: There is no such page, or its address is none or has a placeholder that its page has not.
    """
    if not isinstance(written, dict):
        raise InvalidPage('write a table, such as members = "/company/{organization}/people"')
    for page, address in written.items():
        if page not in PAGES:
            close = difflib.get_close_matches(page, PAGES, n=1)
            raise InvalidPage(
                f'there is no page "{page}".'
                + (f' Did you mean "{close[0]}"?' if close else f" Pages are {', '.join(PAGES)}.")
            )
        if not isinstance(address, str) or len(address) > _LONGEST or not _ADDRESS.fullmatch(address):
            raise InvalidPage(
                f"{page} = {address!r} is no address; write a path such as {PAGES[page]}, or a URL with https://."
            )
        allowed = _placeholders(PAGES[page])
        try:
            unknown = _placeholders(address) - allowed
        except ValueError:
            raise InvalidPage(f"{page} = {address!r} has a brace without its other half.") from None
        if unknown:
            names = ", ".join(f"{{{name}}}" for name in sorted(allowed)) or "none"
            raise InvalidPage(f"{page}: {{{sorted(unknown)[0]}}} is not known there. Known are: {names}.")
    return {**PAGES, **written}


def page_urls(portal: str, pages: Mapping[str, str]) -> Mapping[str, str]:
    """Return the URL of each page; `portal` is where the front end begins."""
    return {
        page: portal.rstrip("/") + address if address.startswith("/") else address for page, address in pages.items()
    }


def page_of(urls: Mapping[str, str], page: str, about: Mapping[str, str]) -> str:
    """Return the URL of the page of an object; the portal's start where a mail queued earlier names no object."""
    url = urls.get(page, "")
    names = _placeholders(url)
    if not url or names - about.keys():
        return urls["portal"]
    return url.format_map({name: quote(about[name], safe="") for name in names})


def _placeholders(address: str) -> set[str]:
    parts = [part[1:] for part in Formatter().parse(address)]
    if any(spec or conversion for _, spec, conversion in parts):
        raise ValueError("a placeholder is a name alone")
    return {name for name, _, _ in parts if name is not None}
