"""A level: one selection answered for all its objects, field by field, and the rows built at the end."""

from asyncio import sleep
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple

from connectors.unmade import Layout
from gateway.execution.completion import Column, MaybeLate, column_of, finished, is_done
from gateway.execution.contract import AnswerTooLarge, DeadlineExceeded
from gateway.execution.field_errors import PartialColumn, joined
from gateway.execution.field_plans import Field
from gateway.execution.generated_loops import row_builder
from gateway.execution.library_internals import Executor
from gateway.execution.response_paths import ResponsePaths
from gateway.execution.run import Run, together
from gateway.execution.value_kinds import MAPPING, kinds_of

_NOTHING: Mapping[Field, Column] = {}
BY_FUNCTION, BY_ENGINE, TAKEN_BACK = "by function", "by general engine", "by general engine after a function"
NOT_GENERATED = "functions not generated"

LEVELS: defaultdict[str, int] = defaultdict(int)  # to count in a Counter takes 2 thousand instructions
"""How many levels were answered since the start, by who made their rows."""


class RowFunction(NamedTuple):
    """A generated function that makes the rows of a level, and what has to be known to call it and to explain it."""

    rows: Callable[..., list[Any] | None]
    """Called with the run, the objects and the columns; None when something is not as usual."""

    columns: tuple[Field, ...]
    """The fields whose columns the function is given, answered by the general engine."""

    most_objects: int
    """How many objects there are in a row at most."""

    calls: bool
    """Whether it calls functions of fields, which nobody does after the deadline."""

    reads_defaults: bool
    """Whether it reads fields without a resolver, which of a mapping are its keys."""

    source: str
    constants: Mapping[str, Any]
    reasons: Mapping[str, str]
    """By response name of the other fields, why they are left to the general engine."""


class Selection:
    """The fields selected on one concrete type, in document order."""

    __slots__ = (
        "_layout",
        "_of_rows",
        "_write",
        "fields",
        "is_written",
        "reads_attributes",
        "row_function",
        "rows",
        "width",
    )

    def __init__(
        self,
        fields: tuple[Field, ...],
        write: "Callable[[Selection, Executor[Any], Layout[Any] | None], RowFunction | None]",
    ) -> None:
        self.fields = fields
        self._write = write
        self._layout: Layout[Any] | None = None
        self._of_rows: RowFunction | None = None
        self.is_written = False  # it is, when a level of it is first reached or the document is made ready
        self.row_function: RowFunction | None = None
        self.reads_attributes = any(field.read is not None for field in fields)
        self.rows = row_builder(tuple(field.key for field in fields))
        self.width = 2 + sum(len(field.key) + 5 for field in fields)  # of a row as JSON, its values taken as one byte

    def written(self, executor: Executor[Any]) -> RowFunction | None:
        """Return the function for the rows, generated now if it was not before."""
        if not self.is_written:
            self.is_written = True
            self.row_function = self._write(self, executor, None)
        return self.row_function

    def written_of_rows(self, executor: Executor[Any], layout: Layout[Any]) -> RowFunction | None:
        """Return the function that makes rows of what a back end gives in this layout instead of records.

        One selection is read in one layout, for what is read of the records follows from it; another has no function.
        """
        if self._layout is not layout:
            if self._layout is None:
                self._of_rows = self._write(self, executor, layout)
            elif self._layout != layout:
                return None
            self._layout = layout
        return self._of_rows


def answer_level(
    run: Run,
    selection: Selection,
    parents: list[Any],
    paths: ResponsePaths,
    types: set[type] | None = None,
    known: Mapping[Field, Column] | None = None,
) -> MaybeLate:
    """Answer the selection for each parent, parallel to `parents`; `types` are theirs, where somebody has looked.

    Fields that wait for something wait together. A row with a broken field is None and has a field error that breaks.
    With `known` columns, which nobody is asked for again, all others are made by the general engine.
    """
    columns: list[Any] = []
    is_clean = True
    fields, function = selection.fields, None
    if known is None:
        known = _NOTHING
        function = _usable_function(run, selection, parents, types)
        if function is not None:
            fields = function.columns
        else:
            LEVELS[BY_ENGINE] += 1
    # A mapping has its values under keys, so reading attributes is not for it.
    has_attributes = function is None and selection.reads_attributes
    if has_attributes:
        has_attributes = not kinds_of(types or set(map(type, parents))) & MAPPING
    column: Any
    for field in fields:
        if field in known:
            column = known[field]
        elif has_attributes and field.read is not None:
            # What `field.column` would do, without the calls: most of all values come this way. After an error it does
            # it again, object by object, and so reads some attributes twice.
            try:
                column = field.read(parents)
            except Exception:
                column = None  # the exception is gone before anything goes on
            if column is None:
                column = field.column(run, parents, paths)
            else:
                found = set(map(type, column))
                if found != field.clean or not (field.is_clean is None or field.is_clean(column)):
                    column = field.completed(run, column, found, parents, paths)
        else:
            column = field.column(run, parents, paths)
        if type(column) is not list:
            is_clean = False
        columns.append(column)
    if not is_clean:
        late = [index for index, column in enumerate(columns) if not is_done(column)]
        if late:
            return run.hold(_late_level(run, selection, function, columns, late, parents, paths))
    if function is None:
        return _rows(selection, columns, len(parents)) if is_clean else _judged(selection, columns, len(parents))
    rows = _rows_of(run, function, parents, columns) if is_clean else None
    if rows is not None:
        return rows
    return answer_level(run, selection, parents, paths, types, dict(zip(fields, columns, strict=True)))


def answer_unmade(run: Run, selection: Selection, layout: Layout[Any], rows: list[Any]) -> list[Any] | None:
    """Answer the selection for records that nobody has made, from the rows that a back end has read of them.

    None when only the records can be answered for; nothing was counted then.
    """
    if not run.uses_row_functions:
        return None
    function, size = selection.written_of_rows(run.executor, layout), len(rows)
    if function is None or not _is_for(run, function, size, size):
        return None
    answer = _rows_of(run, function, rows, [])
    if answer is not None:
        run.budget.objects += size
    return answer


def _usable_function(run: Run, selection: Selection, parents: list[Any], types: set[type] | None) -> RowFunction | None:
    """Return the function for the rows of a level, None when there is none or it is not for these objects."""
    if not run.uses_row_functions:
        return None
    function = selection.row_function if selection.is_written else selection.written(run.executor)
    if function is None or not _is_for(run, function, len(parents), 0):
        return None
    if function.reads_defaults and kinds_of(types or set(map(type, parents))) & MAPPING:
        return None
    return function


def _is_for(run: Run, function: RowFunction, size: int, uncounted: int) -> bool:
    """Return whether a function may make so many rows now, when so many of their objects are not counted yet."""
    budget = run.budget
    if budget.objects + uncounted + function.most_objects * size > budget.unwatched:
        return False
    return not (function.calls and run.is_over)


def _rows_of(run: Run, function: RowFunction, parents: list[Any], columns: list[list[Any]]) -> list[Any] | None:
    """Return the rows that the function makes of columns without errors; None when something is not as usual."""
    try:
        rows = function.rows(run, parents, *columns)
    except Exception:
        rows = None  # the exception is gone before anything goes on
    LEVELS[BY_FUNCTION if rows is not None else TAKEN_BACK] += 1
    return rows


async def answer_in_turns(run: Run, selection: Selection, parents: list[Any], paths: ResponsePaths) -> Column:
    """Do as `answer_level` in an answer that has become long, and look between the fields at all that bounds it.

    Raises:
        AnswerTooLarge: The answer would have too many bytes.
    """
    budget, size = run.budget, len(parents)
    budget.add_bytes(size * selection.width)
    has_attributes = selection.reads_attributes and not kinds_of(set(map(type, parents))) & MAPPING
    columns: list[Any] = []
    for field in selection.fields:
        if budget.is_turn_over(size):
            await sleep(0)
        if run.is_over:
            columns.append(field.all_failed(DeadlineExceeded(is_begun=False), size))
            continue
        column: Any = _read(field, parents) if has_attributes and field.read is not None else None
        columns.append(field.column(run, parents, paths) if column is None else column)
    late = [index for index, column in enumerate(columns) if not is_done(column)]
    if late:
        waiting = [columns[index] for index in late]
        for index, column in zip(late, await together(waiting), strict=True):
            columns[index] = column
    for field, column in zip(selection.fields, columns, strict=True):
        if field.is_leaf:
            budget.add_texts(column.values if type(column) is PartialColumn else column)
    if budget.is_turn_over(size):
        await sleep(0)
    return _judged(selection, columns, size)


def _read(field: Field, parents: list[Any]) -> list[Any] | None:
    """Return the attribute that a field is, read of each parent, if that completes it."""
    assert field.read is not None
    try:
        column = field.read(parents)
    except Exception:
        return None
    if set(map(type, column)) != field.clean or not (field.is_clean is None or field.is_clean(column)):
        return None
    return column


def answer_serially(run: Run, selection: Selection, root: Any, paths: ResponsePaths) -> MaybeLate:
    """Answer the root fields of a mutation one after another, each to completion; stop at one that breaks the root.

    When the answer of one becomes too large, only that one fails, and the fields after it are not begun.
    """
    columns: list[Any] = []
    for field in selection.fields:
        column = _begun(run, field, root, paths)
        columns.append(column)
        if not is_done(column):
            return run.hold(_go_on_serially(run, selection, columns, root, paths))
        if _breaks(column):
            break
    return _judged(selection, columns, 1)


async def _go_on_serially(
    run: Run, selection: Selection, columns: list[Any], root: Any, paths: ResponsePaths
) -> Column:
    columns[-1] = await _ended(selection.fields[len(columns) - 1], columns[-1])
    for field in selection.fields[len(columns) :]:
        if _breaks(columns[-1]):
            break
        columns.append(await _ended(field, _begun(run, field, root, paths)))
    return _judged(selection, columns, 1)


def _begun(run: Run, field: Field, root: Any, paths: ResponsePaths) -> MaybeLate:
    try:
        if run.budget.exceeded is not None:
            return field.all_failed(run.budget.exceeded.of_mutation(executed=False), 1)
        run.answers.clear()  # what was answered before a change may be otherwise after it
        return field.column(run, [root], paths)
    except AnswerTooLarge as exceeded:
        return field.all_failed(exceeded.of_mutation(executed=True), 1)


async def _ended(field: Field, column: MaybeLate) -> Column:
    try:
        return await finished(column)
    except AnswerTooLarge as exceeded:
        return field.all_failed(exceeded.of_mutation(executed=True), 1)


def _breaks(column: Column) -> bool:
    return type(column) is PartialColumn and any(
        field_error is not None and field_error.breaks for field_error in column.field_errors
    )


async def _late_level(
    run: Run,
    selection: Selection,
    function: RowFunction | None,
    columns: list[Any],
    late: list[int],
    parents: list[Any],
    paths: ResponsePaths,
) -> Column:
    if len(late) == 1:
        columns[late[0]] = await columns[late[0]]
    else:
        waiting: list[Coroutine[Any, Any, Column]] = [columns[index] for index in late]
        for index, column in zip(late, await together(waiting), strict=True):
            columns[index] = column
    if function is None:
        return _judged(selection, columns, len(parents))
    if all(type(column) is list for column in columns):
        rows = _rows_of(run, function, parents, columns)
        if rows is not None:
            return rows
    known = dict(zip(function.columns, columns, strict=True))
    return await finished(answer_level(run, selection, parents, paths, None, known))


def _rows(selection: Selection, columns: list[list[Any]], size: int) -> list[Any]:
    return selection.rows(columns) if columns else [{} for _ in range(size)]


def _judged(selection: Selection, columns: list[Any], size: int) -> Column:
    """Build the rows and decide for each what the errors of its fields mean for it."""
    values = [column.values if type(column) is PartialColumn else column for column in columns]
    partial = [
        (field.key, column.field_errors)
        for field, column in zip(selection.fields, columns)  # noqa: B905  fewer when a serial field broke
        if type(column) is PartialColumn
    ]
    if not partial:
        return _rows(selection, values, size)
    keys = tuple(key for key, _ in partial)
    parts = list(zip(*(of_field for _, of_field in partial), strict=True))
    # Rows of which the same fields failed for the same reason are the rule, and share what is kept of it.
    made = {of_row: joined(keys, of_row) for of_row in set(parts)}
    field_errors = [made[of_row] for of_row in parts]
    if len(columns) < len(selection.fields):
        return PartialColumn([None] * size, field_errors)
    rows = _rows(selection, values, size)
    if any(field_error is not None and field_error.breaks for field_error in made.values()):
        for index, field_error in enumerate(field_errors):
            if field_error is not None and field_error.breaks:
                rows[index] = None
    return column_of(rows, field_errors)
