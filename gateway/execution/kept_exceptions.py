"""Exceptions that are kept: each knows where it was raised, and holds none of the frames there."""

from collections.abc import Iterable
from contextlib import suppress
from traceback import StackSummary, format_list, walk_tb
from typing import TypeVar

E = TypeVar("E", bound=BaseException)

_STACK = "_raised_at"


def kept(error: E) -> E:
    """Return the exception without its traceback and without those of all that it came from; `raised_at` knows them.

    A frame holds its variables and all frames that called it, so an exception in a column of the answer would hold the
    whole answer, itself included: a cycle that only the garbage collector would find, with all objects of the request.
    """
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        traceback = one.__traceback__
        if traceback is not None:
            one.__traceback__ = None
            if not hasattr(one, _STACK):  # where it was raised first
                with suppress(AttributeError):  # one that takes no attributes is known by its text alone
                    setattr(one, _STACK, StackSummary.extract(walk_tb(traceback), lookup_lines=False))
        waiting += [other for other in _others_in(one) if isinstance(other, BaseException)]
    return error


def _others_in(error: BaseException) -> Iterable[object]:
    """Return what an exception came from, wraps and consists of, which may never have been raised."""
    yield from (
        error.__cause__,
        error.__context__,
        getattr(error, "original_error", None),
    )  # the last of a GraphQLError
    if isinstance(error, BaseExceptionGroup):
        yield from error.exceptions


def raised_at(error: BaseException) -> str:
    """Return where an exception that is kept was raised, as a traceback shows it; nothing of one that never was."""
    return "".join(format_list(getattr(error, _STACK, ())))
