"""News from one gateway to all, as the rest of Forecourt sees it.

News makes things quick, never right: it may come late, twice or not at all, so whoever acts on it asks the directory
what is so now, and asks now and then without any news.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from connectors.access_events import AccessEvent


@dataclass(frozen=True, slots=True)
class Interrupted:
    """News may have been lost: whatever was made of earlier news has to be looked up again."""


Heard = AccessEvent | Interrupted


class Events(Protocol):
    """Tells news to every gateway, this one included."""

    def publish(self, events: Sequence[AccessEvent]) -> None:
        """Tell everybody, without waiting and without ever failing; in this process it has arrived on return."""

    def subscribe(self) -> AbstractContextManager[AsyncIterator[Heard]]:
        """Listen for as long as the block runs, to what is told from its beginning on.

        A listener that does not keep up loses what it did not hear, and is told so by Interrupted. So is every
        listener after the connection to the others was lost.
        """

    async def healthy(self) -> bool:
        """Return whether news reaches the other gateways, and theirs this one."""

    async def close(self) -> None:
        """Send what waits, for a second at most, and let go of connections."""
