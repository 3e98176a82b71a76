"""How large an answer may become, counted level by level while it is made."""

from collections.abc import Callable
from itertools import chain
from sys import maxsize
from typing import Any

from gateway.execution.contract import AnswerTooLarge
from gateway.execution.library_internals import IncrementalExecutor

UNWATCHED_OBJECTS = 1_000
"""An answer of so few objects is only counted: it is complete before counting it more closely would have saved any."""

VALUES_OF_A_TURN = 10_000
"""So many values are made before others have their turn on the event loop; that takes some milliseconds."""

_TEXT = {str}


class Budget:
    """What the answers to one request may hold in all: objects, and bytes as far as names and texts show.

    Shared by the operations of a batch. Without limits it only counts objects, and nobody is given a turn.
    """

    __slots__ = (
        "_since_turn",
        "bytes",
        "exceeded",
        "max_bytes",
        "max_objects",
        "objects",
        "unwatched",
        "when_exceeded",
    )

    def __init__(self, max_objects: int | None = None, max_bytes: int | None = None) -> None:
        self.max_objects = maxsize if max_objects is None else max_objects
        self.max_bytes = maxsize if max_bytes is None else max_bytes
        is_limited = max_objects is not None or max_bytes is not None
        self.unwatched = min(UNWATCHED_OBJECTS, self.max_objects) if is_limited else maxsize
        self.objects = 0
        self.bytes = 0
        self.exceeded: AnswerTooLarge | None = None
        self.when_exceeded: Callable[[], None] | None = None
        self._since_turn = 0

    def check_objects(self) -> None:
        """Return when no more objects were counted than there may be.

        Raises:
            AnswerTooLarge: There are more.
        """
        if self.objects > self.max_objects:
            raise self._exceeded("objects", self.max_objects)

    def add_bytes(self, number: int) -> None:
        """Count bytes.

        Raises:
            AnswerTooLarge: They are too many.
        """
        self.bytes += number
        if self.bytes > self.max_bytes:
            raise self._exceeded("bytes", self.max_bytes)

    def add_texts(self, values: list[Any]) -> None:
        """Count the characters of the texts among leaf values, and among lists of them.

        Raises:
            AnswerTooLarge: They are too many.
        """
        types = set(map(type, values))
        if types == _TEXT:
            self.add_bytes(sum(map(len, values)))
        elif str in types:
            self.add_bytes(sum(len(value) for value in values if type(value) is str))
        if list in types:
            self.add_texts(list(chain.from_iterable(value for value in values if type(value) is list)))

    def is_turn_over(self, values: int) -> bool:
        """Count values that were made; return whether others shall have their turn before there are more."""
        self._since_turn += values
        if self._since_turn < VALUES_OF_A_TURN:
            return False
        self._since_turn = 0
        return True

    def _exceeded(self, unit: str, limit: int) -> AnswerTooLarge:
        self.exceeded = AnswerTooLarge(unit, limit)  # not the one that is raised, whose frames lead back to here
        if self.when_exceeded is not None:
            self.when_exceeded()
        return AnswerTooLarge(unit, limit)


class CountingExecutor(IncrementalExecutor):
    """Executes as graphql-core does; counts each object, and fails all that follow when there are too many.

    Whoever executes then finds `budget.exceeded` and gives nothing of the answer.
    """

    budget = Budget()

    def complete_object_value(self, *arguments: Any, **named: Any) -> Any:
        """Complete an object, if there may be one more.

        Raises:
            AnswerTooLarge: There may not.
        """
        self.budget.objects += 1
        self.budget.check_objects()
        return super().complete_object_value(*arguments, **named)
