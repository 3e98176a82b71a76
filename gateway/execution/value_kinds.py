"""What a value is to the engine, decided by its type: one look at the set of types decides for a whole column."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from types import CoroutineType, GeneratorType
from typing import Any
from uuid import UUID

from graphql.pyutils import Undefined

NULL = 1
ERROR = 2
LATE = 4
UNSURE = 8
CALLABLE = 16
MAPPING = 32

_PRIMITIVE = (str, int, float, bool, bytes, list, tuple, set, frozenset)
_MOST_TYPES_KNOWN = 10_000
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE

_known: dict[type, int] = {}

ordinary_types: set[type] = set()
"""Of the types seen so far, those of which nothing above is true."""


def kinds_of(types: set[type]) -> int:
    """Return the kinds that occur among values of these types, joined by `|`; 0 when all are ordinary."""
    kinds = 0
    for type_ in types:
        known = _known.get(type_)
        kinds |= _learn(type_) if known is None else known
    return kinds


def kind_of(value: Any) -> int:
    """Return the kind of this value."""
    known = _known.get(type(value))
    return _learn(type(value)) if known is None else known


def kind_of_type(type_: type) -> int:
    """Return the kind of the instances of this type."""
    known = _known.get(type_)
    return _learn(type_) if known is None else known


def is_frozen(value: Any) -> bool:
    """Return whether the value may be shared because nobody can change it."""
    return value is None or type(value) in (str, int, float, bool) or isinstance(value, Enum)


def _learn(type_: type) -> int:
    kind = _classify(type_)
    if len(_known) >= _MOST_TYPES_KNOWN:
        _known.clear()
        ordinary_types.clear()
    _known[type_] = kind
    if not kind:
        ordinary_types.add(type_)
    return kind


def _classify(type_: type) -> int:
    if type_ in _PRIMITIVE:
        return 0
    if type_ is type(None) or type_ is type(Undefined):
        return NULL
    kind = MAPPING if issubclass(type_, Mapping) else 0
    if any("__call__" in base.__dict__ for base in type_.__mro__):
        kind |= CALLABLE
    if issubclass(type_, Exception):
        return kind | ERROR
    if issubclass(type_, CoroutineType) or hasattr(type_, "__await__"):
        return kind | LATE
    # Only the instance can decide: a generator may be an old coroutine, and graphql-core asks for the attribute
    # `__await__`, which a class with its own attribute access may invent.
    if issubclass(type_, GeneratorType) or any(_answers_attributes_itself(base) for base in type_.__mro__):
        return kind | UNSURE
    return kind


def _answers_attributes_itself(type_: type) -> bool:
    written_in_python = type_.__flags__ & _HEAP_TYPE
    return bool(written_in_python) and ("__getattr__" in type_.__dict__ or "__getattribute__" in type_.__dict__)


for _type in (*_PRIMITIVE, date, datetime, time, Decimal, UUID):
    _learn(_type)
