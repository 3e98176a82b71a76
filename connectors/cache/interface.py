"""Where answers are kept, as `fetches.py` sees it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

LONGEST = 86_400.0
"""Nothing is kept for longer than a day."""


class CacheStore(Protocol):
    """Entries by name, and how often each tag was emptied.

    None of the methods raises anything when the store is away: nothing is found then, and nothing kept.
    """

    async def read(self, names: Sequence[str], tags: Sequence[str]) -> tuple[Sequence[bytes | None], Sequence[int]]:
        """Return each entry, None where there is none any more, and the number of each tag.

        A tag's number is another one after it was emptied, and may be another one at any time.
        """

    async def write(self, entries: Mapping[str, bytes], seconds: float) -> None:
        """Keep the entries for so long, or shorter where room is short."""

    async def empty(self, tags: Sequence[str]) -> None:
        """Give these tags other numbers, so that what was kept with theirs no longer counts, in every process."""

    async def close(self) -> None:
        """Let go of connections."""
