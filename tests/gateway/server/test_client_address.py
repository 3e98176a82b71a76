"""Which address a request comes from: what trusted proxies say, and nothing that a client says."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from gateway.server.client_address import client_address
from gateway.server.http_limits import server_config
from gateway.settings import ForwardedHeader
from gateway.settings_sources import read_settings
from tests.portal import open_portal

PEER = "192.0.2.99"
CLIENT = "198.51.100.7"


def headers_of(*lines: tuple[str, str]) -> Headers:
    """The headers of a request, as they came."""
    return Headers(raw=[(name.encode(), value.encode("latin-1")) for name, value in lines])


def forwarded_for(*lines: str, proxies: int = 1) -> str | None:
    """The address that these lines of X-Forwarded-For give."""
    return client_address(headers_of(*(("x-forwarded-for", line) for line in lines)), PEER, proxies)


def forwarded(*lines: str, proxies: int = 1) -> str | None:
    """The address that these lines of Forwarded give."""
    return client_address(headers_of(*(("forwarded", line) for line in lines)), PEER, proxies, "forwarded")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7:4711", "198.51.100.7"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("fe80::7%eth0", "fe80::7"),
        ("[fe80::7%25eth0]:80", "fe80::7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("[::ffff:c633:6407]:80", "198.51.100.7"),
        ("64:ff9b::198.51.100.7", "198.51.100.7"),
    ],
)
def test_one_address_is_one_whatever_way_a_proxy_writes_it(written: str, address: str) -> None:
    assert forwarded_for(written) == address
    assert forwarded(f'for="{written}"') == address
    assert client_address(headers_of(), written, 0) == address


@pytest.mark.parametrize(
    "written",
    [
        "", "unknown", "_hidden", "198.51.100", "198.51.100.7.8", "198.51.100.07", "198.51.100.7:", "198.51.100.7:x",
        "[198.51.100.7]", "[2001:db8::7", "[2001:db8::7]x", "2001:db8::g", "localhost", "1" * 5_000, "\u00b9.1.1.1",
        "1.1.1.1 2.2.2.2", "3325256711",
    ],
)  # fmt: skip
def test_what_is_no_address_leaves_the_one_from_which_the_connection_comes(written: str) -> None:
    assert forwarded_for(f"203.0.113.1, {written}") == PEER
    assert forwarded(f'for=203.0.113.1, for="{written}"') == PEER


def test_all_lines_of_a_header_are_one_list() -> None:
    assert forwarded_for("203.0.113.1", CLIENT) == CLIENT
    assert forwarded_for("203.0.113.1, 203.0.113.2", f"{CLIENT}, 192.0.2.1", proxies=2) == CLIENT
    assert forwarded("for=203.0.113.1", f"for={CLIENT}") == CLIENT


def test_fewer_entries_than_proxies_leave_the_one_from_which_the_connection_comes() -> None:
    assert forwarded_for(CLIENT, proxies=2) == PEER
    assert forwarded(f"for={CLIENT}", proxies=2) == PEER
    assert forwarded_for(proxies=1) == PEER
    assert forwarded(proxies=1) == PEER


def test_nobody_is_believed_without_trusted_proxies() -> None:
    headers = headers_of(("x-forwarded-for", CLIENT), ("forwarded", f"for={CLIENT}"))

    assert client_address(headers, PEER, 0) == PEER
    assert client_address(headers, None, 0) is None  # a Unix socket
    assert client_address(headers, None, 1) == CLIENT
    assert client_address(headers_of(), "testclient", 1) is None


def test_the_header_that_the_proxies_do_not_write_is_not_read() -> None:
    headers = headers_of(("x-forwarded-for", "203.0.113.1"), ("forwarded", f"for={CLIENT}"))

    assert client_address(headers, PEER, 1, "x-forwarded-for") == "203.0.113.1"
    assert client_address(headers, PEER, 1, "forwarded") == CLIENT
    assert client_address(headers_of(("forwarded", f"for={CLIENT}")), PEER, 1, "x-forwarded-for") == PEER


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (f"For={CLIENT}", CLIENT),
        (f"proto=https;FOR={CLIENT};by=192.0.2.1", CLIENT),
        (f'by="[2001:db8::1]" ; for="{CLIENT}:_port"', CLIENT),
        ('for="[2001:db8::7]:4711";host="a, for=203.0.113.1;x=y"', "2001:db8::7"),
        (r'for="198\.51.100.7";host="a\", for=203.0.113.1;x=\"y"', CLIENT),
        (f"for={CLIENT};", CLIENT),
        ("for=unknown", PEER),
        ("for=_SEVKISEK", PEER),
        ("proto=https", PEER),
        (f"for={CLIENT};for=203.0.113.1", PEER),
        (f'for="{CLIENT}', PEER),
        (f"for = {CLIENT}", PEER),
        ('host="for=203.0.113.1"', PEER),
    ],
)
def test_an_element_of_forwarded_is_read_as_rfc_7239_writes_it(written: str, address: str) -> None:
    assert forwarded(written) == address
    assert forwarded(f"for=203.0.113.2, {written}") == address


ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).filter(
    lambda address: (
        isinstance(address, IPv4Address) or not (address.ipv4_mapped or address.packed[:4] == b"\0d\xff\x9b")
    )
)
LINES = st.lists(st.text(st.characters(max_codepoint=255, blacklist_characters="\r\n\0"), max_size=60), max_size=3)


def as_xff(address: IPv4Address | IPv6Address, _seen: str) -> str:
    """An entry as most proxies write it."""
    return str(address)


def as_element(address: IPv4Address | IPv6Address, host: str) -> str:
    """An element as RFC 7239 wants it, with the Host that the client sent."""
    node = f'"[{address}]:4711"' if isinstance(address, IPv6Address) else str(address)
    quoted = host.replace("\\", r"\\").replace('"', r"\"")
    return f'for={node};host="{quoted}";proto=https'


@pytest.mark.parametrize(("header", "write"), [("x-forwarded-for", as_xff), ("forwarded", as_element)])
@given(
    sent=LINES,
    host=st.text(st.characters(max_codepoint=255, blacklist_characters="\r\n\0"), max_size=40),
    seen=st.lists(ADDRESSES, min_size=1, max_size=4),
    on_lines_of_their_own=st.booleans(),
)
@example(sent=['for="'], host="x", seen=[IPv6Address("2001:db8::1")], on_lines_of_their_own=False)
@example(
    sent=['for=1.1.1.1;by="'], host=", for=1.1.1.1;by=", seen=[IPv4Address("2.2.2.2")], on_lines_of_their_own=False
)
@example(sent=["1.1.1.1,"], host="", seen=[IPv4Address("2.2.2.2")], on_lines_of_their_own=True)
def test_nothing_that_a_client_sends_changes_the_address_that_the_outermost_proxy_saw(
    header: ForwardedHeader,
    write: Callable[[IPv4Address | IPv6Address, str], str],
    sent: list[str],
    host: str,
    seen: list[IPv4Address | IPv6Address],
    on_lines_of_their_own: bool,
) -> None:
    lines = list(sent)
    for address in seen:  # each proxy appends what it saw, the first one the client
        entry = write(address, host)
        if on_lines_of_their_own or not lines:
            lines.append(entry)
        else:
            lines[-1] = f"{lines[-1]}, {entry}"

    found = client_address(headers_of(*((header, line) for line in lines)), PEER, len(seen), header)

    assert found == str(seen[0])


async def test_the_server_believes_no_header_of_a_client_on_the_same_machine() -> None:
    """Uvicorn's own `proxy_headers` would, from 127.0.0.1."""
    seen: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append((scope["client"], scope["scheme"]))

    config = server_config(app, read_settings({}))
    config.load()
    headers = [(b"x-forwarded-for", CLIENT.encode()), (b"x-forwarded-proto", b"https")]
    scope = {"type": "http", "client": ("127.0.0.1", 4711), "scheme": "http", "headers": headers}
    await config.loaded_app(scope, None, None)  # type: ignore[arg-type]

    assert seen == [(("127.0.0.1", 4711), "http")]


async def test_sessions_and_the_audit_log_show_the_whole_address_that_the_proxies_saw() -> None:
    async with open_portal(trusted_proxies=1, forwarded_header="forwarded") as portal:
        await portal.anybody().posts(
            b'{"query": "mutation { signIn(input: { loginName: \\"purchase@helios.example\\", '
            b'password: \\"forecourt-demo\\" }) { errors { code } } }"}',
            forwarded='for=203.0.113.1, for="[2001:DB8::7]:4711"',
            x_forwarded_for="203.0.113.2",
        )

        assert [row.ip_address for row in await portal.audit("session.begin")] == ["2001:db8::7"]
