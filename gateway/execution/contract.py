"""What the engine asks of a schema and what it promises back."""

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol, runtime_checkable

BATCH = "batch"
"""The key of a `GraphQLField`'s extensions under which its batch field is found."""


RECORD, READ_ONCE, READS, NEEDS = "record", "read_once", "reads", "needs"
"""The keys of an object type's extensions under which stand of which class its records are, whether they are read once
in an operation wherever they occur, and what says that a record is of the type; READS of a field's, what it reads of
one, as `connectors.wanted.Wanted`; NEEDS of a field's, what it reads of records that are read once, by their class."""


INSTANCES_OF = "instances_of"
"""An `is_type_of` function that says yes to every instance of a class may name the class in this attribute.

It is then not called for objects whose class shows that it would say yes.
"""


THAT_ARE = "that_are"
"""Beside INSTANCES_OF: a function that says which instances of the class it says yes to, when not to all of them."""


IGNORES_INFO = "ignores_info"
"""An `is_type_of` function that does not look at its info may have this attribute, true.

It is then given None, and no paths are worked out for it.
"""


PREPARED = "prepared"
"""A function `each` of a batch field may name in this attribute what returns, given the context, a function of the
object alone that answers the same: it is called once for many objects."""


PATH_PATTERN, PATH_COUNT = "pathPattern", "pathCount"
"""The extensions of an error that stands at many paths: its path with "@" for positions in lists, and how many."""


@runtime_checkable
class BatchField(Protocol):
    """A field that is answered once for all the objects of a level.

    It is found in `GraphQLField.extensions["batch"]`. Any object with this method will do.
    """

    def answer(
        self, context: Any, parents: Sequence[Any], arguments: dict[str, Any]
    ) -> Sequence[Any] | Awaitable[Sequence[Any]]:
        """Answer the field for each parent, parallel to `parents`.

        An exception instead of an answer fails the field of that parent only; a raised one fails it for all. An
        exception with the attribute `aggregated = True` that stands at many paths is reported once, at the first
        of them, with PATH_PATTERN and PATH_COUNT in its extensions.

        Where an operation has aliases, what is asked again for the same objects with the same arguments is not asked
        again, unless a change lies between; an attribute `waits`, false, says that no answer is awaited, so that it is
        not worth the effort.

        One with an attribute `wants`, which names records by parameters, gets by these names, as the last argument,
        which of their attributes the operation shows below the field; see `gateway.execution.projection`.

        A field that is not awaited and refuses nobody may say how one object is answered, without effect on anything:
        an attribute `path`, the dotted path of the object's attribute that is the answer, or `each`, a function of
        context and object, which may have PREPARED or be one of values (`connectors.wanted.of_values`). Where there
        are no arguments, generated code uses these instead of `answer`.
        """
        ...


class DeadlineExceeded(Exception):
    """The field was not answered before the operation's deadline; `is_begun` is False when it never was asked for."""

    def __init__(self, *, is_begun: bool = True) -> None:
        super().__init__("The deadline of the operation has passed.")
        self.is_begun = is_begun


class AnswerTooLarge(Exception):
    """The answer would have more `unit` ("objects" or "bytes") than the `limit`; nothing of it is given.

    Of "items", it is one list that does not end; only its field fails.

    At a root field of a mutation, `executed` says whether the mutation had been carried out when its answer became too
    large, or was not begun because an earlier one's had; None elsewhere.
    """

    def __init__(self, unit: str, limit: int, executed: bool | None = None) -> None:
        self.unit = unit
        self.limit = limit
        self.executed = executed
        super().__init__(f"The answer would have more than {limit:,} {unit}.")

    def of_mutation(self, executed: bool | None) -> "AnswerTooLarge":
        """Return it as it is reported at a root field of a mutation."""
        return AnswerTooLarge(self.unit, self.limit, executed)


class ErrorsOmitted(Exception):
    """Beside the errors that are reported there are `number` more."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"{number:,} further errors are not reported one by one.")


class WrongAnswer(TypeError):
    """A batch field broke its contract; whoever wrote it has to change code."""
