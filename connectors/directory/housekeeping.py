"""What is thrown away when nobody needs it any more, so that tables do not grow for ever."""

from datetime import datetime
from typing import Protocol


class ScheduledTaskCommands(Protocol):
    """Each throws away at most a thousand rows, those first that have been there longest, and returns how many."""

    async def forget_sessions(self, *, before: datetime) -> int:
        """Throw away sessions that were over anyway before this instant, with all their refresh tokens."""

    async def erase_successors(self, *, before: datetime) -> int:
        """Erase the sealed successors of refresh tokens that were replaced before this instant."""

    async def forget_outbox(self, *, before: datetime) -> int:
        """Throw away items of the outbox that were done before this instant."""

    async def forget_mailed_tokens(self, *, before: datetime) -> int:
        """Throw away tokens sent by mail that could not be used any more at this instant."""
