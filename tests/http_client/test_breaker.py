"""A back end that fails is left alone, and found again."""

import asyncio
from collections.abc import Callable

import pytest

from connectors.errors import BackendUnavailable
from connectors.http.breaker import CLOSED, HALF_OPEN, OPEN, Breaker, State
from connectors.http.client import HttpBackend
from connectors.http.current_request import CurrentRequest, answering
from connectors.http.limits import USUAL, HttpLimits
from tests.http_client.back_end import Asked, BackEnd, reply
from tests.http_client.conftest import Client, Clock
from tests.logs import capture_logs


def end(breaker: Breaker, *outcomes: bool | None) -> None:
    for outcome in outcomes:
        attempt = breaker.begin()
        assert attempt is not None
        if outcome is not None:
            (attempt.succeeded if outcome else attempt.failed)()
        attempt.over()


@pytest.fixture
def seen() -> list[State]:
    return []


@pytest.fixture
def breaker(clock: Clock, seen: list[State]) -> Breaker:
    return Breaker(USUAL, clock, seen.append)


def test_it_opens_when_half_of_twenty_calls_failed(breaker: Breaker) -> None:
    end(breaker, *[True] * 10, *[False] * 9)
    assert breaker.state is CLOSED

    end(breaker, False)

    assert breaker.state is OPEN
    assert breaker.begin() is None


def test_few_calls_and_old_ones_say_nothing(breaker: Breaker, clock: Clock) -> None:
    end(breaker, *[False] * 19)
    clock.now += 10.5
    end(breaker, *[False] * 19)

    assert breaker.state is CLOSED


def test_calls_that_were_cancelled_count_neither_way(breaker: Breaker) -> None:
    end(breaker, *[False] * 19, *[None] * 100)
    assert breaker.state is CLOSED

    end(breaker, False)
    assert breaker.state is OPEN


def test_three_calls_that_succeed_close_it(breaker: Breaker, clock: Clock, seen: list[State]) -> None:
    end(breaker, *[False] * 20)
    clock.now += 5

    assert breaker.state is HALF_OPEN
    attempts = [breaker.begin() for _ in range(4)]
    assert [attempt is not None for attempt in attempts] == [True, True, True, False]
    for attempt in attempts[:3]:
        assert attempt is not None
        attempt.succeeded()

    assert seen == [OPEN, HALF_OPEN, CLOSED]


def test_one_that_fails_opens_it_for_twice_as_long_up_to_thirty_seconds(breaker: Breaker, clock: Clock) -> None:
    end(breaker, *[False] * 20)

    waits = []
    for _ in range(5):
        waits.append(breaker.seconds_open)
        clock.now += breaker.seconds_open
        end(breaker, False)

    assert waits == [5, 10, 20, 30, 30]
    clock.now += 30
    end(breaker, True, True, True)
    end(breaker, *[False] * 19)
    assert breaker.seconds_open == 5


def test_a_probe_that_was_cancelled_leaves_its_turn_to_another(breaker: Breaker, clock: Clock) -> None:
    end(breaker, *[False] * 20)
    clock.now += 5

    end(breaker, None, None, None, None, True, True, True)

    assert breaker.state is CLOSED


def test_what_began_before_it_opened_says_nothing_afterwards(breaker: Breaker, clock: Clock) -> None:
    late = [breaker.begin() for _ in range(3)]
    end(breaker, *[False] * 20)
    clock.now += 5
    assert breaker.state is HALF_OPEN

    for attempt in late:
        assert attempt is not None
        attempt.failed()

    assert breaker.state is HALF_OPEN


def test_it_rests_as_long_as_it_is_asked_to_but_not_for_ever(breaker: Breaker, clock: Clock) -> None:
    breaker.rest(7)
    assert (breaker.state, breaker.seconds_open) == (OPEN, 7)

    breaker.rest(86_400)
    assert breaker.seconds_open == 30

    clock.now += 30
    end(breaker, True, True, True)
    assert breaker.state is CLOSED


async def failing(plants: HttpBackend, times: int) -> None:
    for _ in range(times):
        with pytest.raises(BackendUnavailable):
            await plants.get("/plants")


async def test_a_back_end_that_fails_is_not_asked_until_it_had_a_rest(
    back_end: BackEnd, client: Client, clock: Clock
) -> None:
    plants = client(limits=HttpLimits(attempts=1))
    back_end.answers = [reply({}, 500)]

    with capture_logs() as logged:
        await failing(plants, 30)
        assert len(back_end.asked) == 20
        assert not await plants.healthy()

        back_end.answers = [reply({})]
        clock.now += 5
        for _ in range(3):
            await plants.get("/plants")

    assert plants.breaker.state is CLOSED
    assert await plants.healthy()
    assert len(back_end.asked) == 23
    changes = [entry["event"] for entry in logged if "back end" in entry["event"]]
    assert changes == ["back end given a rest", "back end answers again"]


async def test_too_many_requests_end_for_as_long_as_the_back_end_says(
    back_end: BackEnd, client: Client, clock: Clock
) -> None:
    plants = client()
    back_end.answers = [reply({}, 429, retry_after="8"), reply([1])]

    await failing(plants, 2)
    assert len(back_end.asked) == 1

    clock.now += 8
    assert await plants.get("/plants") == [1]


async def test_answers_that_refuse_or_cannot_be_read_do_not_open_it(back_end: BackEnd, client: Client) -> None:
    plants = client(limits=HttpLimits(max_bytes=10))

    for answer in (reply({}, 400), reply({}, 401), reply(body=b"<html>"), reply(body=b"1" * 11)):
        back_end.answers = [answer]
        for _ in range(20):
            with pytest.raises(Exception, match="plants"):
                await plants.get("/plants")

    assert plants.breaker.state is CLOSED


async def test_calls_that_take_too_long_open_it_and_requests_that_had_no_time_do_not(
    back_end: BackEnd, client: Client, clock: Clock, hang: Callable[[float], object]
) -> None:
    late = 0.0

    async def hangs(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
        await hang(late)  # type: ignore[misc]

    back_end.answers = [hangs]
    plants = client()

    late = 0.4
    with answering(CurrentRequest(clock.now + 0.4, "5f2", None, None, ())):
        await failing(plants, 20)
    assert plants.breaker.state is CLOSED

    late = 2.01
    await failing(plants, 20)
    assert plants.breaker.state is OPEN


async def test_whether_it_is_healthy_is_asked_where_nobody_else_asks(back_end: BackEnd, client: Client) -> None:
    plants = client(f"{back_end.url}/api")
    back_end.answers = [reply({}, 404)]

    assert await plants.healthy()
    assert back_end.targets == ["/api"]
    assert not await client("http://127.0.0.1:1").healthy()
