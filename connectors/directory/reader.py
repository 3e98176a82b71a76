"""Answering one query of the directory with one statement."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import bindparam

from connectors.database.columns import UtcDateTime
from connectors.database.engine import AsyncEngine
from connectors.database.lists import ListReader

BACKEND = "directory"

NOW = bindparam("now", type_=UtcDateTime)

E = TypeVar("E", bound=StrEnum)


class DirectoryReader(ListReader):
    """Reads outside any transaction block: each query is one statement, so there is nothing to keep together."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine, BACKEND)


def chosen(values: Sequence[E] | None, every: type[E]) -> Sequence[E]:
    """Return the values that a filter names; None names every value that there is."""
    return tuple(every) if values is None else values
