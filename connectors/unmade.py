"""Records that nobody has looked at yet: the rows they are made of, and how.

A list that is shown as it comes from a database, such as the lines of an order, need not become records first. Whoever
writes the answer may read the rows; whoever looks at a record has it, as in any list.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar, overload

R = TypeVar("R")


class Stored(NamedTuple):
    """Where a row has an attribute: at one position, made by `how` unless that is None; or the `parts` of one of the
    class `how`, each at a position.
    """

    at: tuple[int, ...]
    how: Callable[..., Any] | Mapping[Any, Any] | None = None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout(Generic[R]):
    """What rows have of a record, by attribute, and what makes the records of rows."""

    record: type[R]
    attributes: Mapping[str, Stored]
    made: Callable[[Sequence[Any]], list[R]] = field(compare=False)


class Unmade(Sequence[R]):
    """The records of rows, all made when one is first looked at."""

    __slots__ = ("_made", "layout", "rows")

    def __init__(self, layout: Layout[R], rows: Sequence[Any]) -> None:
        self.layout = layout
        self.rows = rows
        self._made: list[R] | None = None

    @property
    def records(self) -> list[R]:
        """Return the records."""
        if self._made is None:
            self._made = self.layout.made(self.rows)
        return self._made

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> list[R]: ...
    def __getitem__(self, index: int | slice) -> R | list[R]:
        return self.records[index]

    def __iter__(self) -> Iterator[R]:
        return iter(self.records)

    def __eq__(self, other: object) -> bool:
        return self.records == (other.records if isinstance(other, Unmade) else other)

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __repr__(self) -> str:
        return repr(self.records)
