"""SQL that SQLite and PostgreSQL spell differently, so that a statement is written once and its text never varies."""

from collections.abc import Sequence
from typing import Any, Self

import orjson
from sqlalchemy import Boolean, ColumnElement, Dialect, TableValuedAlias, Text, bindparam, case, func, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator

from connectors.database.columns import clean_text


class TextList(TypeDecorator[Sequence[str]]):
    """A list of texts as one parameter, of any length: joined on PostgreSQL, a JSON array on SQLite.

    The driver of PostgreSQL takes longer for an array, for it asks of each element whether it is a list itself. The
    statement makes a list of the text again.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str | None:
        """Hand the list over as the driver wants it."""
        if value is None:
            return None
        if dialect.name != "postgresql":
            return orjson.dumps([clean_text(text) for text in value]).decode()
        together = _SEPARATOR.join(value)
        is_plain = together.isascii() and "\0" not in together and together.count(_SEPARATOR) == max(len(value) - 1, 0)
        if not is_plain:  # nearly always it is, as ids are; looking at each would cost more than asking
            together = _SEPARATOR.join(clean_text(text).replace(_SEPARATOR, "\ufffd") for text in value)
        return together or (_SEPARATOR if value else "")  # one empty text is not the same as none


class PartList(TextList):
    """A list of parts to be found: as patterns of LIKE on PostgreSQL, where a list of them is quick."""

    cache_ok = True

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str | None:
        """Hand the list over as the driver wants it."""
        if value is not None and dialect.name == "postgresql":
            value = [like_pattern(part) for part in value]
        return super().process_bind_param(value, dialect)


def like_pattern(part: str) -> str:
    """Return the pattern of LIKE for texts that contain this part, in which nothing means anything but itself."""
    return f"%{part.translate(_MEANING)}%"


_MEANING = str.maketrans({sign: f"\\{sign}" for sign in "\\%_"})
_SEPARATOR = chr(31)  # ASCII's unit separator, which no text of ours contains
_SEPARATOR_IN_SQL = "chr(31)"


class Condition(FunctionElement[bool]):
    """A condition that each database spells in its own way."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> Self:
        """Stand as it is: SQLAlchemy would append ``= 1`` on SQLite, which then looks at every row."""
        return self


class _OneOf(Condition):
    name = "one_of"
    inherit_cache = True


class _ContainsEach(Condition):
    name = "contains_each"
    inherit_cache = True


def one_of(column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """Say that the column has one of the texts of the list bound to this parameter."""
    return _OneOf(column, bindparam(parameter, type_=TextList()))


def contains_each(column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """Say that each text of the list bound to this parameter stands somewhere in the column, in any order."""
    return _ContainsEach(column, bindparam(parameter, type_=PartList()))


def likely(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Say the same, so that PostgreSQL expects half of the rows to fulfil it, where it would expect hardly any.

    It reads a list in its order until a page is full only where it expects the page to become full.
    """
    return case((condition, literal_column("true")), else_=literal_column("false")).self_group() == literal_column(
        "true"
    )


def listed(database: str, parameter: str) -> TableValuedAlias:
    """Return the texts of the list bound to this parameter as rows with one column, `value`."""
    texts = bindparam(parameter, type_=TextList())
    if database == "postgresql":
        array = func.string_to_array(texts, literal_column(_SEPARATOR_IN_SQL))
        return func.unnest(array).table_valued("value", name=parameter).render_derived()
    return func.json_each(texts).table_valued("value", name=parameter)


@compiles(_OneOf, "sqlite")
def _one_of_on_sqlite(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({texts})))"


@compiles(_OneOf, "postgresql")
def _one_of_on_postgresql(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(clause, **options) for clause in element.clauses)
    # In a query of its own the list is taken apart once, and not for each row that is looked at.
    return f"({column} = ANY ((SELECT string_to_array({texts}, {_SEPARATOR_IN_SQL}))::text[]))"


@compiles(_ContainsEach, "sqlite")
def _contains_each_on_sqlite(element: _ContainsEach, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(NOT EXISTS (SELECT 1 FROM json_each({texts}) AS word WHERE instr({column}, word.value) = 0))"


@compiles(_ContainsEach, "postgresql")
def _contains_each_on_postgresql(element: _ContainsEach, compiler: SQLCompiler, **options: Any) -> str:
    column, patterns = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({column} LIKE ALL (string_to_array({patterns}, {_SEPARATOR_IN_SQL})))"
