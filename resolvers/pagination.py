"""Pages of lists: what may be asked of them, and how many entries there are in all."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import InvalidCursor
from connectors.pages import Page
from connectors.quick import quick
from resolvers.context import RequestContext
from resolvers.refusals import InvalidArgument
from resolvers.texts import Text

DEFAULT_PAGE = 20
LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of what an owner has, and how to count all of it: `count` does so for many owners in one call."""

    page: Page[Any]
    owner: Any
    where: Hashable
    count: Callable[[RequestContext, Sequence[Any], Any], Awaitable[Sequence[int | None]]]


@quick
@dataclass(frozen=True, slots=True)
class Edge:
    """An entry of a page and the cursor after which the next one stands."""

    cursor: str
    node: Any


def check_page(first: int, after: str | None) -> None:
    """Return when the arguments can be a page's.

    Raises:
        InvalidArgument: `first` is not within 1 and 100, or the cursor is too long for any of ours.
    """
    if not 1 <= first <= LARGEST_PAGE:
        raise InvalidArgument(
            Text(
                "`first` is {given}, but a page has 1 to {most} entries. Ask for fewer and go on with `after`.",
                given=first,
                most=LARGEST_PAGE,
            )
        )
    if after is not None and len(after) > 1000:
        raise InvalidArgument(Text("`after` is not a cursor; use `endCursor` of the previous page, unchanged."))


async def paged(answer: Awaitable[Sequence[Page[Any]]]) -> Sequence[Page[Any]]:
    """Return the pages, or say that `after` is no cursor of this list.

    Raises:
        InvalidArgument: The cursor was not given out by this list.
    """
    try:
        return await answer
    except InvalidCursor as error:
        raise InvalidArgument(
            Text("`after` is not a cursor of this list; use `endCursor` of the previous page, unchanged.")
        ) from error


def edges_of(_context: RequestContext, listing: Listing) -> list[Edge]:
    """Return the entries of the page with their cursors."""
    return [Edge(listing.page.cursor_of(item), item) for item in listing.page.items]


def start_cursor_of(_context: RequestContext, page: Page[Any]) -> str | None:
    """Return the cursor of the page's first entry, None for an empty page."""
    return page.cursor_of(page.items[0]) if page.items else None


def end_cursor_of(_context: RequestContext, page: Page[Any]) -> str | None:
    """Return the cursor of the page's last entry, None for an empty page."""
    return page.cursor_of(page.items[-1]) if page.items else None


async def total_counts(context: RequestContext, listings: Sequence[Listing]) -> Sequence[int | None]:
    """Return how many entries each listing has in all, in one call per kind of listing."""
    kinds: dict[Any, list[int]] = {}
    for index, listing in enumerate(listings):
        kinds.setdefault((listing.count, listing.where), []).append(index)
    answers: list[int | None] = [None] * len(listings)
    for (count, where), indexes in kinds.items():
        counted = await count(context, [listings[index].owner for index in indexes], where)
        for index, number in zip(indexes, counted, strict=True):
            answers[index] = number
    return answers
