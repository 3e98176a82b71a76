"""Measures what hostile requests cost a gateway that runs: `python -m bench.hostile`, some three minutes.

Everything in tests/gateway/pipeline/hostile.py is sent, by somebody who is signed in where that is not said otherwise,
and each request is written a little differently, so that none is answered from what was kept of the one before.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import uvloop
from graphql import get_introspection_query

from bench.hostile_connections import AttackOnConnections, attacks_on_connections
from bench.hostile_report import Row, median_of, table, worst, write_docs
from bench.load import request_bytes
from bench.stage import Contestant, open_stage, serving
from bench.workload import growing
from tests.gateway.pipeline.hostile import ATTACKS, BATCHES, JSON, Attack, query

ONE_AFTER_ANOTHER = 10
AT_ONCE = 16

ALLOWED = [
    Attack("allowed: introspection of the whole schema", query(get_introspection_query()), 200, ""),
    Attack("allowed: the largest answer there is", query(growing(100).document, **growing(100).variables), 200, ""),
]
"""What is no attack but asks for as much as is allowed, to compare."""

QUIET = Attack("nothing hostile", query("{ __typename }"), 200, "")


@dataclass(frozen=True, slots=True)
class _Victim:
    """A gateway that is attacked, and the process of its neighbour, who has the same token as the attacker."""

    gateway: Contestant
    neighbour: asyncio.subprocess.Process
    token: str

    async def longest_wait(self, asked: bytes = b"\n") -> float:
        """Return for how many milliseconds the neighbour waited at most since this was asked last.

        Raises:
            NobodyThere: The gateway has cut it off.
        """
        assert self.neighbour.stdin is not None
        assert self.neighbour.stdout is not None
        self.neighbour.stdin.write(asked)
        line = await self.neighbour.stdout.readline()
        if not line:
            raise NobodyThere
        return float(line)


class NobodyThere(Exception):
    """The neighbour was not served any more."""


def main(arguments: list[str]) -> None:
    """Run all attacks and print the table, the most expensive last."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help="write the section of docs/performance.md")
    parser.add_argument("--only", default="", help="only attacks whose name contains this")
    options = parser.parse_args(arguments)
    rows, grown = uvloop.run(_measured(options.only))
    print(table(rows))  # noqa: T201
    print(worst(rows, grown))  # noqa: T201
    if options.write_docs:
        write_docs(rows, grown)


async def _measured(only: str) -> tuple[list[Row], float]:
    """Return a row for each attack, and by how many MB the gateway had grown after all of those on one process."""
    rows = []
    async with open_stage() as stage:
        with serving(stage, ["forecourt"]) as served:
            async with _victim(served["forecourt"], stage.token) as victim:
                before = victim.gateway.memory_mb()
                connections = attacks_on_connections(request_bytes(growing(100), victim.gateway.port, stage.token))
                rows += await _rows(victim, [QUIET, *ATTACKS, *ALLOWED, *connections], only)
                grown = victim.gateway.memory_mb() - before
        with serving(stage, ["forecourt_with_batches"]) as served:
            async with _victim(served["forecourt_with_batches"], stage.token) as victim:
                rows += await _rows(victim, BATCHES, only)
    return rows, grown


async def _rows(victim: _Victim, attacks: Sequence[Attack | AttackOnConnections], only: str) -> list[Row]:
    rows = []
    for attack in attacks:
        if only in attack.name:
            row = await _row(victim, attack, 0)
            if row.share_of_the_goals() > 1:  # of its own accord, or by what else the machine did just then
                row = median_of([row, await _row(victim, attack, 1), await _row(victim, attack, 2)])
            rows.append(row)
            print(f"… {victim.gateway.memory_mb():.0f} MB after {attack.name}", file=sys.stderr, flush=True)  # noqa: T201
    return rows


async def _row(victim: _Victim, attack: Attack | AttackOnConnections, repetition: int) -> Row:
    gateway = victim.gateway
    await victim.longest_wait()
    before = _begin_of_memory(gateway)
    if isinstance(attack, Attack):
        slowest, otherwise = await _sent(attack, victim, repetition * (ONE_AFTER_ANOTHER + AT_ONCE))
    else:
        slowest, otherwise = await attack.carried_out(gateway.port), 0
    waited = await victim.longest_wait()
    return Row(attack.name, slowest, _peak_mb(gateway) - before, waited, otherwise)


async def _sent(attack: Attack, victim: _Victim, first: int = 0) -> tuple[float, int]:
    """Send an attack one after another and at once; return the slowest answer and how many were answered otherwise."""
    port = victim.gateway.port
    requests = [wire_form(attack, first + number, victim.token) for number in range(ONE_AFTER_ANOTHER + AT_ONCE)]
    answers = [await _answered(port, request) for request in requests[:ONE_AFTER_ANOTHER]]
    answers += await asyncio.gather(*(_answered(port, request) for request in requests[ONE_AFTER_ANOTHER:]))
    return max(seconds for seconds, _ in answers) * 1e3, sum(status != attack.status for _, status in answers)


def wire_form(attack: Attack, number: int, token: str) -> bytes:
    """Return the attack as it goes over the wire, with blanks by which each number is a document of its own."""
    headers = {"host": "127.0.0.1", "connection": "close", "authorization": f"Bearer {token}"}
    headers |= (JSON if attack.method == "POST" else {"accept": JSON["accept"]}) | attack.headers
    body = attack.body.replace(b'"query": "', b'"query": "' + b" " * number)
    if body:
        headers["content-length"] = str(len(body))
    path = attack.path.replace("query=", "query=" + "%20" * number)
    lines = [
        f"{attack.method} /graphql{path} HTTP/1.1",
        *(f"{name}: {value.strip()}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _answered(port: int, request: bytes) -> tuple[float, int]:
    """Return after how many seconds a request is answered, and with which status; 0 when it is cut off without."""
    begin = perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = b""
    with suppress(ConnectionError):
        while more := await reader.read(1 << 20):
            answer = answer or more
    writer.close()
    return perf_counter() - begin, int(answer[9:12] or 0)


def _begin_of_memory(gateway: Contestant) -> float:
    """Return the resident memory in MB, and let the system count its peak again where that is permitted."""
    with suppress(OSError):
        Path(f"/proc/{gateway.pid}/clear_refs").write_text("5", encoding="ascii")
    return gateway.memory_mb()


def _peak_mb(gateway: Contestant) -> float:
    return gateway.memory_mb("VmHWM")


@asynccontextmanager
async def _victim(gateway: Contestant, token: str) -> AsyncIterator[_Victim]:
    """Give the gateway, which has answered some requests, and its neighbour."""
    neighbour = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.neighbour", str(gateway.port)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        victim = _Victim(gateway, neighbour, token)
        await victim.longest_wait(token.encode() + b"\n")
        await _sent(QUIET, victim)  # which opens the connections to the database
        yield victim
    finally:
        neighbour.terminate()
        await neighbour.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
