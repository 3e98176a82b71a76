"""Requests that are not executed: why, and the body of the answer that says so."""

import re
from collections.abc import Mapping
from typing import Any

from resolvers.languages import Reader
from resolvers.texts import Text

MASKED = "INTERNAL_SERVER_ERROR"
"""The code of whatever nobody foresaw."""


class RefusedRequest(Exception):
    """The request is not executed; carries the status, the code, and headers of the answer.

    `draft_status` is the status in the draft of GraphQL over HTTP, where that has another one.

    RefusedRequest
        NotWellFormed           it is JSON, or has an address, that does not say what a GraphQL request has to
        Unauthenticated         what was sent proves nobody
        LimitExceeded           it asks for more than it may
    """

    draft_status: int | None = None

    def __init__(
        self, status: int, code: str, message: Text | str, headers: Mapping[str, str] | None = None, **extensions: Any
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.headers = headers or {}
        self.extensions = extensions

    def body(self, reader: Reader) -> dict[str, Any]:
        """Return the body of the answer; what is for developers alone is no Text, and in English."""
        message = self.message.to(reader) if isinstance(self.message, Text) else self.message
        return request_error(message, self.code, **self.extensions)


def unexpected(reference: str) -> Text:
    """Return all that a client learns of an error that nobody foresaw."""
    return Text(
        "Something unexpected went wrong. Please give the operator this reference: {reference}.", reference=reference
    )


class NotWellFormed(RefusedRequest):
    """What was sent can be read, but is not a well-formed GraphQL-over-HTTP request (its section 4.1)."""

    draft_status = 422

    def __init__(self, message: str, code: str = "BAD_REQUEST") -> None:
        super().__init__(400, code, message)


def request_error(message: str, code: str, **more: Any) -> dict[str, Any]:
    """Return the body of an answer to a request that is not executed: errors and no data."""
    return {"errors": [{"message": shortened(message), "extensions": {"code": code, **more}}]}


def shortened(message: str) -> str:
    """Return the message with no more than the beginning of each name and value that it quotes from the request."""
    if len(message) <= _LONGEST_QUOTED:
        return message
    if len(message) > 2 * _LONGEST:
        message = f"{message[:_LONGEST]}…{message[-_LONGEST:]}"
    message = _LONG_QUOTATION.sub(r"\1\g<2>…\1", message)
    return message if len(message) <= _LONGEST else f"{message[: _LONGEST // 2]}…{message[-_LONGEST // 4 :]}"


_LONGEST_QUOTED = 100
_LONGEST = 1_000
_LONG_QUOTATION = re.compile(r"""(["'])((?:(?!\1).){60})(?:(?!\1).){40,}\1""", re.DOTALL)
