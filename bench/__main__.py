"""Measures what a request costs. `python -m bench --help` lists the options; the last line printed is JSON."""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import uvloop

from bench import engine
from bench.blocks import longest_blocks
from bench.load import answer_of, request_bytes
from bench.measure import measured
from bench.report import Growth, Results, ratios, table, write_docs
from bench.stage import Contestant, Stage, open_stage, serving
from bench.workload import DASHBOARD, QUERIES, SMALL, Query, growing


@dataclass(frozen=True, slots=True)
class Extent:
    """How thorough a run is.

    `seconds` are those of each contestant in each round, `warming` those before the first: V8 compiles what it has run
    some thousand times. `orders` are the sizes of the growth series.
    """

    rounds: int
    seconds: float
    warming: float
    connections: tuple[int, ...]
    orders: tuple[int, ...]
    rounds_of_growth: int
    rounds_of_engine: int


QUICK = Extent(
    rounds=3, seconds=0.4, warming=0.4, connections=(1,), orders=(1, 10), rounds_of_growth=1, rounds_of_engine=0
)
FULL = Extent(
    rounds=5,
    seconds=1.0,
    warming=3.0,
    connections=(1, 32),
    orders=(1, 3, 10, 30, 100),
    rounds_of_growth=3,
    rounds_of_engine=3,
)


class DifferentAnswers(Exception):
    """A contestant answers something else, so that comparing makes no sense."""


def main(arguments: list[str]) -> None:
    """Run the bench, or only the part that the options name."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less than a minute instead of six; rougher")
    parser.add_argument("--write-docs", action="store_true", help="write docs/performance.md and its plot")
    parser.add_argument("--upstream", type=float, default=0, metavar="MS", help="let each call to the database wait")
    parser.add_argument("--blocks", action="store_true", help="only the longest block of the event loop, in process")
    options = parser.parse_args(arguments)
    if options.blocks:
        print(asyncio.run(longest_blocks()))  # noqa: T201
        return
    extent = QUICK if options.quick else FULL
    results = uvloop.run(_on_stage(extent, options.upstream))
    if extent.rounds_of_engine:
        results.engine.update({case.name: engine.measured(case, extent.rounds_of_engine) for case in engine.cases()})
    print(table(results))  # noqa: T201
    if options.write_docs:
        write_docs(results)
    print(json.dumps({"bench": "forecourt", "ratios": ratios(results), "engine": _ratios_of(results.engine)}))  # noqa: T201


async def _on_stage(extent: Extent, upstream_ms: float) -> Results:
    results = Results()
    async with open_stage(upstream_ms) as stage:
        with serving(stage) as contestants:
            for query in (*QUERIES, *map(growing, extent.orders)):
                results.sizes[query.name] = await _checked(contestants, query, stage)
            for connections in extent.connections:
                for query in (DASHBOARD, SMALL):
                    _say(f"{query.name}, {connections} connection{'s' if connections > 1 else ''}")
                    results.figures[query.name, connections] = await measured(
                        contestants,
                        query,
                        stage.token,
                        connections=connections,
                        rounds=extent.rounds,
                        seconds=extent.seconds,
                        warming=extent.warming,
                    )
            for orders in extent.orders:
                query = growing(orders)
                _say(f"{orders} long orders")
                leaves, size = await _checked(contestants, query, stage)
                figures = await measured(
                    contestants,
                    query,
                    stage.token,
                    connections=1,
                    rounds=extent.rounds_of_growth,
                    seconds=extent.seconds / 2,
                    warming=extent.warming / 3,
                )
                results.growth.append(Growth(leaves, size, {name: it.cpu_us for name, it in figures.items()}))
    return results


async def _checked(contestants: Mapping[str, Contestant], query: Query, stage: Stage) -> tuple[int, int]:
    """Return the leaf values and the bytes of the answer, which is the same from every contestant.

    Raises:
        DifferentAnswers: It is not.
    """
    answers = {
        name: await answer_of(it.port, request_bytes(query, it.port, stage.token)) for name, it in contestants.items()
    }
    expected = answers["handwritten"]
    for name, answer in answers.items():
        if answer != expected:
            raise DifferentAnswers(f"{query.name}: {name} answers {json.dumps(answer)[:2000]}")
    return engine.leaf_values(expected["data"]), len(json.dumps(expected, separators=(",", ":"), ensure_ascii=False))


def _ratios_of(measurements: Mapping[str, Any]) -> dict[str, float]:
    return {name: result["ratio"] for name, result in measurements.items()}


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
