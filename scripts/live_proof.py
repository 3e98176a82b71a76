"""Prove that changes of access count at once: `python -m scripts.live_proof [changes]`, 1,000 without a number.

Two gateways serve on one PostgreSQL and one Valkey. Each change of a grant, a membership, an organization or a session
is followed by one request to both, with the token that was there before. In the middle third, Valkey is stopped. Exits
with 1 when any answer was stale.
"""

import asyncio
import statistics
import sys
from collections.abc import Sequence

from tests.live.two_processes import Figures, stage
from tests.servers import servers


async def prove(changes: int) -> Figures:
    """Change and ask so many times, and return what was measured."""
    async with stage() as live:
        for number in range(changes):
            if number == changes // 3:
                live.stop_redis()
            if number == 2 * changes // 3:
                await live.start_redis()
            await live.change_and_ask(redis=not changes // 3 <= number < 2 * changes // 3)
        return live.figures


def _line(name: str, seconds: Sequence[float]) -> str:
    shares = statistics.quantiles([1000 * one for one in seconds], n=100)
    shares_of = {"median": shares[49], "p95": shares[94], "p99": shares[98], "max": 1000 * max(seconds)}
    return f"{name:<28}" + "  ".join(f"{statistic} {value:6.1f} ms" for statistic, value in shares_of.items())


async def _main(changes: int) -> int:
    try:
        figures = await prove(changes)
    finally:
        await servers.stop()
    lines = [
        f"{figures.changes} changes, {figures.without_redis} of them without Redis, {len(figures.to_answer)} answers",
        f"stale answers               {len(figures.stale)}",
        f"events that did not arrive      {figures.unheard}",
        _line("from commit to answer", figures.to_answer),
        _line("from commit to event", figures.to_event),
        *figures.stale,
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if figures.stale else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)))
