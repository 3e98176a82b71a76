"""A back end that fails, seen from outside: its fields are null, the page stands, nothing is left behind.

The shop's lists come from a back end that fails in each way, its single orders from another one, which does not.
docs/back-ends.md has the table.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import UnexpectedAnswer
from connectors.http.breaker import CLOSED, OPEN
from connectors.http.client import HttpBackend
from connectors.http.limits import HttpLimits
from connectors.pages import Page
from tests.http_client.back_end import BackEnd, open_back_end, reply
from tests.http_client.conftest import Client
from tests.http_client.failing import Floods, Hang, ways
from tests.logs import capture_logs
from tests.portal import Portal

ROOT = Path(__file__).parents[2]

PAGE = """{ viewer { memberships { nodes { organization {
    name order(number: "7") { number } orders(first: 1) { pageInfo { hasNextPage } }
} } } } }"""
ORGANIZATION = "viewer.memberships.nodes.0.organization"


@pytest.fixture
async def other() -> AsyncIterator[BackEnd]:
    async with open_back_end() as opened:
        opened.answers = [reply(None)]
        yield opened


@pytest.fixture
async def failing(client: Client) -> HttpBackend:
    return client(clock=asyncio.get_running_loop().time, pause=lambda _seconds: asyncio.sleep(0))


@pytest.fixture
async def calm(other: BackEnd, client: Client) -> HttpBackend:
    return client(other.url, clock=asyncio.get_running_loop().time)


@pytest.fixture
def page(solar: Portal, failing: HttpBackend, calm: HttpBackend, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Ask for the page, as somebody who buys."""
    monkeypatch.setattr(solar.app.graphql, "_calls_http", True)  # type: ignore[attr-defined]

    async def orders_of(ids: list[str], *_args: Any, **_more: Any) -> Any:
        answer = await failing.get("/orders", [("organization", id) for id in ids])
        if not isinstance(answer, dict):
            raise UnexpectedAnswer("plants", "no object")
        return [Page([], answer["has_next"], False, str) for _ in ids]

    async def orders_with_number(ids: list[str], *_args: Any, **_more: Any) -> Any:
        await calm.get("/orders/7")
        return [None for _ in ids]

    monkeypatch.setattr(solar.wiring.backends.shop, "orders_of", orders_of)
    monkeypatch.setattr(solar.wiring.backends.shop, "orders_with_number", orders_with_number)

    async def asked() -> Any:
        return await (await solar.person("purchase@helios.example")).asks(PAGE)

    return asked


async def check_nothing_is_left(backend: HttpBackend, before: set[asyncio.Task[Any]]) -> None:
    """Everything that the calls took is given back: slots, shared calls, connections, tasks."""
    for _ in range(20):
        await asyncio.sleep(0)
    session = backend._wire._session
    assert session is not None
    assert session.connector is not None
    assert backend._slots._value == backend.limits.at_once
    assert len(backend._flights) == 0
    assert not session.connector._acquired
    ours = [task for task in asyncio.all_tasks() - before if "BackEnd.serve" not in repr(task)]
    assert ours == []


@pytest.mark.parametrize("way", ways(lambda _seconds: asyncio.sleep(0)))
async def test_a_back_end_that_fails_hides_its_own_fields_and_nothing_else(
    way: str,
    page: Callable[[], Any],
    back_end: BackEnd,
    other: BackEnd,
    failing: HttpBackend,
    calm: HttpBackend,
    hang: Hang,
) -> None:
    await page()  # a first one, whose connections stay
    back_end.asked.clear()
    other.asked.clear()
    before = asyncio.all_tasks()
    answer, code, times = ways(hang)[way]
    back_end.answers = [answer]

    with capture_logs() as logged:
        shown = await page()

    assert shown.status == 200
    assert shown.at(ORGANIZATION) == {"name": "Helios Montage GmbH", "order": None, "orders": None}
    assert shown.codes == {f"{ORGANIZATION}.orders": code}
    assert (len(back_end.asked), len(other.asked)) == (times, 1)
    assert calm.breaker.state is CLOSED
    said = json.dumps(shown.body)
    assert not any(secret in said for secret in ("s3cret", "Traceback", "<html", "127.0.0.1"))
    assert [entry["code"] for entry in logged if entry["event"] == "field failed"] == [code]
    if isinstance(answer, Floods):
        assert answer.sent < 25_000_000  # what we read, and what stays in buffers on the way
    await check_nothing_is_left(failing, before)

    back_end.answers = [reply({"has_next": True})]
    after = await page()
    if way == "429":  # it has asked for three seconds
        assert (after.codes, failing.breaker.state) == (shown.codes, OPEN)
    else:
        assert after.at(f"{ORGANIZATION}.orders") == {"pageInfo": {"hasNextPage": True}}


def test_the_page_says_what_each_way_to_fail_comes_to() -> None:
    table = (ROOT / "docs/back-ends.md").read_text()

    for way, (_answer, code, times) in ways(lambda _seconds: asyncio.sleep(0)).items():
        assert f"| {way} | `{code}` | {('once', 'twice')[times - 1]} |" in table


async def test_a_back_end_that_is_not_there_hides_its_own_fields_and_is_asked_when_it_is_back(
    page: Callable[[], Any], back_end: BackEnd, failing: HttpBackend, calm: HttpBackend
) -> None:
    await back_end.refuse()

    shown = await page()
    assert shown.codes == {f"{ORGANIZATION}.orders": "BACKEND_UNAVAILABLE"}
    assert back_end.asked == []

    await back_end.listen()
    back_end.answers = [reply({"has_next": False})]
    assert (await page()).codes == {}


async def test_a_back_end_that_hangs_costs_time_until_the_breaker_opens_and_none_afterwards(
    page: Callable[[], Any], back_end: BackEnd, failing: HttpBackend, calm: HttpBackend, hang: Hang
) -> None:
    back_end.answers = [ways(hang)["hangs before the head"][0]]

    codes = [(await page()).codes[f"{ORGANIZATION}.orders"] for _ in range(25)]

    assert codes == ["GATEWAY_TIMEOUT"] * 20 + ["BACKEND_UNAVAILABLE"] * 5
    assert len(back_end.asked) == 20
    assert (failing.breaker.state, calm.breaker.state) == (OPEN, CLOSED)


async def test_an_answer_that_nobody_asked_for_is_nobody_s(back_end: BackEnd, client: Client) -> None:
    plants = client()
    back_end.answers = [reply("first") + reply("of somebody else"), reply("second")]

    assert await plants.get("/first") == "first"
    assert await plants.get("/second") == "second"


@pytest.mark.parametrize("claimed", [3, 100])
async def test_a_length_that_is_not_true_gives_no_answer_that_is_not_whole(
    back_end: BackEnd, client: Client, claimed: int
) -> None:
    body = b'{"a": 1}'
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {claimed}\r\nConnection: close\r\n\r\n".encode()
    back_end.answers = [lambda _asked, writer: _send(writer, head + body)]

    with pytest.raises(Exception, match="plants: "):
        await client(limits=HttpLimits(attempts=1)).get("/plants")


async def _send(writer: asyncio.StreamWriter, sent: bytes) -> None:
    writer.write(sent)
