"""Pages of lists: what may be asked of them, and how many entries there are in all."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeVar

from connectors.errors import InvalidCursor
from connectors.ids import base32
from connectors.pages import Page, Slice
from connectors.quick import quick
from resolvers.context import RequestContext
from resolvers.refusals import InvalidArgument
from resolvers.texts import Text

DEFAULT_PAGE = 20
LARGEST_PAGE = 100
LONGEST_SEARCH = 100

_LONGEST_CURSOR = 2_000

E = TypeVar("E", bound=Exception)


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
    """An entry of a page and its cursor."""

    cursor: str
    node: Any


def slice_of(first: int | None, after: str | None, last: int | None, before: str | None) -> Slice:
    """Return what the arguments of a connection ask for; an empty cursor counts as none.

    Raises:
        InvalidArgument: `first` and `last` at once, a size that is not within 0 and 100, or a cursor that is too long
            for any of ours.
    """
    if first is not None and last is not None:
        raise InvalidArgument(
            Text(
                "Give `first` or `last`, not both: `first` takes entries from the beginning of the list, `last` takes "
                "them from its end."
            )
        )
    backward = last is not None
    size = last if last is not None else DEFAULT_PAGE if first is None else first
    if not 0 <= size <= LARGEST_PAGE:
        name, cursor = ("last", "before") if backward else ("first", "after")
        raise InvalidArgument(
            Text(
                "`{name}` is {given}, but a page has 0 to {most} entries. Ask for fewer and go on with `{cursor}`.",
                name=name,
                given=size,
                most=LARGEST_PAGE,
                cursor=cursor,
            )
        )
    for name, given in (("after", after), ("before", before)):
        if given is not None and len(given) > _LONGEST_CURSOR:
            raise _no_cursor(name)
    return Slice(size, after or None, before or None, backward)


async def paged(
    page: Slice, asked: Hashable, read: Callable[[Slice], Awaitable[Sequence[Page[Any] | E]]]
) -> Sequence[Page[Any] | E]:
    """Return the pages that `read` gives, with cursors that count only where the same is asked for; errors as they are.

    `asked` names the list, with its filters and its order.

    Raises:
        InvalidArgument: A cursor was not given out by this list, or when something else was asked of it.
    """
    seal = _seal_of(asked)
    inside = page
    if page.after is not None or page.before is not None:
        inside = replace(page, after=_opened("after", page.after, seal), before=_opened("before", page.before, seal))
    try:
        return [_sealed(found, seal) if isinstance(found, Page) else found for found in await read(inside)]
    except InvalidCursor as error:
        raise _no_cursor("after" if page.after is not None else "before") from error


@lru_cache(maxsize=1_000)  # most often the same is asked: the first page of a list without a filter
def _seal_of(asked: Hashable) -> str:
    return base32(int.from_bytes(blake2b(repr(asked).encode(errors="replace"), digest_size=5).digest()))


def check_search(search: str | None) -> None:
    """Return when a text can be looked for.

    Raises:
        InvalidArgument: It is longer than 100 characters.
    """
    if search is not None and len(search) > LONGEST_SEARCH:
        raise InvalidArgument(Text("`search` has {given} characters; at most 100 are allowed.", given=len(search)))


def check_range(from_: datetime | None, to: datetime | None) -> None:
    """Return when something can lie between two instants.

    Raises:
        InvalidArgument: The first is not before the second.
    """
    if from_ is not None and to is not None and from_ >= to:
        raise InvalidArgument(Text("`from` is not before `to`, so nothing can be found. Swap them."))


def _sealed(page: Page[Any], seal: str) -> Page[Any]:
    return Page(page.items, page.has_next_page, page.has_previous_page, lambda item: f"{page.cursor_of(item)}.{seal}")


def _opened(name: str, given: str | None, seal: str) -> str | None:
    if given is None:
        return None
    inside, dot, sealed = given.rpartition(".")
    if not dot:
        raise _no_cursor(name)
    if sealed != seal:
        raise InvalidArgument(
            Text(
                "`{name}` is a cursor of another list, or of this list with other filters or in another order. Leave "
                "it out to start again.",
                name=name,
            )
        )
    return inside


def _no_cursor(name: str) -> InvalidArgument:
    if name == "after":
        return InvalidArgument(
            Text("`after` is not a cursor of this list; use `endCursor` of the previous page, unchanged.")
        )
    return InvalidArgument(
        Text("`before` is not a cursor of this list; use `startCursor` of the next page, unchanged.")
    )


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
