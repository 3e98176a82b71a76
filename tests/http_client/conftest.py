"""What tests of the client ask for: a back end that answers as they say, and a clock that stands still."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from connectors.http.client import HttpBackend
from tests.http_client.back_end import BackEnd, open_back_end


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        """Let the seconds pass at once."""
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def back_end() -> AsyncIterator[BackEnd]:
    async with open_back_end() as opened:
        yield opened


Client = Callable[..., HttpBackend]


@pytest.fixture
async def client(back_end: BackEnd, clock: Clock) -> AsyncIterator[Client]:
    """Make clients of the back end, which pause for the longest time and are closed at the end."""
    async with AsyncExitStack() as stack:

        def made(url: str | None = None, **options: Any) -> HttpBackend:
            options = {"clock": clock, "wall_clock": clock, "pause": clock.pause, "between": max, **options}
            made = HttpBackend("plants", url or back_end.url, **options)
            stack.push_async_callback(made.close)
            return made

        yield made
