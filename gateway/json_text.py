"""JSON from strangers: bounded before it is read, so that whatever was sent is an object or a clear refusal."""

import re
from itertools import accumulate
from typing import Any

import orjson


class InvalidJson(Exception):
    """The text is no JSON that we read; the message says why."""


_MOST_CONTAINERS = 20_000
"""Lists and objects in one text; a form has dozens, and half a million keep the process busy for a while."""

_LONG_NUMBER = re.compile(rb"[0-9]{100}")
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def read_json(text: bytes, max_depth: int) -> Any:
    """Return what a JSON text says; of a name that stands twice in an object, the last counts.

    Raises:
        InvalidJson: It is not JSON in UTF-8, is nested too deeply, or has a number too long to mean anything.
    """
    if _may_be_deeper(text, max_depth) or _LONG_NUMBER.search(text):
        bare = _without_strings(text)
        if _depth(bare) > max_depth:
            raise InvalidJson(f"it is nested more than {max_depth} levels deep (setting max_json_depth)")
        if bare.count(b"[") + bare.count(b"{") > _MOST_CONTAINERS:
            raise InvalidJson(f"it has more than {_MOST_CONTAINERS:,} lists and objects")
        if _LONG_NUMBER.search(bare):
            raise InvalidJson("it has a number of a hundred digits or more")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidJson(f"{error.msg}, line {error.lineno}, column {error.colno}") from None


def _may_be_deeper(text: bytes, depth: int) -> bool:
    return text.count(b"[") + text.count(b"{") > depth


def _without_strings(text: bytes) -> bytes:
    """Return a valid JSON text without what stands in quotes; of any other text, something."""
    return b"".join(text.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])


def _depth(bare: bytes) -> int:
    """Return how deeply brackets are nested, each a step up or down, without a step in Python per bracket."""
    steps = memoryview(bare.translate(_STEPS, _NO_BRACKETS)).cast("b")
    return max(accumulate(steps), default=0)
