"""What means harm is answered with a clear refusal, soon, and nobody else waits for it."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from graphql import get_introspection_query

from tests.gateway.pipeline.hostile import ATTACKS, BATCHES, JSON, MOST_IN_A_BATCH, VALID, Attack, query
from tests.http_audit.server import Served, served_portal
from tests.portal import Portal, open_portal

PATIENCE_SECONDS = 60
"""Wide, for machines that do other things as well."""

MOST_SECONDS = 5
"""Of processor time, which other processes do not add to; the figures are in docs/limits.md."""

_READ_BY_THE_APPLICATION = [it for it in ATTACKS if it.method == "POST" and "upgrade" not in it.headers]
"""The others are answered by their method, or by the server before the application."""


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[Served]:
    """A running gateway that waits two seconds for bodies; batches are off."""
    async with served_portal({"FORECOURT_BODY_TIMEOUT_SECONDS": "2"}) as portal:
        yield portal


@pytest.fixture(scope="module")
async def client(served: Served) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody who sends requests to it."""
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{served.port}", timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
async def with_batches() -> AsyncIterator[Served]:
    """A running gateway that takes batches."""
    async with served_portal({"FORECOURT_MAX_BATCH": str(MOST_IN_A_BATCH)}) as portal:
        yield portal


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
    body = response.json()
    for answer in body if isinstance(body, list) else [body]:
        if attack.code:
            assert {error["extensions"]["code"] for error in answer["errors"]} == {attack.code}, response.text[:500]
            assert "data" not in answer
        else:
            assert "data" in answer, response.text[:500]
    assert len(response.content) < 50_000  # what was sent is not sent back
    assert "Traceback" not in response.text


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
async def test_what_means_harm_is_refused_soon_and_nobody_waits(
    attack: Attack, served: Served, client: httpx2.AsyncClient
) -> None:
    await check_is_refused_soon(attack, served, client)


@pytest.mark.parametrize("attack", BATCHES, ids=str)
async def test_a_batch_that_means_harm_is_refused_soon_and_nobody_waits(attack: Attack, with_batches: Served) -> None:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{with_batches.port}", timeout=60) as client:
        await check_is_refused_soon(attack, with_batches, client)


async def check_is_refused_soon(attack: Attack, served: Served, client: httpx2.AsyncClient) -> None:
    """Fail the test unless the attack is answered as it deserves, and somebody else is meanwhile."""
    before, begun = served.memory(), served.processor_seconds()
    answering = asyncio.create_task(send(client, attack))
    other = asyncio.create_task(client.post("/graphql", content=VALID, headers=JSON))

    response = await answering
    neighbour = await other

    assert served.processor_seconds() - begun < MOST_SECONDS
    check(attack, response)
    assert neighbour.status_code == 200
    assert served.memory() - before < 50_000_000


@pytest.mark.parametrize("attack", _READ_BY_THE_APPLICATION, ids=str)
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
        for _ in range(1_000):
            writer.write(b" ")
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    answer = await asyncio.wait_for(reader.read(1_000), PATIENCE_SECONDS)
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
        begun = served.processor_seconds()
        response = await client.post("/graphql", content=VALID, headers=JSON)
        spent = served.processor_seconds() - begun
    finally:
        for _, writer in idle:
            writer.close()

    assert response.json() == {"data": {"viewer": None}}
    assert spent < MOST_SECONDS
    assert served.memory() - before < 50_000_000


async def test_headers_that_do_not_end_cut_off_only_who_sends_them(served: Served, client: httpx2.AsyncClient) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"GET /graphql HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 40_000)

    answer = await asyncio.wait_for(_read_to_the_end(reader), PATIENCE_SECONDS)
    writer.close()
    response = await client.post("/graphql", content=VALID, headers=JSON)

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert response.status_code == 200


async def test_large_bodies_that_do_not_end_are_refused_when_there_is_no_room_and_small_ones_are_read(
    served: Served, client: httpx2.AsyncClient
) -> None:
    head = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 999999\r\n\r\n"
    before = served.memory()

    connections = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(100)]
    for _, writer in connections:
        writer.write(head + b" " * 900_000)
    small = await client.post("/graphql", content=VALID, headers=JSON)
    answers = await asyncio.gather(*(_read_to_the_end(reader) for reader, _ in connections))
    for _, writer in connections:
        writer.close()
    afterwards = await client.post("/graphql", content=VALID[:-1] + b" " * 100_000 + b"}", headers=JSON)

    assert (small.status_code, afterwards.status_code) == (200, 200)
    assert {answer[:13] for answer in answers} <= {b"", b"HTTP/1.1 503 ", b"HTTP/1.1 408 "}  # a reset may overtake it
    assert sum(answer.startswith(b"HTTP/1.1 408 ") for answer in answers) <= 23  # these were waited for
    assert served.memory() - before < 50_000_000


async def test_the_body_of_a_request_for_an_upgrade_is_not_taken_for_another_request(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    hidden = b"GET /graphql?query={__typename} HTTP/1.1\r\nhost: x\r\n\r\n"
    head = b"POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    writer.write(head + b"content-length: %d\r\n\r\n" % len(hidden))
    await asyncio.sleep(0.1)
    writer.write(hidden)

    answer = await asyncio.wait_for(_read_to_the_end(reader), PATIENCE_SECONDS)
    writer.close()

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert b'"BAD_REQUEST"' in answer


async def test_a_request_for_an_upgrade_without_a_body_is_answered_as_any_other(client: httpx2.AsyncClient) -> None:
    upgrade = {"connection": "upgrade", "upgrade": "h2c"}

    answers = [await client.get("/graphql?query={viewer{id}}", headers=upgrade) for _ in range(2)]

    assert [answer.json() for answer in answers] == [{"data": {"viewer": None}}] * 2


async def test_what_costs_much_is_refused_when_its_turn_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.pipeline.endpoint._MOST_EXPENSIVE", 0)
    async with open_portal(request_timeout_seconds=0.5, max_batch=10) as portal:
        costly = await portal.client.post("/graphql", content=query(get_introspection_query()), headers=JSON)
        cheap = await portal.client.post("/graphql", content=VALID, headers=JSON)
        half = query("{viewer{memberships(first:20){nodes{organization{members(first:20){nodes{id}}}}}}}")
        together = await portal.client.post("/graphql", content=b"[" + half + b"," + half + b"]", headers=JSON)

    for refused in (costly, together):
        assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (503, "TOO_BUSY")
        assert refused.headers["retry-after"] == "1"
    assert cheap.json() == {"data": {"viewer": None}}


async def test_nobody_who_signs_in_waits_for_the_turn_of_what_costs_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.pipeline.endpoint._MOST_EXPENSIVE", 0)
    sign_in = 'signIn(input: {loginName: "nobody", password: "something long"}) { errors { code } }'
    page = "viewer{memberships(first:20){nodes{organization{members(first:20){nodes{id user{id}}}}}}}"
    with_page = sign_in.replace("errors", f"{page} errors")
    async with open_portal(request_timeout_seconds=0.5) as portal:
        plain = await portal.client.post("/graphql", content=query(f"mutation {{ {sign_in} }}"), headers=JSON)
        costly = await portal.client.post("/graphql", content=query(f"mutation {{ {with_page} }}"), headers=JSON)

    assert plain.json().get("errors", [{}])[0].get("extensions", {}).get("code") != "TOO_BUSY"
    assert (costly.status_code, costly.json()["errors"][0]["extensions"]["code"]) == (503, "TOO_BUSY")


async def test_nobody_waits_for_all_the_costly_requests_of_a_stranger() -> None:
    document, answered = query(get_introspection_query()), list[str]()
    async with open_portal(trusted_proxies=1) as portal:

        async def asks(address: str) -> None:
            headers = JSON | {"x-forwarded-for": address}
            response = await portal.client.post("/graphql", content=document, headers=headers)
            assert response.status_code == 200
            answered.append(address)

        await asks("198.51.100.7")  # so that the document is ready
        flood = [asyncio.create_task(asks("198.51.100.7")) for _ in range(20)]
        await asyncio.sleep(0)
        await asks("198.51.100.8")
        assert answered.count("198.51.100.7") < 10
        await asyncio.gather(*flood)


async def test_requests_that_wait_for_a_slow_back_end_keep_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.pipeline.limits.turns._LONGEST_TURN", 0.01)
    async with open_portal() as portal:
        directory, goes_on, both, begun = portal.wiring.backends.directory, asyncio.Event(), asyncio.Event(), 0
        caller = directory.caller

        async def slow(*given: Any, **more: Any) -> Any:
            nonlocal begun
            begun += 1
            if begun == 2:
                both.set()
            if begun <= 2:
                await goes_on.wait()
            return await caller(*given, **more)

        person = await portal.person("purchase@helios.example")
        monkeypatch.setattr(directory, "caller", slow)
        waiting = [asyncio.create_task(person.asks(get_introspection_query())) for _ in range(2)]
        await both.wait()
        third = await person.asks(get_introspection_query())
        assert not any(one.done() for one in waiting)
        goes_on.set()
        answers = [third, *await asyncio.gather(*waiting)]
    assert [answer.status for answer in answers] == [200] * 3


async def test_who_asks_again_and_again_without_waiting_is_cut_off(served: Served, client: httpx2.AsyncClient) -> None:
    one = b"GET /graphql?query={__typename} HTTP/1.1\r\nhost: x\r\n\r\n"
    answers = []

    for number in (50, 500):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(one * (number - 1) + one.replace(b"host: x", b"host: x\r\nconnection: close"))
        answers.append(await asyncio.wait_for(_read_to_the_end(reader), PATIENCE_SECONDS))
        writer.close()

    assert answers[0].count(b"HTTP/1.1 200 ") == 50
    assert answers[1].count(b"HTTP/1.1 200 ") == 51
    assert answers[1].count(b"HTTP/1.1 400 ") == 1
    assert answers[1].endswith(b'requests wait for an answer.","extensions":{"code":"BAD_REQUEST"}}]}')
    assert (await client.post("/graphql", content=VALID, headers=JSON)).status_code == 200


async def test_what_costs_much_begins_one_at_a_time_and_lets_others_be_answered_between(quiet_portal: Portal) -> None:
    order: list[str] = []
    expensive = query(get_introspection_query())

    async def asks(name: str, body: bytes) -> None:
        await quiet_portal.client.post("/graphql", content=body, headers=JSON)
        order.append(name)

    await asks("known", expensive)
    await asyncio.gather(*(asks("dear", expensive) for _ in range(20)), asks("cheap", VALID))

    assert order.index("cheap") < 15


async def _read_to_the_end(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
