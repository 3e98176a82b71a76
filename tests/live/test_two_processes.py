"""A change of access counts on the very next request, with the same token, on every process (K38).

The full run of a thousand changes is `python -m scripts.live_proof`.
"""

from tests.live.two_processes import stage

CHANGES = 18


async def test_no_process_ever_gives_a_stale_answer_with_redis_and_without() -> None:
    async with stage() as live:
        for number in range(CHANGES):
            if number == CHANGES // 3:
                live.stop_redis()
            if number == 2 * CHANGES // 3:
                await live.start_redis()
            await live.change_and_ask(redis=not CHANGES // 3 <= number < 2 * CHANGES // 3)

        figures = live.figures
    assert figures.stale == []
    assert (figures.changes, figures.without_redis, len(figures.to_answer)) == (CHANGES, CHANGES // 3, 2 * CHANGES)
    assert figures.unheard == 0
