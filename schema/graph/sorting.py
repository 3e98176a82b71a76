"""How lists are sorted that can be sorted in more than one way."""

import strawberry

from connectors.directory.records.memberships import MemberOrderField
from connectors.pages import SortDirection
from connectors.shop.interface import OrderSortField


@strawberry.input
class MemberOrder:
    """What members are sorted by; equal ones are sorted by name."""

    field: MemberOrderField = strawberry.field(description="What to sort by.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")


@strawberry.input
class OrderSort:
    """What orders are sorted by."""

    field: OrderSortField = strawberry.field(description="What to sort by.")
    direction: SortDirection = strawberry.field(default=SortDirection.DESC, description="Which way.")
