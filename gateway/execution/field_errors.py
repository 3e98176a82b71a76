"""What went wrong in a column, kept beside its values until the answer is complete.

The errors below a path are not collected on the way up. Each level only remembers what failed in its parts, and what
is the same at many paths is remembered once. The errors are read from that when the answer is there.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

from graphql import GraphQLError

from gateway.execution.contract import PATH_COUNT, PATH_PATTERN, ErrorsOmitted
from gateway.execution.library_internals import located_error
from gateway.execution.selected_field import SelectedField

MOST_ERRORS_OF_A_FIELD = 100
"""So many errors of one field are reported, when they stand at different paths and none of them is aggregated."""

MOST_ERRORS = 1_000
"""So many errors of an operation are reported."""


class FieldError:
    """What failed at a path: in its parts, parallel to `steps`, and after them an error of its own.

    It `breaks` when nothing but null is left there. Paths where the same has failed share one of these, so a refusal of
    a whole column is kept once.
    """

    __slots__ = ("breaks", "error", "field", "parts", "steps")

    def __init__(
        self,
        breaks: bool,
        error: Exception | None,
        field: SelectedField | None,
        steps: Sequence[str | int] = (),
        parts: "Sequence[FieldError | None]" = (),
    ) -> None:
        self.breaks = breaks
        self.error = error
        self.field = field
        self.steps = steps
        self.parts = parts


FieldErrors: TypeAlias = "list[FieldError | None]"
"""The field errors of a column, parallel to its values."""


class PartialColumn:
    """A column of which some values have field errors; a value whose error breaks is None."""

    __slots__ = ("field_errors", "values")

    def __init__(self, values: list[Any], field_errors: FieldErrors) -> None:
        self.values = values
        self.field_errors = field_errors


def joined(steps: Sequence[str | int], parts: Sequence[FieldError | None]) -> FieldError | None:
    """Return the field error of a row or a list with these parts, parallel to `steps`; None when they have none."""
    if not any(parts):
        return None
    for index, part in enumerate(parts):
        if part is not None and part.breaks:
            # What comes after a breaking part is not reported: graphql-core does not look at it.
            return FieldError(True, None, None, steps, parts[: index + 1])
    return FieldError(False, None, None, steps, parts)


def contained(column: "list[Any] | PartialColumn") -> "list[Any] | PartialColumn":
    """Return the column for values that may be null: what is broken below them goes no further up."""
    if type(column) is not PartialColumn:
        return column
    mild: dict[FieldError | None, FieldError | None] = {
        field_error: FieldError(False, field_error.error, field_error.field, field_error.steps, field_error.parts)
        if field_error is not None and field_error.breaks
        else field_error
        for field_error in set(column.field_errors)
    }
    return PartialColumn(column.values, [mild[field_error] for field_error in column.field_errors])


class Reported:
    """An error that is reported: where it first stands, and at how many paths."""

    __slots__ = ("error", "field", "path", "paths")

    def __init__(self, error: Exception, field: SelectedField, path: list[str | int]) -> None:
        self.error = error
        self.field = field
        self.path = path
        self.paths = 1

    def located(self) -> GraphQLError:
        """Return the error as it stands in the answer; when it stands at many paths, its extensions say which."""
        error = located_error(self.error, self.field.nodes, list(self.path))
        if self.paths > 1:
            many = {PATH_PATTERN: list(_general(self.path)), PATH_COUNT: self.paths}
            error.extensions = {**(error.extensions or {}), **many}
        return error


def graphql_errors(root: FieldError) -> list[GraphQLError]:
    """Return the errors of an answer, located, in document order.

    One exception that says `aggregated` is reported once per field however many objects of a list it refused. Its path
    is the first of them, where a client that goes by paths finds it; its extensions have that path with "@" for the
    positions in lists, and at how many paths it stands. Of other errors no more are reported than the limits above say;
    a last error then says how many there are beside them.
    """
    report = Report(root)
    errors = [one.located() for one in report.reported]
    if report.omitted:
        omitted = ErrorsOmitted(report.omitted)
        errors.append(GraphQLError(str(omitted), original_error=omitted))
    return errors


class Report:
    """The errors below a field error that are `reported`, in document order, and how many are `omitted`.

    Made in time proportional to the field errors that are kept, however many paths share them.
    """

    def __init__(self, root: FieldError) -> None:
        self.reported: list[Reported] = []
        self.omitted = 0
        self._of_field: Counter[SelectedField] = Counter()
        self._per_error: Counter[FieldError] = Counter()
        self._aggregated: dict[tuple[int, int, tuple[str | int, ...]], Reported] = {}
        self._first: dict[FieldError, Reported] = {}
        self._exhausted: set[FieldError] = set()
        self._path: list[str | int] = []
        self._read(root)
        self._count(root)

    def _read(self, field_error: FieldError) -> bool:
        """Report what failed at the current path; return whether there was anything to report that was not before."""
        is_new = False
        for step, part in zip(field_error.steps, field_error.parts):  # noqa: B905  parts after a breaking one are left out
            if part is not None and part not in self._exhausted:
                self._path.append(step)
                is_new |= self._read(part)
                self._path.pop()
        if field_error.error is not None:
            is_new |= self._report(field_error)
        if not is_new:
            self._exhausted.add(field_error)
        return is_new

    def _report(self, field_error: FieldError) -> bool:
        error, field = field_error.error, field_error.field
        assert error is not None
        assert field is not None
        if len(self.reported) == MOST_ERRORS:
            return False
        if _is_aggregated(error):
            key = (id(error), id(field), _general(self._path))
            known = self._aggregated.get(key)
            if known is not None:
                self._first.setdefault(field_error, known)
                return False
            one = self._aggregated[key] = self._first[field_error] = Reported(error, field, list(self._path))
            one.paths = 0  # they are counted afterwards
        elif self._of_field[field] == MOST_ERRORS_OF_A_FIELD:
            return False
        else:
            self._of_field[field] += 1
            self._per_error[field_error] += 1
            one = Reported(error, field, list(self._path))
        self.reported.append(one)
        return True

    def _count(self, root: FieldError) -> None:
        """Count at how many paths each field error stands: those of what it is a part of, as often as it is one."""
        paths: Counter[FieldError] = Counter({root: 1})
        for field_error in reversed(_parts_first(root)):
            for part in field_error.parts:
                if part is not None:
                    paths[part] += paths[field_error]
            if field_error.error is None:
                continue
            if not _is_aggregated(field_error.error):
                self.omitted += paths[field_error] - self._per_error[field_error]
            elif field_error in self._first:
                self._first[field_error].paths += paths[field_error]
            else:
                self.omitted += 1


def _parts_first(root: FieldError) -> list[FieldError]:
    """Return a field error and all that it is made of, each once and after its parts."""
    found: dict[FieldError, None] = {}
    waiting = [(root, iter(root.parts))]
    while waiting:
        field_error, parts = waiting[-1]
        part = next((part for part in parts if part is not None and part not in found), None)
        if part is None:
            found[field_error] = None
            waiting.pop()
        else:
            waiting.append((part, iter(part.parts)))
    return list(found)


def _is_aggregated(error: Exception) -> bool:
    return getattr(error, "aggregated", False) is True


def _general(path: Sequence[str | int]) -> tuple[str | int, ...]:
    return tuple("@" if isinstance(step, int) else step for step in path)
