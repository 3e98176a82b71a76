"""From which address a request comes, as far as proxies that we trust say so."""

import re
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

from starlette.datastructures import Headers

from gateway.settings import ForwardedHeader

_MOST_COMMAS = 16
"""So many commas are looked for in the quoted strings of one element, which has none unless somebody means harm."""

_LONGEST_NODE = 100
"""No address is longer, with its zone and port; of what is longer, nothing is kept."""

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052, 2.1: how a network without IPv4 shows its IPv4 clients

# RFC 7239, 4. Between the quotes stands anything but a quote, or anything after a backslash.
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PAIR = rf'({_TOKEN})=({_TOKEN}|"(?:[^"\\]|\\.)*")'
_NEXT_PAIR = re.compile(_PAIR)
_ELEMENT = re.compile(rf"[ \t]*+(?:{_PAIR})?+[ \t]*+(?:;[ \t]*+(?:{_PAIR})?+[ \t]*+)*+")
_PORT = re.compile(r":(?:[0-9]{1,5}|_[0-9A-Za-z._\-]+)")


def client_address(
    headers: Headers, peer: str | None, trusted_proxies: int, forwarded_header: ForwardedHeader = "x-forwarded-for"
) -> str | None:
    """Return the address of the client in its usual form, without a port; None when it is not known.

    Each trusted proxy appends the address that it saw. So of the header's entries, all its lines joined, the one at
    position `trusted_proxies` from the end is the client's, and what stands further left may be invented. The peer's
    address is returned when nobody is trusted, and when there is no address at that position: too few entries,
    ``unknown``, an obfuscated name (RFC 7239, 6.3), or nonsense. `peer` is None on a Unix socket.
    """
    if trusted_proxies:
        joined = ",".join(headers.getlist(forwarded_header))
        entry = _node(joined, trusted_proxies) if forwarded_header == "forwarded" else _entry(joined, trusted_proxies)
        address = _address(entry) if entry is not None else None
        if address is not None:
            return address
    return _address(peer) if peer is not None else None


def _entry(joined: str, number: int) -> str | None:
    """Return the entry of X-Forwarded-For at this position from the end."""
    entries = joined.rsplit(",", number)
    return entries[-number] if len(entries) >= number else None


def _node(joined: str, number: int) -> str | None:
    """Return the ``for`` of the element of Forwarded at this position from the end; None when there is none.

    Read from the end, so that a quote that a client left open swallows nothing that a proxy wrote.
    """
    rest: str | None = joined
    element = ""
    for _ in range(number):
        if rest is None:
            return None
        found = _last_element(rest)
        if found is None:
            return None
        rest, element = found
    nodes = [match[2] for match in _NEXT_PAIR.finditer(element) if match[1].lower() == "for"]
    if len(nodes) != 1:  # RFC 7239, 4: a parameter must not occur twice
        return None
    (node,) = nodes
    return re.sub(r"\\(.)", r"\1", node[1:-1]) if node.startswith('"') else node


def _last_element(text: str) -> tuple[str | None, str] | None:
    """Return what stands before the last element, None for nothing, and the element; None when it is malformed."""
    end = len(text)
    for _ in range(_MOST_COMMAS):
        comma = text.rfind(",", 0, end)
        if _ELEMENT.fullmatch(text, comma + 1):
            return text[:comma] if comma >= 0 else None, text[comma + 1 :]
        if comma < 0:
            return None
        end = comma
    return None


def _address(node: str) -> str | None:
    """Return an address as it is written with or without brackets, port and zone; None when it is none."""
    text = node.strip(" \t")
    return _read_address(text) if len(text) <= _LONGEST_NODE else None


@lru_cache(maxsize=1_000)
def _read_address(text: str) -> str | None:
    """Do so; it takes 30 thousand instructions, and many requests come from one address."""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or ":" not in host or (port and not _PORT.fullmatch(port)):
            return None
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
        if not _PORT.fullmatch(f":{port}"):
            return None
    else:
        host = text
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        if address in _NAT64:
            return str(ip_address(address.packed[-4:]))
        return str(IPv6Address(int(address)))  # RFC 4007: a zone means something on that machine alone
    return str(address)
