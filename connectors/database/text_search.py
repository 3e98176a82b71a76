"""Finding the rows whose text contains words, by an index over the pieces of one, two and three letters of each text.

Whitespace is in no piece, for no word that is searched has any.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from connectors.database.columns import clean_text
from connectors.database.dialects import Condition, TextList

_LONGEST_PIECE = 3
_MOST_PIECES = 9
"""So many pieces the index is asked for, and three of them of one word: each costs a look at all that have it, and
leaves out ever less."""


def pieces_of(words: Sequence[str]) -> list[str]:
    """Return the pieces of words by which the index is asked, as the value of `contains_pieces`.

    A text with all of them may lack a word, so whoever asks the index looks for whole words in what it finds.
    """
    pieces: dict[str, None] = {}
    for word in map(clean_text, sorted(words, key=len, reverse=True)):
        last = max(0, len(word) - _LONGEST_PIECE)
        middle = last // 2 if last > _LONGEST_PIECE else 0
        pieces |= {word[at : at + _LONGEST_PIECE]: None for at in (0, middle, last)}
    return list(pieces)[:_MOST_PIECES]


def contains_pieces(
    column: Column[Any], owner_column: Column[Any], owner: ColumnElement[Any], parameter: str = "pieces"
) -> ColumnElement[bool]:
    """Say that each of the pieces bound to a parameter stands in the column, of a row of the owner's.

    On SQLite, whose index knows no owners, it finds others' rows as well.
    """
    return _ContainsPieces(column, owner_column, owner, bindparam(parameter, type_=TextList()))


def make_index(connection: Connection, table: str, owner: str = "organization_id", column: str = "search_text") -> None:
    """Make the index of a table whose key is `id` instead of the one that there may be of trigrams alone."""
    make = _POSTGRESQL if connection.dialect.name == "postgresql" else _SQLITE
    for statement in make:
        connection.exec_driver_sql(statement.format(table=table, owner=owner, column=column))


_POSTGRESQL = (
    "DROP INDEX IF EXISTS ix_{table}_{column}",
    # Others' texts are as frequent as one's own: the owner stands among the pieces, so that the index leaves them out.
    """
CREATE OR REPLACE FUNCTION search_pieces(searched text, owner text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    pieces text[] := ARRAY[owner];
    letter text;
    two text := '';
    three text := '';
BEGIN
    FOREACH letter IN ARRAY string_to_array(searched, NULL) LOOP
        IF letter = ' ' OR letter = chr(10) THEN
            two := '';
            three := '';
        ELSE
            three := two || letter;
            two := right(two, 1) || letter;
            pieces := array_append(pieces, letter);
            pieces := array_append(pieces, two);
            pieces := array_append(pieces, three);
        END IF;
    END LOOP;
    RETURN pieces;
END $$""",
    "CREATE INDEX ix_{table}_search_pieces ON {table} USING gin (search_pieces({column}, {owner}))",
    # What ANALYZE would learn of the pieces, at the cost of taking thousands of texts apart, decides nothing.
    "ALTER INDEX ix_{table}_search_pieces ALTER COLUMN 1 SET STATISTICS 0",
)

_KEEP = """
    INSERT INTO {table}_search_numbers (key) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    REPLACE INTO {table}_search (rowid, text)
    SELECT number, NEW.{column} || char(10, 10) FROM {table}_search_numbers WHERE key = NEW.id;
"""
_SQLITE = (
    "DROP TABLE IF EXISTS {table}_search",
    "DROP TABLE IF EXISTS {table}_search_numbers",
    "DROP TRIGGER IF EXISTS {table}_search_insert",
    "DROP TRIGGER IF EXISTS {table}_search_update",
    "DROP TRIGGER IF EXISTS {table}_search_delete",
    # The rows of a full-text table have numbers. Those that SQLite gives the table's own rows may change whenever it is
    # vacuumed, so each key has one of its own.
    "CREATE TABLE {table}_search_numbers (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE)",
    "CREATE VIRTUAL TABLE {table}_search USING fts5(text, tokenize = 'trigram case_sensitive 1', detail = none)",
    "CREATE VIRTUAL TABLE {table}_search_terms USING fts5vocab({table}_search, row)",
    "INSERT INTO {table}_search_numbers (key) SELECT id FROM {table} ORDER BY id",
    # With two signs at the end, three letters begin with each letter: shorter pieces are found as their beginnings.
    """
INSERT INTO {table}_search (rowid, text)
SELECT numbers.number, {column} || char(10, 10) FROM {table}_search_numbers AS numbers JOIN {table} ON id = key""",
    "CREATE TRIGGER {table}_search_insert AFTER INSERT ON {table} BEGIN" + _KEEP + "END",
    "CREATE TRIGGER {table}_search_update AFTER UPDATE OF {column} ON {table} BEGIN" + _KEEP + "END",
    """
CREATE TRIGGER {table}_search_delete AFTER DELETE ON {table} BEGIN
    DELETE FROM {table}_search WHERE rowid = (SELECT number FROM {table}_search_numbers WHERE key = OLD.id);
    DELETE FROM {table}_search_numbers WHERE key = OLD.id;
END""",
)


class _ContainsPieces(Condition):
    name = "contains_pieces"
    inherit_cache = True


@compiles(_ContainsPieces, "postgresql")
def _contains_pieces_on_postgresql(element: _ContainsPieces, compiler: SQLCompiler, **options: Any) -> str:
    column, owner_column, owner, pieces = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(search_pieces({column}, {owner_column}) @> (string_to_array({pieces}, chr(31)) || {owner}))"


@compiles(_ContainsPieces, "sqlite")
def _contains_pieces_on_sqlite(element: _ContainsPieces, compiler: SQLCompiler, **options: Any) -> str:
    column, _owner_column, _owner, parameter = element.clauses
    found, pieces = f"{column.table.name}_search", compiler.process(parameter, **options)
    key = compiler.process(column.table.c.id, **options)

    def quoted(text: str) -> str:
        return f"""'"' || replace({text}, '"', '""') || '"'"""

    # One of the three letters that begin with the piece; where there are none, three that stand nowhere.
    of_piece = (
        f"SELECT group_concat({quoted('term')}, ' OR ') FROM {found}_terms "
        "WHERE term >= piece.value AND term < piece.value || char(1114111)"
    )
    nowhere = quoted("substr(piece.value || char(1114111, 1114111), 1, 3)")
    asked = (
        f"SELECT group_concat('(' || coalesce(({of_piece}), {nowhere}) || ')', ' AND ') FROM json_each({pieces}) piece"
    )
    numbers = f"{found}_numbers"
    rows = f"{found} JOIN {numbers} ON {numbers}.number = {found}.rowid"
    return f"({key} IN (SELECT key FROM {rows} WHERE {found} MATCH ({asked})))"
