"""Plans: what a document asks of a schema, compiled once and kept for the next request."""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    TypeNameMetaFieldDef,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

from connectors.unmade import Layout
from connectors.wanted import Wanted
from gateway.execution.completion import Completion
from gateway.execution.contract import BATCH
from gateway.execution.field_plans import (
    AttributeField,
    BatchedField,
    DefaultField,
    Field,
    ResolvedField,
    TypenameField,
)
from gateway.execution.leaves import PlainLeaf, leaf
from gateway.execution.levels import LEVELS, NOT_GENERATED, RowFunction, Selection
from gateway.execution.library_internals import (
    Executor,
    FieldDetailsList,
    GroupedFieldSet,
    default_field_resolver,
    root_fields,
    strawberry_attribute,
    sub_fields,
)
from gateway.execution.list_columns import ListOf
from gateway.execution.objects import AbstractOf, ObjectOf
from gateway.execution.projection import learn_wanted
from gateway.execution.row_functions import row_function
from gateway.execution.selected_field import SelectedField

MOST_GENERATED_BYTES = 16_000_000
"""So much memory generated functions take together, about. What is planned beyond it has none until others are gone."""

MOST_GENERATED_BYTES_OF_A_PLAN = 500_000
"""Some ninety functions; a document of more levels has none for its last ones."""

_BYTES_PER_CHARACTER, _BYTES_PER_FUNCTION = 4, 3_000  # measured


class _Generated:
    """How much memory the functions of all plans take."""

    bytes = 0


class Plan:
    """One operation of a document for one choice of what `@skip` and `@include` leave in it.

    A selection is compiled when a value of its type is first reached. A plan holds nothing of a request.
    """

    __slots__ = ("_generated_bytes", "_selections", "_shares", "root")

    def __init__(self, *, shares: bool = False) -> None:
        self._generated_bytes = 0
        self._shares = shares
        self.root: Selection | None = None
        self._selections: dict[tuple[Any, ...], Selection] = {}

    def __del__(self) -> None:
        _Generated.bytes -= self._generated_bytes

    def root_of(self, executor: Executor[Any], type_: GraphQLObjectType) -> Selection:
        """Return the selection of the root fields."""
        if self.root is None:
            is_read = type_ is not executor.schema.mutation_type
            self.root = self._compiled(executor, type_, root_fields(executor, type_), shares=self._shares and is_read)
        return self.root

    def selection_of(self, executor: Executor[Any], type_: GraphQLObjectType, field: SelectedField) -> Selection:
        """Return what a field selects on a concrete type; equal selections from different paths are compiled once."""
        grouped = sub_fields(executor, type_, field.details)
        key = (type_, *((name, *(id(detail.node) for detail in details)) for name, details in grouped.items()))
        selection = self._selections.get(key)
        if selection is None:
            selection = self._selections[key] = self._compiled(executor, type_, grouped, shares=self._shares)
        return selection

    def levels(
        self, executor: Executor[Any], root_type: GraphQLObjectType, *, of_every_type: bool
    ) -> Iterator[tuple[tuple[str, ...], GraphQLObjectType, Selection]]:
        """Yield the levels that there may be, each once, with path and type; the ones above first.

        Where objects may be of several types, only `of_every_type`.
        """
        waiting: deque[tuple[tuple[str, ...], GraphQLObjectType, Selection]] = deque()
        waiting.append(((), root_type, self.root_of(executor, root_type)))
        seen: set[int] = set()
        while waiting:
            path, type_, selection = waiting.popleft()
            if id(selection) in seen:
                continue
            seen.add(id(selection))
            yield path, type_, selection
            function = selection.written(executor)
            for field in selection.fields if function is None else function.columns:
                named: Any = get_named_type(field.definition.type)
                types = [named] if is_object_type(named) else []
                if of_every_type and is_abstract_type(named):
                    types = executor.schema.get_possible_types(named)
                waiting += [((*path, field.key), one, self.selection_of(executor, one, field)) for one in types]

    def _compiled(
        self, executor: Executor[Any], type_: GraphQLObjectType, grouped: GroupedFieldSet, *, shares: bool
    ) -> Selection:
        """Compile the fields selected on a concrete type; with `shares`, equal ones ask once."""
        fields = [self._field(executor, key, type_, details) for key, details in grouped.items()]
        if shares:
            for field in fields:
                if isinstance(field, BatchedField):
                    field.share()
        return Selection(tuple(field for field in fields if field is not None), self._row_function)

    def _row_function(
        self, selection: Selection, executor: Executor[Any], layout: Layout[Any] | None
    ) -> RowFunction | None:
        """Return the generated function for a selection, None when there is none or no room for it."""
        if _Generated.bytes > MOST_GENERATED_BYTES or self._generated_bytes > MOST_GENERATED_BYTES_OF_A_PLAN:
            return None
        try:
            function = row_function(selection, executor, layout)
        except Exception:
            LEVELS[NOT_GENERATED] += 1
            return None
        if function is not None:
            size = _BYTES_PER_FUNCTION + _BYTES_PER_CHARACTER * len(function.source)
            self._generated_bytes += size
            _Generated.bytes += size
        return function

    def _field(
        self, executor: Executor[Any], key: str, type_: GraphQLObjectType, details: FieldDetailsList
    ) -> Field | None:
        """Compile a field, or return None when the type has none of that name."""
        definition = executor.schema.get_field(type_, details[0].node.name.value)
        if definition is None:
            return None
        field = self._reader(executor, definition, key, type_, definition, details)
        field.completion = self._completion(field, definition.type, non_null=False)
        if isinstance(field.completion, PlainLeaf):
            field.clean, field.is_clean = field.completion.clean, field.completion.is_clean
        return field

    def learn_wanted(self, executor: Executor[Any]) -> Mapping[type, Wanted[Any]]:
        """Let the fields that read records know what is wanted of them, and return what is shown of each class."""
        assert self.root is not None
        return learn_wanted(self.root, self.selection_of, executor)

    def _reader(self, executor: Executor[Any], definition: GraphQLField, *selected: Any) -> Field:
        """Return the field that reads its raw values as this definition has them read."""
        if definition is TypeNameMetaFieldDef:
            return TypenameField(*selected)
        batch = definition.extensions.get(BATCH)
        if batch is not None:
            return BatchedField(*selected, batch=batch, learn=self.learn_wanted)
        attribute = strawberry_attribute(definition)
        if attribute is not None:
            return AttributeField(*selected, attribute=attribute)
        resolve = definition.resolve or executor.field_resolver
        if resolve is default_field_resolver:
            return DefaultField(*selected)
        return ResolvedField(*selected, resolve=resolve)

    def _completion(self, field: Field, type_: GraphQLOutputType, *, non_null: bool) -> Completion:
        if is_non_null_type(type_):
            return self._completion(field, type_.of_type, non_null=True)
        if is_list_type(type_):
            return ListOf(field, non_null, self._completion(field, type_.of_type, non_null=False))
        if is_leaf_type(type_):
            return leaf(field, non_null, type_)
        if is_object_type(type_):
            return ObjectOf(field, non_null, type_, self.selection_of)
        return AbstractOf(field, non_null, type_, self.selection_of)  # type: ignore[arg-type]
