"""The two innermost loops as code made for their width; names are checked and no text of a document gets into it."""

from collections.abc import Callable, Sequence
from functools import cache
from keyword import iskeyword
from operator import attrgetter
from typing import Any, TypeAlias

Reader: TypeAlias = Callable[[list[Any]], list[Any]]
"""Reads one attribute of each object."""

RowBuilder: TypeAlias = Callable[[Sequence[list[Any]]], list[dict[str, Any]]]
"""Makes rows of columns of one length."""

_WIDEST = 100


@cache
def reader(attribute: str) -> Reader:
    """Return a function that reads this attribute of each object.

    Half the time of `list(map(attrgetter(attribute), objects))`: the interpreter specialises the attribute's access.
    """
    if not attribute.isidentifier() or iskeyword(attribute):
        read = attrgetter(attribute)
        return lambda objects: list(map(read, objects))
    made: Reader = eval(f"lambda objects: [each.{attribute} for each in objects]", {"__builtins__": {}})
    return made


def row_builder(keys: tuple[str, ...]) -> RowBuilder:
    """Return a function that makes rows with these keys.

    Half the time of `dict(zip(keys, row))`. The code is made for the number of keys; the keys are passed to it.
    """
    if not keys or len(keys) > _WIDEST:
        return lambda columns: [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]
    return _maker(len(keys))(keys)


@cache
def _maker(width: int) -> Callable[[tuple[str, ...]], RowBuilder]:
    indexes = range(width)
    keys = "".join(f"key{index}, " for index in indexes)
    columns = "".join(f"column{index}, " for index in indexes)
    values = "".join(f"value{index}, " for index in indexes)
    row = "".join(f"key{index}: value{index}, " for index in indexes)
    code = f"""
def maker(keys):
    {keys} = keys
    def rows(columns):
        {columns} = columns
        return [{{{row}}} for {values} in zip({columns})]
    return rows
"""
    scope: dict[str, Any] = {"__builtins__": {"zip": zip}}
    exec(code, scope)
    made: Callable[[tuple[str, ...]], RowBuilder] = scope["maker"]
    return made
