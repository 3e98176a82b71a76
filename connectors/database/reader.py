"""Asking our own databases: one statement for each query, built once, with as little as possible in between.

On PostgreSQL a statement is compiled to text when it is first asked, and from then on goes straight to the driver, on
connections that never open a transaction: going through SQLAlchemy costs several times what the query does. SQLite,
whose driver works in threads, stays on SQLAlchemy, on connections that only read.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import CompoundSelect, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from connectors.database.columns import CleanText, clean_text
from connectors.database.engine import AsyncEngine
from connectors.database.sql_errors import database_errors

Row = Sequence[Any]
Statement = Select[Any] | CompoundSelect[Any]

T = TypeVar("T")
Key = TypeVar("Key")

_MOST_QUERIES = 500
"""So many statements are kept as they were compiled; which attributes are asked for makes many of one list. One takes
thirty kilobytes, and keeps up to 150 of what it was compiled from."""


class Reader:
    """Asks the database of an engine; `backend` names it in errors."""

    def __init__(self, engine: AsyncEngine, backend: str) -> None:
        self._engine = engine
        self._backend = backend
        self._query = lru_cache(maxsize=_MOST_QUERIES)(lambda statement: _Query(statement, engine.dialect))

    async def read(self, statement: Statement, **values: Any) -> Sequence[Row]:
        """Return the rows; asks once more when the connection turns out to be one that the database has closed.

        The statement is one that is kept, for what was compiled of it is kept too.

        Raises:
            BackendUnavailable: The database does not answer, or too many queries wait for it already.
        """
        direct = self._engine.direct
        if direct is None:
            async with database_errors(self._backend), self._engine.connect_to_read() as connection:
                return (await connection.execute(statement, values)).all()
        query = self._query(statement)
        return await direct.rows(self._backend, query.text, query.arguments(values))

    async def read_of(self, ids: Sequence[str], statement: Statement, **values: Any) -> Sequence[Row]:
        """Return the rows for the ids, which the statement takes as `ids`; for no ids, none without asking.

        Raises:
            BackendUnavailable: The database does not answer, or too many queries wait for it already.
        """
        return await self.read(statement, ids=ids, **values) if ids else ()


def parallel(ids: Iterable[Key], found: Mapping[Key, T]) -> list[T | None]:
    """Return what was found for each id, in the order of the ids."""
    return list(map(found.get, ids))


def gathered(owners: Iterable[Hashable], entries: Iterable[T], owner_of: Callable[[T], Hashable]) -> list[list[T]]:
    """Return the entries of each owner, in the order in which they come, parallel to the owners."""
    lists: dict[Hashable, list[T]] = {}
    for owner, own in groupby(entries, owner_of):  # mostly, those of an owner stand together
        found = lists.get(owner)
        if found is None:
            lists[owner] = list(own)
        else:
            found.extend(own)
    return [lists.get(owner, []) for owner in owners]


def _processor(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """Return what makes the driver's value of one of this type, None when the driver takes it as it is."""
    here: Any = type_.dialect_impl(dialect)
    if isinstance(here, CleanText) and here.impl_instance.bind_processor(dialect) is None:
        return _clean
    return here.bind_processor(dialect)  # type: ignore[no-any-return]


def _clean(text: str | None) -> str | None:
    """Return what `CleanText` makes of a text, in one call instead of four."""
    return None if text is None else clean_text(text)


class _Query:
    """A statement as text for asyncpg, and how to bring values into the order of its parameters."""

    __slots__ = ("_parameters", "text")

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        if compiled.literal_execute_params:  # constants that belong into the text, as of aggregate_strings
            given = {name: None for name, bind in compiled.binds.items() if bind.required}
            compiled = statement.params(given).compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self.text = str(compiled)
        binds = compiled.binds
        parameters = [
            (name, binds[name].value, _processor(binds[name].type, dialect)) for name in compiled.positiontup or ()
        ]
        # What the statement itself says is the same each time.
        self._parameters = [
            (name, process(own) if process is not None else own, process) for name, own, process in parameters
        ]

    def arguments(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the values as the driver takes them; what the statement itself says stands where none is given."""
        return tuple(
            [
                own if name not in values else process(values[name]) if process is not None else values[name]
                for name, own, process in self._parameters
            ]
        )
