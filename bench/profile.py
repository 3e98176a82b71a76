"""Where the time of a request goes, in process, on PostgreSQL: `python -m bench.profile Dashboard forecourt`.

Samples the stack by CPU time, so that waiting for PostgreSQL does not count and short functions are not made long by
being watched. Time in C code counts for the Python function that called it.
"""

import gc
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import process_time
from types import FrameType
from typing import Any

import uvloop

from bench.asgi import asked
from bench.serve import CONTESTANTS
from bench.stage import open_stage
from bench.workload import QUERIES, Query

TIMES = 200
ROUNDS = 10
_INTERVAL = 0.001
_ROOT = str(Path(__file__).parent.parent) + "/"


class Samples:
    """How often each function was on top of the stack, and how often anywhere in it."""

    def __init__(self) -> None:
        self.own: Counter[str] = Counter()
        self.all: Counter[str] = Counter()
        self.taken = 0

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Take samples within the block, one for each millisecond of CPU."""
        before = signal.signal(signal.SIGPROF, self._take)
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def table(self, counted: Counter[str], rows: int = 40) -> str:
        """Return the functions with the most samples and their share in percent."""
        return "\n".join(f"{count / self.taken:7.1%}  {name}" for name, count in counted.most_common(rows))

    def _take(self, _signal: int, frame: FrameType | None) -> None:
        self.taken += 1
        seen: set[str] = set()
        top = True
        while frame is not None:
            code = frame.f_code
            file = code.co_filename.removeprefix(_ROOT).rpartition("site-packages/")[2]
            name = f"{file}:{code.co_firstlineno} {code.co_qualname}"
            if top:
                self.own[name] += 1
                top = False
            if name not in seen:
                seen.add(name)
                self.all[name] += 1
            frame = frame.f_back


async def profiled(query: Query, contestant: str) -> tuple[float, Samples]:
    """Return the CPU microseconds of a request, the median of some rounds, and samples from as many requests."""
    samples = Samples()
    async with open_stage() as stage:
        app = CONTESTANTS[contestant](Path(stage.folder), stage.database_url)
        async with app.router.lifespan_context(app):
            for _ in range(50):
                await asked(app, query, stage.token)
            rounds = [await _round(app, query, stage.token) for _ in range(ROUNDS)]
            with samples.taking():
                for _ in range(ROUNDS):
                    await _round(app, query, stage.token)
    return median(rounds), samples


async def _round(app: Any, query: Query, token: str) -> float:
    gc.collect()
    begin = process_time()
    for _ in range(TIMES):
        await asked(app, query, token)
    return (process_time() - begin) / TIMES * 1e6


def main(name: str = "Dashboard", contestant: str = "forecourt") -> None:
    """Print the cost of a request and the functions in which most of it is spent."""
    query = next(query for query in QUERIES if query.name == name)
    cost, samples = uvloop.run(profiled(query, contestant))
    print(f"{name}, {contestant}: {cost:.0f} µs of CPU per request; {samples.taken} samples")  # noqa: T201
    print(f"\nOn top of the stack:\n{samples.table(samples.own)}")  # noqa: T201
    print(f"\nAnywhere in it:\n{samples.table(samples.all, 60)}")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
