"""A level: one selection answered for all its objects, field by field, and the rows built at the end."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from .completion import Column, MaybeLate, finished, is_done
from .kinds import MAPPING, kinds_of
from .run import together
from .trails import Trail
from .troubles import Failure, Trouble, Troubled, below

if TYPE_CHECKING:
    from .plan import Selection
    from .run import Run


def answer_level(
    run: "Run", selection: "Selection", parents: list[Any], trail: Trail, types: set[type] | None = None
) -> MaybeLate:
    """Answer the selection for each parent, parallel to `parents`; `types` are theirs, where somebody has looked.

    Fields that wait for something wait together. A row with a broken field is None and has a trouble that breaks.
    """
    columns: list[Any] = []
    is_clean = True
    # A mapping has its values under keys, so reading attributes is not for it.
    has_attributes = selection.reads_attributes and not kinds_of(types or set(map(type, parents))) & MAPPING
    column: Any
    for field in selection.fields:
        if has_attributes and field.read is not None:
            # What `field.column` would do, without the calls: most of all values come this way. After an error it does
            # it again, object by object, and so reads some attributes twice.
            try:
                column = field.read(parents)
            except Exception:
                column = field.column(run, parents, trail)
            else:
                found = set(map(type, column))
                if found != field.clean or not (field.is_clean is None or field.is_clean(column)):
                    column = field.completed(run, column, found, parents, trail)
        else:
            column = field.column(run, parents, trail)
        if type(column) is not list:
            is_clean = False
        columns.append(column)
    if is_clean:
        return _rows(selection, columns, len(parents))
    late = [place for place, column in enumerate(columns) if not is_done(column)]
    if late:
        return _late_level(selection, columns, late, len(parents))
    return _judged(selection, columns, len(parents))


def answer_serially(run: "Run", selection: "Selection", root: Any, trail: Trail) -> MaybeLate:
    """Answer the root fields of a mutation one after another, each to completion; stop at one that breaks the root."""
    columns: list[Any] = []
    for field in selection.fields:
        run.answers.clear()  # what was answered before a change may be otherwise after it
        column = field.column(run, [root], trail)
        columns.append(column)
        if not is_done(column):
            return _go_on_serially(run, selection, columns, root, trail)
        if _breaks(column):
            break
    return _judged(selection, columns, 1)


async def _go_on_serially(run: "Run", selection: "Selection", columns: list[Any], root: Any, trail: Trail) -> Column:
    columns[-1] = await columns[-1]
    for field in selection.fields[len(columns) :]:
        if _breaks(columns[-1]):
            break
        run.answers.clear()
        column = field.column(run, [root], trail)
        columns.append(await finished(column))
    return _judged(selection, columns, 1)


def _breaks(column: Column) -> bool:
    return type(column) is Troubled and any(trouble.breaks for trouble in column.troubles.values())


async def _late_level(selection: "Selection", columns: list[Any], late: list[int], size: int) -> Column:
    waiting: list[Coroutine[Any, Any, Column]] = [columns[place] for place in late]
    for place, column in zip(late, await together(waiting), strict=True):
        columns[place] = column
    return _judged(selection, columns, size)


def _rows(selection: "Selection", columns: list[list[Any]], size: int) -> list[Any]:
    return selection.rows(columns) if columns else [{} for _ in range(size)]


def _judged(selection: "Selection", columns: list[Any], size: int) -> Column:
    """Build the rows and decide for each what the troubles of its fields mean for it."""
    values = [column.values if type(column) is Troubled else column for column in columns]
    troubled = [
        (field.key, column.troubles)
        for field, column in zip(selection.fields, columns)  # noqa: B905  fewer when a serial field broke
        if type(column) is Troubled
    ]
    if not troubled:
        return _rows(selection, values, size)
    troubles: dict[int, Trouble] = {}
    for key, of_field in troubled:
        for place, trouble in of_field.items():
            before = troubles.get(place)
            if before is None:
                troubles[place] = Trouble(below(key, trouble.failures), trouble.breaks)
            elif not before.breaks:
                # The fields after a breaking one are not reported: graphql-core does not look at them.
                failures: list[Failure] = before.failures
                failures.extend(below(key, trouble.failures))
                troubles[place] = Trouble(failures, trouble.breaks)
    if len(columns) < len(selection.fields):
        rows: list[Any] = [None] * size
    else:
        rows = _rows(selection, values, size)
        for place, trouble in troubles.items():
            if trouble.breaks:
                rows[place] = None
    return Troubled(rows, troubles)
