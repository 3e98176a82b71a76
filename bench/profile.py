"""Where the time of a request goes, in process, on PostgreSQL: `python -m bench.profile Dashboard forecourt`."""

import cProfile
import gc
import pstats
import sys
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import uvloop

from bench.asgi import asked
from bench.company import QUESTIONS, Question
from bench.serve import CONTESTANTS
from bench.stage import open_stage

TIMES = 300


async def profiled(question: Question, contestant: str) -> tuple[float, pstats.Stats]:
    """Return the CPU microseconds of a request, the median of five rounds, and a profile of some hundred requests."""
    async with open_stage() as stage:
        app = CONTESTANTS[contestant](Path(stage.folder), stage.database_url)
        async with app.router.lifespan_context(app):
            for _ in range(50):
                await asked(app, question, stage.token)
            rounds = [await _round(app, question, stage.token) for _ in range(5)]
            profile = cProfile.Profile()
            profile.enable()
            for _ in range(TIMES):
                await asked(app, question, stage.token)
            profile.disable()
    return median(rounds), pstats.Stats(profile)


async def _round(app: Any, question: Question, token: str) -> float:
    gc.collect()
    begin = process_time()
    for _ in range(TIMES):
        await asked(app, question, token)
    return (process_time() - begin) / TIMES * 1e6


def main(name: str = "Dashboard", contestant: str = "forecourt", order: str = "tottime") -> None:
    """Print the cost of a request and the functions in which most of it is spent."""
    question = next(question for question in QUESTIONS if question.name == name)
    cost, stats = uvloop.run(profiled(question, contestant))
    print(f"{name}, {contestant}: {cost:.0f} µs of CPU per request; {TIMES} requests profiled")  # noqa: T201
    stats.sort_stats(order).print_stats(45)


if __name__ == "__main__":
    main(*sys.argv[1:])
