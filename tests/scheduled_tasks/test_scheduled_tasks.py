"""Scheduled tasks: what nobody needs any more goes, the rest stays, and no scheduled task that fails stops another."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select

from connectors.directory.records.accounts import MailedTokenPurpose
from connectors.directory.records.idempotency import IdempotencyRecord
from connectors.directory.records.outbox import OutboxState
from connectors.directory.tables import idempotency_records, mailed_tokens, refresh_tokens, sessions
from connectors.errors import BackendUnavailable
from gateway.worker import Worker, working
from resolvers.context import RequestContext
from resolvers.scheduled_tasks import SCHEDULED_TASKS, run_scheduled_tasks
from resolvers.sessions.commands import REFRESH_LIFETIME, SESSION_LIFETIME
from resolvers.transactions import changed
from tests.logs import capture_logs
from tests.mail.letters import context_of, mail, queue
from tests.mail.test_worker import until
from tests.portal import Portal


async def count(portal: Portal, table: object) -> int:
    """How many rows a table of the directory has."""
    async with portal.wiring.backends.directory._engine.connect() as connection:  # type: ignore[attr-defined]
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def test_sessions_and_their_tokens_go_a_month_after_they_are_over(each_portal: Portal) -> None:
    portal = each_portal
    await portal.person("purchase@helios.example")
    portal.clock.move(timedelta(days=20))
    await portal.person("purchase@helios.example")
    assert (await count(portal, sessions), await count(portal, refresh_tokens)) == (2, 2)

    portal.clock.move(SESSION_LIFETIME + timedelta(days=9))
    await run_scheduled_tasks(context_of(portal))
    assert (await count(portal, sessions), await count(portal, refresh_tokens)) == (2, 2)

    portal.clock.move(timedelta(days=2))
    await run_scheduled_tasks(context_of(portal))
    assert (await count(portal, sessions), await count(portal, refresh_tokens)) == (1, 1)
    assert REFRESH_LIFETIME < SESSION_LIFETIME


async def test_more_sessions_than_one_portion_go_in_one_go(each_portal: Portal) -> None:
    portal = each_portal
    await portal.person("purchase@helios.example")
    async with portal.wiring.backends.directory._engine.begin() as connection:  # type: ignore[attr-defined]
        (one,) = (await connection.execute(select(sessions))).mappings().all()
        await connection.execute(insert(sessions), [{**one, "id": f"ses_{number}"} for number in range(1_100)])
    portal.clock.move(timedelta(days=100))

    await run_scheduled_tasks(context_of(portal))

    assert (await count(portal, sessions), await count(portal, refresh_tokens)) == (0, 0)


async def test_done_items_go_after_a_month_and_those_given_up_stay(each_portal: Portal) -> None:
    portal = each_portal
    await queue(portal, mail(), mail("not an address"))
    await portal.deliver()
    await queue(portal, mail())
    directory = portal.wiring.backends.directory

    portal.clock.move(timedelta(days=29))
    await run_scheduled_tasks(context_of(portal))
    assert await directory.count_outbox() == {OutboxState.QUEUED: 1, OutboxState.DEAD: 1}
    assert len(await directory.outbox(OutboxState.DONE, limit=10)) == 1
    assert len(await portal.mails()) == 1

    portal.clock.move(timedelta(days=2))
    await run_scheduled_tasks(context_of(portal))
    assert await directory.count_outbox() == {OutboxState.QUEUED: 1, OutboxState.DEAD: 1}
    assert await directory.outbox(OutboxState.DONE, limit=10) == []
    assert await portal.mails() == []


async def test_idempotency_keys_go_after_a_week_and_mailed_tokens_after_a_month(each_portal: Portal) -> None:
    portal = each_portal
    user_id = await portal.wiring.backends.directory.user_id_of_login_name("purchase@helios.example")
    now = portal.clock()
    await changed(
        context_of(portal), lambda change: change.remember("usr_x", "key", IdempotencyRecord(b"x", None), now)
    )
    row = {"hash": b"x", "purpose": MailedTokenPurpose.PASSWORD_RESET.value, "user_id": user_id, "created_at": now}
    async with portal.wiring.backends.directory._engine.begin() as connection:  # type: ignore[attr-defined]
        await connection.execute(insert(mailed_tokens), {**row, "expires_at": now + timedelta(hours=1)})

    async def left_after(days: int) -> tuple[int, int]:
        portal.clock.now = now + timedelta(days=days)
        await run_scheduled_tasks(context_of(portal))
        return await count(portal, idempotency_records), await count(portal, mailed_tokens)

    assert [await left_after(days) for days in (6, 8, 30, 31)] == [(1, 1), (0, 1), (0, 1), (0, 0)]


async def test_a_scheduled_task_that_fails_stops_no_other(portal: Portal) -> None:
    done: list[datetime] = []

    async def breaks(_context: RequestContext) -> None:
        raise ZeroDivisionError

    async def is_cut_off(_context: RequestContext) -> None:
        raise BackendUnavailable("directory", "away")

    async def works(context: RequestContext) -> None:
        done.append(context.now)

    with capture_logs() as logs:
        await run_scheduled_tasks(context_of(portal), [breaks, is_cut_off, works])

    assert done == [portal.clock()]
    assert [(log["event"], log["task"], log["log_level"]) for log in logs] == [
        ("scheduled task failed", "breaks", "error"),
        ("scheduled task not done", "is_cut_off", "warning"),
    ]


async def test_the_worker_runs_the_scheduled_tasks_again_and_again(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.worker.SCHEDULED_TASKS_EVERY", timedelta(seconds=0.02))
    times = 0

    async def task(_context: RequestContext) -> None:
        nonlocal times
        times += 1

    wiring = portal.wiring
    async with working(
        Worker(wiring.backends, wiring.policies, wiring.work, clock=portal.clock, tasks=[*SCHEDULED_TASKS, task])
    ):
        await until(lambda: times >= 3)
    so_far = times

    await until(lambda: True)
    assert times == so_far
