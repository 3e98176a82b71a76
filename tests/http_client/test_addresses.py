"""Where no name leads a call."""

import socket
from typing import Any

import pytest

from connectors.errors import BackendUnavailable
from connectors.http.addresses import is_refused
from connectors.http.limits import HttpLimits
from tests.http_client.back_end import BackEnd, reply
from tests.http_client.conftest import Client


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "::ffff:0:169.254.169.254",
        "2002:a9fe:a9fe::1", "100.100.100.200", "168.63.129.16", "0.0.0.0", "::", "224.0.0.1",
    ],
)  # fmt: skip
def test_addresses_of_metadata_and_of_the_link_are_refused(address: str) -> None:
    assert is_refused(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.8", "192.168.1.1", "203.0.113.7", "2001:db8::1"])
def test_addresses_where_back_ends_are_found_are_not(address: str) -> None:
    assert not is_refused(address)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What each name leads to; any other name leads nowhere."""
    known: dict[str, str] = {}

    async def resolve(
        _resolver: object, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[dict[str, Any]]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [{"hostname": host, "host": known[host], "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    monkeypatch.setattr("aiohttp.resolver.ThreadedResolver.resolve", resolve)
    return known


async def test_a_name_that_leads_to_such_an_address_is_not_called_not_even_when_it_did_not_before(
    back_end: BackEnd, client: Client, names: dict[str, str]
) -> None:
    names["plants.example"] = "127.0.0.1"
    plants = client(f"http://plants.example:{back_end.port}", limits=HttpLimits(dns_seconds=0))
    back_end.answers = [reply({}, Connection="close")]

    assert await plants.get("/plants") == {}
    names["plants.example"] = "169.254.169.254"
    with pytest.raises(BackendUnavailable, match=r"plants\.example leads to 169\.254\.169\.254"):
        await plants.get("/plants")

    assert len(back_end.asked) == 1


async def test_a_name_that_leads_nowhere_is_unavailable_until_it_does(
    back_end: BackEnd, client: Client, names: dict[str, str]
) -> None:
    plants = client(f"http://plants.example:{back_end.port}")

    with pytest.raises(BackendUnavailable, match="no connection"):
        await plants.get("/plants")
    names["plants.example"] = "127.0.0.1"

    assert await plants.get("/plants") == {"is": "well"}
    del names["plants.example"]
    assert await plants.get("/plants") == {"is": "well"}
