"""What the directory promises about reading the audit log, and that nobody rewrites it."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from connectors.database.engine import AsyncEngine
from connectors.directory import tables
from connectors.directory.directory import Directory
from connectors.directory.records.audit import AuditEntry, AuditFilter
from connectors.errors import InvalidCursor
from connectors.ids import AuditEventId, OrganizationId
from connectors.pages import Slice, cursor
from tests.directory.people import ANNA, BERND, HELIOS, LUMEN, NOW, UNUSED
from tests.servers import DatabaseKind

ALL = AuditFilter()


def at(minute: int) -> datetime:
    """So many minutes later."""
    return NOW + timedelta(minutes=minute)


@pytest.fixture
async def recorded(directory: Directory) -> Directory:
    """A directory in which something was done each minute, not in the order in which it was written."""
    entries = [
        (3, AuditEntry("grant.give", ANNA.id, "mbr_b", HELIOS, "r3", "203.0.113.7", {}, {"role": "ä"})),
        (1, AuditEntry("grant.give", BERND.id, "mbr_c", HELIOS, "r1")),
        (2, AuditEntry("grant.revoke", ANNA.id, "mbr_b", HELIOS, "r2", reason="Weil", refused_with="FORBIDDEN")),
        (4, AuditEntry("grant.give", ANNA.id, "mbr_b", LUMEN, "r4")),
        (5, AuditEntry("session.begin", ANNA.id, "ses_a", None, "r5")),
        (6, AuditEntry("membership.status", BERND.id, "mbr_a", HELIOS, "r6")),
        (7, AuditEntry("portal", None, "mbr_a", HELIOS, "r7")),
    ]
    async with directory.change() as change:
        for minute, entry in entries:
            await change.record(entry, at(minute))
    return directory


async def requests_of(recorded: Directory, where: AuditFilter, organization_id: OrganizationId = HELIOS) -> list[str]:
    """The requests of an organization's entries; checks that they are counted as they are listed."""
    (page,) = await recorded.audit_events_of([organization_id], Slice(50), where=where)
    assert await recorded.count_audit_events_of([organization_id], where) == [len(page.items)]
    return [event.request_id for event in page.items]


async def test_an_organizations_entries_are_paged_from_the_newest_to_the_oldest(recorded: Directory) -> None:
    seen, after = [], None
    while True:
        helios, lumen, nothing = await recorded.audit_events_of([HELIOS, LUMEN, UNUSED], Slice(2, after), where=ALL)
        seen.append([event.request_id for event in helios.items])
        assert [*nothing.items] == []
        if not helios.has_next_page:
            break
        after = helios.cursor_of(helios.items[-1])

    assert seen == [["r7", "r6"], ["r3", "r2"], ["r1"]]
    assert [event.request_id for event in lumen.items] == []  # its only entry stands before this position
    assert await recorded.count_audit_events_of([LUMEN, HELIOS, UNUSED], ALL) == [1, 5, 0]


async def test_an_entry_comes_back_as_it_was_written(recorded: Directory) -> None:
    (page,) = await recorded.audit_events_of([HELIOS], Slice(50), where=AuditFilter(actor_id=ANNA.id))
    given, refused = page.items

    assert (given.at, given.action, given.actor_id, given.subject_id) == (at(3), "grant.give", ANNA.id, "mbr_b")
    assert (given.ip_address, given.before, given.after) == ("203.0.113.7", {}, {"role": "ä"})
    assert (refused.reason, refused.refused_with, refused.organization_id) == ("Weil", "FORBIDDEN", HELIOS)
    assert await recorded.audit_events([refused.id, AuditEventId("aud_x")]) == [refused, None]


@pytest.mark.parametrize(
    ("where", "requests"),
    [
        (AuditFilter(actions=("grant.give",)), ["r3", "r1"]),
        (AuditFilter(actions=("grant.give", "grant.revoke"), actor_id=ANNA.id), ["r3", "r2"]),
        (AuditFilter(actions=()), []),
        (AuditFilter(since=at(3)), ["r7", "r6", "r3"]),
        (AuditFilter(until=at(3)), ["r2", "r1"]),
        (AuditFilter(since=at(2), until=at(6), actor_id=ANNA.id, actions=("grant.give",)), ["r3"]),
        (AuditFilter(actor_id=ANNA.id, since=at(7)), []),
    ],
    ids=str,
)
async def test_conditions_count_together(recorded: Directory, where: AuditFilter, requests: list[str]) -> None:
    assert await requests_of(recorded, where) == requests


async def test_a_person_sees_what_they_did_and_what_was_done_to_them_where_they_belong(recorded: Directory) -> None:
    whole = await recorded.audit_events_of_person(ANNA.id, ["mbr_a", "mbr_b"], [HELIOS], Slice(50))
    first = await recorded.audit_events_of_person(ANNA.id, ["mbr_a", "mbr_b"], [HELIOS], Slice(2))
    rest = await recorded.audit_events_of_person(
        ANNA.id, ["mbr_a", "mbr_b"], [HELIOS], Slice(9, first.cursor_of(first.items[-1]))
    )
    nowhere = await recorded.audit_events_of_person(ANNA.id, [], [], Slice(50))

    assert [event.request_id for event in whole.items] == ["r7", "r6", "r5", "r3", "r2"]
    assert [event.request_id for event in (*first.items, *rest.items)] == ["r7", "r6", "r5", "r3", "r2"]
    assert (first.has_next_page, rest.has_next_page, whole.has_next_page) == (True, False, False)
    assert [event.request_id for event in nowhere.items] == ["r5"]


async def test_an_operator_reads_the_end_of_the_log_of_one_organization_or_of_all(recorded: Directory) -> None:
    everything = await recorded.audit_log(None, ALL, limit=3)
    of_lumen = await recorded.audit_log(LUMEN, ALL, limit=3)
    some = await recorded.audit_log(None, AuditFilter(actor_id=ANNA.id, since=at(4)), limit=9)

    assert [event.request_id for event in everything] == ["r7", "r6", "r5"]
    assert [event.request_id for event in of_lumen] == ["r4"]
    assert [event.request_id for event in some] == ["r5", "r4"]


@pytest.mark.parametrize(
    "after",
    [
        "x",
        cursor("members", "2026-03-01T12:00:00+00:00", "aud_x"),
        cursor("audit events", "2026-03-01T12:00:00+00:00"),
        cursor("audit events", "yesterday", "aud_x"),
        cursor("audit events", "2026-03-01T12:00:00", "aud_x"),
        cursor("audit events", "0001-01-01T00:00:00+14:00", "aud_x"),
    ],
)
async def test_what_is_no_cursor_of_the_log_leads_nowhere(asked: Directory, after: str) -> None:
    with pytest.raises(InvalidCursor):
        await asked.audit_events_of([HELIOS], Slice(1, after), where=ALL)


REFUSED = {
    "sqlite": [
        "UPDATE audit_events SET actor_id = 'usr_x'",
        "UPDATE OR IGNORE audit_events SET actor_id = 'usr_x'",
        "DELETE FROM audit_events",
        "DELETE FROM audit_events WHERE request_id = 'r1'",
    ],
    "postgresql": [
        "UPDATE audit_events SET actor_id = 'usr_x'",
        "DELETE FROM audit_events",
        "DELETE FROM audit_events WHERE false",
        "TRUNCATE audit_events",
        "TRUNCATE audit_events, outbox CASCADE",
        "INSERT INTO audit_events SELECT * FROM audit_events ON CONFLICT (id) DO UPDATE SET action = 'x'",
    ],
}

WITHOUT_EFFECT = [
    "INSERT INTO audit_events SELECT * FROM audit_events WHERE true ON CONFLICT (id) DO UPDATE SET action = 'x'",
    "REPLACE INTO audit_events SELECT id, occurred_at, 'x', actor_id, subject_id, organization_id, request_id, "
    "ip_address, before, after, reason, refused_with FROM audit_events",
    "REPLACE INTO audit_events (rowid, id, occurred_at, action, subject_id, request_id, before, after) "
    "SELECT rowid, 'aud_x', occurred_at, 'x', subject_id, request_id, before, after FROM audit_events",
]
"""What SQLite carries out without asking the triggers for updates and deletions."""

WHOLE = select(tables.audit_events).order_by(tables.audit_events.c.id)


async def executed(engine: AsyncEngine, statement: str) -> None:
    """Carry a statement out and commit it."""
    async with engine.begin() as connection:
        await connection.execute(text(statement))


async def test_no_statement_rewrites_the_audit_log(
    recorded: Directory, engine: AsyncEngine, database_kind: DatabaseKind
) -> None:
    before = await recorded.read(WHOLE)

    for statement in REFUSED[database_kind]:
        with pytest.raises(DBAPIError, match="append only"):
            await executed(engine, statement)
    for statement in WITHOUT_EFFECT if database_kind == "sqlite" else []:
        await executed(engine, statement)

    assert len(before) == 7
    assert await recorded.read(WHOLE) == before


async def test_the_log_goes_on_after_somebody_tried(recorded: Directory, engine: AsyncEngine) -> None:
    with pytest.raises(DBAPIError):
        await executed(engine, "DELETE FROM audit_events")

    async with recorded.change() as change:
        await change.record(AuditEntry("portal", None, "x", None, "r8"), at(8))
        assert await change.record_hourly(AuditEntry("seen", None, "x", None, "r9"), at(9), "x")
        assert not await change.record_hourly(AuditEntry("seen", None, "x", None, "r9"), at(9), "x")
    assert len(await recorded.read(WHOLE)) == 9
