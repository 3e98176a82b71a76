"""What an operation will cost at most, estimated from the schema's ``@cost`` and ``@listSize`` before it is executed.

An object costs 1 and what is asked of it, a mutation 10, a scalar nothing unless a back end is asked for it; an
argument that makes a field expensive costs its weight where it is given; a list costs that times its entries. Of
fragments on different types the most expensive possible type counts. A fragment is worked out once however often it is
spread, and an operation once for all requests whose variables come to the same.
"""

from collections.abc import Iterator, Mapping
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
    InlineFragmentNode,
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
        return tuple([self._meaning_of(variables.get(name)) for name in self._depends_on])

    def _meaning_of(self, value: Any) -> str | int | None:
        if isinstance(value, str):
            return value if value in self.schema.type_map else ""
        return None if value is None else _length(value, 0)


class Part:
    """What a selection costs: at once, and per entry of each list whose length is known only to the field above."""

    __slots__ = ("lists", "once")

    def __init__(self) -> None:
        self.once = 0
        self.lists: dict[str, int] = {}

    def add(self, other: "Part") -> None:
        """Add what a fragment costs."""
        self.once += other.once
        for name, entry in other.lists.items():
            self.add_list(name, entry)

    def add_list(self, name: str, entry: int) -> None:
        """Add a list whose length the field above knows."""
        self.lists[name] = self.lists.get(name, 0) + entry

    def total(self, size: ListSize | None, length: int) -> int:
        """Return the whole cost when the field above has this `@listSize`, of this length."""
        return self.once + sum(length_below(name, size, length) * entry for name, entry in self.lists.items())


def length_below(name: str, size: ListSize | None, length: int) -> int:
    """Return the length of a list that has none of its own, below a field with this `@listSize`, of this length."""
    return length if size is not None and name in size.sized_fields else DEFAULT_LIST_SIZE


@dataclass(frozen=True, slots=True)
class Asked:
    """A field of a selection that costs something, or has something below it that does.

    `length` is that of its list or page; None where it has none of its own.
    """

    node: FieldNode
    named: GraphQLNamedType
    is_list: bool
    weight: int
    arguments: int
    size: ListSize | None
    length: int | None


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
        self._known: dict[tuple[int, str], Part] = {}
        self.used: dict[str, None] = {}

    def of_operation(self, operation: OperationDefinitionNode) -> int:
        """Return what an operation costs."""
        root = self.schema.get_root_type(operation.operation)
        assert root is not None  # the document is valid
        return self.part(operation.selection_set, root).total(None, 0)

    def part(self, selection_set: SelectionSetNode, type_: GraphQLNamedType) -> Part:
        """Return what a selection costs on objects of this type, worked out once."""
        key = (id(selection_set), type_.name)
        part = self._known.get(key)
        if part is None:
            part = self._known[key] = Part()
            for selection in selection_set.selections:
                if isinstance(selection, FieldNode):
                    self._add_field(part, selection, type_)
                elif (within := self.fragment_on(selection, type_)) is not None:
                    part.add(self.part(*within))
        return part

    def fragment_on(
        self, fragment: FragmentSpreadNode | InlineFragmentNode | Any, type_: GraphQLNamedType
    ) -> tuple[SelectionSetNode, GraphQLNamedType] | None:
        """Return what a fragment selects and on which type, or None when it says nothing of objects of this type."""
        if isinstance(fragment, FragmentSpreadNode):
            fragment = self.fragments[fragment.name.value]
        condition = fragment.type_condition
        if condition is not None and condition.name.value != type_.name:
            wanted = self.schema.get_type(condition.name.value)
            # An abstract type stands here for those of its types that no fragment names.
            if not (wanted and is_abstract_type(wanted) and self._overlap(wanted, type_)):
                return None
            if is_abstract_type(type_):
                return fragment.selection_set, wanted  # whose fields `type_` may not have
        return fragment.selection_set, type_

    def types_below(self, selection_set: SelectionSetNode, type_: GraphQLNamedType) -> list[GraphQLNamedType]:
        """Return the types among which a selection may cost differently: of an abstract type those that it names."""
        if not is_abstract_type(type_):
            return [type_]
        possible = {one.name: one for one in self.schema.get_possible_types(type_)}
        named = dict.fromkeys(self._conditions(selection_set, set()))
        return [type_, *(possible[name] for name in named if name in possible)]

    def entry(self, asked: Asked) -> int:
        """Return what an entry of a field costs with all below it, or the field itself where it is no list."""
        selection_set = asked.node.selection_set
        if selection_set is None:
            return asked.weight
        types = self.types_below(selection_set, asked.named)
        return asked.weight + max(
            self.part(selection_set, type_).total(asked.size, asked.length or 0) for type_ in types
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

    def asked(self, node: FieldNode, type_: GraphQLNamedType) -> Asked | None:
        """Return what a field of a selection asks; None when it costs nothing, and nothing is below it."""
        if not isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)):
            return None  # a union has only __typename
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
        if node.alias is not None and node.selection_set is not None:
            weight = max(weight, 1)  # what comes along with its object does so once, and not under fifteen aliases
        return Asked(
            node,
            named,
            is_list,
            weight,
            self._arguments(node, declared),
            declared.size,
            self._own_length(node, field, declared.size) if node.selection_set is not None else None,
        )

    def _add_field(self, part: Part, node: FieldNode, type_: GraphQLNamedType) -> None:
        if node.name.value in INTROSPECTION:
            part.once += self.introspected(node)
            return
        asked = self.asked(node, type_)
        if asked is None:
            return
        part.once += asked.arguments
        entry = self.entry(asked)
        if not asked.is_list:
            part.once += entry
        elif asked.length is None:
            part.add_list(node.name.value, entry)
        else:
            part.once += asked.length * entry

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
        return max(
            _length(self._value_of(node, name), _unsliced(field, name) if size.assumed is None else size.assumed)
            for name in size.slicing_arguments
        )

    def _value_of(self, node: FieldNode, argument: str) -> Any:
        """Return the value of an argument: a number, a list, a text, something that is none of these, or None."""
        match next((it.value for it in node.arguments or () if it.name.value == argument), None):
            case None | NullValueNode():
                return None
            case VariableNode(name=variable):
                self.used[variable.value] = None
                return self._variables.get(variable.value)
            case IntValueNode(value=digits):
                return int(digits)
            case ListValueNode(values=values):
                return list(values)
            case StringValueNode(value=text):
                return text
        return ""

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

    def _overlap(self, abstract: Any, type_: GraphQLNamedType) -> bool:
        if is_abstract_type(type_):
            possible = {one.name for one in self.schema.get_possible_types(type_)}
            return any(one.name in possible for one in self.schema.get_possible_types(abstract))
        return self.schema.is_sub_type(abstract, type_)


def _weight_of_type(named: GraphQLNamedType) -> int:
    declared = cost_of(named).weight
    return declared if declared is not None else 1 if is_composite_type(named) else 0


def _unsliced(field: GraphQLField, argument: str) -> int:
    """Return how many entries a field answers when the argument is not given: the argument's default says it."""
    default = coerce_default_value(field.args[argument]) if argument in field.args else Undefined
    return _length(None if default is Undefined else default, DEFAULT_LIST_SIZE)


def _length(value: Any, otherwise: int) -> int:
    """Return the length that a value asks for; at least 1, for the back end is asked for an empty page too."""
    if isinstance(value, bool) or value is None:
        return otherwise
    if isinstance(value, int):
        return max(value, 1)
    return max(len(value), 1) if isinstance(value, list) else 1
