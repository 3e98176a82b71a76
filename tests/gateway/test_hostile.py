"""What means harm is answered with a clear refusal, soon, and nobody else waits for it."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway.connections import BoundedHttp
from tests.audit.server import Served, served_portal
from tests.gateway.hostile import ATTACKS, JSON, VALID, Attack
from tests.portal import Portal, open_portal

PATIENCE_SECONDS = 5
"""Wide, for machines that do other things as well; the figures are in docs/limits.md."""


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[Served]:
    """A running gateway that waits half a second for bodies."""
    async with served_portal({"FORECOURT_BODY_TIMEOUT_SECONDS": "0.5"}) as portal:
        yield portal


@pytest.fixture(scope="module")
async def client(served: Served) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody who sends requests to it."""
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{served.port}", timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
async def quiet_portal() -> AsyncIterator[Portal]:
    """A gateway in this process."""
    async with open_portal() as portal:
        yield portal


async def send(client: httpx2.AsyncClient, attack: Attack) -> httpx2.Response:
    """Send what the attack says."""
    headers = (JSON if attack.method == "POST" else {"accept": JSON["accept"]}) | attack.headers
    return await client.request(attack.method, f"/graphql{attack.path}", content=attack.body or None, headers=headers)


def check(attack: Attack, response: httpx2.Response) -> None:
    """Fail the test unless the answer is what the attack deserves."""
    assert response.status_code == attack.status, response.text[:500]
    answer = response.json()
    if attack.code:
        assert {error["extensions"]["code"] for error in answer["errors"]} == {attack.code}, response.text[:500]
        assert "data" not in answer
    else:
        assert "data" in answer, response.text[:500]
    assert len(response.content) < 10_000  # what was sent is not sent back
    assert "Traceback" not in response.text


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
async def test_what_means_harm_is_refused_soon_and_nobody_waits(
    attack: Attack, served: Served, client: httpx2.AsyncClient
) -> None:
    before = served.memory()
    begun = time.perf_counter()
    answering = asyncio.create_task(send(client, attack))
    other = asyncio.create_task(client.post("/graphql", content=VALID, headers=JSON))

    response = await answering
    neighbour = await other

    assert time.perf_counter() - begun < PATIENCE_SECONDS
    check(attack, response)
    assert neighbour.status_code == 200
    assert served.memory() - before < 50_000_000


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack.method == "POST"], ids=str)
async def test_the_loop_goes_on_while_something_hostile_is_read(attack: Attack, quiet_portal: Portal) -> None:
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        last = time.thread_time()  # not by the clock, which goes on while other processes have the processor
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, last = max(longest, now - last), now

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    response = await quiet_portal.client.post("/graphql", content=attack.body, headers=JSON | attack.headers)
    await asyncio.sleep(0)
    watching.cancel()

    check(attack, response)
    assert longest < 1


async def test_a_body_that_does_not_come_is_waited_for_no_longer_than_is_set(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 30\r\n\r\n{")

    answer = await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
    writer.close()
    await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"REQUEST_TIMEOUT"' in answer


async def test_a_body_that_comes_a_byte_at_a_time_is_not_waited_for_either(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 3000\r\n\r\n")

    async def drip() -> None:
        for _ in range(100):
            writer.write(b" ")
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    answer = await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
    dripping.cancel()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_body_without_a_length_is_cut_off_where_it_becomes_too_large(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    head = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    writer.write(head + chunk * 20)

    answer = await asyncio.wait_for(reader.read(1_000), PATIENCE_SECONDS)
    writer.close()

    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_thousand_connections_that_say_nothing_keep_nobody_waiting(
    served: Served, client: httpx2.AsyncClient
) -> None:
    before = served.memory()
    number = min(1_000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    idle = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(number)]
    try:
        begun = time.perf_counter()
        response = await client.post("/graphql", content=VALID, headers=JSON)
        waited = time.perf_counter() - begun
    finally:
        for _, writer in idle:
            writer.close()

    assert response.json() == {"data": {"viewer": None}}
    assert waited < PATIENCE_SECONDS
    assert served.memory() - before < 50_000_000


async def test_headers_that_do_not_end_cut_off_only_who_sends_them(served: Served, client: httpx2.AsyncClient) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"GET /graphql HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 40_000)

    answer = await asyncio.wait_for(_read_to_the_end(reader), PATIENCE_SECONDS)
    writer.close()
    response = await client.post("/graphql", content=VALID, headers=JSON)

    assert not answer or answer.startswith(b"HTTP/1.1 431 ")  # a reset may overtake the answer
    assert response.status_code == 200


async def test_a_request_that_never_begins_or_whose_headers_never_end_is_waited_for_no_longer_than_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.connections.HEAD_SECONDS", 0.2)
    config = uvicorn.Config(_says_nothing, log_config=None, ws="none")
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttp(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]

    answers = []
    for sent in (b"", b"GET / HTTP/1.1\r\nhost: x\r\n", b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        answers.append((await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)).splitlines()[:1])
        writer.close()
    server.close()

    assert answers == [[], [b"HTTP/1.1 408 Request Timeout"], [b"HTTP/1.1 204 No Content"]]


async def _says_nothing(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def _read_to_the_end(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
