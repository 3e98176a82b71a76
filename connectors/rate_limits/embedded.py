"""Rate limits counted in this process, for one gateway alone."""

from limits.aio.storage import MemoryStorage

from connectors.rate_limits.moving_window import MovingWindow


class EmbeddedRateLimits(MovingWindow):
    """Counts in memory: gone with the process, and not shared with another; `RateLimits` says what it promises."""

    def __init__(self) -> None:
        super().__init__(MemoryStorage())

    async def healthy(self) -> bool:
        """Return True: memory is always there."""
        return True

    async def close(self) -> None:
        """Do nothing: there is no connection."""
