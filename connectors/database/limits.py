"""How much of a database a process takes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DatabaseLimits:
    """How much one process takes of a database, and how long it waits for it.

    `connections` are all that a process opens, to PostgreSQL. `statement_seconds` bound one statement, and the wait for
    a connection; `lock_seconds` the wait of a query for a locked table.
    """

    connections: int = 16
    statement_seconds: float = 5
    lock_seconds: float = 1

    @property
    def changing(self) -> int:
        """Return how many connections are for changes: a third of what events leave."""
        return (self.connections - 1) // 3

    @property
    def reading(self) -> int:
        """Return how many connections are for queries: those that neither changes nor events take."""
        return self.connections - 1 - self.changing

    @property
    def check_seconds(self) -> float:
        """Return how long a connection that was idle may take to say that it still is one, so that time is left."""
        return min(1.0, self.statement_seconds / 3)
