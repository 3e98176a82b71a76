"""What an operation will cost at most, estimated from the schema's ``@cost`` and ``@listSize`` before it is executed.

An object costs 1 and what is asked of it, a mutation 10, a scalar nothing unless a back end is asked for it; an
argument that makes a field expensive costs its weight where it is given; a list costs that times its entries. Of an
interface or a union the most expensive possible type counts, and of a type what is merged for it: a field that several
fragments ask for is answered once. What is merged is worked out once wherever it stands, and an operation once for all
requests whose variables come to the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    Undefined,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
)
from graphql.utilities.coerce_input_value import coerce_default_value

from gateway.pipeline.limits.introspection_cost import IntrospectionCost
from gateway.pipeline.limits.shape import INTROSPECTION
from schema.graph.cost_directives import FieldCost, ListSize, cost_of

DEFAULT_LIST_SIZE = 10
DEFAULT_MUTATION_WEIGHT = 10

_MOST_MERGED = 1_000
"""So many different selections are merged of several; what comes then is added up, which is never less. Documents can
be written in which each path merges others."""

_MOST_ESTIMATES = 100
"""So many estimates of an operation are kept, for different variables."""

Fragments: TypeAlias = Mapping[str, FragmentDefinitionNode]
Variables: TypeAlias = Mapping[str, Any]


class Cost:
    """What one operation costs.

    It is estimated without variables when it is made ready, which is when the schema is counted that it asks about.
    """

    __slots__ = ("_depends_on", "_estimates", "_introspections", "fragments", "operation", "schema")

    def __init__(self, schema: GraphQLSchema, fragments: Fragments, operation: OperationDefinitionNode) -> None:
        self.schema = schema
        self.fragments = fragments
        self.operation = operation
        self._introspections: dict[tuple[int, str | None], int] = {}
        estimation = Estimation(schema, fragments, {}, introspections=self._introspections)
        estimate = estimation.of_operation(operation)
        self._depends_on = tuple(estimation.used)
        self._estimates = {self._meaning({}): estimate}

    def of(self, variables: Variables) -> int:
        """Return the estimate for these coerced variables."""
        meaning = self._meaning(variables)
        estimate = self._estimates.get(meaning)
        if estimate is None:
            if len(self._estimates) == _MOST_ESTIMATES:
                self._estimates.clear()
            estimation = Estimation(self.schema, self.fragments, variables, introspections=self._introspections)
            estimate = self._estimates[meaning] = estimation.of_operation(self.operation)
        return estimate

    def of_answer(self, variables: Variables) -> int:
        """Return the same without what the mutations themselves cost."""
        return Estimation(self.schema, self.fragments, variables, counts_mutations=False).of_operation(self.operation)

    def _meaning(self, variables: Variables) -> tuple[Any, ...]:
        """Return what of the variables the estimate depends on: which are given, lengths, and names of types."""
        return tuple([self._meaning_of(_within(variables.get(name), path)) for name, path in self._depends_on])

    def _meaning_of(self, value: Any) -> str | int | None:
        if isinstance(value, str):
            return value if value in self.schema.type_map else ""
        return None if value is None else _length(value)


class Part:
    """What a selection costs: at once, and per entry of each list whose length the field above may know."""

    __slots__ = ("lists", "once")

    def __init__(self) -> None:
        self.once = 0
        self.lists: list[tuple[str, int, int]] = []

    def add(self, other: "Part") -> None:
        """Add what is selected beside it."""
        self.once += other.once
        self.lists += other.lists

    def total(self, size: ListSize | None, length: int) -> int:
        """Return the whole cost when the field above has this `@listSize`, of this length."""
        return self.once + sum(length_below(name, own, size, length) * entry for name, own, entry in self.lists)


def length_below(name: str, own: int, size: ListSize | None, length: int) -> int:
    """Return the length of a list, assumed to be its `own`, below a field with this `@listSize`, of this length."""
    return length if size is not None and name in size.sized_fields else own


Selections: TypeAlias = tuple[SelectionSetNode, ...]
"""Selection sets whose fields are merged, for they are asked of the same objects."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A field of a selection that costs something, or has something below it that does, wherever it is asked for.

    `length` is that of its list or page, None where it has none of its own; the field above may know better if it is
    only `assumed`.
    """

    nodes: tuple[FieldNode, ...]
    named: GraphQLNamedType
    is_list: bool
    weight: int
    arguments: int
    size: ListSize | None
    length: int | None

    @property
    def selections(self) -> Selections:
        """Return what is asked of its objects."""
        return tuple([node.selection_set for node in self.nodes if node.selection_set is not None])

    @property
    def is_assumed(self) -> bool:
        """Whether its length is neither asked for nor known."""
        return self.size is None or not self.size.slicing_arguments


class Estimation:
    """A document that is being estimated for some variables; `used` are those that the estimate depends on.

    `lengths` replaces the length of lists and pages, by the identity of their field's node. Without `counts_mutations`,
    a mutation costs what its answer does. `introspections` keeps what was counted of the schema for another estimation.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Fragments,
        variables: Variables,
        lengths: Mapping[int, int] | None = None,
        *,
        counts_mutations: bool = True,
        introspections: dict[tuple[int, str | None], int] | None = None,
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self._counts_mutations = counts_mutations
        self._variables = variables
        self._lengths = lengths or {}
        self._introspection = IntrospectionCost(schema, fragments)
        self._introspections = {} if introspections is None else introspections
        self._known: dict[tuple[object, ...], Part] = {}
        self._types: dict[tuple[object, ...], list[GraphQLNamedType]] = {}
        self._merged = 0
        self.used: dict[tuple[str, tuple[str, ...]], None] = {}

    def of_operation(self, operation: OperationDefinitionNode) -> int:
        """Return what an operation costs."""
        root = self.schema.get_root_type(operation.operation)
        assert root is not None  # the document is valid
        return self.part((operation.selection_set,), root).total(None, 0)

    def part(self, selections: Selections, type_: GraphQLNamedType) -> Part:
        """Return what selections cost, merged, on objects of this type, worked out once."""
        key = (*map(id, selections), type_.name)
        part = self._known.get(key)
        if part is None:
            part = self._known[key] = Part()
            if len(selections) > 1:
                self._merged += 1
                if self._merged > _MOST_MERGED:
                    for one in selections:
                        part.add(self.part((one,), type_))
                    return part
            for nodes in self.fields_of(selections, type_):
                self._add_field(part, nodes, type_)
        return part

    def fields_of(self, selections: Selections, type_: GraphQLNamedType) -> list[tuple[FieldNode, ...]]:
        """Return the fields that may cost something on objects of this type: those of one name in the answer together.

        Each node once, in the order of the document.
        """
        found: dict[str, dict[int, FieldNode]] = {}
        self._collect(selections, type_, found, set())
        return [tuple(nodes.values()) for nodes in found.values()]

    def _collect(
        self,
        selections: Sequence[SelectionSetNode],
        type_: GraphQLNamedType,
        found: dict[str, dict[int, FieldNode]],
        spread: set[str],
    ) -> None:
        for selection_set in selections:
            for selection in selection_set.selections:
                if isinstance(selection, FieldNode):
                    name = (selection.alias or selection.name).value
                    if selection.selection_set is not None:
                        found.setdefault(name, {})[id(selection)] = selection
                    else:
                        found.setdefault(name, {id(selection): selection})
                    continue
                fragment: Any = selection
                if isinstance(selection, FragmentSpreadNode):
                    if selection.name.value in spread:
                        continue
                    spread.add(selection.name.value)
                    fragment = self.fragments[selection.name.value]
                if fragment.type_condition is None or self._is_a(type_, fragment.type_condition.name.value):
                    self._collect((fragment.selection_set,), type_, found, spread)

    def types_below(self, selections: Selections, type_: GraphQLNamedType) -> list[GraphQLNamedType]:
        """Return the types among which selections may cost differently: of those alike to all fragments, one."""
        if not is_abstract_type(type_):
            return [type_]
        key = (*map(id, selections), type_.name)
        types = self._types.get(key)
        if types is None:
            seen: set[str] = set()
            named = list(dict.fromkeys(one for it in selections for one in self._conditions(it, seen)))
            alike: dict[tuple[bool, ...], GraphQLNamedType] = {}
            for one in self.schema.get_possible_types(type_):
                alike.setdefault(tuple([self._is_a(one, name) for name in named]), one)
            types = self._types[key] = list(alike.values())
        return types

    def entry(self, asked: Asked) -> int:
        """Return what an entry of a field costs with all below it, or the field itself where it is no list."""
        selections = asked.selections
        if not selections:
            return asked.weight
        types = self.types_below(selections, asked.named)
        return asked.weight + max(
            (self.part(selections, type_).total(asked.size, asked.length or 0) for type_ in types), default=0
        )

    def introspected(self, node: FieldNode) -> int:
        """Return what `__schema` or `__type` costs."""
        selection_set = node.selection_set
        assert selection_set is not None  # the document is valid
        name = None
        if node.name.value == "__type":
            name = self._value_of(node, "name")
            if not isinstance(name, str) or name not in self.schema.type_map:
                return 1
        key = id(selection_set), name
        cost = self._introspections.get(key)
        if cost is None:
            counted = self._introspection
            cost = counted.of_schema(selection_set) if name is None else counted.of_type(selection_set, name)
            self._introspections[key] = cost
        return cost

    def asked(self, nodes: tuple[FieldNode, ...], type_: GraphQLNamedType) -> Asked | None:
        """Return what a field of a selection asks; None when it costs nothing, and nothing is below it."""
        if not isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)):
            return None  # a union has only __typename
        node = nodes[0]  # the others have the same arguments: the document is valid
        field = self.schema.get_field(type_, node.name.value)
        if field is None:
            return None
        declared = cost_of(field)
        named = get_named_type(field.type)
        is_mutation = type_ is self.schema.mutation_type
        if node.selection_set is None and declared.weight is None and not declared.arguments and not is_mutation:
            return None
        is_list = node.selection_set is not None and is_list_type(get_nullable_type(field.type))
        weight = declared.weight
        if weight is None:
            weight = DEFAULT_MUTATION_WEIGHT if is_mutation else _weight_of_type(named)
        if is_mutation and not self._counts_mutations:
            weight = 0
        if node.selection_set is not None and any(one.alias is not None for one in nodes):
            weight = max(weight, 1)  # what comes along with its object does so once, and not under fifteen aliases
        return Asked(
            nodes,
            named,
            is_list,
            weight,
            self._arguments(node, declared),
            declared.size,
            self._own_length(node, field, declared.size) if node.selection_set is not None else None,
        )

    def _add_field(self, part: Part, nodes: tuple[FieldNode, ...], type_: GraphQLNamedType) -> None:
        if nodes[0].name.value in INTROSPECTION:
            part.once += sum(map(self.introspected, nodes))
            return
        asked = self.asked(nodes, type_)
        if asked is None:
            return
        part.once += asked.arguments
        entry = self.entry(asked)
        if not asked.is_list:
            part.once += entry
        elif asked.is_assumed:
            own = DEFAULT_LIST_SIZE if asked.length is None else asked.length
            part.lists.append((nodes[0].name.value, own, entry))
        else:
            part.once += (asked.length or 0) * entry

    def _arguments(self, node: FieldNode, declared: FieldCost) -> int:
        """Return what the arguments of a field cost, as far as they are given."""
        weights = declared.arguments.items()
        return sum(weight for name, weight in weights if self._value_of(node, name) is not None)

    def _own_length(self, node: FieldNode, field: GraphQLField, size: ListSize | None) -> int | None:
        """Return the length of a field's list or page, or None when only the field above can say it."""
        replaced = self._lengths.get(id(node))
        if replaced is not None:
            return replaced
        if size is None:
            return None
        if not size.slicing_arguments:
            return DEFAULT_LIST_SIZE if size.assumed is None else size.assumed
        given = [_length(self._value_of(node, name)) for name in size.slicing_arguments]
        if any(given):
            return max(given)
        return size.assumed or max(_unsliced(field, name) for name in size.slicing_arguments)

    def _value_of(self, node: FieldNode, argument: str) -> Any:
        """Return the value of an argument, or of what stands in it at a dotted path.

        A number, a list, a text, something that is none of these, or None.
        """
        name, *path = argument.split(".")
        value: Any = next((it.value for it in node.arguments or () if it.name.value == name), None)
        for index, step in enumerate(path):
            if isinstance(value, VariableNode):
                return self._of_variable(value.name.value, tuple(path[index:]))
            fields = getattr(value, "fields", None) or ()
            value = next((it.value for it in fields if it.name.value == step), None)
        match value:
            case None | NullValueNode():
                return None
            case VariableNode(name=variable):
                return self._of_variable(variable.value, ())
            case IntValueNode(value=digits):
                return int(digits)
            case ListValueNode(values=values):
                return list(values)
            case StringValueNode(value=text):
                return text
        return ""

    def _of_variable(self, name: str, path: tuple[str, ...]) -> Any:
        self.used[name, path] = None
        return _within(self._variables.get(name), path)

    def _conditions(self, selection_set: SelectionSetNode, seen: set[str]) -> Iterator[str]:
        """Return the types that the fragments of a selection name, in whatever fragment they stand."""
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                continue
            fragment: Any = selection
            if isinstance(selection, FragmentSpreadNode):
                if selection.name.value in seen:
                    continue
                seen.add(selection.name.value)
                fragment = self.fragments[selection.name.value]
            if fragment.type_condition is not None:
                yield fragment.type_condition.name.value
            yield from self._conditions(fragment.selection_set, seen)

    def _is_a(self, type_: GraphQLNamedType, name: str) -> bool:
        """Return whether objects of this type are of the named one."""
        if type_.name == name:
            return True
        wanted: Any = self.schema.get_type(name)
        return bool(wanted) and is_abstract_type(wanted) and self.schema.is_sub_type(wanted, type_)


def _within(value: Any, path: Sequence[str]) -> Any:
    """Return what stands in the value of a variable."""
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _weight_of_type(named: GraphQLNamedType) -> int:
    declared = cost_of(named).weight
    return declared if declared is not None else 1 if is_composite_type(named) else 0


def _unsliced(field: GraphQLField, argument: str) -> int:
    """Return how many entries a field answers when the argument is not given: the argument's default says it."""
    default = coerce_default_value(field.args[argument]) if argument in field.args else Undefined
    return (0 if default is Undefined else _length(default)) or DEFAULT_LIST_SIZE


def _length(value: Any) -> int:
    """Return the length that a value asks for: at least 1, for the back end is asked for an empty page too; 0 for none.
    """  # fmt: skip
    if isinstance(value, bool) or value is None:
        return 0
    if isinstance(value, int):
        return max(value, 1)
    return max(len(value), 1) if isinstance(value, list) else 1
