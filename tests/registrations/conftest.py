"""Portals without the registration that the demo itself has under review: these tests count their own."""

import pytest

from tests.portal import Portal


@pytest.fixture
async def portal(portal: Portal) -> Portal:
    return await _without_registrations(portal)


@pytest.fixture
async def each_portal(each_portal: Portal) -> Portal:
    return await _without_registrations(each_portal)


async def _without_registrations(portal: Portal) -> Portal:
    engine = portal.wiring.backends.directory._engine  # type: ignore[attr-defined]
    async with engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM registrations")
    return portal
