"""A field that is answered for some of its parents only."""

import gc
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from schema.graph.answering import Answering


async def _numbers(_context: Any, parents: Sequence[int]) -> Sequence[int]:
    return [parent * 10 for parent in parents]


def _partly() -> Any:
    refused: Any = SimpleNamespace(refusals=lambda _context, _parents: [None, ValueError("no"), None])
    context: Any = None
    return Answering(refused, _numbers, True).answer(context, [1, 2, 3], {})


async def test_refusals_stand_at_their_paths_beside_what_was_answered() -> None:
    first, refusal, last = await _partly()

    assert (first, type(refusal), last) == (10, ValueError, 30)


@pytest.mark.filterwarnings("error")
def test_nothing_is_left_unawaited_when_nobody_begins_to_wait() -> None:
    _partly().close()

    gc.collect()
