"""What a caller can act on: the entries of `errors` in every payload."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import strawberry

from resolvers import errors
from resolvers.context import RequestContext
from resolvers.errors import ErrorCode, Refused, RefusedTogether
from schema.fields import attribute, graph_type
from schema.guards import OPEN


@strawberry.interface(description="Something about the input that the caller can mend.")
class UserError:
    """Something about the input that the caller can mend."""

    code: ErrorCode = strawberry.field(description="What is the matter, for programs.")
    message: str = strawberry.field(description="What is the matter and what helps, for people.")
    path: list[str] | None = strawberry.field(
        description="The part of `input` that is meant; null when it is all of it."
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """A refusal as it stands in `errors`; itself it is an exception, and one in a list means that the list failed."""

    refusal: Refused

    @property
    def code(self) -> ErrorCode:
        """Return what is the matter, for programs."""
        return self.refusal.code

    @property
    def message(self) -> str:
        """Return what is the matter, for people."""
        return self.refusal.message

    @property
    def path(self) -> list[str] | None:
        """Return the part of the input that is meant."""
        return self.refusal.path


def _entry_of(kind: type[Refused], description: str) -> Callable[[type], type]:
    return graph_type(of=Entry, when=lambda entry: isinstance(entry.refusal, kind), description=description)


@_entry_of(errors.Invalid, "A value is not allowed.")
class ValidationError(UserError):
    """A value is not allowed."""

    constraint: str | None = attribute("refusal.constraint", requires=OPEN, description="The rule it breaks.")


@_entry_of(errors.Stale, "Somebody changed the object meanwhile.")
class ConflictError(UserError):
    """Somebody changed the object meanwhile."""

    current_version: int | None = attribute(
        "refusal.current_version", requires=OPEN, description="The version that the object has now."
    )


@_entry_of(errors.NotAuthenticated, "Who you are could not be established; nothing more is said on purpose.")
class AuthenticationError(UserError):
    """Who somebody is could not be established."""


@_entry_of(errors.TooManyAttempts, "Too many attempts in a short time.")
class RateLimitError(UserError):
    """Too many attempts in a short time."""

    retry_after_seconds: int = attribute("refusal.retry_after_seconds", requires=OPEN, description="When to try again.")


def deed(
    payload: type, function: Callable[..., Awaitable[dict[str, Any]]], *, empty: dict[str, Any]
) -> Callable[..., Awaitable[Any]]:
    """Return the function as a mutation's: what it answers fills the payload, what it refuses stands in `errors`.

    `function` takes the context and the mutation's arguments and answers the payload's fields by name; `empty` is
    what they are when it refuses.
    """

    @wraps(function)
    async def answer(context: RequestContext, **arguments: Any) -> Any:
        try:
            return payload(**await function(context, **arguments), errors=[])
        except Refused as refusal:
            return payload(**empty, errors=[Entry(refusal)])
        except RefusedTogether as together:
            return payload(**empty, errors=[Entry(refusal) for refusal in together.refusals])

    return answer
