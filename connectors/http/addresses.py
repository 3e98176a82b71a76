"""The addresses that no name of a back end may lead to."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_REFUSED = [
    ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local; the metadata of most clouds
        "fe80::/10",  # the same for IPv6
        "fd00:ec2::254/128",  # metadata of AWS
        "fd20:ce::254/128",  # of Google Cloud
        "100.100.100.200/32",  # of Alibaba Cloud
        "168.63.129.16/32",  # of Azure
        "192.0.0.192/32",  # of Oracle Cloud
        "0.0.0.0/8",  # this machine, by another name
        "::/128",
        "224.0.0.0/4",  # more than one machine
        "255.255.255.255/32",
        "ff00::/8",
    )
]
_LEAD_TO_IPV4 = (
    ip_network("64:ff9b::/96"),  # NAT64 (RFC 6052)
    ip_network("64:ff9b:1::/48"),  # the same within a network (RFC 8215)
    ip_network("::ffff:0:0:0/96"),  # translated (RFC 2765)
)
"""Whose last 32 bits are an IPv4 address."""


def is_refused(address: str) -> bool:
    """Return whether calls to this address are refused unless the URL of a back end names it itself."""
    found = ip_address(address.partition("%")[0])
    inside = _within(found)
    return any(one in network for network in _REFUSED for one in (found, inside) if one is not None)


def _within(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to, if it does."""
    if isinstance(address, IPv4Address):
        return None
    if any(address in network for network in _LEAD_TO_IPV4):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
