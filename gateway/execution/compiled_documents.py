"""What the engine knows of an operation before it runs: whether it does all of it, and the plans it compiled."""

from collections import OrderedDict
from collections.abc import Iterator
from itertools import chain
from typing import Any, TypeAlias
from weakref import ref

from graphql import (
    BooleanValueNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

from gateway.execution.library_internals import NO_ERROR_PROPAGATION, Executor, default_field_resolver
from gateway.execution.planner import Plan

Choice: TypeAlias = tuple[bool, ...]
"""The values of the variables that `@skip` and `@include` use, in the order of the document."""

_MOST_OPERATIONS = 1_000
_MOST_PLANS_OF_AN_OPERATION = 16


class Operation:
    """One operation of a document on one schema: what of it is beyond the engine, and its plans."""

    __slots__ = ("_document", "_has_aliases", "_plans", "_roots", "beyond", "conditions")

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDefinitionNode],
    ) -> None:
        # Kept so that their ids, by which this is found, are not given to others. The operation itself is not: whoever
        # holds the document decides how long its plans live.
        self._roots = (schema, tuple(fragments.values()))
        self._document: Any = None
        self._plans: OrderedDict[Choice, Plan] = OrderedDict()
        # By variable of `@skip` and `@include`, the value with which more is selected.
        self.conditions: dict[str, bool] = {}
        self.beyond: str | None = None
        if any(fragment.variable_definitions for fragment in fragments.values()):
            self.beyond = "fragment arguments"
        nodes = list(_nodes([operation, *fragments.values()]))
        # Without an alias no two fields ask the same of the same objects.
        self._has_aliases = any(getattr(node, "alias", None) is not None for node in nodes)
        for directive in chain.from_iterable(node.directives or () for node in nodes):
            name = directive.name.value
            if name in ("defer", "stream"):
                self.beyond = "incremental delivery"
            elif name == NO_ERROR_PROPAGATION:
                self.beyond = "disabled error propagation"
            elif name in ("skip", "include"):
                values = [argument.value for argument in directive.arguments or ()]
                if len(values) != 1 or not isinstance(values[0], BooleanValueNode | VariableNode):
                    self.beyond = "condition that is no Boolean"
                elif isinstance(values[0], VariableNode):
                    self.conditions[values[0].name.value] = name == "include"

    def plan(self, executor: Executor[Any]) -> Plan | None:
        """Return the plan for this request's conditions; None when one of them has no value."""
        variables = executor.variable_values.coerced
        choice: Choice = tuple(variables.get(name) for name in self.conditions)  # type: ignore[misc]
        if not {bool}.issuperset(map(type, choice)):
            return None
        if executor.field_resolver is not default_field_resolver:
            return Plan()  # the resolver may belong to the request
        plan = self._plans.get(choice)
        if plan is None:
            plan = self._plans[choice] = self.new_plan()
            if len(self._plans) > _MOST_PLANS_OF_AN_OPERATION:
                self._plans.popitem(last=False)
        return plan

    def new_plan(self) -> Plan:
        """Return a plan in which nothing is compiled yet."""
        return Plan(shares=self._has_aliases)


_operations: OrderedDict[tuple[int, ...], Operation] = OrderedDict()


def operation_of(executor: Executor[Any]) -> Operation:
    """Return what is known of the operation that this executor was built for.

    It is kept as long as the document, but only for the thousand operations used last.
    """
    fragments = executor.fragment_definitions
    key = (id(executor.schema), id(executor.operation), *map(id, fragments.values()))
    operation = _operations.get(key)
    if operation is None:
        operation = _operations[key] = Operation(executor.schema, executor.operation, fragments)
        operation._document = ref(executor.operation, lambda _: _operations.pop(key, None))
        if len(_operations) > _MOST_OPERATIONS:
            _operations.popitem(last=False)
        return operation
    try:  # noqa: SIM105  contextlib.suppress would take longer than all the rest
        _operations.move_to_end(key)
    except KeyError:
        pass  # another thread has dropped it just now
    return operation


def forget_operations() -> None:
    """Forget all plans."""
    _operations.clear()


def _nodes(definitions: list[Any]) -> Iterator[Any]:
    """Return these definitions and all selections in them, whatever their depth, each once."""
    waiting = list(definitions)
    while waiting:
        node = waiting.pop()
        yield node
        selection_set: SelectionSetNode | None = getattr(node, "selection_set", None)
        if selection_set is not None:
            waiting.extend(selection_set.selections)


__all__ = ["Operation", "forget_operations", "operation_of"]
