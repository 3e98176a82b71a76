"""Addresses of back ends and of what is asked of them."""

import re
from collections.abc import Sequence
from urllib.parse import quote, urlencode, urlsplit

_KEPT = "/%:@!$&'()*+,;=~"
_DOTS = re.compile(r"(?:^|/|\\|%2f|%5c)(?:\.|%2e){1,2}(?:/|\\|%2f|%5c|$)", re.IGNORECASE)
"""A segment of dots alone, also for servers that decode a path before they take it apart."""


def parsed_url(url: str) -> tuple[str, str]:
    """Return origin and path of a back end's URL.

    Raises:
        ValueError: It is none; the message says what one looks like.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https") or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(
            "the URL of a back end looks like https://shop.example/api: http or https, a host and perhaps a path; "
            "no user, no query, no fragment"
        )
    if not re.fullmatch(r"[!-~]+", url):
        raise ValueError("the URL of a back end is written in ASCII: a domain as xn--…, other characters as %…")
    return f"{parts.scheme}://{parts.netloc}", parts.path


def leads_elsewhere(path: str) -> bool:
    """Return whether a part of a path leads out of where it stands: one of its segments is dots alone."""
    return _DOTS.search(path) is not None


def target_of(base: str, path: str, params: Sequence[tuple[str, str]]) -> str:
    """Return path and query as they are sent; a character that has no business in a path is escaped.

    Raises:
        ValueError: The path does not begin with a slash, or leads out of the base.
    """
    if not path.startswith("/") or leads_elsewhere(path):
        raise ValueError(f"a path begins with a slash and has no segment of dots alone, unlike {path!r}")
    target = base + quote(path, safe=_KEPT)
    return f"{target}?{urlencode(params, quote_via=quote, safe='')}" if params else target
