"""What a caller can act on: the entries of `errors` in every payload."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import strawberry

from resolvers import errors
from resolvers.context import RequestContext
from resolvers.errors import ErrorCode, Refused, RefusedTogether
from schema.fields import graph_type


@strawberry.interface(description="Something about the input that the caller can mend.")
class UserError:
    """Something about the input that the caller can mend."""

    code: ErrorCode = strawberry.field(description="What is the matter, for programs.")
    message: str = strawberry.field(description="What is the matter and what helps, for people.")
    path: list[str] | None = strawberry.field(
        description="The part of `input` that is meant; null when it is all of it."
    )


@graph_type(of=errors.Invalid, description="A value is not allowed.")
class ValidationError(UserError):
    """A value is not allowed."""

    constraint: str | None = strawberry.field(description="The rule it breaks.")


@graph_type(of=errors.Stale, description="Somebody changed the object meanwhile.")
class ConflictError(UserError):
    """Somebody changed the object meanwhile."""

    current_version: int | None = strawberry.field(description="The version that the object has now.")


@graph_type(
    of=errors.NotAuthenticated, description="Who you are could not be established; nothing more is said on purpose."
)
class AuthenticationError(UserError):
    """Who somebody is could not be established."""


@graph_type(of=errors.TooManyAttempts, description="Too many attempts in a short time.")
class RateLimitError(UserError):
    """Too many attempts in a short time."""

    retry_after_seconds: int = strawberry.field(description="When to try again.")


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
            return payload(**empty, errors=[refusal])
        except RefusedTogether as together:
            return payload(**empty, errors=together.refusals)

    return answer
