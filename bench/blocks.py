"""How long one request keeps the event loop to itself, measured in the process that serves it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from time import perf_counter, thread_time
from typing import Any

from graphql import get_introspection_query

from bench.asgi import asked
from bench.serve import forecourt
from bench.stage import open_stage
from bench.workload import QUERIES, Query, growing
from gateway.server.gc_tuning import settle

SHORT = Query("Short", "query Short { __typename }", {})

AT_THE_LIMITS = (
    Query("Repeated", "query Repeated { viewer { " + "address { city } " * 480 + "} }", {}),
    Query(
        "Chained",
        "query Chained { viewer { ...F0 } } fragment F48 on Viewer { id }"
        + "".join(
            f" fragment F{number} on Viewer {{ ...F{number + 1} user {{ displayName email firstName lastName id }} "
            "memberships(first: 1) { nodes { id status jobTitle joinedAt user { displayName } } } }"
            for number in range(48)
        ),
        {},
    ),
    Query("IntrospectionQuery", get_introspection_query(), {}),
)
"""Documents near the limits in force, which take longest to be made ready and compiled."""


class Clocked:
    """Notes the longest step of the running loop, in CPU seconds of its thread."""

    def __init__(self) -> None:
        self.longest = 0.0

    @contextmanager
    def watching(self) -> Any:
        """Note the steps within the block. asyncio's own loop only: uvloop shows none of its steps."""
        handle: Any = asyncio.Handle
        run: Callable[[Any], None] = handle._run

        def clocked(this: Any) -> None:
            begin = thread_time()
            try:
                run(this)
            finally:
                self.longest = max(self.longest, thread_time() - begin)

        handle._run = clocked
        try:
            yield
        finally:
            handle._run = run


async def longest_blocks(times: int = 50) -> str:
    """Return a table of the longest step that the loop took for each query: the first request, then the others.

    And of how long somebody waits who asks something short together with the first: real time, not the processor's.
    """
    lines = [f"{'':24}{'first, ms':>12}{'later, ms':>12}{'neighbour, ms':>16}"]
    async with open_stage() as stage:
        app = forecourt(stage.folder, stage.database_url)
        async with app.router.lifespan_context(app):
            settle()
            await asked(app, SHORT, stage.token)
            for query in (*QUERIES, *map(growing, (10, 30, 100)), *AT_THE_LIMITS):
                cold, warm = Clocked(), Clocked()
                with cold.watching():
                    first = asyncio.create_task(asked(app, query, stage.token))
                    await asyncio.sleep(0)  # it has begun
                    waited = await _seconds(asked(app, SHORT, stage.token))
                    answer = await first
                if answer.startswith(b'{"errors"'):
                    raise ValueError(f"{query.name}: {answer[:500]!r}")
                with warm.watching():
                    for _ in range(times):
                        await asked(app, query, stage.token)
                name = f"{query.name} {query.variables.get('first', '')}"
                lines.append(f"{name:24}{cold.longest * 1e3:>12.2f}{warm.longest * 1e3:>12.2f}{waited * 1e3:>16.2f}")
    return "\n".join(lines)


async def _seconds(awaitable: Awaitable[Any]) -> float:
    begin = perf_counter()
    await awaitable
    return perf_counter() - begin
