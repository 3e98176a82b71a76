"""What a field or an object costs, as it stands in the printed schema: ``@cost`` and ``@listSize``.

After the Cost Directives specification (IBM). Without directives an object costs 1, a mutation 10, a scalar nothing,
and a list is taken to have ten entries; the gateway estimates an operation before it executes it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import strawberry
from graphql import GraphQLField, GraphQLNamedType
from strawberry.schema_directive import Location

from resolvers.pagination import DEFAULT_PAGE

PASSWORD_CHECK = 1_250
"""What a mutation costs that checks or hashes a password, which takes some 50 ms of every processor: with `max_cost` as
shipped, a request may do so four times."""

COUNT = 5
"""What it costs to count a whole list, of which a page needs a few rows."""

UNINDEXED = 5
"""What an argument costs that leaves out entries of a list after reading them."""

SEARCH = 10
"""What an argument costs that compares text with every entry of a list."""

COST = "cost"
"""Where a GraphQL field or type keeps its cost, in `extensions`."""


@strawberry.schema_directive(
    locations=[
        Location.FIELD_DEFINITION,
        Location.ARGUMENT_DEFINITION,
        Location.OBJECT,
        Location.INTERFACE,
        Location.UNION,
    ],
    name="cost",
)
class CostDirective:
    """What the field, or each object of the type, adds to the estimated cost of an operation; on an argument, what it
    adds where it is given a value.
    """

    weight: int


@strawberry.schema_directive(locations=[Location.FIELD_DEFINITION], name="listSize")
class ListSizeDirective:
    """How many entries the field's list is taken to have for the estimated cost: the value of a slicing argument (of a
    list, its length; of an input, what stands in it at a dotted path), else the assumed size, else the argument's
    default. Of several slicing arguments, the largest that is given counts. With sizedFields, it is those fields of
    the answer that have so many.
    """

    assumed_size: int | None = strawberry.UNSET
    slicing_arguments: list[str] | None = strawberry.UNSET
    sized_fields: list[str] | None = strawberry.UNSET


@dataclass(frozen=True, slots=True)
class ListSize:
    """How long a field's list, or the lists of its `sized_fields`, are taken to be; arguments by their GraphQL name."""

    assumed: int | None = None
    slicing_arguments: tuple[str, ...] = ()
    sized_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldCost:
    """What was declared of a field or a type; None where the default counts. `arguments` by their GraphQL name."""

    weight: int | None = None
    size: ListSize | None = None
    arguments: Mapping[str, int] = field(default_factory=dict)


_DEFAULT = FieldCost()


def cost_of(declared_on: GraphQLField | GraphQLNamedType) -> FieldCost:
    """Return what was declared of a field or a type."""
    declared: FieldCost = declared_on.extensions.get(COST, _DEFAULT)
    return declared


def cost_directives(
    arguments: Sequence[str],
    weight: int | None,
    assumed_size: int | None,
    sliced_by: str | None,
    sized_fields: Sequence[str] = (),
) -> list[object]:
    """Return the directives of a field with these arguments (by their GraphQL names).

    `first` or `last` slices the page that a connection answers; `sliced_by` names another argument, or what stands in
    an input at a dotted path: a number, or a list of which each entry is answered by one, of the field itself or in its
    `sized_fields`.
    """
    directives: list[object] = [] if weight is None else [CostDirective(weight=weight)]
    assumed = strawberry.UNSET if assumed_size is None else assumed_size
    if sliced_by is None and "last" in arguments:
        size = DEFAULT_PAGE if assumed_size is None else assumed_size
        page, slicing = ["edges", "nodes"], ["first", "last"]
        directives.append(ListSizeDirective(assumed_size=size, slicing_arguments=slicing, sized_fields=page))
    elif sliced_by is not None:
        fields = list(sized_fields) or strawberry.UNSET
        directives.append(ListSizeDirective(assumed_size=assumed, slicing_arguments=[sliced_by], sized_fields=fields))
    elif assumed_size is not None:
        directives.append(ListSizeDirective(assumed_size=assumed_size))
    return directives


def bind_cost(
    declared_on: Any,
    directives: Sequence[object],
    name_of: Callable[[str], str] = str,
    arguments: Mapping[str, Sequence[object]] | None = None,
) -> None:
    """Keep what the directives of a field or a type say, and those of its arguments, where `cost_of` finds it."""
    weight: int | None = None
    size: ListSize | None = None
    for directive in directives:
        match directive:
            case CostDirective():
                weight = directive.weight
            case ListSizeDirective():
                size = ListSize(
                    None if directive.assumed_size is strawberry.UNSET else directive.assumed_size,
                    tuple(map(name_of, directive.slicing_arguments or ())),
                    tuple(directive.sized_fields or ()),
                )
    weights = {
        name: directive.weight
        for name, of_argument in (arguments or {}).items()
        for directive in of_argument
        if isinstance(directive, CostDirective)
    }
    if weight is not None or size is not None or weights:
        declared_on.extensions[COST] = FieldCost(weight, size, weights)
