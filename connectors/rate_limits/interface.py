"""How often somebody may try something, as the rest of Forecourt sees it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limit:
    """At most this many `times` in any stretch of so many `seconds`."""

    times: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Backoff:
    """This many `times` in any stretch of so many `seconds` without a wait, and further tries after growing waits.

    The first wait takes `pause` seconds from the last try on, each further one twice as long, up to `longest_pause`.
    """

    times: int
    seconds: int
    pause: int
    longest_pause: int


class RateLimits(Protocol):
    """Counts of tries, by key (``sign-in:203.0.113.7``) and limit; keys are kept only as hashes."""

    async def hit(self, key: str, limit: Limit | Backoff) -> float | None:
        """Count a try and return None when it is allowed, else the seconds until the next one will be.

        A refused try is not counted, so that trying on does not prolong the wait.

        Raises:
            BackendUnavailable: The counts are kept elsewhere, and nobody answers there.
        """

    async def forgive(self, key: str, limit: Limit | Backoff) -> None:
        """Give back one try, the last: it turned out to be none that counts. Without any, do nothing.

        Raises:
            BackendUnavailable: As for `hit`.
        """

    async def clear(self, key: str, limit: Limit | Backoff) -> None:
        """Forget all tries.

        Raises:
            BackendUnavailable: As for `hit`.
        """

    async def healthy(self) -> bool:
        """Return whether the counts can be reached."""

    async def close(self) -> None:
        """Let go of connections."""
