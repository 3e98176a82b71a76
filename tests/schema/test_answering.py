"""A field that is answered for some of its parents only."""

import gc
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.directory.standings import StandingsUnread
from connectors.ids import OrganizationId
from schema.graph.answering import Answering


async def _numbers(_context: Any, parents: Sequence[int]) -> Sequence[int]:
    return [parent * 10 for parent in parents]


def _partly() -> Any:
    refused: Any = SimpleNamespace(refusals=lambda _context, _parents: [None, ValueError("no"), None])
    context: Any = SimpleNamespace(standings_on_demand=None)
    return Answering(refused, _numbers, True).answer(context, [1, 2, 3], {})


async def test_refusals_stand_at_their_paths_beside_what_was_answered() -> None:
    first, refusal, last = await _partly()

    assert (first, type(refusal), last) == (10, ValueError, 30)


@pytest.mark.filterwarnings("error")
def test_nothing_is_left_unawaited_when_nobody_begins_to_wait() -> None:
    _partly().close()

    gc.collect()


async def test_what_is_needed_of_many_organizations_is_read_for_all_parents_at_once_and_in_the_end_for_all() -> None:
    read: list[Any] = []

    async def learn(organization_ids: Any) -> None:
        read.append(organization_ids)

    async def knows_only_all(_context: Any, parents: Sequence[str]) -> Sequence[str]:
        if None not in read:
            raise StandingsUnread(OrganizationId("org_other"))
        return parents

    bound: Any = SimpleNamespace(refusals=lambda _context, _parents: None, organization_of=lambda parent: parent)
    context: Any = SimpleNamespace(standings_on_demand=object(), learn=learn)
    answer = await Answering(bound, knows_only_all, True).answer(context, ["org_a", "org_b"], {})

    assert answer == ["org_a", "org_b"]
    assert read == [{"org_a", "org_b", "org_other"}, {"org_a", "org_b", "org_other"}, None]
