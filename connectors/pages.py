"""Pages of long lists, by keyset: a cursor says beside which entry to go on, so nothing is skipped or shown twice."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from connectors.errors import InvalidCursor

T = TypeVar("T")

ALL = 2**31 - 1
"""As a limit: none."""


class SortDirection(StrEnum):
    """Which way a list is sorted."""

    ASC = "ASC"
    DESC = "DESC"


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of a list that is asked for: its first entries, or its last ones when read `backward`.

    Between two cursors, where they are given: the entries after `after`, and those before `before`.
    """

    size: int
    after: str | None = None
    before: str | None = None
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some entries of a list in its order, and whether the list has more before or after them.

    `cursor_of` gives the cursor of an entry, after which its successor stands and before which its predecessor does.
    """

    items: Sequence[T]
    has_next_page: bool
    has_previous_page: bool
    cursor_of: Callable[[T], str]


def cursor(listing: str, *position: str) -> str:
    """Return an opaque cursor for a position (the values of the sort key, the id last) in the named listing."""
    text = json.dumps([listing, *position], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode(errors="surrogatepass")).rstrip(b"=").decode()


def position(listing: str, after: str, length: int) -> tuple[str, ...]:
    """Return the position that `cursor` was given for.

    Raises:
        InvalidCursor: Not a cursor of this listing.
    """
    try:
        values = json.loads(base64.b64decode(after + "=" * (-len(after) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise InvalidCursor(f"{after!r} is not a cursor.") from error
    if (
        not isinstance(values, list)
        or len(values) != length + 1
        or values[0] != listing
        or not all(isinstance(value, str) for value in values)
    ):
        raise InvalidCursor(f"{after!r} is not a cursor of {listing}.")
    return tuple(values[1:])
