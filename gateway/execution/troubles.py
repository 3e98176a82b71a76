"""What went wrong in a column, kept beside its values until the answer is complete."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from graphql import GraphQLError

from .core import located_error

if TYPE_CHECKING:
    from .fields import Field

Steps: TypeAlias = "tuple[str | int, Steps] | None"
"""The way from a place down to where something failed, outermost first."""


class Failure(NamedTuple):
    """An error of a field at a place below the one where it is recorded."""

    steps: Steps
    error: Exception
    field: "Field"


class Trouble(NamedTuple):
    """The failures at and below one place, in document order; `breaks` when they leave nothing there but null."""

    failures: list[Failure]
    breaks: bool


class Troubled:
    """A column of which some places have troubles; broken places hold None."""

    __slots__ = ("troubles", "values")

    def __init__(self, values: list[Any], troubles: dict[int, Trouble]) -> None:
        self.values = values
        self.troubles = troubles


def below(step: str | int, failures: Iterable[Failure]) -> list[Failure]:
    """Return the failures as seen from the place one step further up."""
    return [Failure((step, steps), error, field) for steps, error, field in failures]


def contained(column: "list[Any] | Troubled") -> "list[Any] | Troubled":
    """Return the column for places that may be null: what is broken below them goes no further up."""
    if type(column) is not Troubled:
        return column
    troubles = {
        place: Trouble(trouble.failures, False) if trouble.breaks else trouble
        for place, trouble in column.troubles.items()
    }
    return Troubled(column.values, troubles)


def graphql_errors(failures: list[Failure]) -> list[GraphQLError]:
    """Return the errors of an answer, located, in document order.

    One exception that says `aggregated` is reported once per field however many objects of a list it refused; its
    path then has "@" for the positions in lists.
    """
    seen: dict[tuple[int, int, tuple[str | int, ...]], int] = {}
    errors: list[GraphQLError] = []
    for steps, error, field in failures:
        path = _flat(steps)
        if getattr(error, "aggregated", False) is True:
            general = tuple("@" if isinstance(step, int) else step for step in path)
            key = (id(error), id(field), general)
            first = seen.setdefault(key, len(errors))
            if first < len(errors):
                if errors[first].path != list(general):
                    errors[first] = located_error(error, field.nodes, list(general))
                continue
        errors.append(located_error(error, field.nodes, path))
    return errors


def _flat(steps: Steps) -> list[str | int]:
    path: list[str | int] = []
    while steps is not None:
        step, steps = steps
        path.append(step)
    return path
