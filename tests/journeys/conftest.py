"""Gateways that many tests share because they only read."""

from collections.abc import AsyncIterator

import pytest

from tests.portal import Portal, open_portal
from tests.servers import DatabaseKind

UNMEASURED = {"cost_mode": "measure"}
"""Lets a test ask for more at once than a client may, to see everything."""


@pytest.fixture(scope="session")
async def solar() -> AsyncIterator[Portal]:
    """The Solar Terminal's gateway with its demo, for tests that only read and let the clock stand."""
    async with open_portal(**UNMEASURED) as opened:
        yield opened


@pytest.fixture(scope="session")
async def software() -> AsyncIterator[Portal]:
    """The software house's gateway with its demo, for tests that only read and let the clock stand."""
    async with open_portal("software_house", **UNMEASURED) as opened:
        yield opened


@pytest.fixture
async def each_software_portal(database_kind: DatabaseKind) -> AsyncIterator[Portal]:
    """The software house's gateway with its demo, on each kind of database in turn."""
    async with open_portal("software_house", kind=database_kind) as opened:
        yield opened
