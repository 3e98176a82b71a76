"""Measuring: contestants in alternation, medians over rounds, CPU time from the process's own accounting."""

import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from bench.load import Load, load, request_bytes
from bench.stage import Contestant
from bench.workload import Query


@dataclass(frozen=True, slots=True)
class Figures:
    """What one request costs a contestant: medians over the rounds."""

    cpu_us: float
    per_second: float
    p50_us: float
    p99_us: float
    memory_mb: float


async def measured(
    contestants: Mapping[str, Contestant],
    query: Query,
    token: str,
    *,
    connections: int,
    rounds: int,
    seconds: float,
    warming: float,
) -> dict[str, Figures]:
    """Return each contestant's figures; a round of each takes about so many seconds, and it is warmed before."""
    requests = {name: request_bytes(query, it.port, token) for name, it in contestants.items()}
    counts = {}
    for name, contestant in contestants.items():
        first = await load(contestant.port, requests[name], connections=connections, requests=10 * connections)
        count = max(10 * connections, int(warming / first.elapsed * 10 * connections))
        warm = await load(contestant.port, requests[name], connections=connections, requests=count)
        counts[name] = max(3 * connections, min(50_000, int(seconds / warm.elapsed * count)))
    found: dict[str, list[tuple[float, Load]]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            gc.collect()
            before = contestant.cpu_seconds()
            seen = await load(contestant.port, requests[name], connections=connections, requests=counts[name])
            found[name].append((contestant.cpu_seconds() - before, seen))
    return {name: _figures(contestants[name], of_rounds) for name, of_rounds in found.items()}


def _figures(contestant: Contestant, rounds: Sequence[tuple[float, Load]]) -> Figures:
    return Figures(
        cpu_us=median(cpu / len(seen.seconds) for cpu, seen in rounds) * 1e6,
        per_second=median(len(seen.seconds) / seen.elapsed for _, seen in rounds),
        p50_us=median(median(seen.seconds) for _, seen in rounds) * 1e6,
        p99_us=median(quantiles(seen.seconds, n=100)[98] for _, seen in rounds) * 1e6,
        memory_mb=contestant.memory_mb(),
    )
