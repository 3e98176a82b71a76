"""A change is stored as a whole, once for each key, and tried again when another one was in its way."""

import asyncio

import pytest

from connectors.database.sql_errors import ChangeConflict
from connectors.directory.directory import DirectoryChange
from connectors.errors import BackendUnavailable
from permissions.access_rules import MANAGE_MEMBERS
from permissions.vocabulary import Permission
from resolvers.audit import recorded
from resolvers.context import RequestContext
from resolvers.refusals import Forbidden, Invalid, KeyReused
from resolvers.transactions import ATTEMPTS, Once, acting_in, author, changed, changed_once
from tests.portal import Portal


async def context_of(portal: Portal, login_name: str) -> RequestContext:
    """What a request of this person knows."""
    directory = portal.wiring.backends.directory
    user_id = await directory.user_id_of_login_name(login_name)
    assert user_id is not None
    context = RequestContext(
        backends=portal.wiring.backends, policy=portal.wiring.policy, now=portal.clock(), request_id="test"
    )
    context.become(await directory.caller(user_id, None, portal.clock()))
    return context


async def queued(portal: Portal) -> int:
    """How many items wait in the outbox."""
    return sum((await portal.wiring.backends.directory.count_outbox()).values())


async def test_the_same_request_is_done_once_and_answered_alike(each_portal: Portal) -> None:
    context = await context_of(each_portal, "purchase@helios.example")

    async def command(change: DirectoryChange) -> list[str]:
        return [await change.enqueue("TEST", {}, now=context.now)]

    once = Once("key", "invite", {"to": ["a", "b"]})
    answers = await asyncio.gather(*(changed_once(context, once, command) for _ in range(8)))

    assert len({tuple(answer) for answer in answers}) == 1
    assert await queued(each_portal) == 1
    with pytest.raises(KeyReused):
        await changed_once(context, Once("key", "invite", {"to": ["a"]}), command)
    with pytest.raises(KeyReused):
        await changed_once(context, Once("key", "other", {"to": ["a", "b"]}), command)
    other = await context_of(each_portal, "planning@helios.example")
    await changed_once(other, once, command)
    assert await queued(each_portal) == 2


@pytest.mark.parametrize("key", ["", "x" * 201])
async def test_a_key_that_is_none_is_refused(portal: Portal, key: str) -> None:
    context = await context_of(portal, "purchase@helios.example")

    async def command(change: DirectoryChange) -> list[str]:
        return [await change.enqueue("TEST", {}, now=context.now)]

    with pytest.raises(Invalid) as refused:
        await changed_once(context, Once(key, "invite", None), command)
    assert refused.value.path == ["idempotency_key"]
    assert await queued(portal) == 0


async def test_a_command_that_is_refused_may_be_tried_again_with_its_key(portal: Portal) -> None:
    context = await context_of(portal, "purchase@helios.example")

    async def refused(change: DirectoryChange) -> None:
        await change.enqueue("TEST", {}, now=context.now)
        raise Invalid("No.", ["x"], "no")

    async def done(_change: DirectoryChange) -> str:
        return "done"

    with pytest.raises(Invalid):
        await changed_once(context, Once("key", "invite", 1), refused)
    assert await changed_once(context, Once("key", "invite", 2), done) == "done"
    assert await queued(portal) == 0


async def test_a_change_in_the_way_of_another_is_made_after_it(portal: Portal) -> None:
    context = await context_of(portal, "purchase@helios.example")
    tried = []

    async def command(change: DirectoryChange) -> int:
        tried.append(await change.enqueue("TEST", {}, now=context.now))
        if len(tried) < 3:
            raise ChangeConflict("in the way")
        return len(tried)

    assert await changed(context, command) == 3
    assert await queued(portal) == 1


async def test_a_change_that_others_are_always_in_the_way_of_is_given_up(portal: Portal) -> None:
    context = await context_of(portal, "purchase@helios.example")
    tried = []

    async def command(_change: DirectoryChange) -> None:
        tried.append(1)
        raise ChangeConflict("in the way")

    with pytest.raises(BackendUnavailable):
        await changed(context, command)
    assert len(tried) == ATTEMPTS


async def test_who_lost_the_right_since_the_guard_asked_is_refused_within_the_change(each_portal: Portal) -> None:
    context = await context_of(each_portal, "administration@helios.example")
    assert context.caller is not None
    (standing,) = context.caller.standings.values()
    async with each_portal.wiring.backends.directory.change() as change:
        for grant in standing.grants:
            await recorded.revoke(change, grant.id, by=author(context), now=context.now)

    async def command(change: DirectoryChange) -> None:
        await acting_in(context, change, standing.organization_id, MANAGE_MEMBERS)
        await change.enqueue("TEST", {}, now=context.now)

    with pytest.raises(Forbidden) as refused:
        await changed(context, command)
    assert refused.value.decision.missing == (Permission.MEMBER_MANAGE,)
    assert await queued(each_portal) == 0
