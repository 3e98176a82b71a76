"""Ways in which a back end, or what stands before it, fails: each in the form of an answer."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from tests.http_client.back_end import Answer, Asked, reply

Hang = Callable[[float], Awaitable[None]]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n"


def hangs(hang: Hang, seconds: float = 2.01, *, after: bytes = b"") -> Answer:
    """Answer this much and no more; so many seconds pass at once."""

    async def answer(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(after)
        await writer.drain()
        await hang(seconds)

    return answer


def cut_after(sent: bytes) -> Answer:
    """Answer this much and hang up."""

    async def answer(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)

    return answer


@dataclass
class Floods:
    """Answers far too much; `sent` is how much of it was taken."""

    head: bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    part: bytes = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    size: int = 50_000_000
    sent: int = field(default=0, init=False)

    async def __call__(self, _asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(self.head)
        while self.sent < self.size:
            with suppress(ConnectionError):
                writer.write(self.part)
                await writer.drain()
                self.sent += len(self.part)
                continue
            return


def ways(hang: Hang) -> dict[str, tuple[bytes | Answer | None, str, int]]:
    """Return each way to fail by its name: the answer, the code that a client gets, and how often it is asked."""
    away, late, unusable = "BACKEND_UNAVAILABLE", "GATEWAY_TIMEOUT", "BACKEND_ERROR"
    return {
        "hangs before the head": (hangs(hang), late, 1),
        "hangs within the head": (hangs(hang, after=HEAD[:30]), late, 1),
        "hangs within the body": (hangs(hang, after=HEAD + b'{"a":'), late, 1),
        "hangs up": (None, away, 2),
        "hangs up within the head": (cut_after(HEAD[:30]), away, 2),
        "hangs up within the body": (cut_after(HEAD + b'{"a":'), away, 2),
        "garbage": (b"\x00\xff" * 50, unusable, 1),
        "a head without end": (Floods(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"a" * 4_000 + b"\r\n"), unusable, 1),
        "50 MB": (Floods(), unusable, 1),
        "HTML": (reply(body=b"<html><h1>Please sign in</h1>", content_type="text/html"), unusable, 1),
        "half of the JSON": (reply(body=b'{"has_next": '), unusable, 1),
        "another encoding": (reply(body=b'{"has_next": "\xe4"}'), unusable, 1),
        "a wrong type": (reply(["has_next"]), unusable, 1),
        "a redirect": (reply(status=302, body=b"", location="http://127.0.0.1:1/"), unusable, 1),
        "400": (reply({}, 400), unusable, 1),
        "401": (reply({"secret": "s3cret"}, 401), away, 1),
        "403": (reply({}, 403), away, 1),
        "429": (reply({}, 429, retry_after="3"), away, 1),
        "500": (reply({"trace": "Traceback at line 7"}, 500), away, 1),
        "503": (reply(status=503, body=b"<html>busy"), away, 2),
        "504": (reply({}, 504), away, 2),
    }
