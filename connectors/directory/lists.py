"""Statements for the lists of many owners at once."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select


def first_of_each(
    columns: Sequence[ColumnElement[Any]],
    owner: Sequence[ColumnElement[Any]],
    order: Sequence[ColumnElement[Any]],
    *where: ColumnElement[bool],
) -> Select[Any]:
    """Return the statement that gives each owner's first `limit` rows, in order."""
    number = func.row_number().over(partition_by=owner, order_by=order).label("number")
    numbered = select(*columns, number).where(*where).subquery("numbered")
    shown = [numbered.c[str(column.key)] for column in columns]
    grouped = [numbered.c[str(column.key)] for column in owner]
    return select(*shown).where(numbered.c.number <= bindparam("limit")).order_by(*grouped, numbered.c.number)
