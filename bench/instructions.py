"""How many instructions a request takes: `python -m bench.instructions Dashboard forecourt`. Needs valgrind.

Instead of a query's name, the text of one can be counted, `python -m bench.instructions "{ __typename }"`, so that
leaving something out says what it costs.

On a machine that others use too, the same request takes twice as long from one minute to the next, while the count
differs by a hundredth. It leaves out what the kernel does and what a full cache costs, so it says what a change is
worth, and not what a request costs.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path
from typing import Any

import uvloop

from bench.asgi import asked
from bench.serve import CONTESTANTS
from bench.stage import Stage, open_stage
from bench.workload import ORGANIZATION_ID, QUERIES, Query, growing
from gateway.server.gc_tuning import settle
from gateway.server.logging import configure_logs

TIMES = 100
_WARM = 100
_READY = "ready"


async def counted(query: Query, contestant: str) -> float:
    """Return the instructions of a request, the mean of some.

    Raises:
        RuntimeError: The contestant did not start.
    """
    async with open_stage() as stage:
        return await asyncio.to_thread(counted_on, stage, query, contestant)


def counted_on(stage: Stage, query: Query, contestant: str) -> float:
    """Return the instructions of a request on this stage, the mean of some.

    Raises:
        RuntimeError: The contestant did not start.
    """
    task = json.dumps([str(stage.folder), stage.database_url, stage.token, astuple(query), contestant])
    counter = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={stage.folder}/callgrind"]
    report = stage.folder / "valgrind"
    with report.open("w") as errors:
        process = subprocess.Popen(
            [*counter, sys.executable, "-m", "bench.instructions", task],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "FORECOURT_WORKER": "false"},  # it works by the clock, and valgrind's is slow
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if process.stdout.readline().strip() != _READY:
            raise RuntimeError(f"The contestant {contestant} did not start: {report.read_text()}")
        _count(process.pid, "on")
        process.stdin.write("\n")
        process.stdin.flush()
        process.stdout.readline()
        _count(process.pid, "off")
        process.communicate()
    finally:
        process.kill()
    found = re.search(r"Collected : (\d+)", report.read_text())
    assert found is not None
    return int(found[1]) / TIMES


def _count(pid: int, state: str) -> None:
    subprocess.run(["callgrind_control", "-i", state, str(pid)], check=True, capture_output=True)


async def _ask(folder: str, database_url: str, token: str, asking: tuple[Any, ...], contestant: str) -> None:
    """Ask in this process, when the parent says so."""
    configure_logs("json")
    query = Query(*asking)
    stage = Stage(Path(folder), database_url, token)
    app: Any = CONTESTANTS[contestant](stage.folder, stage.database_url)
    async with app.router.lifespan_context(app):
        for _ in range(_WARM):
            await asked(app, query, token)
        settle()
        print(_READY, flush=True)  # noqa: T201
        sys.stdin.readline()
        for _ in range(TIMES):
            await asked(app, query, token)
        print(flush=True)  # noqa: T201


def _query(name: str) -> Query:
    """Return the query of this name, or of this text, which may use the organization's id as `$id`."""
    if "{" in name:
        return Query("", name, {"id": ORGANIZATION_ID})
    return next(query for query in (*QUERIES, growing(100)) if query.name == name)


def main(name: str = "Dashboard", contestant: str = "forecourt") -> None:
    """Print how many instructions a request takes."""
    if name.startswith('["'):
        uvloop.run(_ask(*json.loads(name)))
        return
    query = _query(name)
    instructions = uvloop.run(counted(query, contestant))
    print(f"{' '.join(name.split())}, {contestant}: {instructions / 1000:,.0f} thousand instructions per request")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
