"""JSON from strangers: bounded before it is read, so that whatever was sent is an object or a clear refusal."""

from itertools import accumulate
from typing import Any, Literal

import orjson


class InvalidJson(Exception):
    """The text is no JSON that we read; the message says why, and `limit` which of the limits it is over, if any."""

    def __init__(self, message: str, limit: Literal["depth", "values"] | None = None) -> None:
        super().__init__(message)
        self.limit = limit


_DIGITS = bytes(ord("0" if byte in b"0123456789" else " ") for byte in range(256))
_LONG_NUMBER = b"0" * 100
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_HARMLESS = bytes(byte for byte in range(256) if byte not in b"0123456789[{,")
"""What neither makes a number longer, nor the nesting deeper, nor the values more: few others, and all is well."""

_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def read_json(text: bytes, *, max_depth: int, max_values: int) -> Any:
    """Return what a JSON text says; of a name that stands twice in an object, the last counts.

    Raises:
        InvalidJson: It is not JSON in UTF-8, is nested too deeply, has too many values, or a number too long to mean
            anything.
    """
    if len(text.translate(None, _HARMLESS)) > min(max_depth, max_values, len(_LONG_NUMBER) - 1):
        _check_what_it_holds(text, max_depth, max_values)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidJson(f"{error.msg}, line {error.lineno}, column {error.colno}") from None


def _check_what_it_holds(text: bytes, max_depth: int, max_values: int) -> None:
    if _values(text) > min(max_depth, max_values) or _has_long_number(text):
        plain = _without_escapes(text)
        # Each step takes longer than the one before, so each bounds what the next one looks at. An entry has two
        # strings at most, its name and its value.
        if plain.count(b'"') > 4 * max_values + 2 or _values(bare := _without_strings(plain)) > max_values:
            raise InvalidJson(f"it has more than {max_values:,} values", "values")
        if _depth(bare) > max_depth:
            raise InvalidJson(f"it is nested more than {max_depth} levels deep", "depth")
        if _has_long_number(bare):
            raise InvalidJson("it has a number of a hundred digits or more")


def _has_long_number(text: bytes) -> bool:
    """Return whether there is one; a regular expression takes up to a hundred steps for each byte."""
    return _LONG_NUMBER in text.translate(_DIGITS)


def _values(text: bytes) -> int:
    """Return how many values there are, at most: what stands before a comma, and whatever holds others."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _without_escapes(text: bytes) -> bytes:
    """Return a valid JSON text without the quotes and backslashes within its strings; of any other text, something."""
    return text.replace(b"\\\\", b"").replace(b'\\"', b"")


def _without_strings(plain: bytes) -> bytes:
    """Return a valid JSON text, its escapes left out, without what stands in quotes; of any other text, something."""
    return b"".join(plain.split(b'"')[::2])


def _depth(bare: bytes) -> int:
    """Return how deeply brackets are nested, each a step up or down, without a step in Python per bracket."""
    steps = memoryview(bare.translate(_STEPS, _NO_BRACKETS)).cast("b")
    return max(accumulate(steps), default=0)
