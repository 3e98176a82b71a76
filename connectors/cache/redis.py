"""Answers kept in Redis or Valkey, by all gateways together."""

import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from connectors.cache.interface import LONGEST

_REST = 5.0
"""Seconds for which a server that did not answer is not asked again: a page shall not wait for it field by field."""

log = logging.getLogger("forecourt.cache")


class RedisCache:
    """Keeps at a ``redis:``, ``rediss:`` or ``unix:`` address; `CacheStore` says what it promises.

    What room there is, the server's own settings say (``maxmemory``, with ``maxmemory-policy allkeys-lru``).
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client: Redis = Redis.from_url(
            url, socket_timeout=0.25, socket_connect_timeout=0.25, retry=Retry(NoBackoff(), 1)
        )
        self._clock = clock
        self._rests_until = float("-inf")

    async def read(self, names: Sequence[str], tags: Sequence[str]) -> tuple[Sequence[bytes | None], Sequence[int]]:
        """Return each entry and the number of each tag: in one call where all tags are known, else in two."""
        if self._clock() >= self._rests_until:
            async with self._problems_are_its_own("not read"):
                found: list[Any] = await self._client.mget([*map(_entry, names), *map(_tag, tags)])
                entries, numbers = found[: len(names)], found[len(names) :]
                unknown = [index for index, number in enumerate(numbers) if number is None]
                if unknown:
                    given = await self._numbers_given([tags[index] for index in unknown])
                    for index, number in zip(unknown, given, strict=True):
                        numbers[index] = number
                return entries, [int(number) for number in numbers]
        return [None] * len(names), [-1] * len(tags)  # what is fetched now and kept with this number never counts

    async def _numbers_given(self, tags: Sequence[str]) -> Sequence[bytes]:
        """Return a number for each tag that has none, by chance.

        What was emptied, or forgotten for want of room, so never gets a number again that it had before.
        """
        async with self._client.pipeline(transaction=False) as pipeline:
            for tag in tags:
                pipeline.set(_tag(tag), secrets.randbits(52), nx=True, ex=int(LONGEST))
            for tag in tags:
                pipeline.get(_tag(tag))
            return [number or b"-1" for number in (await pipeline.execute())[len(tags) :]]

    async def write(self, entries: Mapping[str, bytes], seconds: float) -> None:
        """Keep the entries, in one call."""
        if self._clock() >= self._rests_until:
            async with self._problems_are_its_own("not written"), self._client.pipeline(transaction=False) as pipeline:
                for name, content in entries.items():
                    pipeline.set(_entry(name), content, px=max(1, int(seconds * 1_000)))
                await pipeline.execute()

    async def empty(self, tags: Sequence[str]) -> None:
        """Forget the number of each tag, in one call, even where the server did not answer a moment ago."""
        async with self._problems_are_its_own("not emptied"):
            if tags:
                await self._client.delete(*map(_tag, tags))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    @asynccontextmanager
    async def _problems_are_its_own(self, what: str) -> AsyncIterator[None]:
        try:
            yield
        except (RedisError, OSError, TimeoutError) as error:
            self._rests_until = self._clock() + _REST
            log.warning(f"cache {what}", extra={"reason": f"{type(error).__name__}: {error}"})


def _entry(name: str) -> str:
    return f"forecourt:cache:entry:{name}"


def _tag(tag: str) -> str:
    return f"forecourt:cache:tag:{tag}"
