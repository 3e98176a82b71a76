"""Enums whose words are not all ours: extensions add to them at start, before anything is built of them.

Python has no way to add to an enum, so this writes what its own `EnumType` does; `tests/permissions/test_vocabulary.py`
notices where a release of Python does it otherwise.
"""

from enum import StrEnum
from typing import TypeVar

E = TypeVar("E", bound=StrEnum)


def add_member(enum: type[E], word: str) -> E:
    """Return a new member that is called by its value, from now on one of the enum like any other."""
    member = str.__new__(enum, word)
    member._name_ = member._value_ = word
    member.__objclass__ = enum  # type: ignore[attr-defined]
    member._sort_order_ = len(enum)  # type: ignore[attr-defined]
    enum._member_names_.append(word)
    enum._member_map_[word] = member
    enum._value2member_map_[word] = member
    return member


def remove_member(enum: type[StrEnum], word: str) -> None:
    """Let an added word be none again."""
    enum._member_names_.remove(word)
    del enum._member_map_[word], enum._value2member_map_[word]
