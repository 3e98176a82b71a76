"""Events from one gateway to all, as the rest of Forecourt sees it.

Events make things quick, never right: one may come late, twice or not at all, so whoever acts on it asks the directory
what is so now, and asks now and then without any event.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from connectors.access_events import AccessEvent


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Events may have been lost: whatever was made of earlier ones has to be looked up again."""


Heard = AccessEvent | Interrupted


class Events(Protocol):
    """Publishes events to every gateway, this one included."""

    def publish(self, events: Sequence[AccessEvent]) -> None:
        """Notify everybody, without waiting and without ever failing; in this process it has arrived on return."""

    def subscribe(self) -> AbstractContextManager[AsyncIterator[Heard]]:
        """Listen for as long as the block runs, to what is published from its beginning on.

        A listener that does not keep up loses what it did not hear, and learns so by Interrupted. So is every
        listener after the connection to the others was lost.
        """

    async def healthy(self) -> bool:
        """Return whether events reach the other gateways, and theirs this one."""

    async def close(self) -> None:
        """Send what waits, for a second at most, and let go of connections."""
