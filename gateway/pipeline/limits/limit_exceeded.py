"""The limits of settings, kept: what is said when one is exceeded."""

from typing import Any

from gateway.server.request_errors import RefusedRequest
from gateway.settings import Limits


class LimitExceeded(RefusedRequest):
    """A request asks for more than it may; says the limit, the request's own figure and the setting's name."""

    def __init__(
        self,
        code: str,
        what: str,
        *,
        limit: int,
        actual: int,
        setting: str | None,
        status: int = 400,
        advice: str = "",
        **extensions: Any,
    ) -> None:
        source = f" (setting {setting})" if setting else ""
        message = f"{what} {in_words(actual)}; at most {limit:,} are allowed{source}.{advice}"
        named: dict[str, Any] = {"setting": setting} if setting else {}
        # GraphQL over HTTP, 5.2: "Examples of additional validation rules the server may apply include depth limit".
        self.draft_status = 422 if status == 400 else None
        super().__init__(status, code, message, limit=limit, actual=min(actual, LARGEST_SHOWN), **named, **extensions)


def check_limit(limits: Limits, setting: str, actual: int, code: str, what: str, *, status: int = 400) -> None:
    """Return when a figure of a request is within the limit that this setting is.

    Raises:
        LimitExceeded: It is larger.
    """
    limit: int = getattr(limits, setting)
    if actual > limit:
        raise LimitExceeded(code, what, limit=limit, actual=actual, setting=setting, status=status)


LARGEST_SHOWN = 1_000_000_000
"""Fragments within fragments make figures with hundreds of digits."""


def in_words(figure: int) -> str:
    """Return a figure as a message shows it."""
    return f"{figure:,}" if figure < LARGEST_SHOWN else f"more than {LARGEST_SHOWN:,}"
