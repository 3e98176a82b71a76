"""Records that are frozen to type checkers and quick to make at run time.

A frozen dataclass sets each of its fields by a call; a page of orders makes some 3,500 of them, which was a sixth of
all its time. The decorator gives such a class the `__init__` of an open one, and for that it cannot refuse to be
changed any more when it runs. mypy still does, so nobody changes a record.
"""

from dataclasses import MISSING, Field, field, fields, make_dataclass
from typing import Any, TypeVar

T = TypeVar("T", bound=type)


def quick(cls: T) -> T:
    """Let a frozen, slotted dataclass be made as quickly as one that is not frozen."""
    opened = make_dataclass(
        cls.__name__,
        [(it.name, it.type, _like(it)) for it in fields(cls)],
    )
    cls.__init__ = opened.__init__  # type: ignore[misc]
    del cls.__setattr__, cls.__delattr__
    return cls


def _like(it: Field[Any]) -> Any:
    """Return a new field with the same default."""
    if it.default_factory is not MISSING:
        return field(default_factory=it.default_factory)
    return field() if it.default is MISSING else field(default=it.default)
