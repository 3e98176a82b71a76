"""Requests that are not executed: why, and the body of the answer that says so."""

from collections.abc import Mapping
from typing import Any

from resolvers.languages import Reader
from resolvers.texts import Text

MASKED = "INTERNAL_SERVER_ERROR"
"""The code of whatever nobody foresaw."""


class RefusedRequest(Exception):
    """The request is not executed; carries the status, the code, and headers of the answer.

    RefusedRequest
        Unauthenticated         what was sent proves nobody
        LimitExceeded           it asks for more than it may
    """

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


def request_error(message: str, code: str, **more: Any) -> dict[str, Any]:
    """Return the body of an answer to a request that is not executed: errors and no data."""
    return {"errors": [{"message": message, "extensions": {"code": code, **more}}]}
