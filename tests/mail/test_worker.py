"""The worker: every mail leaves once its change is stored, whatever the mail server and the database do (K29)."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.outbox import OutboxRecord, OutboxState
from connectors.errors import BackendUnavailable
from connectors.mail.interface import MailServerAway
from connectors.mail.smtp import SECONDS
from gateway.worker import AT_ONCE, MOST_OF_A_KIND, Worker, working
from resolvers.context import RequestContext
from resolvers.mail.queue import Mail, queue_mail
from resolvers.outbox.delivery import HANDLERS, LEASE, MOST_ATTEMPTS, Handler, pause_after, take
from resolvers.transactions import changed
from tests.logs import capture_logs
from tests.mail import smtp
from tests.mail.letters import DINA, TOKEN, context_of, mail, queue
from tests.portal import Portal, open_portal
from tests.servers import DatabaseKind


@asynccontextmanager
async def portal_with_server(
    kind: DatabaseKind = "sqlite", **given: Any
) -> AsyncIterator[tuple[Portal, smtp.MailServer]]:
    """A portal whose mails go to a mail server of the test's own."""
    async with smtp.mail_server() as server:
        settings = {"smtp_url": f"smtp+plain://127.0.0.1:{server.port}", "mail_from": "noreply@portal.example", **given}
        async with open_portal(kind=kind, public_url="https://portal.example", **settings) as portal:
            yield portal, server


async def items_in(portal: Portal, state: OutboxState) -> list[OutboxRecord]:
    return list(await portal.wiring.backends.directory.outbox(state, limit=10_000))


def worker_of(portal: Portal, **given: Any) -> Worker:
    wiring = portal.wiring
    return Worker(wiring.backends, wiring.policies, wiring.work, **{"clock": portal.clock, "tasks": (), **given})


async def until(is_so: Callable[[], Any], seconds: float = 60) -> None:
    """Wait until something is so, which is asked again and again."""
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def test_a_queued_mail_arrives_in_the_mailbox_in_the_language_of_its_reader(each_portal: Portal) -> None:
    portal = each_portal
    (id,) = await queue(portal, mail(locale="de", inviter="Anton Verwalter", organization="Helios", message="Hallo!"))

    assert await portal.deliver() == 1

    (arrived,) = await portal.mails(DINA)
    assert arrived.subject == "Anton Verwalter lädt Sie zu Helios ein"
    assert arrived.message_id == f"{id}@127.0.0.1"
    assert (arrived.sender, arrived.sender_name, arrived.locale) == ("noreply@127.0.0.1", "Solar Terminal", "de")
    assert f"\n{portal.settings.address}/invitation?token={TOKEN}\n" in arrived.text
    assert "\n> Hallo!\n" in arrived.text
    assert await portal.queued_mails() == []
    (done,) = await items_in(portal, OutboxState.DONE)
    assert (done.id, done.sealed) == (id, None)


async def test_a_change_that_is_not_stored_sends_nothing(portal: Portal) -> None:
    context = context_of(portal)

    async def queue_and_fail(change: DirectoryChange) -> None:
        await queue_mail(context, change, mail())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await changed(context, queue_and_fail)

    assert await portal.deliver() == 0
    assert await portal.mails() == []


async def test_a_mail_that_waits_for_its_time_does_not_leave_before(portal: Portal) -> None:
    context = context_of(portal)
    content = {"template": "account_deleted", "to": DINA, "locale": "en", "values": {"name": "Dina"}}
    due_at = context.now + timedelta(hours=1)
    await changed(context, lambda change: change.enqueue("MAIL", content, now=context.now, due_at=due_at))

    assert await portal.deliver() == 0
    portal.clock.move(timedelta(hours=1))
    assert await portal.deliver() == 1


async def test_a_hundred_mails_leave_through_the_server_a_few_at_a_time() -> None:
    async with portal_with_server() as (portal, server):
        ids = await queue(portal, *(mail(f"p{number}@helios.example") for number in range(100)))

        async with asyncio.timeout(60):
            assert await portal.deliver() == 100

    assert sorted(server.message_ids) == sorted(f"<{id}@portal.example>" for id in ids)
    assert Counter(server.recipients) == Counter(f"p{number}@helios.example" for number in range(100))
    assert 2 <= server.most_at_once <= AT_ONCE


async def test_a_server_that_is_busy_gets_the_mail_later() -> None:
    async with portal_with_server() as (portal, server):
        await queue(portal, mail())
        server.refuses["*"] = "451 4.3.0 later, please"

        assert await portal.deliver() == 1
        (waiting,) = await items_in(portal, OutboxState.QUEUED)
        assert await portal.deliver() == 0
        server.refuses.clear()
        portal.clock.move(timedelta(seconds=13))
        assert await portal.deliver() == 1

    assert waiting.last_error == "mail: 451 4.3.0 later, please"
    assert timedelta(seconds=8) <= waiting.due_at - portal.clock() + timedelta(seconds=13) <= timedelta(seconds=12)
    assert server.message_ids == [f"<{waiting.id}@portal.example>"]


async def test_a_mail_that_is_refused_permanently_is_given_up_and_the_others_leave() -> None:
    async with portal_with_server() as (portal, server):
        server.refuses["gone@helios.example"] = "550 5.1.1 no such user"
        await queue(portal, mail("gone@helios.example"), mail())

        assert await portal.deliver() == 2

        (dead,) = await items_in(portal, OutboxState.DEAD)
        assert (dead.attempts, dead.last_error) == (1, "mail: 550 5.1.1 no such user")
        assert portal.wiring.backends.seals.open(dead.sealed or "") == TOKEN
    assert [mail["To"] for mail in server.mails] == [DINA]


async def test_a_mail_is_tried_for_half_a_day_and_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: 1.0)
    async with portal_with_server() as (portal, server):
        server.refuses["*"] = "421 4.3.2 down"
        await queue(portal, mail())
        began, tries = portal.clock(), 0

        while await items_in(portal, OutboxState.QUEUED):
            tries += await portal.deliver()
            last = portal.clock()
            portal.clock.move(timedelta(minutes=1))

        (dead,) = await items_in(portal, OutboxState.DEAD)
    assert dead.attempts == tries == MOST_ATTEMPTS
    assert timedelta(hours=10) < last - began < timedelta(hours=14)


def test_pauses_grow_up_to_an_hour_and_differ() -> None:
    pauses = [pause_after(attempts).total_seconds() for attempts in (1, 2, 3, 9, 20, 10_000)]

    for pause, expected in zip(pauses, (10, 20, 40, 2560, 3600, 3600), strict=True):
        assert 0.8 * expected <= pause <= 1.2 * expected
    assert len({pause_after(5) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ("an unknown kind", "This Forecourt knows no items of the kind TELEGRAM."),
        ("a bug", "Unexpected: ZeroDivisionError. The log has more."),
        ("a back end away", "shop: away"),
    ],
)
async def test_what_may_go_well_later_is_tried_again(portal: Portal, failure: str, said: str) -> None:
    async def fails(_context: RequestContext, _item: OutboxRecord) -> None:
        if failure == "a bug":
            raise ZeroDivisionError("hunter2")
        raise BackendUnavailable("shop", "away")

    handlers: dict[str, Handler] = {} if failure == "an unknown kind" else {"TELEGRAM": fails}
    context = context_of(portal)
    await changed(context, lambda change: change.enqueue("TELEGRAM", {}, now=context.now))
    await queue(portal, mail())

    await worker_of(portal, handlers={**HANDLERS, **handlers}).work_off()

    (waiting,) = await items_in(portal, OutboxState.QUEUED)
    assert (waiting.kind, waiting.last_error) == ("TELEGRAM", said)
    assert len(await portal.mails()) == 1


async def test_what_cannot_be_written_is_given_up_at_once(portal: Portal) -> None:
    context = context_of(portal)
    for content, sealed in (
        ({"template": "invitatoin", "to": DINA, "locale": "en", "values": {}}, None),
        ({"template": "invitation", "to": DINA, "locale": "en", "values": {}}, None),
        ({"template": "account_unknown", "to": "x\r\nBcc: y@z.example", "locale": "en", "values": {}}, None),
        ({"template": "account_unknown", "to": DINA, "locale": "en", "values": {}}, "sealed by somebody else"),
    ):
        await changed(
            context,
            lambda change, content=content, sealed=sealed: change.enqueue(  # type: ignore[misc]
                "MAIL", content, now=context.now, sealed=sealed
            ),
        )

    assert await portal.deliver() == 4

    assert len(await items_in(portal, OutboxState.DEAD)) == 4
    assert await portal.mails() == []


async def test_the_log_says_what_happened_without_addresses_and_tokens() -> None:
    async with portal_with_server() as (portal, server):
        server.refuses["gone@helios.example"] = "550 no such user"
        await queue(portal, mail(), mail("gone@helios.example"))
        with capture_logs() as logs:
            await portal.deliver()

    assert sorted((log["event"], log["mail"], log["attempt"]) for log in logs) == [
        ("outbox item done", "invitation", 1),
        ("outbox item given up", "invitation", 1),
    ]
    assert TOKEN not in str(logs)
    assert "helios" not in str(logs)


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"])
async def test_two_workers_at_once_send_each_mail_once(database_kind: DatabaseKind) -> None:
    async with portal_with_server(database_kind) as (portal, server):
        ids = await queue(portal, *(mail(f"p{number}@helios.example") for number in range(60)))

        numbers = await asyncio.gather(*(worker_of(portal).work_off() for _ in range(2)))

        assert sum(numbers) == 60
        assert len(await items_in(portal, OutboxState.DONE)) == 60
    assert Counter(server.message_ids) == Counter(f"<{id}@portal.example>" for id in ids)


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"])
async def test_a_mail_of_a_worker_that_died_leaves_again_under_the_same_message_id(
    database_kind: DatabaseKind,
) -> None:
    async with portal_with_server(database_kind) as (portal, server):
        await queue(portal, mail())
        (taken,) = await take(context_of(portal), most=8)
        await HANDLERS["MAIL"](context_of(portal), taken)  # and here it dies, before it says that it is done

        assert await portal.deliver() == 0
        portal.clock.move(LEASE)
        assert await portal.deliver() == 1
        portal.clock.move(LEASE)
        assert await portal.deliver() == 0

    assert server.message_ids == [f"<{taken.id}@portal.example>"] * 2
    assert [str(mail["Date"]) for mail in server.mails] == [str(server.mails[0]["Date"])] * 2


async def test_a_server_that_hangs_up_after_the_mail_gets_it_again_under_the_same_message_id() -> None:
    async with portal_with_server() as (portal, server):
        (id,) = await queue(portal, mail())
        server.hangs_up = True
        await portal.deliver()
        server.hangs_up = False
        portal.clock.move(timedelta(seconds=13))

        assert await portal.deliver() == 1
        portal.clock.move(timedelta(days=1))
        assert await portal.deliver() == 0

    assert server.message_ids == [f"<{id}@portal.example>"] * 2


async def test_the_worker_beside_the_requests_sends_at_once_and_a_server_that_hangs_delays_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.worker.DRAIN_SECONDS", 0.1)
    monkeypatch.setitem(Worker.__init__.__kwdefaults__, "every", 3600.0)  # it never looks unless it is woken
    async with portal_with_server(worker=True) as (portal, server):
        administrator = await portal.person("administration@helios.example")
        await queue(portal, mail())
        await until(lambda: len(server.mails) == 1)
        server.hangs = True
        await queue(portal, *(mail(f"p{number}@helios.example") for number in range(20)))
        await until(lambda: server.at_once == MOST_OF_A_KIND)

        loop = asyncio.get_running_loop()
        began = loop.time()
        answer = await administrator.asks(
            "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { errors { code } } }",
            input={"locale": "fr", "expectedVersion": 1},
        )
        await queue(portal, mail())
        took = loop.time() - began

        assert answer.at("updateProfile.errors") == []
        assert took < SECONDS / 2


async def test_a_worker_that_is_stopped_ends_what_it_has_begun_and_leaves_the_rest(portal: Portal) -> None:
    begun, may_end, ended = [], asyncio.Event(), []

    async def slowly(_context: RequestContext, item: OutboxRecord) -> None:
        begun.append(item.id)
        await may_end.wait()
        ended.append(item.id)

    await queue(portal, *(mail(f"p{number}@helios.example") for number in range(MOST_OF_A_KIND + 3)))
    worker = worker_of(portal, handlers={"MAIL": slowly})
    running = asyncio.create_task(worker.run())
    await until(lambda: len(begun) == MOST_OF_A_KIND)
    worker.stop()
    await asyncio.sleep(0.05)
    assert not running.done()
    may_end.set()
    await running

    assert len(ended) == MOST_OF_A_KIND
    assert len(await items_in(portal, OutboxState.DONE)) == MOST_OF_A_KIND
    waiting = await items_in(portal, OutboxState.QUEUED)
    assert [item.attempts for item in waiting] == [0, 0, 0]


async def test_what_hangs_of_one_kind_leaves_room_for_others(portal: Portal) -> None:
    hanging, done = asyncio.Event(), asyncio.Event()

    async def hangs(_context: RequestContext, _item: OutboxRecord) -> None:
        await hanging.wait()

    async def is_done(_context: RequestContext, _item: OutboxRecord) -> None:
        done.set()

    await queue(portal, *(mail(f"p{number}@helios.example") for number in range(AT_ONCE + 3)))
    context = context_of(portal)
    await changed(context, lambda change: change.enqueue("TELEGRAM", {}, now=context.now))
    async with working(worker_of(portal, handlers={"MAIL": hangs, "TELEGRAM": is_done})):
        async with asyncio.timeout(60):
            await done.wait()
        assert not hanging.is_set()
        hanging.set()


async def test_mails_keep_their_turns_while_the_server_is_away_and_leave_in_their_order(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.worker.MOST_OF_A_KIND", 1)
    is_away, tried = True, []

    async def sends(_context: RequestContext, item: OutboxRecord) -> None:
        tried.append(item.content["to"])
        if is_away:
            raise MailServerAway("mail", "connection refused")

    addresses = [f"p{number}@helios.example" for number in range(5)]
    await queue(portal, *map(mail, addresses))
    worker = worker_of(portal, handlers={"MAIL": sends})
    with capture_logs() as logs:
        for hold in (5, 10, 20, 40, 60, 60):
            for _ in range(3):
                await worker.work_off()
            portal.clock.move(timedelta(seconds=hold - 1))
            await worker.work_off()
            portal.clock.move(timedelta(seconds=1))
        is_away = False
        waiting = await items_in(portal, OutboxState.QUEUED)
        await worker.work_off()

    assert tried == [addresses[0]] * 6 + addresses
    assert [item.attempts for item in waiting] == [0] * 5
    assert [log["event"] for log in logs if log["event"] in ("outbox waits", "outbox goes on")] == [
        "outbox waits",
        "outbox goes on",
    ]


async def test_a_worker_waits_until_the_database_is_back(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    directory, is_away, tried = portal.wiring.backends.directory, True, 0
    due_since = directory.outbox_due_since

    async def sometimes(now: datetime) -> datetime | None:
        nonlocal tried
        tried += 1
        if is_away:
            raise BackendUnavailable("directory", "restarting")
        return await due_since(now)

    monkeypatch.setattr(directory, "outbox_due_since", sometimes)
    await queue(portal, mail())
    with capture_logs() as logs:
        async with working(worker_of(portal, every=0.02)):
            await until(lambda: tried >= 3)
            is_away = False
            await until(lambda: any(log["event"] == "outbox item done" for log in logs))

    assert [log["event"] for log in logs] == ["outbox cannot be read", "outbox can be read again", "outbox item done"]


async def test_an_end_that_cannot_be_stored_is_found_out_when_the_lease_ends(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    (id,) = await queue(portal, mail())
    with monkeypatch.context() as broken:

        async def away(*_args: Any, **_more: Any) -> None:
            raise BackendUnavailable("directory", "away")

        broken.setattr("connectors.directory.outbox.OutboxChanges.finish", away)
        assert await portal.deliver() == 1
    portal.clock.move(LEASE)
    assert await portal.deliver() == 1

    assert [arrived.message_id for arrived in await portal.mails()] == [f"{id}@127.0.0.1"]
    assert [item.attempts for item in await items_in(portal, OutboxState.DONE)] == [2]


async def test_a_handler_may_queue_mails_which_leave_in_the_same_round(portal: Portal) -> None:
    async def look_up(context: RequestContext, item: OutboxRecord) -> None:
        wanted = Mail("account_unknown", item.content["to"], "fr")
        await changed(context, lambda change: queue_mail(context, change, wanted))

    context = context_of(portal)
    await changed(context, lambda change: change.enqueue("RESET", {"to": DINA}, now=context.now))

    assert await worker_of(portal, handlers={**HANDLERS, "RESET": look_up}).work_off() == 2

    assert [arrived.locale for arrived in await portal.mails(DINA)] == ["fr"]


async def test_health_says_how_long_work_has_been_waiting_and_what_was_given_up(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.server.health._KEPT_SECONDS", 0)

    async def ready() -> Any:
        return (await portal.client.get("/health/ready")).json()

    assert (await ready())["outbox"] == {"lagSeconds": 0, "queued": 0, "dead": 0}
    await queue(portal, mail())
    portal.clock.move(timedelta(seconds=90))

    assert (await ready())["outbox"] == {"lagSeconds": 90.0, "queued": 1, "dead": 0}
    assert (await ready())["backends"]["mail"] == "up"


async def test_health_names_a_mail_server_that_is_away() -> None:
    async with portal_with_server() as (portal, server):
        pass
    async with open_portal(smtp_url=f"smtp+plain://127.0.0.1:{server.port}", mail_from="a@x.example") as portal:
        ready = await portal.client.get("/health/ready")

    assert (ready.status_code, ready.json()["backends"]["mail"]) == (200, "down")


async def test_a_mail_that_lacks_a_value_cannot_be_queued(portal: Portal) -> None:
    with pytest.raises(LookupError, match="lacks inviter"):
        await queue(portal, mail(inviter=None))

    assert await portal.queued_mails() == []
