"""What goes to a back end and what comes back, apart from how it travels.

NoAnswer
    NotReached      no connection came about, so the back end knows nothing of the call
    CutOff          the connection ended before the answer was complete
    NotHttp         what came back is no HTTP
    TooLong         the answer is longer than the limit
"""

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class Outgoing:
    """A call as it is sent; `target` is path and query as the back end reads them."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None = None


@quick
@dataclass(frozen=True, slots=True)
class Incoming:
    """What was answered; of an error, `body` is no more than its beginning. `retry_after` is in seconds."""

    status: int
    media_type: str
    retry_after: float | None
    body: bytes


class NoAnswer(Exception):
    """There is nothing that could be judged; the message says why, for the log."""


class NotReached(NoAnswer):
    """No connection came about, so the back end knows nothing of the call; `may_pass` if to try again may help."""

    def __init__(self, reason: str, *, may_pass: bool = True) -> None:
        super().__init__(reason)
        self.may_pass = may_pass


class CutOff(NoAnswer):
    """The connection ended before the answer was complete."""


class NotHttp(NoAnswer):
    """What came back is no HTTP."""


class TooLong(NoAnswer):
    """The answer is longer than the limit."""


def short(text: bytes, characters: int = 200) -> str:
    """Return the beginning of what a back end wrote, in one line, for the log."""
    words = " ".join(text[: 4 * characters].decode("utf-8", "replace").split())
    printable = "".join(character if character.isprintable() else "�" for character in words)
    return printable if len(printable) <= characters else f"{printable[:characters]}…"
