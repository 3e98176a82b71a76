"""Pages of long lists, by keyset: a cursor says after which entry to go on, so nothing is skipped or shown twice."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from connectors.errors import InvalidCursor

T = TypeVar("T")

ALL = 2**31 - 1
"""As a limit: none."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some entries of a list in its order, and whether there are more before or after them.

    `cursor_of` gives the cursor after which the entry's successor stands.
    """

    items: Sequence[T]
    has_next_page: bool
    has_previous_page: bool
    cursor_of: Callable[[T], str]


def cursor(listing: str, *position: str) -> str:
    """Return an opaque cursor for a position (the values of the sort key, the id last) in the named listing."""
    text = json.dumps([listing, *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


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
