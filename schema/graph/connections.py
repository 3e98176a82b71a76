"""Pages of lists, as in Relay's Cursor Connections."""

from typing import Generic, TypeVar

import strawberry

from permissions.access_rules import OPEN
from resolvers import pagination
from schema.graph.cost_directives import COUNT, CostDirective
from schema.graph.fields import attribute, computed, field

T = TypeVar("T")


@strawberry.type(directives=[CostDirective(weight=0)])
class PageInfo:
    """The position of a page in its list."""

    has_next_page: bool = strawberry.field(description="Whether there are entries after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there are entries before this page.")
    start_cursor: str | None = computed(
        pagination.start_cursor_of, requires=OPEN, description="The cursor of the first entry; null for an empty page."
    )
    end_cursor: str | None = computed(
        pagination.end_cursor_of,
        requires=OPEN,
        description="The cursor of the last entry, for `after` of the next page; null for an empty page.",
    )


@strawberry.type
class Edge(Generic[T]):
    """An entry of a page."""

    cursor: str = strawberry.field(description="The cursor of this entry.")
    node: T = strawberry.field(description="The entry itself.", directives=[CostDirective(weight=0)])


@strawberry.type
class Connection(Generic[T]):
    """A page of a list."""

    edges: list[Edge[T]] = computed(pagination.edges_of, requires=OPEN, description="The entries with their cursors.")
    nodes: list[T] = attribute("page.items", requires=OPEN, description="The entries.")
    page_info: PageInfo = attribute("page", requires=OPEN, description="The position of this page in the list.")
    total_count: int | None = field(
        pagination.total_counts,
        requires=OPEN,
        cost=COUNT,
        description="The number of entries in the whole list; null where the application behind it cannot count them.",
    )
