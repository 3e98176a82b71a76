"""One cookie is found among whatever else a header holds, and what it holds is never unquoted."""

import http.cookies

import pytest
from starlette.datastructures import Headers

from gateway.pages.mail_links.links import LINKS
from gateway.server.cookies import cookie_in
from tests.portal import Portal

LONG = 'other="' + "\\\\" * 15_000 + '"'
"""Python's own reader takes three seconds for it before 3.11.10 (CVE-2024-7592)."""


def cookie(*lines: str) -> str | None:
    """The cookie `ours` in these lines of the header."""
    return cookie_in(Headers(raw=[(b"cookie", line.encode("latin-1")) for line in lines]), "ours")


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ([], None),
        (["ours=abc"], "abc"),
        (["a=b; ours=abc=; c"], "abc="),
        (["yours=1;ours = abc "], "abc"),
        (["a=b", "ours=abc"], "abc"),  # RFC 9113, 8.2.3: HTTP/2 may send one line for each
        (["ours=near; ours=far"], "near"),  # RFC 6265, 5.4: the longest path comes first
        (['ours="a\\"b"'], '"a\\"b"'),
        (["yours=ours=abc; ours"], ""),
        (["xours=abc"], None),
    ],
)
def test_a_cookie_is_found_as_it_was_sent(lines: list[str], value: str | None) -> None:
    assert cookie(*lines) == value


async def test_no_request_has_its_cookies_unquoted(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    def unquote(_text: str) -> str:
        raise AssertionError("takes time that grows with the square of the text")

    monkeypatch.setattr(http.cookies, "_unquote", unquote)

    answer = await portal.anybody().posts(b'{"query": "{ __typename }"}', cookie=LONG)
    pages = [await portal.client.get(f"{link.path}/{'0' * 32}", headers={"cookie": LONG}) for link in LINKS]

    assert answer.data == {"__typename": "Query"}
    assert {page.status_code for page in pages} == {404}
