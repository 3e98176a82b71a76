"""Whether the process lives, and whether it can answer."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from starlette.applications import Starlette

from connectors.errors import BackendUnavailable
from connectors.http.breaker import Breaker
from connectors.http.limits import USUAL
from gateway.server.health import Check, health_routes
from gateway.wiring import utc_now
from tests.portal import Portal

PATIENCE_SECONDS = 300


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.server.health._PATIENCE_SECONDS", PATIENCE_SECONDS)


async def test_a_gateway_whose_back_ends_answer_is_ready(portal: Portal) -> None:
    live = await portal.client.get("/health/live")
    ready = await portal.client.get("/health/ready")

    assert (live.status_code, live.json()) == (200, {"status": "live"})
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert {name: ready.json()["backends"][name] for name in ("directory", "identity", "shop")} == {
        "directory": "up", "identity": "up", "shop": "up",
    }  # fmt: skip


@pytest.fixture
async def hanging(portal: Portal, hang: Callable[[float], Awaitable[None]]) -> Check:
    """A check that never ends: the patience with it is over when all others are answered."""

    async def check() -> bool:
        while len(asyncio.all_tasks()) > others + 1:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await hang(PATIENCE_SECONDS)
        return True

    others = len(asyncio.all_tasks())
    return check


@pytest.mark.parametrize(("backend", "status"), [("shop", 200), ("identity", 200), ("directory", 503)])
@pytest.mark.parametrize("failure", ["says no", "raises", "hangs"])
async def test_only_without_the_directory_the_gateway_is_not_ready(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, hanging: Check, backend: str, status: int, failure: str
) -> None:
    async def failing() -> bool:
        if failure == "raises":
            raise BackendUnavailable(backend, "password=hunter2")
        if failure == "hangs":
            await hanging()
        return False

    monkeypatch.setitem(portal.wiring.checks, backend, failing)

    ready = await portal.client.get("/health/ready")

    assert (ready.status_code, ready.json()["backends"][backend]) == (status, "down")
    assert "hunter2" not in ready.text


async def test_many_probes_at_once_and_in_a_row_ask_the_back_ends_once(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.server.health._KEPT_SECONDS", 60)
    asked: list[int] = []

    async def counts() -> bool:
        asked.append(1)
        return True

    monkeypatch.setitem(portal.wiring.checks, "shop", counts)

    at_once = await asyncio.gather(*(portal.client.get("/health/ready") for _ in range(20)))
    in_a_row = [await portal.client.get("/health/ready") for _ in range(3)]

    assert {answer.status_code for answer in [*at_once, *in_a_row]} == {200}
    assert asked == [1]


async def test_a_gateway_that_answers_and_stores_nothing_is_not_ready_but_lives(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, hanging: Check
) -> None:
    monkeypatch.setattr(portal.wiring.backends.directory, "is_writable", hanging)

    ready, live = [await portal.client.get(f"/health/{probe}") for probe in ("ready", "live")]

    assert (ready.status_code, ready.json()["backends"]["directory"]) == (503, "read-only")
    assert live.status_code == 200


async def test_a_back_end_that_is_left_alone_is_said_to_be_until_it_answers_again(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.server.health._KEPT_SECONDS", 0)
    seconds = [0.0]
    breaker = Breaker(USUAL, lambda: seconds[0])
    routes = health_routes({}, portal.wiring.backends.directory, utc_now, {"plants": breaker})
    transport = httpx2.ASGITransport(Starlette(routes=routes))

    async def breakers() -> object:
        async with httpx2.AsyncClient(transport=transport, base_url="http://portal.example") as client:
            return (await client.get("/health/ready")).json()["breakers"]

    closed = await breakers()
    breaker.rest(5.0)
    left_alone = await breakers()
    seconds[0] += 5.0
    tried = await breakers()

    assert [closed, left_alone, tried] == [{"plants": state} for state in ("CLOSED", "OPEN", "HALF_OPEN")]
    assert (await portal.client.get("/health/ready")).json()["breakers"] == {}
