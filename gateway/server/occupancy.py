"""What all connections of a process occupy together: how many there are and of whom, their bodies, whose turn it is."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.settings import Settings
from resolvers.rate_limiting import network_of

try:
    import resource
except ImportError:  # Windows, which has no such limit
    resource = None  # type: ignore[assignment]

MOST_BODY_BYTES = 20_000_000
"""What all bodies that are not answered may have together before the large ones are refused."""

_MOST_PIPELINED = 4
"""So many connections may be answered at once that have asked again without waiting. Browsers and proxies wait."""

_SPARE_DESCRIPTORS = 100
"""Files and connections of our own: databases, Redis, logs, mail."""


class Occupant(Protocol):
    """A connection, as far as it makes room for others or waits for them."""

    transport: Any
    idle_since: float

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for an answer on this connection."""

    def begin_next(self) -> None:
        """Begin the request that waits, now that it is its turn."""


@dataclass(slots=True)
class Occupancy:
    """How much the connections of a process occupy together, and how much they may."""

    max_connections: int
    max_connections_per_address: int | None
    bytes_of_bodies: int = 0
    by_address: Counter[str] = field(default_factory=Counter)
    pipelined: set[Occupant] = field(default_factory=set)
    """The connections whose request is answered that came before the answer to the one before it."""
    queue: deque[Occupant] = field(default_factory=deque)
    """Those that wait to be among them."""

    @classmethod
    def of(cls, settings: Settings) -> "Occupancy":
        """Return what is occupied before the first connection, with the limits that are set."""
        return cls(_most_connections(settings), settings.max_connections_per_address)

    def enter(self, host: str) -> str | None:
        """Count one more connection of this address; return as what it is counted, None where none are."""
        if self.max_connections_per_address is None:
            return None
        address = network_of(host) or host
        self.by_address[address] += 1
        return address

    def leave(self, address: str) -> None:
        """Count one connection of this address less."""
        self.by_address[address] -= 1
        if not self.by_address[address]:
            del self.by_address[address]

    def has_room(self, address: str | None, others: Iterable[Occupant], connections: set[Any]) -> bool:
        """Return whether one more connection may be; those that have been idle longest make room for it."""
        if address is not None and self.by_address[address] > (self.max_connections_per_address or 0):
            return False
        if len(connections) <= self.max_connections:
            return True
        idle = sorted((one for one in others if one.is_idle), key=lambda one: one.idle_since)
        for one in idle[: 1 + self.max_connections // 20]:  # several at a time, so that this is seldom done
            connections.discard(one)
            one.transport.abort()
        return bool(idle)

    def begin_turn(self, connection: Occupant) -> bool:
        """Return whether a connection may be answered at once what it asked without waiting; else it queues for it."""
        if len(self.pipelined) >= _MOST_PIPELINED:
            self.queue.append(connection)
            return False
        self.pipelined.add(connection)
        return True

    def end_turn(self, connection: Occupant) -> None:
        """Let another connection be answered what it asked without waiting."""
        if connection in self.pipelined:
            self.pipelined.remove(connection)
            while self.queue:
                other = self.queue.popleft()
                if not other.transport.is_closing():
                    self.pipelined.add(other)
                    other.begin_next()
                    break


def _most_connections(settings: Settings) -> int:
    """Return how many connections there may be, having asked the system for as many open files."""
    if resource is None:
        return settings.max_connections
    wanted = settings.max_connections + _SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return settings.max_connections if soft == resource.RLIM_INFINITY else min(wanted, soft) - _SPARE_DESCRIPTORS
