"""A person is read once in an operation that changes nothing, and each time in one that may change something."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.directory.records.people import UserRecord
from connectors.errors import BackendUnavailable
from connectors.ids import OrganizationId, UserId
from connectors.values import AccountKind
from resolvers.context import People, RequestContext
from resolvers.people import seen, seen_at_once

ACME, BETA = OrganizationId("org_acme"), OrganizationId("org_beta")
ANNA, BEN, NOBODY = UserId("usr_anna"), UserId("usr_ben"), UserId("usr_nobody")

_ANNA = UserRecord(
    id=ANNA,
    email="anna@acme.example",
    email_verified=True,
    first_name="Anna",
    last_name="Acker",
    phone=None,
    locale=None,
    address=None,
    account_kind=AccountKind.BUSINESS_CUSTOMER,
    default_organization_id=None,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    profile_version=1,
)
_USERS = {ANNA: _ANNA, BEN: replace(_ANNA, id=BEN, first_name="Ben")}


class SlowDirectory:
    """Answers after a while, and remembers who was asked for; fails as often as it should."""

    def __init__(self, failures: int = 0) -> None:
        self.asked: list[list[UserId]] = []
        self._failures = failures

    async def users(self, ids: Sequence[UserId], _wanted: object) -> list[UserRecord | None]:
        self.asked.append(sorted(ids))
        await asyncio.sleep(0.001)
        if self._failures:
            self._failures -= 1
            raise BackendUnavailable("directory", "down for the test")
        return [_USERS.get(id) for id in ids]


def context_of(directory: SlowDirectory, *, people: People | None) -> RequestContext:
    backends: Any = SimpleNamespace(directory=directory)
    policy: Any = None
    return RequestContext(backends, policy, datetime(2026, 1, 1, tzinfo=UTC), "test", people=people)


async def test_two_fields_that_ask_at_the_same_time_read_nobody_twice() -> None:
    directory = SlowDirectory()
    context = context_of(directory, people=People())

    members, buyers = await asyncio.gather(
        seen(context, [(ANNA, ACME), (NOBODY, ACME)]), seen(context, [(BEN, ACME), (ANNA, ACME), (None, ACME)])
    )
    again = await seen(context, [(BEN, ACME)])

    assert directory.asked == [[ANNA, NOBODY], [BEN]]
    assert members == [replace(_ANNA, seen_in=ACME), None]
    assert buyers == [replace(_USERS[BEN], seen_in=ACME), replace(_ANNA, seen_in=ACME), None]
    assert again == [buyers[0]]


async def test_a_person_is_seen_through_each_organization_separately() -> None:
    context = context_of(SlowDirectory(), people=People())

    views = await seen(context, [(ANNA, ACME), (ANNA, BETA)])

    assert [view.seen_in for view in views if view is not None] == [ACME, BETA]


async def test_an_operation_that_may_change_something_reads_each_time() -> None:
    directory = SlowDirectory()
    context = context_of(directory, people=None)

    await seen(context, [(ANNA, ACME)])
    await seen(context, [(ANNA, ACME)])

    assert directory.asked == [[ANNA], [ANNA]]


async def test_whoever_waits_for_a_reading_that_fails_reads_for_themselves() -> None:
    directory = SlowDirectory(failures=1)
    context = context_of(directory, people=People())

    first, second = await asyncio.gather(
        seen(context, [(ANNA, ACME)]), seen(context, [(ANNA, ACME)]), return_exceptions=True
    )

    assert isinstance(first, BackendUnavailable)
    assert second == [replace(_ANNA, seen_in=ACME)]


async def test_whoever_waits_for_a_reading_that_is_cancelled_reads_for_themselves() -> None:
    directory = SlowDirectory()
    context = context_of(directory, people=People())
    first = asyncio.create_task(seen(context, [(ANNA, ACME)]))
    second = asyncio.create_task(seen(context, [(ANNA, ACME)]))
    await asyncio.sleep(0)

    first.cancel()

    assert await second == [replace(_ANNA, seen_in=ACME)]
    with pytest.raises(asyncio.CancelledError):
        await first
    assert directory.asked == [[ANNA], [ANNA]]


async def test_people_who_were_read_are_seen_at_once_and_others_are_asked_for() -> None:
    context = context_of(SlowDirectory(), people=People())
    met = [(ANNA, ACME), (None, ACME)]

    assert seen_at_once(context, met) is None
    assert seen_at_once(context, [(None, ACME)]) == [None]
    read = await seen(context, met)
    assert seen_at_once(context, met) == read
    assert seen_at_once(context, [*met, (BEN, ACME)]) is None


async def test_in_an_operation_that_changes_something_nobody_is_seen_at_once() -> None:
    context = context_of(SlowDirectory(), people=None)

    await seen(context, [(ANNA, ACME)])

    assert seen_at_once(context, [(ANNA, ACME)]) is None
