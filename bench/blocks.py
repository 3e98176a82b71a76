"""How long one request keeps the event loop to itself, measured in the process that serves it."""

import asyncio
from collections.abc import Callable
from contextlib import contextmanager
from time import thread_time
from typing import Any

from bench.asgi import asked
from bench.company import QUESTIONS, growing
from bench.serve import forecourt
from bench.stage import open_stage
from gateway.garbage import settle


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
    """Return a table of the longest step that the loop took for each question: the first request, then the others."""
    lines = [f"{'':24}{'first, ms':>12}{'later, ms':>12}"]
    async with open_stage() as stage:
        app = forecourt(stage.folder, stage.database_url)
        async with app.router.lifespan_context(app):
            settle()
            for question in (*QUESTIONS, *map(growing, (10, 30, 100))):
                cold, warm = Clocked(), Clocked()
                with cold.watching():
                    await asked(app, question, stage.token)
                with warm.watching():
                    for _ in range(times):
                        await asked(app, question, stage.token)
                name = f"{question.name} {question.variables.get('first', '')}"
                lines.append(f"{name:24}{cold.longest * 1e3:>12.2f}{warm.longest * 1e3:>12.2f}")
    return "\n".join(lines)
