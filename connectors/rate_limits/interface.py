"""How often somebody may try something, as the rest of Forecourt sees it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limit:
    """At most this many `times` in any stretch of so many `seconds`."""

    times: int
    seconds: int


class RateLimits(Protocol):
    """Counts of tries, by key (``sign-in:203.0.113.7``); keys are kept only as hashes."""

    async def hit(self, key: str, limit: Limit) -> float | None:
        """Count a try and return None when it is allowed, else the seconds until the next one will be.

        A refused try is not counted, so that trying on does not prolong the wait.

        Raises:
            BackendUnavailable: The counts are kept elsewhere, and nobody answers there.
        """

    async def healthy(self) -> bool:
        """Return whether the counts can be reached."""

    async def close(self) -> None:
        """Let go of connections."""
