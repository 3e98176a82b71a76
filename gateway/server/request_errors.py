"""Requests that are not executed: why, and the body of the answer that says so."""

from collections.abc import Mapping
from typing import Any

MASKED = "INTERNAL_SERVER_ERROR"
"""The code of whatever nobody foresaw."""


class RefusedRequest(Exception):
    """The request is not executed; carries the status, the code, and headers of the answer.

    RefusedRequest
        Unauthenticated         what was sent proves nobody
        LimitExceeded           it asks for more than it may
    """

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


def request_error(message: str, code: str, **more: Any) -> dict[str, Any]:
    """Return the body of an answer to a request that is not executed: errors and no data."""
    return {"errors": [{"message": message, "extensions": {"code": code, **more}}]}
