"""Requests that are not executed: why, and the body of the answer that says so."""

from collections.abc import Mapping
from typing import Any

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
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None, **extensions: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}
        self.extensions = extensions

    @property
    def body(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return request_error(str(self), self.code, **self.extensions)


class NotWellFormed(RefusedRequest):
    """What was sent can be read, but is not a well-formed GraphQL-over-HTTP request (its section 4.1)."""

    draft_status = 422

    def __init__(self, message: str, code: str = "BAD_REQUEST") -> None:
        super().__init__(400, code, message)


def request_error(message: str, code: str, **more: Any) -> dict[str, Any]:
    """Return the body of an answer to a request that is not executed: errors and no data."""
    return {"errors": [{"message": message, "extensions": {"code": code, **more}}]}
