"""SQL that SQLite and PostgreSQL spell differently, so that a statement is written once and its text never varies."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import orjson
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Select,
    Table,
    Text,
    bindparam,
    func,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.sql.selectable import FromClause
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


def newest_of_each(
    database: str,
    owner: Column[Any],
    order: Sequence[Column[Any]],
    *,
    where: Callable[[FromClause], Sequence[ColumnElement[bool]]],
    after: bool,
) -> Select[Any]:
    """Select the `limit` newest rows of each owner in `ids`, newest first by `order`, whose last column is the key.

    With `after`, those that come after the position `after_0`, `after_1`, …. All columns of the table, in their order.
    The limit applies in the index, owner by owner; row_number() would first read the whole history of each.
    """
    table: Table = owner.table
    ids = bindparam("ids", type_=TextList())
    on_postgresql = database == "postgresql"
    values = func.unnest(ids) if on_postgresql else func.json_each(ids)
    asked = values.table_valued("value", name="asked")
    asked = asked.render_derived() if on_postgresql else asked
    of_one = table.alias("of_one")
    key = order[-1].name
    newest = (
        select(*(of_one.c if on_postgresql else [of_one.c[key]]))
        .where(of_one.c[owner.name] == asked.c.value, *where(of_one))
        .order_by(*(of_one.c[column.name].desc() for column in order))
        .limit(bindparam("limit"))
        .correlate(asked)
    )
    if after:
        newest = newest.where(before_position(of_one, order))
    page: FromClause = table
    if on_postgresql:
        page = newest.lateral("page")
        source = asked.join(page, true())
    else:  # SQLite has no LATERAL
        source = asked.join(table, table.c[key].in_(newest))
    return select(*page.c).select_from(source).order_by(*(page.c[column.name].desc() for column in order))


def before_position(table: FromClause, order: Sequence[Column[Any]]) -> ColumnElement[bool]:
    """Say that a row stands, newest first by `order`, after the position bound to `after_0`, `after_1`, …."""
    columns = [table.c[column.name] for column in order]
    values = [bindparam(f"after_{place}", type_=column.type) for place, column in enumerate(columns)]
    return columns[0] < values[0] if len(columns) == 1 else tuple_(*columns) < tuple_(*values)


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
