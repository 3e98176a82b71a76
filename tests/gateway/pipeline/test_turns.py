"""What costs much takes turns, and nobody waits for all that a stranger asks."""

import asyncio

import pytest

from gateway.pipeline.limits.turns import Turns


async def taken(turns: Turns, network: str, order: list[str]) -> None:
    """Wait for a turn, and end it at once."""
    await turns.acquire(network)
    order.append(network)
    await asyncio.sleep(0)
    turns.release()


async def test_each_network_has_a_turn_before_any_has_the_next() -> None:
    turns, order = Turns(1), list[str]()
    await turns.acquire("first")
    waiting = [asyncio.create_task(taken(turns, network, order)) for network in [*"aaaaaa", "b", "c", "c"]]
    await asyncio.sleep(0)
    turns.release()
    await asyncio.gather(*waiting)

    assert "".join(order) == "abcacaaaa"


async def test_no_more_have_turns_at_once_than_are_allowed_and_all_are_given_back() -> None:
    turns, order = Turns(2), list[str]()
    for _ in range(2):
        await turns.acquire("a")
    waiting = [asyncio.create_task(taken(turns, "b", order)) for _ in range(3)]
    await asyncio.sleep(0)
    assert order == []
    for _ in range(2):
        turns.release()
    await asyncio.gather(*waiting)

    async with asyncio.timeout(30):
        for _ in range(2):
            await turns.acquire("c")


@pytest.mark.parametrize("has_come", [False, True])
async def test_the_turn_of_a_client_that_gives_up_goes_to_the_next(has_come: bool) -> None:
    turns, order = Turns(1), list[str]()
    await turns.acquire("first")
    gives_up = asyncio.create_task(taken(turns, "a", order))
    waits = asyncio.create_task(taken(turns, "b", order))
    await asyncio.sleep(0)
    if has_come:
        turns.release()
    gives_up.cancel()
    if not has_come:
        await asyncio.sleep(0)
        turns.release()

    async with asyncio.timeout(30):
        await waits
        await turns.acquire("c")
    assert order == ["b"]
    assert gives_up.cancelled()
