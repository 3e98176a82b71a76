"""What an operation will cost at most, estimated from the schema's ``@cost`` and ``@listSize`` before it is executed.

An object costs 1 and what is asked of it, a mutation 10, a scalar nothing unless a back end is asked for it; an
argument that makes a field expensive costs its weight where it is given; a list costs that times its entries. Of
fragments on different types the most expensive possible type counts. A fragment is worked out once however often it is
spread, and all that does not depend on variables is added up when the document is made ready: per request only what
depends on a variable is left.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

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
    ValueNode,
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

Fragments: TypeAlias = Mapping[str, FragmentDefinitionNode]
Variables: TypeAlias = Mapping[str, Any]


class Factor(Protocol):
    """A number that depends on the variables."""

    def of(self, variables: Variables) -> int:
        """Return the number for these coerced variables."""
        ...


class Slice:
    """The length of a list as a variable says it: a number, or a list with an entry for each."""

    __slots__ = ("otherwise", "variable")

    def __init__(self, variable: str, otherwise: int) -> None:
        self.variable = variable
        self.otherwise = otherwise

    def of(self, variables: Variables) -> int:
        """Return the length for these coerced variables."""
        return _length(variables.get(self.variable), self.otherwise)


class Given:
    """Whether a variable has a value: 1, or 0 where it is null or left out."""

    __slots__ = ("variable",)

    def __init__(self, variable: str) -> None:
        self.variable = variable

    def of(self, variables: Variables) -> int:
        """Return it for these coerced variables."""
        return int(variables.get(self.variable) is not None)


class Known(dict[int, int]):
    """What was worked out before for some variables, by identity; what was counted of the schema goes with it."""

    __slots__ = ("_introspection",)

    def introspection(self, schema: GraphQLSchema, fragments: Fragments) -> IntrospectionCost:
        """Return what counts the introspections of one document; it takes more memory than is to be kept."""
        found: IntrospectionCost | None = getattr(self, "_introspection", None)
        if found is None:
            found = self._introspection = IntrospectionCost(schema, fragments)
        return found


class Term(Protocol):
    """A cost that depends on the variables."""

    def of(self, variables: Variables, known: Known) -> int:
        """Return the cost for these coerced variables; `known` has what was worked out before, by identity."""
        ...


class Sum:
    """A number and terms to add to it when the variables are known, each so many times."""

    __slots__ = ("number", "terms")

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self.terms: list[tuple[int | Factor, Term]] = []

    def add(self, times: int | Factor, other: "Sum") -> None:
        """Add another sum so many times; a sum that is only a number is worked out at once."""
        if not other.terms and isinstance(times, int):
            self.number += times * other.number
        elif other.terms or other.number:
            self.terms.append((times, other))

    def of(self, variables: Variables, known: Known | None = None) -> int:
        """Return the number for these coerced variables; a sum that is shared is worked out once."""
        if not self.terms:
            return self.number
        known = Known() if known is None else known
        total = known.get(id(self))
        if total is None:
            total = self.number
            for times, other in self.terms:
                total += (times if isinstance(times, int) else times.of(variables)) * other.of(variables, known)
            known[id(self)] = total
        return total


class _Most:
    """The largest of several costs."""

    __slots__ = ("_number", "_others")

    def __init__(self, number: int, others: list[Sum]) -> None:
        self._number = number
        self._others = others

    def of(self, variables: Variables, known: Known) -> int:
        return max(self._number, *(other.of(variables, known) for other in self._others))


def _most(costs: list[Sum]) -> Sum:
    if len(costs) == 1:
        return costs[0]
    total = Sum(max((cost.number for cost in costs if not cost.terms), default=0))
    others = [cost for cost in costs if cost.terms]
    if others:
        total.terms.append((1, _Most(total.number, others)))
        total.number = 0
    return total


class _NamedType:
    """What `__type` costs when a variable says which type it describes."""

    __slots__ = ("_fragments", "_known", "_schema", "_selection_set", "_variable")

    def __init__(
        self, schema: GraphQLSchema, fragments: Fragments, selection_set: SelectionSetNode, variable: str
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._selection_set = selection_set
        self._variable = variable
        self._known: dict[str, int] = {}

    def of(self, variables: Variables, known: Known) -> int:
        name = variables.get(self._variable)
        if not isinstance(name, str) or name not in self._schema.type_map:
            return 1
        cost = self._known.get(name)
        if cost is None:
            costs = known.introspection(self._schema, self._fragments)
            cost = self._known[name] = costs.of_type(self._selection_set, name)
        return cost


class Part:
    """What a selection costs: at once, and per entry of each list whose length is known only to the field above."""

    __slots__ = ("lists", "once")

    def __init__(self) -> None:
        self.once = Sum()
        self.lists: dict[str, Sum] = {}

    def add(self, other: "Part") -> None:
        """Add what a fragment costs."""
        self.once.add(1, other.once)
        for name, entry in other.lists.items():
            self.add_list(name, entry)

    def add_list(self, name: str, entry: Sum) -> None:
        """Add a list whose length the field above knows."""
        self.lists.setdefault(name, Sum()).add(1, entry)

    def total(self, size: ListSize | None, length: int | Factor) -> Sum:
        """Return the whole cost when the field above has this `@listSize`, of this length."""
        if not self.lists:
            return self.once
        total = Sum()
        total.add(1, self.once)
        for name, entry in self.lists.items():
            total.add(length_below(name, size, length), entry)
        return total


def length_below(name: str, size: ListSize | None, length: int | Factor) -> int | Factor:
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
    arguments: Sum
    size: ListSize | None
    length: int | Factor | None


class Estimation:
    """A document that is being estimated: for any variables, or for those given, so that every sum is a number.

    `lengths` replaces the length of lists and pages, by the identity of their field's node. Without `counts_mutations`,
    a mutation costs what its answer does.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Fragments,
        variables: Variables | None = None,
        lengths: Mapping[int, int] | None = None,
        *,
        counts_mutations: bool = True,
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self._counts_mutations = counts_mutations
        self._variables = variables
        self._lengths = lengths or {}
        self._introspection = IntrospectionCost(schema, fragments)
        self._known: dict[tuple[int, str], Part] = {}

    def of_operation(self, operation: OperationDefinitionNode) -> Sum:
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

    def entry(self, asked: Asked) -> Sum:
        """Return what an entry of a field costs with all below it, or the field itself where it is no list."""
        selection_set = asked.node.selection_set
        if selection_set is None:
            return Sum(asked.weight)
        one = Sum(asked.weight)
        length = 0 if asked.length is None else asked.length
        types = self.types_below(selection_set, asked.named)
        one.add(1, _most([self.part(selection_set, type_).total(asked.size, length) for type_ in types]))
        return one

    def introspected(self, node: FieldNode) -> Sum:
        """Return what `__schema` or `__type` costs."""
        assert node.selection_set is not None  # the document is valid
        total = Sum()
        if node.name.value == "__schema":
            total.number = self._introspection.of_schema(node.selection_set)
            return total
        match _value_of(node, "name"):
            case VariableNode(name=variable):
                if self._variables is None:
                    named = _NamedType(self.schema, self.fragments, node.selection_set, variable.value)
                    total.terms.append((1, named))
                else:
                    name = self._variables.get(variable.value)
                    total.number = self._introspection.of_type(node.selection_set, name) if isinstance(name, str) else 1
            case StringValueNode(value=name):
                total.number = self._introspection.of_type(node.selection_set, name)
        return total

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
            part.once.add(1, self.introspected(node))
            return
        asked = self.asked(node, type_)
        if asked is None:
            return
        part.once.add(1, asked.arguments)
        entry = self.entry(asked)
        if not asked.is_list:
            part.once.add(1, entry)
        elif asked.length is None:
            part.add_list(node.name.value, entry)
        else:
            part.once.add(asked.length, entry)

    def _arguments(self, node: FieldNode, declared: FieldCost) -> Sum:
        """Return what the arguments of a field cost, as far as they are given."""
        total = Sum()
        for name, weight in declared.arguments.items():
            match _value_of(node, name):
                case None | NullValueNode():
                    pass
                case VariableNode(name=variable):
                    total.add(self._settled(Given(variable.value)), Sum(weight))
                case _:
                    total.number += weight
        return total

    def _own_length(self, node: FieldNode, field: GraphQLField, size: ListSize | None) -> int | Factor | None:
        """Return the length of a field's list or page, or None when only the field above can say it."""
        replaced = self._lengths.get(id(node))
        if replaced is not None:
            return replaced
        if size is None:
            return None
        lengths = [self._settled(_sliced(node, field, name, size.assumed)) for name in size.slicing_arguments]
        if not lengths:
            return DEFAULT_LIST_SIZE if size.assumed is None else size.assumed
        numbers = [length for length in lengths if isinstance(length, int)]
        return max(numbers) if len(numbers) == len(lengths) else next(it for it in lengths if not isinstance(it, int))

    def _settled(self, factor: int | Factor) -> int | Factor:
        return factor if isinstance(factor, int) or self._variables is None else factor.of(self._variables)

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


class Cost:
    """What one operation costs."""

    __slots__ = ("_sum", "fragments", "operation", "schema")

    def __init__(
        self, schema: GraphQLSchema, fragments: Fragments, operation: OperationDefinitionNode, total: Sum
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self.operation = operation
        self._sum = total

    def of(self, variables: Variables) -> int:
        """Return the estimate for these coerced variables."""
        return self._sum.of(variables)

    def of_answer(self, variables: Variables) -> int:
        """Return the same without what the mutations themselves cost."""
        estimation = Estimation(self.schema, self.fragments, variables, counts_mutations=False)
        return estimation.of_operation(self.operation).number


class CostOfOperations:
    """Estimates operations of one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema

    def of(self, fragments: Fragments) -> Callable[[OperationDefinitionNode], Cost]:
        """Return what estimates operations of a valid document with these fragments."""
        estimation = Estimation(self._schema, fragments)

        def cost(operation: OperationDefinitionNode) -> Cost:
            return Cost(self._schema, fragments, operation, estimation.of_operation(operation))

        return cost


def _weight_of_type(named: GraphQLNamedType) -> int:
    declared = cost_of(named).weight
    return declared if declared is not None else 1 if is_composite_type(named) else 0


def _value_of(node: FieldNode, argument: str) -> ValueNode | None:
    return next((it.value for it in node.arguments or () if it.name.value == argument), None)


def _sliced(node: FieldNode, field: GraphQLField, argument: str, assumed: int | None) -> int | Factor:
    """Return the length that an argument asks for."""
    otherwise = _unsliced(field, argument) if assumed is None else assumed
    match _value_of(node, argument):
        case None | NullValueNode():
            return otherwise
        case IntValueNode(value=number):
            return max(int(number), 1)
        case ListValueNode(values=values):
            return max(len(values), 1)
        case VariableNode(name=variable):
            return Slice(variable.value, otherwise)
    return 1  # a single value where a list is asked for


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
