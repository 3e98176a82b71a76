"""Which attributes of a record somebody will look at, so that a back end is asked for those and no others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

R = TypeVar("R")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

READS, NEEDS, OF_VALUES = "reads", "needs", "of_values"
"""Where a function keeps what it reads of each record, and of others, see `reads` and `needs`; and which function of
values it is, with the names of these, see `of_values`."""


@dataclass(frozen=True, slots=True)
class Wanted(Generic[R]):
    """The attributes of a record that will be read; all of them where `names` is None.

    Whoever reads records for somebody else gets this and fills in these attributes, or more where that is no effort.
    Of a record that was read in part, every other attribute raises AttributeError.
    """

    names: frozenset[str] | None = None

    @classmethod
    def of(cls, record: type[R], read: Callable[[R], object]) -> "Wanted[R]":
        """Return the attributes that a function reads, such as ``lambda order: (order.number, order.total)``."""
        noting = _Noting(record)
        read(noting)  # type: ignore[arg-type]
        names: Wanted[R] = cls(frozenset(noting.names))
        for found in (getattr(record, name) for name in noting.names):
            if isinstance(found, property):
                names |= reads_of(found.fget)
        return names

    def __or__(self, other: "Wanted[Any]") -> "Wanted[R]":
        """Return what is wanted here or there."""
        if self.names is None or other.names is None:
            return EVERYTHING
        return Wanted(self.names | other.names)

    def covers(self, other: "Wanted[Any]") -> bool:
        """Return whether everything that is wanted there is wanted here."""
        return self.names is None or (other.names is not None and other.names <= self.names)


EVERYTHING: Wanted[Any] = Wanted()
NOTHING: Wanted[Any] = Wanted(frozenset())


def reads(record: type[R], read: Callable[[R], object]) -> Callable[[F], F]:
    """Declare which attributes a function reads of each record it is given, as `Wanted.of` has them.

    A relation or a computed field without the declaration is given whole records. One that reads more than it declares
    meets an AttributeError as soon as it is asked.
    """
    declared = Wanted.of(record, read)

    def decorate(function: F) -> F:
        setattr(function, READS, declared)
        return function

    return decorate


def of_values(record: type, *names: str) -> Callable[[Callable[..., T]], Callable[[Any, Any], T]]:
    """Let a function of values be asked with a context and a record that has them as attributes of these names.

    Generated code calls the function itself, with values of which nobody has made a record.
    """
    read = attrgetter(*names)
    declared = Wanted.of(record, read)

    def decorate(function: Callable[..., T]) -> Callable[[Any, Any], T]:
        def of_record(_context: Any, one: Any) -> T:
            return function(*read(one))

        setattr(of_record, READS, declared)
        setattr(of_record, OF_VALUES, (function, names))
        return of_record

    return decorate


def needs(record: type, read: Callable[[Any], object] | None = None) -> Callable[[F], F]:
    """Declare what a function reads of records that it asks for itself, whatever is shown of them; without `read`, all.

    It is for records that are read once in an operation, wherever they occur: so they are read with this, too.
    """
    needed = EVERYTHING if read is None else Wanted.of(record, read)

    def decorate(function: F) -> F:
        setattr(function, NEEDS, {**needs_of(function), record: needed})
        return function

    return decorate


def needs_of(function: Any) -> Mapping[type, Wanted[Any]]:
    """Return what a function reads of records that it asks for itself, by their class."""
    needed: Mapping[type, Wanted[Any]] = getattr(function, NEEDS, {})
    return needed


def reads_of(function: Any) -> Wanted[Any]:
    """Return what a function reads of a record: what it declares, what an attrgetter gets, else everything."""
    if isinstance(function, attrgetter):
        paths: tuple[str, ...] = function.__reduce__()[1]  # type: ignore[assignment]
        return Wanted(frozenset(path.partition(".")[0] for path in paths))
    declared: Wanted[Any] = getattr(function, READS, EVERYTHING)
    return declared


def altered(record: T, **values: Any) -> T:
    """Return a record like this one but for these values; what was not read of it is not read of the new one either."""
    copy = object.__new__(type(record))
    for name in record.__slots__:  # type: ignore[attr-defined]
        try:
            value = getattr(record, name)
        except AttributeError:
            continue
        object.__setattr__(copy, name, values.get(name, value))
    return copy


def unread(error: Exception) -> str | None:
    """Return what to do about an attribute that was looked at and not read of its record, None for other errors."""
    if not isinstance(error, AttributeError) or error.name not in getattr(type(error.obj), "__slots__", ()):
        return None
    return (
        f"{error.name} was not read of this {type(error.obj).__name__}. If `wanted` named it, the connector has to "
        "fill it in; otherwise the function that looks at it has to declare it with @reads or @needs."
    )


class _Noting:
    """Stands in for a record, and notes what is read of it."""

    def __init__(self, record: type) -> None:
        self.record = record
        self.names: list[str] = []

    def __getattr__(self, name: str) -> None:
        getattr(self.record, name)  # which says what the record has not
        self.names.append(name)
