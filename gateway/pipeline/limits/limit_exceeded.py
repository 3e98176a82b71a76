"""What is said when a limit is exceeded."""

from typing import Any

from gateway.server.request_errors import RefusedRequest


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
        super().__init__(status, code, message, limit=limit, actual=min(actual, LARGEST_SHOWN), **named, **extensions)


LARGEST_SHOWN = 1_000_000_000
"""Fragments within fragments make figures with hundreds of digits."""


def in_words(figure: int) -> str:
    """Return a figure as a message shows it."""
    return f"{figure:,}" if figure < LARGEST_SHOWN else f"more than {LARGEST_SHOWN:,}"
