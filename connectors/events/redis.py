"""Events through Redis or Valkey."""

import asyncio

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from connectors.events.shared import SILENCE, SharedEvents

CHANNEL = "forecourt:events"


class RedisEvents(SharedEvents):
    """Publishes by publish and subscribe at a ``redis:``, ``rediss:`` or ``unix:`` address.

    Redis does not keep the channels of its databases apart, so the number of the database is part of the channel.
    """

    def __init__(self, url: str) -> None:
        # No retries of redis-py's own: it would connect again in silence, and what was lost meanwhile with it.
        self._client: Redis = Redis.from_url(
            url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
        )
        self._channel = f"{CHANNEL}:{self._client.connection_pool.connection_kwargs.get('db', 0)}"
        super().__init__()

    async def _listen(self) -> None:
        async with self._client.pubsub(ignore_subscribe_messages=False) as subscription:
            await subscription.subscribe(self._channel)
            is_asked = False
            while True:
                message = await subscription.get_message(timeout=SILENCE)
                if message is None:
                    if is_asked:
                        raise TimeoutError("nothing comes any more")
                    is_asked = True
                    await subscription.ping()
                    continue
                is_asked = False
                if message["type"] == "subscribe":
                    self._listening()
                elif message["type"] == "message":
                    self._heard(message["data"])

    async def _send(self, messages: list[str]) -> None:
        async with asyncio.timeout(2), self._client.pipeline(transaction=False) as pipeline:
            for message in messages:
                pipeline.publish(self._channel, message)
            await pipeline.execute()

    async def _let_go(self) -> None:
        await self._client.aclose()
