"""Finding the rows whose text contains a part, by an index of trigrams: of pg_trgm on PostgreSQL, of FTS5 on SQLite.

A part without three letters or digits in a row has no trigram; whoever looks for one reads the list itself.
"""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Dialect, Text, bindparam, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator

from connectors.database.columns import clean_text
from connectors.database.dialects import Condition, like_pattern

LONGEST_PART = 40
"""So much of a word the index is asked for: where texts have a letter several times in a row, SQLite takes seconds to
rule out that they have it ten thousand times."""

_PARTS = ("part_0", "part_1", "part_2")
_INDEXED = re.compile(r"[^\W_]{3}")
"""What a word needs for PostgreSQL's index to know anything of it; of signs alone it would look at every row."""


def index_parts(words: Sequence[str]) -> dict[str, str]:
    """Return the words of a search that the index is asked for, as values of `contains_parts`; {} if it knows none.

    They are the longest ones, not the longest alone: that may well be what all have, such as a domain. Of a very long
    word it is the beginning, so whoever asks the index looks for whole words in what it finds.
    """
    known = [word[:LONGEST_PART] for word in words if _INDEXED.search(word[:LONGEST_PART])]
    longest = sorted(known, key=len, reverse=True)
    return {name: longest[number % len(longest)] for number, name in enumerate(_PARTS)} if longest else {}


def contains_parts(column: Column[Any]) -> ColumnElement[bool]:
    """Say that each of the parts stands somewhere in the column, so that the index of `make_index` finds it.

    SQLite's index ignores case, so it may find more.
    """
    return _ContainsParts(column, *(bindparam(name, type_=_Pattern()) for name in _PARTS))


def make_index(connection: Connection, table: str, column: str = "search_text") -> bool:
    """Make the index of a table whose key is `id`, where it is not there yet; return whether it is there now.

    PostgreSQL needs the extension pg_trgm, which whoever owns the database may create, where it is installed. Without
    it everything works, and is looked for row by row.
    """
    if has_index(connection, table, column):
        return True
    if connection.dialect.name == "sqlite":
        _make_sqlite_index(connection, table, column)
        return True
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
            connection.execute(
                text(f"CREATE INDEX {_index(table, column)} ON {table} USING gin ({column} gin_trgm_ops)")
            )
    except DBAPIError:  # not installed, not allowed, or in a schema that is not looked into
        return False
    return True


def has_index(connection: Connection, table: str, column: str = "search_text") -> bool:
    """Return whether texts of this table are found by an index."""
    if connection.dialect.name == "sqlite":
        return inspect(connection).has_table(f"{table}_search")
    return connection.execute(text("SELECT to_regclass(:name)"), {"name": _index(table, column)}).scalar() is not None


def _index(table: str, column: str) -> str:
    return f"ix_{table}_{column}"


def _make_sqlite_index(connection: Connection, table: str, column: str) -> None:
    """Make a full-text table beside the table, and triggers that keep it as the table is.

    Its rows have numbers. Those that SQLite gives the table's own rows may change whenever it is vacuumed, so each key
    has one of its own.
    """
    numbers, found = f"{table}_search_numbers", f"{table}_search"
    keep = f"""
        INSERT INTO {numbers} (key) VALUES (NEW.id) ON CONFLICT DO NOTHING;
        REPLACE INTO {found} (rowid, text) SELECT number, NEW.{column} FROM {numbers} WHERE key = NEW.id;
        """
    for statement in (
        f"CREATE TABLE {numbers} (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE)",
        f"CREATE VIRTUAL TABLE {found} USING fts5(text, tokenize = 'trigram')",
        f"INSERT INTO {numbers} (key) SELECT id FROM {table} ORDER BY id",
        f"INSERT INTO {found} (rowid, text) SELECT {numbers}.number, {column} FROM {numbers} JOIN {table} ON id = key",
        f"CREATE TRIGGER {found}_insert AFTER INSERT ON {table} BEGIN {keep} END",
        f"CREATE TRIGGER {found}_update AFTER UPDATE OF {column} ON {table} BEGIN {keep} END",
        f"""CREATE TRIGGER {found}_delete AFTER DELETE ON {table} BEGIN
        DELETE FROM {found} WHERE rowid = (SELECT number FROM {numbers} WHERE key = OLD.id);
        DELETE FROM {numbers} WHERE key = OLD.id;
        END""",
    ):
        connection.exec_driver_sql(statement)


class _Pattern(TypeDecorator[str]):
    """A text as what the index is asked for: a pattern of LIKE on PostgreSQL, a phrase on SQLite."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Hand the text over so that nothing in it means anything else than itself."""
        if value is None:
            return None
        part = clean_text(value)
        if dialect.name == "sqlite":
            return '"{}"'.format(part.replace('"', '""'))
        return like_pattern(part)


class _ContainsParts(Condition):
    name = "contains_parts"
    inherit_cache = True


@compiles(_ContainsParts, "sqlite")
def _contains_parts_on_sqlite(element: _ContainsParts, compiler: SQLCompiler, **options: Any) -> str:
    (column, *patterns), table = element.clauses, next(iter(element.clauses)).table.name
    numbers, found = f"{table}_search_numbers", f"{table}_search"
    key, asked = compiler.process(column.table.c.id, **options), [compiler.process(one, **options) for one in patterns]
    rows = f"{found} JOIN {numbers} ON {numbers}.number = {found}.rowid"
    together = " || ' ' || ".join(asked)
    return f"({key} IN (SELECT key FROM {rows} WHERE {found} MATCH {together}))"


@compiles(_ContainsParts, "postgresql")
def _contains_parts_on_postgresql(element: _ContainsParts, compiler: SQLCompiler, **options: Any) -> str:
    column, *patterns = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({' AND '.join(f'{column} LIKE {pattern}' for pattern in patterns)})"
