"""Answers kept in the memory of this process."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

_OVERHEAD = 250
"""Bytes that an entry takes beside its name and its content."""

_MOST_TAGS = 10_000


class EmbeddedCache:
    """Keeps as many bytes as it may, what was used last; `CacheStore` says what it promises.

    What one process empties is emptied in that process alone.
    """

    def __init__(self, most_bytes: int = 32_000_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most_bytes
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._bytes = 0
        self._emptied: dict[str, int] = {}
        self._last = self._before_all = 0

    @property
    def bytes_kept(self) -> int:
        """Return how much memory the entries take, by estimate."""
        return self._bytes

    async def read(self, names: Sequence[str], tags: Sequence[str]) -> tuple[Sequence[bytes | None], Sequence[int]]:
        """Return each entry and the number of each tag."""
        return [self._entry(name) for name in names], [self._emptied.get(tag, self._before_all) for tag in tags]

    async def write(self, entries: Mapping[str, bytes], seconds: float) -> None:
        """Keep the entries; one that would take an eighth of all room is not kept."""
        until = self._clock() + seconds
        for name, content in entries.items():
            self._remove(name)
            if len(content) <= self._most // 8:
                self._entries[name] = (until, content)
                self._bytes += _size(name, content)
        while self._bytes > self._most:
            self._remove(next(iter(self._entries)))

    async def empty(self, tags: Sequence[str]) -> None:
        """Give these tags numbers that none had before."""
        for tag in tags:
            self._last += 1
            self._emptied[tag] = self._last
        if len(self._emptied) > _MOST_TAGS:
            # Rather than to forget what was emptied, everything is.
            self._emptied.clear()
            self._last += 1
            self._before_all = self._last

    async def close(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._bytes = 0

    def _entry(self, name: str) -> bytes | None:
        kept = self._entries.get(name)
        if kept is None:
            return None
        if kept[0] <= self._clock():
            self._remove(name)
            return None
        self._entries.move_to_end(name)
        return kept[1]

    def _remove(self, name: str) -> None:
        kept = self._entries.pop(name, None)
        if kept is not None:
            self._bytes -= _size(name, kept[1])


def _size(name: str, content: bytes) -> int:
    return len(name) + len(content) + _OVERHEAD
