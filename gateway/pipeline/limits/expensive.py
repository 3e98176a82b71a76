"""Whether a request may cost what it is estimated to, and else which parts of it cost most and what would fit.

The parts are looked for only when a request is refused or its sender asks for them. The search goes from the root to
whatever costs most, so it ends soon, however often fragments are spread.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count
from typing import Any

from graphql import FieldNode, GraphQLNamedType

from gateway.pipeline.limits.cost import DEFAULT_LIST_SIZE, Asked, Cost, Estimation, Selections, Variables, length_below
from gateway.pipeline.limits.limit_exceeded import LARGEST_SHOWN, LimitExceeded, in_words
from gateway.pipeline.limits.shape import INTROSPECTION
from gateway.settings import Limits
from schema.graph.cost_directives import ListSize

_MOST_PATHS = 5
_LEAST_SHARE = 20
"""A part that costs less than this fraction of the whole is not worth naming."""

_LONGEST_SEARCH = 1_000
"""So many selections and fields are looked at; then what was found until then is reported."""

_LONGEST_PATH = 300


@dataclass(frozen=True, slots=True)
class Estimated:
    """An operation with the variables of a request, and what it was estimated to cost with them."""

    cost: Cost
    variables: Variables
    estimate: int


@dataclass(frozen=True, slots=True)
class Expensive:
    """A part of an operation that costs much: a list or page with all that is in it, or another field alone.

    `argument` says how long the list is; with `fits` for its value, the request would cost no more than is allowed.
    """

    path: str
    cost: int
    argument: str | None = None
    fits: int | None = None

    def reported(self) -> dict[str, Any]:
        """Return what a client learns of it."""
        reported: dict[str, Any] = {"path": self.path, "cost": min(self.cost, LARGEST_SHOWN)}
        if self.argument is not None:
            reported["argument"] = self.argument
        if self.fits is not None:
            reported["fits"] = self.fits
        return reported

    def in_words(self) -> str:
        """Return the same as a sentence of a message, with the blank before it."""
        what = f" {self.path} alone costs {in_words(self.cost)}"
        return what + (f"; with {self.argument}: {self.fits} there, the request fits." if self.fits else ".")


def check_costs(asked: Sequence[Estimated | None], limits: Limits) -> None:
    """Return when the operations of a request may cost so much together; None stands for one that is not executed.

    Raises:
        LimitExceeded: They may not; it names what costs most.
    """
    total = sum(one.estimate for one in asked if one is not None)
    if total <= limits.max_cost or limits.cost_mode != "enforce":
        return
    found = [
        (part, index)
        for index, one in enumerate(asked)
        if one is not None
        for part in most_expensive(one, limits.max_cost - (total - one.estimate))
    ]
    found = sorted(found, key=lambda it: -it[0].cost)[:_MOST_PATHS]
    raise LimitExceeded(
        "COST_ESTIMATED_TOO_EXPENSIVE",
        "The request may become too expensive; ask for less at once. Its estimated cost is",
        limit=limits.max_cost,
        actual=total,
        setting="max_cost",
        advice=found[0][0].in_words() if found else "",
        mostExpensive=[part.reported() | ({"operation": index} if len(asked) > 1 else {}) for part, index in found],
    )


def most_expensive(one: Estimated, allowed: int) -> list[Expensive]:
    """Return the parts of an operation that cost most, at most five, the most expensive first.

    `allowed` is what the operation may cost; when it costs more, what would fit is worked out for each list.
    """
    search = _Search(one, allowed)
    return search.found()


class _Search:
    """Goes through an operation, always on to what costs most."""

    def __init__(self, one: Estimated, allowed: int) -> None:
        self._one = one
        self._allowed = allowed
        self._estimation = Estimation(one.cost.schema, one.cost.fragments, one.variables)
        self._least = max(one.estimate // _LEAST_SHARE, 1)
        self._waiting: list[tuple[int, int, _Selection | _Part]] = []
        self._order = count()
        self._steps = 0

    def found(self) -> list[Expensive]:
        """Return what was found, the most expensive first."""
        operation = self._one.cost.operation
        root = self._estimation.schema.get_root_type(operation.operation)
        assert root is not None  # the document is valid
        self._await_selection(_Selection((operation.selection_set,), root, 1, ()))
        parts: dict[int, Expensive] = {}
        while self._waiting and len(parts) < _MOST_PATHS and self._steps < _LONGEST_SEARCH:
            _, _, next_ = heappop(self._waiting)
            if isinstance(next_, _Selection):
                self._look_at(next_)
            elif id(next_.nodes[0]) not in parts:  # a fragment's is named once
                parts[id(next_.nodes[0])] = self._reported(next_)
        return list(parts.values())

    def _look_at(self, selection: "_Selection") -> None:
        for nodes in self._estimation.fields_of(selection.sets, selection.type):
            self._steps += len(nodes)
            self._look_at_field(nodes, selection)

    def _look_at_field(self, nodes: tuple[FieldNode, ...], selection: "_Selection") -> None:
        node = nodes[0]
        path = (*selection.path, (node.alias or node.name).value)
        if node.name.value in INTROSPECTION:
            cost = sum(map(self._estimation.introspected, nodes))
            self._await(selection.times * cost, _Part(nodes, path, selection.times * cost))
            return
        asked = self._estimation.asked(nodes, selection.type)
        if asked is None:
            return
        own = DEFAULT_LIST_SIZE if asked.length is None else asked.length
        if asked.is_assumed:
            own = length_below(node.name.value, own, selection.size, selection.length)
        length = own if asked.is_list else 1
        if asked.size is not None or (asked.is_list and selection.size is None):
            cost = asked.arguments + length * self._estimation.entry(asked)
            sliced_by = asked.size.slicing_arguments if asked.size is not None else ()
            given = {argument.name.value for argument in node.arguments or ()}
            argument = next((name for name in sliced_by if name in given), sliced_by[0] if sliced_by else None)
        elif asked.is_list:  # a page has been named with what is in it
            cost, argument = 0, None
        else:
            cost, argument = asked.arguments + asked.weight, None
        part = _Part(nodes, path, selection.times * cost, argument, asked.length or 0)
        self._await(part.cost, part)
        if asked.selections:
            below = _Selection(
                asked.selections, asked.named, selection.times * length, path, asked.size, asked.length or 0
            )
            self._await_selection(self._most_expensive_type(below, asked))

    def _most_expensive_type(self, selection: "_Selection", asked: Asked) -> "_Selection":
        types = self._estimation.types_below(selection.sets, asked.named)
        return max((replace(selection, type=type_) for type_ in types), key=self._cost)

    def _cost(self, selection: "_Selection") -> int:
        part = self._estimation.part(selection.sets, selection.type)
        return selection.times * part.total(selection.size, selection.length)

    def _await_selection(self, selection: "_Selection") -> None:
        self._await(self._cost(selection), selection)

    def _await(self, cost: int, next_: "_Selection | _Part") -> None:
        if cost >= self._least:
            heappush(self._waiting, (-cost, next(self._order), next_))

    def _reported(self, part: "_Part") -> Expensive:
        path = ".".join(part.path)
        if len(path) > _LONGEST_PATH:
            path = f"{path[:_LONGEST_PATH]}…"
        return Expensive(path, part.cost, part.argument, self._fitting(part))

    def _fitting(self, part: "_Part") -> int | None:
        """Return the largest length of a list with which the operation costs no more than is allowed, if there is one.

        The estimate grows at least in proportion to the length, so what the straight line between none and as many as
        were asked for says is never too much.
        """
        asked, estimate = part.length, self._one.estimate
        if part.argument is None or estimate <= self._allowed:
            return None
        cost = self._one.cost
        without = Estimation(cost.schema, cost.fragments, self._one.variables, {id(node): 0 for node in part.nodes})
        least = without.of_operation(cost.operation)
        if least > self._allowed or least >= estimate:
            return None
        return (self._allowed - least) * asked // (estimate - least) or None


@dataclass(frozen=True, slots=True)
class _Selection:
    """Merged selections that are waiting to be looked at, on objects of a type that there are so many times.

    `size` and `length` are the `@listSize` of the field above it, and how long its page is.
    """

    sets: Selections
    type: GraphQLNamedType
    times: int
    path: tuple[str, ...]
    size: ListSize | None = None
    length: int = 0


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an operation that is waiting to be named."""

    nodes: tuple[FieldNode, ...]
    path: tuple[str, ...]
    cost: int
    argument: str | None = None
    length: int = 0
