"""SQL that SQLite and PostgreSQL spell differently, so that a statement is written once and its text never varies."""

from collections.abc import Sequence
from typing import Any, Self

import orjson
from sqlalchemy import ARRAY, Boolean, ColumnElement, Dialect, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

from connectors.database import clean_text


class TextList(TypeDecorator[Sequence[str]]):
    """A list of texts as one parameter: an array on PostgreSQL, a JSON array on SQLite, of any length."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type under which the driver takes the list."""
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> list[str] | str | None:
        """Hand the list over as the driver wants it."""
        if value is None:
            return None
        together = "".join(value)
        is_plain = (
            together.isascii() and "\0" not in together
        )  # as ids are; looking at each would cost more than asking
        texts = list(value) if is_plain else [clean_text(text) for text in value]
        return texts if dialect.name == "postgresql" else orjson.dumps(texts).decode()


class _Condition(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> Self:
        """Stand as it is: SQLAlchemy would append ``= 1`` on SQLite, which then looks at every row."""
        return self


class _OneOf(_Condition):
    name = "one_of"
    inherit_cache = True


class _Contains(_Condition):
    name = "contains"
    inherit_cache = True


def one_of(column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """Say that the column has one of the texts of the list bound to this parameter."""
    return _OneOf(column, bindparam(parameter, type_=TextList()))


def contains(column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """Say that the text bound to this parameter stands somewhere in the column; the empty text stands in each."""
    return _Contains(column, bindparam(parameter, type_=column.type))


@compiles(_OneOf, "sqlite")
def _one_of_on_sqlite(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({texts})))"


@compiles(_OneOf, "postgresql")
def _one_of_on_postgresql(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, texts = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({column} = ANY ({texts}))"


@compiles(_Contains, "sqlite")
def _contains_on_sqlite(element: _Contains, compiler: SQLCompiler, **options: Any) -> str:
    column, part = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(instr({column}, {part}) > 0)"


@compiles(_Contains, "postgresql")
def _contains_on_postgresql(element: _Contains, compiler: SQLCompiler, **options: Any) -> str:
    column, part = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(strpos({column}, {part}) > 0)"
