"""Fields that mostly know their answers: then nobody waits for them, which costs more than many an answer."""

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_AT_ONCE = "at_once"


def known_by(at_once: Callable[..., Any]) -> Callable[[F], F]:
    """Declare what is called before the async function of a field, with the same arguments.

    It returns the same answer without asking anybody, or None where somebody has to be asked.
    """

    def decorate(function: F) -> F:
        setattr(function, _AT_ONCE, at_once)
        return function

    return decorate


def known_at_once(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return what was declared of a function to be called before it."""
    at_once: Callable[..., Any] | None = getattr(function, _AT_ONCE, None)
    return at_once
