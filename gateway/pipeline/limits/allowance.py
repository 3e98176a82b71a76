"""The limits themselves, and what is said when one is exceeded."""

from dataclasses import dataclass
from typing import Any, Literal

from gateway.server.request_errors import RefusedRequest
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest request; each name is that of the setting it comes from."""

    max_text_characters: int = 10_000
    max_document_bytes: int = 64_000
    max_tokens: int = 2_000
    max_recursion: int = 100
    max_depth: int = 12
    max_aliases: int = 15
    max_root_fields: int = 20
    max_directives: int = 20
    max_cost: int = 5_000
    cost_mode: Literal["measure", "enforce"] = "enforce"
    max_objects: int = 50_000
    max_answer_bytes: int = 10_000_000

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Return the limits that are set."""
        return cls(
            max_text_characters=settings.max_text_characters,
            max_document_bytes=settings.max_document_bytes,
            max_tokens=settings.max_tokens,
            max_recursion=settings.max_recursion,
            max_depth=settings.max_depth,
            max_aliases=settings.max_aliases,
            max_root_fields=settings.max_root_fields,
            max_directives=settings.max_directives,
            max_cost=settings.max_cost,
            cost_mode=settings.cost_mode,
            max_objects=settings.max_objects,
            max_answer_bytes=settings.max_answer_bytes,
        )


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
