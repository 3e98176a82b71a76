"""When a query is asked again, and when not."""

import asyncio

import pytest

from connectors.errors import BackendUnavailable
from connectors.http.limits import HttpLimits
from tests.http_client.back_end import Answer, Asked, BackEnd, reply
from tests.http_client.conftest import Client, Clock


async def cut(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Begin an answer and hang up."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


@pytest.mark.parametrize("first", [reply({}, 502), reply({}, 503), reply({}, 504), None, cut])
async def test_a_query_that_may_succeed_in_a_moment_is_asked_once_more(
    back_end: BackEnd, client: Client, clock: Clock, first: bytes | Answer | None
) -> None:
    back_end.answers = [first, reply([1])]

    assert await client().get("/plants") == [1]
    assert len(back_end.asked) == 2
    assert clock.pauses == [0.25]


async def test_a_query_is_asked_twice_at_most(back_end: BackEnd, client: Client) -> None:
    back_end.answers = [reply({}, 503)]

    with pytest.raises(BackendUnavailable, match="503"):
        await client().get("/plants")

    assert len(back_end.asked) == 2


async def test_a_query_by_post_is_asked_once_more_as_well(back_end: BackEnd, client: Client) -> None:
    back_end.answers = [reply({}, 503), reply([1])]

    assert await client().post("/graphql", {"query": "{ a }"}, repeatable=True) == [1]


@pytest.mark.parametrize(("retry_after", "pauses"), [("1", [1.0]), ("2", []), ("Thu, 01 Jan 1970 00:16:41 GMT", [1.0])])
async def test_what_a_back_end_asks_to_wait_is_waited_where_there_is_time(
    back_end: BackEnd, client: Client, clock: Clock, retry_after: str, pauses: list[float]
) -> None:
    back_end.answers = [reply({}, 503, retry_after=retry_after), reply([1])]

    if pauses:
        assert await client().get("/plants") == [1]
    else:
        with pytest.raises(BackendUnavailable):
            await client().get("/plants")

    assert clock.pauses == pauses


async def test_of_many_calls_a_tenth_is_repeated_and_a_window_later_again(
    back_end: BackEnd, client: Client, clock: Clock
) -> None:
    plants = client(limits=HttpLimits(breaker_calls=1_000))
    back_end.answers = [reply({}, 503)]

    for _ in range(100):
        with pytest.raises(BackendUnavailable):
            await plants.get("/plants")
        clock.now = 1_000.0
    assert len(back_end.asked) == 110

    clock.now += 11
    for _ in range(5):
        with pytest.raises(BackendUnavailable):
            await plants.get("/plants")
    assert len(back_end.asked) == 110 + 5 + 3


@pytest.mark.parametrize("status", [500, 429, 404, 400])
async def test_what_another_try_would_not_help_is_not_repeated(back_end: BackEnd, client: Client, status: int) -> None:
    back_end.answers = [reply({}, status)]

    if status == 404:
        await client().get("/plants")
    else:
        with pytest.raises(Exception, match=str(status)):
            await client().get("/plants")

    assert len(back_end.asked) == 1
