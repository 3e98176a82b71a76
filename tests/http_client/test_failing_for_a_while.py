"""Back ends that fail now and then: the breaker opens where it helps, and closes when they are well."""

import asyncio
from collections.abc import Callable

import pytest

from connectors.errors import BackendTimeout, BackendUnavailable
from connectors.http.breaker import CLOSED, OPEN
from connectors.http.client import HttpBackend
from connectors.http.limits import HttpLimits
from tests.http_client.back_end import Asked, BackEnd, reply
from tests.http_client.conftest import Client, Clock
from tests.http_client.failing import Hang


async def outcomes(plants: HttpBackend, calls: int) -> str:
    """Ask so often, one after the other, and return a letter for each: answered, unavailable, late."""
    letters = ""
    for _ in range(calls):
        try:
            await plants.get("/plants")
            letters += "a"
        except BackendTimeout:
            letters += "l"
        except BackendUnavailable:
            letters += "u"
    return letters


def in_turn(hang: Hang, fails: Callable[[int], bool]) -> Callable[[Asked, asyncio.StreamWriter], object]:
    number = 0

    async def answer(_asked: Asked, _writer: asyncio.StreamWriter) -> bytes:
        nonlocal number
        number += 1
        if fails(number):
            await hang(2.01)
        return reply([number])

    return answer


async def test_where_one_call_in_ten_is_too_slow_the_others_are_answered(
    back_end: BackEnd, client: Client, hang: Hang
) -> None:
    plants = client()
    back_end.answers = [in_turn(hang, lambda number: number % 10 == 0)]  # type: ignore[list-item]

    assert await outcomes(plants, 100) == ("a" * 9 + "l") * 10
    assert plants.breaker.state is CLOSED


async def test_where_every_second_call_is_too_slow_the_breaker_opens(
    back_end: BackEnd, client: Client, hang: Hang
) -> None:
    plants = client()
    back_end.answers = [in_turn(hang, lambda number: number % 2 == 0)]  # type: ignore[list-item]

    assert await outcomes(plants, 30) == "al" * 10 + "u" * 10
    assert plants.breaker.state is OPEN


async def test_a_short_burst_of_errors_is_bridged_by_asking_again(back_end: BackEnd, client: Client) -> None:
    plants = client()
    back_end.answers = [reply({}, 503), reply([1]), reply({}, 502), reply([1])]

    assert await outcomes(plants, 10) == "a" * 10
    assert plants.breaker.state is CLOSED


async def test_a_long_burst_opens_the_breaker_which_closes_after_it(
    back_end: BackEnd, client: Client, clock: Clock
) -> None:
    plants = client(limits=HttpLimits(attempts=1))

    back_end.answers = [reply({}, 500)]
    assert await outcomes(plants, 40) == "u" * 40
    assert len(back_end.asked) == 20
    clock.now += 5
    assert await outcomes(plants, 3) == "u" * 3  # the first probe fails
    assert len(back_end.asked) == 21

    back_end.answers = [reply([1])]
    clock.now += 5
    assert await outcomes(plants, 3) == "u" * 3
    clock.now += 5
    assert await outcomes(plants, 30) == "a" * 30
    assert plants.breaker.state is CLOSED


async def test_a_back_end_that_comes_and_goes_is_asked_less_and_less_and_found_in_the_end(
    back_end: BackEnd, client: Client, clock: Clock
) -> None:
    plants = client(limits=HttpLimits(attempts=1))
    answered = []

    for seconds, up in [(20, False), (20, True), (5, False), (5, True), (40, False), (40, True)]:
        await (back_end.listen() if up else back_end.refuse())
        letters = ""
        for _ in range(seconds):
            letters += await outcomes(plants, 5)
            clock.now += 1
        answered.append(letters.count("a"))

    assert plants.breaker.state is CLOSED
    assert [number > 0 for number in answered] == [False, True, False, True, False, True]
    assert answered[-1] >= 5 * 10  # at the latest thirty seconds after it is back


@pytest.mark.parametrize("at_once", [1, 4])
async def test_a_back_end_that_hangs_holds_no_more_calls_than_it_may(
    back_end: BackEnd, client: Client, at_once: int, time_passes: Callable[[float], None]
) -> None:
    plants = client(limits=HttpLimits(at_once=at_once))
    arrived = asyncio.Semaphore(0)

    async def hangs(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
        arrived.release()
        await asyncio.Event().wait()

    back_end.answers = [hangs]
    calls = [asyncio.create_task(plants.get("/plants")) for _ in range(20)]
    for _ in range(at_once):
        await arrived.acquire()

    time_passes(0.11)
    turned_away = calls[at_once:]
    await asyncio.wait(turned_away)
    assert [type(task.exception()) for task in turned_away] == [BackendUnavailable] * (20 - at_once)
    time_passes(2)
    await asyncio.wait(calls)

    assert [type(task.exception()) for task in calls[:at_once]] == [BackendTimeout] * at_once
    assert len(back_end.asked) == at_once
