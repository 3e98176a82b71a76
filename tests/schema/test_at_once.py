"""A field whose function mostly knows its answer is not awaited then, and is asked as ever where it does not."""

from collections.abc import Mapping, Sequence
from inspect import iscoroutine
from typing import Any

import pytest

from permissions.access_rules import OPEN
from resolvers.at_once import known_by
from schema.graph.fields import DECLARATION, Declaration, field, root

KNOWN: Mapping[str, list[int]] = {"a": [1, 2, 3], "b": [4]}
CONTEXT: Any = None


def at_once(_context: Any, names: Sequence[str]) -> list[list[int]] | None:
    return [KNOWN[name] for name in names] if KNOWN.keys() >= set(names) else None


@known_by(at_once)
async def numbers(_context: Any, names: Sequence[str]) -> list[list[int]]:
    return [KNOWN.get(name, [7, 8, 9]) for name in names]


def one_at_once(_context: Any, *, name: str) -> list[int] | None:
    return KNOWN.get(name)


@known_by(one_at_once)
async def one(_context: Any, *, name: str) -> list[int] | None:
    return [7, 8, 9] if name == "c" else None


def declared(field_: Any) -> Declaration:
    declaration: Declaration = field_.metadata[DECLARATION]
    assert declaration.waits, "it may have to be awaited"
    return declaration


@pytest.mark.parametrize(("at_most", "of_a", "of_c"), [(None, [1, 2, 3], [7, 8, 9]), (2, [1, 2], [7, 8])])
async def test_what_is_known_is_answered_at_once_and_all_of_it_asked_for_where_some_is_not(
    at_most: int | None, of_a: list[int], of_c: list[int]
) -> None:
    answer = declared(field(numbers, requires=OPEN, description="Numbers.", at_most=at_most)).answer

    assert answer(CONTEXT, ["b", "a"]) == [[4], of_a]
    later = answer(CONTEXT, ["a", "c"])
    assert iscoroutine(later)
    assert await later == [of_a, of_c]


async def test_a_root_field_is_answered_at_once_where_its_answer_is_known() -> None:
    answer = declared(root(one, requires=OPEN, description="Numbers.", arguments={"name": "Of what."})).answer

    assert answer(CONTEXT, [None], name="b") == [[4]]
    assert await answer(CONTEXT, [None], name="c") == [[7, 8, 9]]
    assert await answer(CONTEXT, [None], name="d") == [None]
