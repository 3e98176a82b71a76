"""What an operation will cost at most, estimated from the schema's ``@cost`` and ``@listSize`` before it is executed.

An object costs 1 (a mutation 10, a scalar nothing) and what is asked of it; a list costs that times its entries. A
fragment is worked out once however often it is spread, and all that does not depend on variables is added up when the
document is made ready: per request only the lists sliced by a variable are left to multiply.
"""

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
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
    Undefined,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)
from graphql.utilities.coerce_input_value import coerce_default_value

from gateway.limits.allowance import LimitExceeded, Limits
from schema.cost import ListSize, cost_of

DEFAULT_LIST_SIZE = 10
DEFAULT_MUTATION_WEIGHT = 10

INTROSPECTION_SHARE = 40
"""So many objects of an introspection cost as much as one object of a back end: they are in memory already."""


class Slice:
    """The length of a list as a variable says it: a number, or a list with an entry for each."""

    __slots__ = ("otherwise", "variable")

    def __init__(self, variable: str, otherwise: int) -> None:
        self.variable = variable
        self.otherwise = otherwise

    def of(self, variables: Mapping[str, Any]) -> int:
        """Return the length for these coerced variables."""
        return _length(variables.get(self.variable), self.otherwise)


Size: TypeAlias = int | Slice


class Sum:
    """A number and terms to add to it when the variables are known; each term is a length times another sum."""

    __slots__ = ("number", "terms")

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self.terms: list[tuple[Size, Sum]] = []

    def add(self, size: Size, other: "Sum") -> None:
        """Add another sum so many times; a sum that is only a number is worked out at once."""
        if not other.terms and isinstance(size, int):
            self.number += size * other.number
        elif other.terms or other.number:
            self.terms.append((size, other))

    def of(self, variables: Mapping[str, Any], known: "dict[int, int] | None" = None) -> int:
        """Return the number for these coerced variables; a sum that is shared is worked out once."""
        if not self.terms:
            return self.number
        known = {} if known is None else known
        total = known.get(id(self))
        if total is None:
            total = self.number
            for size, other in self.terms:
                total += (size if isinstance(size, int) else size.of(variables)) * other.of(variables, known)
            known[id(self)] = total
        return total


class Cost:
    """What one operation costs."""

    __slots__ = ("_sum",)

    def __init__(self, total: Sum) -> None:
        self._sum = total

    def of(self, variables: Mapping[str, Any]) -> int:
        """Return the estimate for these coerced variables."""
        return self._sum.of(variables)


def check_cost(estimated: int, limits: Limits) -> None:
    """Return when a request may cost so much.

    Raises:
        LimitExceeded: It may not.
    """
    if estimated > limits.max_cost and limits.cost_mode == "enforce":
        raise LimitExceeded(
            "COST_ESTIMATED_TOO_EXPENSIVE",
            "The request may become too expensive; ask for less at once. Its estimated cost is",
            limit=limits.max_cost,
            actual=estimated,
            setting="max_cost",
        )


class _Part:
    """What a selection costs: at once, and per entry of each list whose length is known only to the field above."""

    __slots__ = ("lists", "once")

    def __init__(self) -> None:
        self.once = Sum()
        self.lists: dict[str, Sum] = {}

    def add_list(self, name: str, entry: Sum) -> None:
        self.lists.setdefault(name, Sum()).add(1, entry)

    def total(self, size: ListSize | None, length: Size) -> Sum:
        """Return the whole cost when the field above has this `@listSize`, of this length."""
        if not self.lists:
            return self.once
        total = Sum()
        total.add(1, self.once)
        for name, entry in self.lists.items():
            total.add(length if size is not None and name in size.sized_fields else DEFAULT_LIST_SIZE, entry)
        return total


class CostOfOperations:
    """Estimates operations of one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._introspection_sizes = _introspection_sizes(schema)

    def of(self, fragments: Mapping[str, FragmentDefinitionNode]) -> Callable[[OperationDefinitionNode], Cost]:
        """Return what estimates operations of a valid document with these fragments."""
        known: dict[str, _Part] = {}

        def cost(operation: OperationDefinitionNode) -> Cost:
            root = self._schema.get_root_type(operation.operation)
            part = self._part(operation.selection_set, root, fragments, known)
            return Cost(part.total(None, 0))

        return cost

    def _part(
        self,
        selection_set: SelectionSetNode,
        type_: GraphQLNamedType | None,
        fragments: Mapping[str, FragmentDefinitionNode],
        known: dict[str, _Part],
    ) -> _Part:
        part = _Part()
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                self._add_field(part, selection, type_, fragments, known)
                continue
            if isinstance(selection, FragmentSpreadNode):
                inner = self._fragment(selection.name.value, fragments, known)
            else:
                assert isinstance(selection, InlineFragmentNode)
                condition = selection.type_condition
                inner_type = self._schema.get_type(condition.name.value) if condition else type_
                inner = self._part(selection.selection_set, inner_type, fragments, known)
            part.once.add(1, inner.once)
            for name, entry in inner.lists.items():
                part.add_list(name, entry)
        return part

    def _fragment(self, name: str, fragments: Mapping[str, FragmentDefinitionNode], known: dict[str, _Part]) -> _Part:
        part = known.get(name)
        if part is None:
            definition = fragments[name]
            type_ = self._schema.get_type(definition.type_condition.name.value)
            part = known[name] = self._part(definition.selection_set, type_, fragments, known)
        return part

    def _add_field(
        self,
        part: _Part,
        node: FieldNode,
        type_: GraphQLNamedType | None,
        fragments: Mapping[str, FragmentDefinitionNode],
        known: dict[str, _Part],
    ) -> None:
        name = node.name.value
        if not isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)):
            return  # a union has only __typename
        field = self._schema.get_field(type_, name)
        if field is None or (node.selection_set is None and cost_of(field).weight is None):
            if field is not None and type_ is self._schema.mutation_type:
                part.once.number += DEFAULT_MUTATION_WEIGHT
            return
        named = get_named_type(field.type)
        size = cost_of(field).size
        length = self._length(name, node, field, size, type_)
        one = Sum(self._weight(field, named, type_))
        if node.selection_set is not None:
            inner = self._part(node.selection_set, named, fragments, known)
            one.add(1, inner.total(size, 0 if length is None else length))
        if name in ("__schema", "__type"):
            part.once.number += 1 + one.number // INTROSPECTION_SHARE
        elif not is_list_type(get_nullable_type(field.type)):
            part.once.add(1, one)
        elif length is None:
            part.add_list(name, one)
        else:
            part.once.add(length, one)

    def _weight(self, field: GraphQLField, named: GraphQLNamedType, parent: GraphQLNamedType) -> int:
        declared = cost_of(field).weight
        if declared is None:
            if parent is self._schema.mutation_type:
                return DEFAULT_MUTATION_WEIGHT
            declared = cost_of(named).weight
        return declared if declared is not None else 1 if is_composite_type(named) else 0

    def _length(
        self, name: str, node: FieldNode, field: GraphQLField, size: ListSize | None, parent: GraphQLNamedType
    ) -> Size | None:
        """Return the length of a field's list or page, or None when only the field above can say it."""
        if parent.name.startswith("__"):
            return self._introspection_sizes.get(name, 2)  # 2: interfaces, possible types
        if size is None:
            return None
        lengths = [_sliced(node, field, argument, size.assumed) for argument in size.slicing_arguments]
        if not lengths:
            return DEFAULT_LIST_SIZE if size.assumed is None else size.assumed
        if len(lengths) == 1:
            return lengths[0]
        return next((it for it in lengths if isinstance(it, Slice)), max(it for it in lengths if isinstance(it, int)))


def _introspection_sizes(schema: GraphQLSchema) -> dict[str, int]:
    """Return how long introspection's lists are: `types` and `directives` as they are, those within on the average.

    With averages, an introspection of the whole schema is estimated at about what it has, however large it grows.
    """
    types = schema.type_map.values()
    outputs = [type_ for type_ in types if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType))]
    fields = [field for type_ in outputs for field in type_.fields.values()]
    inputs = sum(len(type_.fields) for type_ in types if isinstance(type_, GraphQLInputObjectType))
    values = sum(len(type_.values) for type_ in types if isinstance(type_, GraphQLEnumType))
    return {
        "types": len(types),
        "directives": len(schema.directives),
        "fields": ceil(len(fields) / len(types)),
        "args": ceil(sum(len(field.args) for field in fields) / max(len(fields), 1)),
        "inputFields": ceil(inputs / len(types)),
        "enumValues": ceil(values / len(types)),
    }


def _sliced(node: FieldNode, field: GraphQLField, argument: str, assumed: int | None) -> Size:
    """Return the length that an argument asks for."""
    otherwise = _unsliced(field, argument) if assumed is None else assumed
    given = next((it.value for it in node.arguments or () if it.name.value == argument), None)
    match given:
        case None | NullValueNode():
            return otherwise
        case IntValueNode():
            return max(int(given.value), 0)
        case ListValueNode():
            return len(given.values)
        case VariableNode():
            return Slice(given.name.value, otherwise)
    return 1  # a single value where a list is asked for


def _unsliced(field: GraphQLField, argument: str) -> int:
    """Return how many entries a field answers when the argument is not given: the argument's default says it."""
    default = coerce_default_value(field.args[argument]) if argument in field.args else Undefined
    return _length(None if default is Undefined else default, DEFAULT_LIST_SIZE)


def _length(value: Any, otherwise: int) -> int:
    if isinstance(value, bool) or value is None:
        return otherwise
    if isinstance(value, int):
        return max(value, 0)
    return len(value) if isinstance(value, list) else 1
