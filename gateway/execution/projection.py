"""Which attributes of records an operation shows, so that each field that reads records learns which to read.

A type of records says in its extensions which class they are of (RECORD), a field of such a type what it reads of one
(READS). What stands between a field and its records, such as the page of a connection, is passed through.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from graphql import GraphQLObjectType, TypeNameMetaFieldDef, get_named_type, is_abstract_type, is_object_type

from connectors.wanted import EVERYTHING, NOTHING, Wanted
from gateway.execution.contract import BATCH, NEEDS, READ_ONCE, READS, RECORD
from gateway.execution.library_internals import Executor
from gateway.execution.selected_field import SelectedField

if TYPE_CHECKING:
    from gateway.execution.field_plans import Field
    from gateway.execution.levels import Selection

SelectionOf: TypeAlias = "Callable[[Executor[Any], GraphQLObjectType, SelectedField], Selection]"
"""Returns what a field selects on a concrete type, as a plan has it."""


def learn_wanted(root: "Selection", selection_of: SelectionOf, executor: Executor[Any]) -> Mapping[type, Wanted[Any]]:
    """Let each field of a plan that reads records know which attributes of them to read.

    Equal fields, which are asked once, read what is shown below any of them. Of records that are read once in an
    operation, what all of it shows is wanted. Returned is what all of it shows, by class of records.
    """
    shown = _Shown(root, selection_of, executor)
    wanted: dict[Any, dict[str, Wanted[Any]]] = {}
    fields = list(shown.fields_that_read())
    for field, wants in fields:
        together = wanted.setdefault(field.sharing_key or id(field), {})
        for name, record in wants.items():
            together[name] = together.get(name, NOTHING) | shown.below(field, record)
    for field, _ in fields:
        field.wanted = wanted[field.sharing_key or id(field)]
    return shown.anywhere


class _Shown:
    """What a plan selects, down to its last level."""

    def __init__(self, root: "Selection", selection_of: SelectionOf, executor: Executor[Any]) -> None:
        self._selection_of = selection_of
        self._executor = executor
        self.anywhere: dict[type, Wanted[Any]] = {}
        self._everywhere: dict[type, Wanted[Any]] = {}
        self._selected: dict[SelectedField, list[tuple[GraphQLObjectType, Selection]]] = {}
        waiting, seen = [root], {id(root)}
        while waiting:
            for field in waiting.pop().fields:
                for record, needed in field.definition.extensions.get(NEEDS, {}).items():
                    self._want_everywhere(record, needed)
                for type_, selection in self._selections(field):
                    if (record := type_.extensions.get(RECORD)) is None:
                        pass
                    elif type_.extensions.get(READ_ONCE):
                        self._want_everywhere(record, _read(type_, selection))
                    else:
                        self.anywhere[record] = self.anywhere.get(record, NOTHING) | _read(type_, selection)
                    if id(selection) not in seen:
                        seen.add(id(selection))
                        waiting.append(selection)

    def fields_that_read(self) -> Iterator[tuple[Any, Mapping[str, type]]]:
        """Yield the fields that learn what to read, each with the records by the names of its parameters."""
        for field in self._selected:
            if wants := getattr(field, "wants", None):
                yield field, wants

    def below(self, field: "Field", record: type) -> Wanted[Any]:
        """Return what is shown of the records that a field reads."""
        if record in self._everywhere:
            return self._everywhere[record]
        wanted: Wanted[Any] = NOTHING
        waiting: list[SelectedField] = [field]
        while waiting:
            for type_, selection in self._selected[waiting.pop()]:
                of = type_.extensions.get(RECORD)
                if of is record:
                    wanted |= _read(type_, selection)
                elif of is None:
                    waiting.extend(selection.fields)
                else:
                    waiting.extend(filter(_comes_along, selection.fields))
        return wanted

    def _want_everywhere(self, record: type, wanted: Wanted[Any]) -> None:
        self._everywhere[record] = self._everywhere.get(record, NOTHING) | wanted
        self.anywhere[record] = self.anywhere.get(record, NOTHING) | wanted

    def _selections(self, field: "Field") -> list[tuple[GraphQLObjectType, "Selection"]]:
        found = self._selected.get(field)
        if found is None:
            type_ = get_named_type(field.definition.type)
            types = (
                [type_]
                if is_object_type(type_)
                else self._executor.schema.get_possible_types(type_)
                if is_abstract_type(type_)
                else []
            )
            found = [(one, self._selection_of(self._executor, one, field)) for one in types]
            self._selected[field] = found
        return found


def _comes_along(field: SelectedField) -> bool:
    """Return whether a record has in itself what its field shows, so that it was read along with the record."""
    batch = field.definition.extensions.get(BATCH)
    return batch is None or not getattr(batch, "waits", True)


def _read(type_: GraphQLObjectType, selection: "Selection") -> Wanted[Any]:
    """Return what the selected fields read of a record, and what says that it is of this type."""
    wanted: Wanted[Any] = type_.extensions.get(READS, NOTHING)
    for field in selection.fields:
        if field.definition is not TypeNameMetaFieldDef:
            wanted |= field.definition.extensions.get(READS, EVERYTHING)
    return wanted
