"""Fields that know their answers: nobody waits for them, and they may be asked object by object."""

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_AT_ONCE, _EACH, PREPARED = "at_once", "each", "prepared"


def known_by(at_once: Callable[..., Any]) -> Callable[[F], F]:
    """Declare what is called before the async function of a field, with the same arguments.

    It returns the same answer without asking anybody, or None where somebody has to be asked.
    """

    def decorate(function: F) -> F:
        setattr(function, _AT_ONCE, at_once)
        return function

    return decorate


def each_by(prepared: Callable[[Any], Callable[[Any], Any]]) -> Callable[[F], F]:
    """Declare how the function of a field that asks nobody answers one object, where the field has no arguments.

    `prepared` is called with the context, once for many objects, and returns what each of them is answered by.
    """

    def each(context: Any, record: Any) -> Any:
        return prepared(context)(record)

    setattr(each, PREPARED, prepared)

    def decorate(function: F) -> F:
        setattr(function, _EACH, each)
        return function

    return decorate


def answered_by_each(function: Callable[..., Any]) -> Callable[[Any, Any], Any] | None:
    """Return how a function answers one object, given the context too, where that was declared of it."""
    each: Callable[[Any, Any], Any] | None = getattr(function, _EACH, None)
    return each


def known_at_once(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return what was declared of a function to be called before it."""
    at_once: Callable[..., Any] | None = getattr(function, _AT_ONCE, None)
    return at_once
