"""Whether fields with the same name in the answer can be merged (GraphQL, 5.3.2), without comparing each with each.

graphql-core compares pairs: two thousand tokens of one repeated field keep it busy for seconds. Here the fields of a
position in the answer are put into groups, and within a group each is compared with the first only, because what is
compared is an equivalence. Fields stand at the same position when they have the same response name there, whatever
fragments they come from. Two things are asked of a position:

- *shape*: do all fields give the same kind of value, so that a client can read it without knowing the object's type?
- *sameness*: do the fields that can meet in one object (not those of two different object types) ask for the same?

A position is known by the selection sets that meet in it, and asked about once. Fragments can be woven so that the
number of positions grows exponentially; a bound on the steps refuses those.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    ArgumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
    ValueNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

MOST_STEPS = 30_000
"""Selections looked at; a document of 2,000 tokens without tricks needs fewer than 4,000."""

_MOST_CONFLICTS = 5


class _Field(NamedTuple):
    node: FieldNode
    parent: GraphQLNamedType | None
    type: GraphQLOutputType | None


_Position: TypeAlias = Sequence[tuple[SelectionSetNode, GraphQLNamedType | None]]
"""The selection sets that meet at one position of the answer, each with the type it selects from."""


class OverlappingFields(ValidationRule):
    """Refuses fields that have the same name in the answer and are not the same."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._steps = 0
        self._conflicts = 0
        self._seen: set[tuple[bool, frozenset[int]]] = set()

    def enter_operation_definition(self, node: OperationDefinitionNode, *_args: Any) -> None:
        """Look at everything that an operation asks for."""
        if self._steps > MOST_STEPS:
            return
        position = [(node.selection_set, self.context.schema.get_root_type(node.operation))]
        try:
            self._check_shape(position)
            self._check_sameness(position)
        except _Enough as enough:
            if enough.message:
                self.report_error(GraphQLError(enough.message, node))

    def _check_shape(self, position: _Position) -> None:
        if self._is_known(True, position):
            return
        for name, fields in _by_response_name(self._fields(position)).items():
            if len(fields) > 1:
                typed = [field for field in fields if field.type is not None]
                for field in typed[1:]:
                    if not _has_same_shape(typed[0].type, field.type):
                        self._report(
                            name,
                            f"they return conflicting types '{typed[0].type}' and '{field.type}'",
                            typed[0],
                            field,
                        )
                        break
            within = _within(fields)
            if within:
                self._check_shape(within)

    def _check_sameness(self, position: _Position) -> None:
        if self._is_known(False, position):
            return
        for name, fields in _by_response_name(self._fields(position)).items():
            for meeting in _that_can_meet(fields):
                if len(meeting) > 1 and not self._are_same(name, meeting):
                    continue
                within = _within(meeting)
                if within:
                    self._check_sameness(within)

    def _are_same(self, name: str, fields: Sequence[_Field]) -> bool:
        first = fields[0]
        arguments = _arguments(first.node)
        for field in fields[1:]:
            if field.node.name.value != first.node.name.value:
                reason = f"'{first.node.name.value}' and '{field.node.name.value}' are different fields"
            elif _arguments(field.node) != arguments:
                reason = "they have differing arguments"
            else:
                continue
            self._report(name, reason, first, field)
            return False
        return True

    def _report(self, name: str, reason: str, one: _Field, other: _Field) -> None:
        self._conflicts += 1
        self.report_error(
            GraphQLError(
                f"Fields '{name}' conflict because {reason}. Use different aliases on the fields to fetch both if "
                "this was intentional.",
                [one.node, other.node],
            )
        )
        if self._conflicts == _MOST_CONFLICTS:
            raise _Enough(None)

    def _is_known(self, is_shape: bool, position: _Position) -> bool:
        key = (is_shape, frozenset(id(selection_set) for selection_set, _ in position))
        if key in self._seen:
            return True
        self._seen.add(key)
        return False

    def _fields(self, position: _Position) -> Iterator[_Field]:
        """Yield the fields of a position in the order of the document, those of each fragment once."""
        spread: set[str] = set()
        waiting = [(iter(selection_set.selections), type_) for selection_set, type_ in position]
        waiting.reverse()
        while waiting:
            selections, type_ = waiting[-1]
            selection = next(selections, None)
            if selection is None:
                waiting.pop()
                continue
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise _Enough("The document's fragments overlap in too many ways to be checked. Write it simpler.")
            if isinstance(selection, FieldNode):
                yield _Field(selection, type_, self._type_of(type_, selection))
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner = self.context.schema.get_type(condition.name.value) if condition else type_
                waiting.append((iter(selection.selection_set.selections), inner))
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in spread:
                spread.add(selection.name.value)
                fragment = self.context.get_fragment(selection.name.value)
                if fragment is not None:
                    inner = self.context.schema.get_type(fragment.type_condition.name.value)
                    waiting.append((iter(fragment.selection_set.selections), inner))

    def _type_of(self, parent: GraphQLNamedType | None, node: FieldNode) -> GraphQLOutputType | None:
        if not isinstance(parent, (GraphQLObjectType, GraphQLInterfaceType)):
            return None
        if node.name.value == "__typename":
            return None  # its shape is compared with nothing, as in graphql-js and graphql-core
        field = self.context.schema.get_field(parent, node.name.value)
        return None if field is None else field.type


class _Enough(Exception):
    """Nothing more is looked at in this operation."""

    def __init__(self, message: str | None) -> None:
        super().__init__(message)
        self.message = message


def _by_response_name(fields: Iterable[_Field]) -> dict[str, list[_Field]]:
    groups: dict[str, list[_Field]] = {}
    for field in fields:
        node = field.node
        groups.setdefault(node.alias.value if node.alias else node.name.value, []).append(field)
    return groups


def _that_can_meet(fields: list[_Field]) -> list[list[_Field]]:
    """Return the fields of one response name in groups that can meet in one object.

    Those selected from an interface or a union can meet with any other, those of two object types never.
    """
    by_object_type: dict[str, list[_Field]] = {}
    of_any = [field for field in fields if not is_object_type(field.parent)]
    for field in fields:
        if is_object_type(field.parent):
            by_object_type.setdefault(field.parent.name, []).append(field)
    if not by_object_type:
        return [of_any]
    return [of_any + own for own in by_object_type.values()] if of_any else list(by_object_type.values())


def _within(fields: Iterable[_Field]) -> _Position:
    """Return the position in the answer below these fields."""
    return [
        (field.node.selection_set, None if field.type is None else get_named_type(field.type))
        for field in fields
        if field.node.selection_set is not None
    ]


def _has_same_shape(one: Any, other: Any) -> bool:
    while True:
        if is_non_null_type(one) or is_non_null_type(other):
            if not (is_non_null_type(one) and is_non_null_type(other)):
                return False
        elif is_list_type(one) or is_list_type(other):
            if not (is_list_type(one) and is_list_type(other)):
                return False
        else:
            return one is other or not (is_leaf_type(one) or is_leaf_type(other))
        one, other = one.of_type, other.of_type


def _arguments(node: FieldNode) -> dict[str, Any] | None:
    arguments: Sequence[ArgumentNode] | None = node.arguments
    return {it.name.value: _comparable(it.value) for it in arguments} if arguments else None


def _comparable(value: ValueNode) -> Any:
    """Return what is equal for values that are written the same, whatever the order of an object's fields."""
    if isinstance(value, ListValueNode):
        return ("list", tuple(_comparable(entry) for entry in value.values))
    if isinstance(value, ObjectValueNode):
        return ("object", frozenset((entry.name.value, _comparable(entry.value)) for entry in value.fields))
    if isinstance(value, VariableNode):
        return ("variable", value.name.value)
    return (value.kind, getattr(value, "value", None))
