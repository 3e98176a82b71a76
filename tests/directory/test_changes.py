"""What the directory promises about changes: all or nothing, at most once, on record."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from connectors.access_events import SessionEnded
from connectors.database.engine import AsyncConnection, AsyncEngine
from connectors.database.sql_errors import ChangeConflict
from connectors.directory import tables
from connectors.directory.directory import Directory
from connectors.directory.errors import RefreshTokenReused, StaleVersion
from connectors.directory.records.access import GrantKind
from connectors.directory.records.audit import AuditEntry
from connectors.directory.records.data import DirectoryData
from connectors.directory.records.people import ProfileChange
from connectors.directory.records.sessions import RotatedToken
from connectors.ids import SessionId, UserId
from connectors.pages import Slice
from connectors.values import Address
from tests.directory import people
from tests.directory.conftest import statements
from tests.directory.people import ANNA, HELIOS, NOW, TOMORROW, YESTERDAY, session
from tests.servers import DatabaseKind

SESSION = session("anna", ANNA)
FIRST, SECOND, THIRD = b"1" * 32, b"2" * 32, b"3" * 32
ENTRY = AuditEntry("profile.update", ANNA.id, ANNA.id, HELIOS, "req_1", "203.0.113.7", {"a": "ä"}, {"a": None})
LATER = NOW.replace(hour=13)


async def _signed_in(directory: Directory) -> None:
    async with directory.change() as change:
        await change.open_session(SESSION, FIRST, TOMORROW)


async def _rotate(
    directory: Directory, old: bytes, new: bytes, *, now: datetime = LATER, window: timedelta = timedelta()
) -> RotatedToken | None:
    async with directory.change() as change:
        return await change.rotate_refresh_token(
            old,
            new,
            now=now,
            expires_at=TOMORROW,
            sealed_successor=f"sealed {new!r}" if window else None,
            reuse_window=window,
        )


async def _kept_successors(directory: Directory) -> list[str]:
    kept = tables.refresh_tokens.c.sealed_successor
    return [row[0] for row in await directory.read(select(kept).where(kept.is_not(None)).order_by(kept))]


async def _is_signed_in(directory: Directory) -> bool:
    return await directory.caller(ANNA.id, SESSION.id, LATER) is not None


async def _audit(directory: Directory) -> list[str]:
    rows = await directory.read(select(tables.audit_events.c.action).order_by(tables.audit_events.c.id))
    return [row[0] for row in rows]


async def test_a_refresh_token_is_replaced_by_the_next_again_and_again(directory: Directory) -> None:
    await _signed_in(directory)

    once = await _rotate(directory, FIRST, SECOND)
    twice = await _rotate(directory, SECOND, THIRD)

    assert once == twice == RotatedToken(replace(SESSION, last_seen_at=LATER))
    assert await _is_signed_in(directory)


async def test_a_refresh_token_used_again_ends_its_session_and_its_successor(directory: Directory) -> None:
    await _signed_in(directory)
    await _rotate(directory, FIRST, SECOND)

    with pytest.raises(RefreshTokenReused):
        await _rotate(directory, FIRST, THIRD)

    assert not await _is_signed_in(directory)
    assert await _rotate(directory, SECOND, b"4" * 32) is None
    with pytest.raises(RefreshTokenReused):
        await _rotate(directory, FIRST, THIRD)


async def test_reuse_ends_the_session_but_keeps_nothing_else_of_the_block_that_raises(directory: Directory) -> None:
    await _signed_in(directory)
    await _rotate(directory, FIRST, SECOND)

    async def record_and_rotate() -> None:
        async with directory.change() as change:
            await change.record(ENTRY, NOW)
            await change.rotate_refresh_token(FIRST, THIRD, now=LATER, expires_at=TOMORROW)

    with pytest.raises(RefreshTokenReused):
        await record_and_rotate()

    assert not await _is_signed_in(directory)
    assert await _audit(directory) == []


async def test_reuse_can_be_put_on_record_in_the_same_block(directory: Directory) -> None:
    await _signed_in(directory)
    await _rotate(directory, FIRST, SECOND)

    async with directory.change() as change:
        with suppress(RefreshTokenReused):
            await change.rotate_refresh_token(FIRST, THIRD, now=LATER, expires_at=TOMORROW)
        await change.record(ENTRY, NOW)

    assert not await _is_signed_in(directory)
    assert await _audit(directory) == ["profile.update"]


async def test_of_twenty_refreshes_at_once_exactly_one_succeeds(directory: Directory) -> None:
    await _signed_in(directory)

    answers = await asyncio.gather(
        *(_rotate(directory, FIRST, bytes([number]) * 32) for number in range(100, 120)), return_exceptions=True
    )

    assert sum(isinstance(answer, RotatedToken) for answer in answers) == 1
    assert sum(isinstance(answer, RefreshTokenReused) for answer in answers) == 19
    assert not await _is_signed_in(directory)
    kept = await directory.read(select(tables.refresh_tokens.c.hash))
    assert len(kept) == 2


WINDOW = timedelta(seconds=10)


async def test_of_twenty_refreshes_at_once_all_get_the_one_successor(directory: Directory) -> None:
    await _signed_in(directory)

    answers = await asyncio.gather(
        *(_rotate(directory, FIRST, bytes([number]) * 32, window=WINDOW) for number in range(100, 120))
    )

    (new,) = await directory.read(select(tables.refresh_tokens.c.hash).where(tables.refresh_tokens.c.hash != FIRST))
    seen = replace(SESSION, last_seen_at=LATER)
    assert answers.count(RotatedToken(seen)) == 1
    assert answers.count(RotatedToken(seen, True, f"sealed {bytes(new[0])!r}")) == 19
    assert await _is_signed_in(directory)


async def test_a_token_used_again_gets_its_successor_until_the_window_ends_and_not_longer(
    directory: Directory,
) -> None:
    await _signed_in(directory)
    await _rotate(directory, FIRST, SECOND, window=WINDOW)

    last = await _rotate(directory, FIRST, THIRD, now=LATER + WINDOW - timedelta(microseconds=1), window=WINDOW)
    with pytest.raises(RefreshTokenReused):
        await _rotate(directory, FIRST, THIRD, now=LATER + WINDOW, window=WINDOW)

    assert last is not None
    assert (last.is_repeated, last.sealed_successor) == (True, f"sealed {SECOND!r}")
    assert not await _is_signed_in(directory)


async def test_a_token_of_a_session_that_ended_gets_no_successor_within_the_window(directory: Directory) -> None:
    await _signed_in(directory)
    await _rotate(directory, FIRST, SECOND, window=WINDOW)
    async with directory.change() as change:
        await change.end_session(SESSION.id, LATER)

    assert await _rotate(directory, FIRST, THIRD, window=WINDOW) is None


async def test_a_successor_is_kept_no_longer_than_it_may_be_asked_for(directory: Directory) -> None:
    await _signed_in(directory)
    await _rotate(directory, FIRST, SECOND, window=WINDOW)
    at_once = await _kept_successors(directory)
    await _rotate(directory, SECOND, THIRD, now=LATER + WINDOW, window=WINDOW)  # which erases what is too old
    overtaken = await _kept_successors(directory)

    async with directory.change() as change:
        erased = [
            await change.erase_successors(before=before)
            for before in (LATER + WINDOW, LATER + WINDOW + timedelta(microseconds=1))
        ]

    assert (at_once, overtaken) == ([f"sealed {SECOND!r}"], [f"sealed {THIRD!r}"])
    assert (erased, await _kept_successors(directory)) == ([0, 1], [])


async def test_an_unknown_refresh_token_leads_nowhere(directory: Directory) -> None:
    await _signed_in(directory)

    assert await _rotate(directory, b"", SECOND) is None
    assert await _rotate(directory, SECOND, THIRD) is None
    assert await _is_signed_in(directory)


async def test_an_expired_refresh_token_leads_nowhere(directory: Directory) -> None:
    async with directory.change() as change:
        await change.open_session(SESSION, FIRST, LATER)

    assert await _rotate(directory, FIRST, SECOND) is None


async def test_a_session_that_is_over_cannot_be_refreshed(directory: Directory) -> None:
    async with directory.change() as change:
        await change.open_session(replace(SESSION, id=SessionId("ses_old"), expires_at=LATER), SECOND, TOMORROW)
    await _signed_in(directory)
    async with directory.change() as change:
        await change.end_session(SESSION.id, NOW)

    assert await _rotate(directory, FIRST, THIRD) is None
    assert await _rotate(directory, SECOND, THIRD) is None


async def test_ending_a_session_twice_changes_nothing(directory: Directory) -> None:
    await _signed_in(directory)

    async with directory.change() as change:
        await change.end_session(SESSION.id, NOW)
        await change.end_session(SESSION.id, LATER)
        await change.end_session(SessionId("ses_unknown"), LATER)

    (row,) = await directory.read(select(tables.sessions.c.ended_at))
    assert row == (NOW,)


async def test_a_profile_changes_in_the_named_parts_only(directory: Directory) -> None:
    home = Address(("Rue de l'Été 7",), "75001", "Paris", "FR", phone="+33123456789")

    async with directory.change() as change:
        before, after = await change.update_profile(
            ANNA.id, ProfileChange({"last_name": "Ångström", "address": home}), expected_version=1, now=NOW
        )

    assert before == ANNA
    assert after == replace(ANNA, last_name="Ångström", address=home, profile_version=2)
    assert await directory.users([ANNA.id]) == [after]
    found = await directory.members_of([HELIOS], Slice(9), where=replace(people.EVERYBODY, search="angstr"))
    assert [list(page.items) for page in found] == [[people.ANNA_AT_HELIOS]]


async def test_parts_of_a_profile_can_be_emptied(directory: Directory) -> None:
    async with directory.change() as change:
        _, after = await change.update_profile(
            ANNA.id, ProfileChange({"phone": None, "locale": None, "address": None}), expected_version=1, now=NOW
        )

    assert await directory.users([ANNA.id]) == [after]
    assert (after.phone, after.locale, after.address, after.first_name) == (None, None, None, "Anna")


async def test_a_profile_that_somebody_changed_meanwhile_is_not_overwritten(directory: Directory) -> None:
    async def record_and_update() -> None:
        async with directory.change() as change:
            await change.record(ENTRY, NOW)
            await change.update_profile(ANNA.id, ProfileChange({"phone": "+49"}), expected_version=7, now=NOW)

    with pytest.raises(StaleVersion) as caught:
        await record_and_update()

    assert caught.value.current_version == 1
    assert await directory.users([ANNA.id]) == [ANNA]
    assert await _audit(directory) == []


async def test_of_ten_changes_of_one_version_at_once_exactly_one_is_stored(directory: Directory) -> None:
    async def rename(number: int) -> None:
        async with directory.change() as change:
            await change.update_profile(
                ANNA.id, ProfileChange({"first_name": f"Anna {number}"}), expected_version=1, now=NOW
            )

    answers = await asyncio.gather(*map(rename, range(10)), return_exceptions=True)

    assert answers.count(None) == 1
    assert sum(isinstance(answer, StaleVersion) and answer.current_version == 2 for answer in answers) == 9
    (anna,) = await directory.users([ANNA.id])
    assert anna is not None
    assert (anna.first_name, anna.profile_version) == (f"Anna {answers.index(None)}", 2)


async def test_only_the_parts_of_a_profile_can_be_changed(directory: Directory) -> None:
    with pytest.raises(ValueError, match="email"):
        async with directory.change() as change:
            await change.update_profile(ANNA.id, ProfileChange({"email": "x@y"}), expected_version=1, now=NOW)


async def test_nobody_has_no_profile_to_change(directory: Directory) -> None:
    with pytest.raises(LookupError):
        async with directory.change() as change:
            await change.update_profile(UserId("usr_x"), ProfileChange({"phone": "+49"}), expected_version=1, now=NOW)


async def test_nothing_stays_of_a_change_whose_block_raises(directory: Directory) -> None:
    async def sign_in_and_fail() -> None:
        async with directory.change() as change:
            await change.open_session(SESSION, FIRST, TOMORROW)
            await change.record(ENTRY, NOW)
            raise OSError("the mail server, which is not the directory")

    with pytest.raises(OSError, match="mail"):
        await sign_in_and_fail()

    assert not await _is_signed_in(directory)
    assert await _audit(directory) == []


async def test_nothing_stays_of_a_change_that_is_cancelled(directory: Directory) -> None:
    started = asyncio.Event()

    async def slow() -> None:
        async with directory.change() as change:
            await change.record(ENTRY, NOW)
            started.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(slow())
    await started.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert await _audit(directory) == []
    async with directory.change() as change:
        await change.record(ENTRY, NOW)
    assert await _audit(directory) == ["profile.update"]


async def test_an_audit_event_keeps_who_did_what_to_whom(directory: Directory) -> None:
    async with directory.change() as change:
        await change.record(ENTRY, NOW)
        await change.record(
            AuditEntry("sign.in", None, "usr_x", None, "req_2", reason="because", refused_with="FORBIDDEN"), LATER
        )

    audit = tables.audit_events.c
    rows = await directory.read(select(*list(audit)[1:]).order_by(audit.id))
    assert [tuple(row) for row in rows] == [
        (
            NOW,
            "profile.update",
            ANNA.id,
            ANNA.id,
            HELIOS,
            "req_1",
            "203.0.113.7",
            '{"a":"ä"}',
            '{"a":null}',
            None,
            None,
        ),
        (LATER, "sign.in", None, "usr_x", None, "req_2", None, "{}", "{}", "because", "FORBIDDEN"),
    ]


@pytest.mark.parametrize("statement", [update(tables.audit_events).values(action="x"), delete(tables.audit_events)])
async def test_the_audit_log_is_append_only(directory: Directory, engine: AsyncEngine, statement: object) -> None:
    async with directory.change() as change:
        await change.record(ENTRY, NOW)

    with pytest.raises(DBAPIError, match="append only"):
        async with engine.begin() as connection:
            await connection.execute(statement)  # type: ignore[call-overload]

    assert await _audit(directory) == ["profile.update"]


@pytest.mark.parametrize(
    "second",
    [
        DirectoryData([people.user("twin", "A", "B", email="ANNA@Helios.example")], [], [], [], [], []),
        DirectoryData([], [("ANNA ", people.BERND.id)], [], [], [], []),
        DirectoryData([], [], [people.organization(people.UNUSED, "X", customer_number="10001")], [], [], []),
        DirectoryData([], [], [], [replace(people.ANNA_AT_HELIOS, id="mem_2")], [], []),  # type: ignore[arg-type]
        DirectoryData([], [], [], [], [replace(people.ANNA_ADMINISTERS, id="grt_2")], []),  # type: ignore[arg-type]
        DirectoryData([], [], [], [], [], [(people.VERA.id, "vendor:review")]),
        DirectoryData([], [], [], [], [], [(UserId("usr_unknown"), "vendor:review")]),
    ],
    ids=["address", "login name", "customer number", "membership", "grant", "vendor permission", "unknown user"],
)
async def test_what_may_exist_at_most_once_is_refused_a_second_time(
    directory: Directory, second: DirectoryData
) -> None:
    with pytest.raises(IntegrityError):
        await directory.load(second)


@pytest.mark.parametrize(
    ("table", "column"),
    [("organizations", "kind"), ("organizations", "status"), ("users", "account_kind"), ("memberships", "status"),
     ("grants", "kind")],
)  # fmt: skip
async def test_a_word_that_no_enum_knows_is_refused(
    directory: Directory, engine: AsyncEngine, table: str, column: str
) -> None:
    with pytest.raises(IntegrityError):
        async with engine.begin() as connection:
            await connection.execute(text(f"UPDATE {table} SET {column} = 'NONSENSE'"))


async def test_thousands_of_records_are_loaded_in_one_statement_per_table(engine: AsyncEngine) -> None:
    directory = Directory(engine)
    persons = [people.user(f"u{number}", "A", "B") for number in range(3000)]
    members = [people.membership(person, HELIOS) for person in persons]
    grants = [people.grant(member, GrantKind.ROLE, "purchase") for member in members]

    with statements(engine) as sent:
        await directory.load(DirectoryData(persons, [], people.ORGANIZATIONS, members, grants, []))

    assert [statement.split()[0] for statement in sent if not statement.startswith(("ANALYZE", "BEGIN"))] == [
        "INSERT"
    ] * 4
    assert await directory.count_members_of([HELIOS], people.EVERYBODY) == [3000]


async def test_nothing_is_loaded_when_one_record_is_refused(engine: AsyncEngine) -> None:
    directory = Directory(engine)
    twice = replace(people.PEOPLE, grants=[*people.GRANTS, people.GRANTS[0]])

    with pytest.raises(IntegrityError):
        await directory.load(twice)

    assert await directory.is_empty()


async def test_changes_that_wait_for_each_other_are_undone_with_a_fact_to_try_again(
    directory: Directory, database_kind: DatabaseKind
) -> None:
    both_have_begun = asyncio.Barrier(2)

    async def change_both(one: UserId, other: UserId) -> None:
        async with directory.change() as change:
            await change.update_profile(one, ProfileChange({"phone": "+49"}), expected_version=1, now=NOW)
            if database_kind == "postgresql":  # on SQLite the second change begins when the first is done
                await both_have_begun.wait()
            await change.update_profile(other, ProfileChange({"phone": "+49"}), expected_version=1, now=NOW)

    answers = await asyncio.gather(
        change_both(ANNA.id, people.BERND.id), change_both(people.BERND.id, ANNA.id), return_exceptions=True
    )

    refused = ChangeConflict if database_kind == "postgresql" else StaleVersion
    assert sorted(type(answer).__name__ for answer in answers) == sorted(["NoneType", refused.__name__])


async def test_a_naive_time_is_refused(directory: Directory) -> None:
    with pytest.raises(Exception, match="no time zone"):
        async with directory.change() as change:
            await change.record(ENTRY, YESTERDAY.replace(tzinfo=None))


async def test_a_character_that_no_database_keeps_is_replaced_and_the_answer_says_so(directory: Directory) -> None:
    async with directory.change() as change:
        _, after = await change.update_profile(
            ANNA.id, ProfileChange({"first_name": "An\0na"}), expected_version=1, now=NOW
        )

    (anna,) = await directory.users([ANNA.id])
    assert anna is not None
    assert anna.first_name == "An\ufffdna"
    assert after.first_name == "An\ufffdna"


async def test_what_is_stored_is_published_even_when_whoever_stored_it_is_cancelled_while_the_connection_closes(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[object] = []
    await _signed_in(directory)
    directory._publish = published.extend
    closing, may_close = asyncio.Event(), asyncio.Event()
    real = AsyncConnection.close

    async def close(connection: AsyncConnection) -> None:
        closing.set()
        await may_close.wait()
        await real(connection)

    async def sign_out() -> None:
        async with directory.change() as change:
            await change.end_session(SESSION.id, LATER)

    with monkeypatch.context() as patch:
        patch.setattr(AsyncConnection, "close", close)
        signing_out = asyncio.create_task(sign_out())
        await closing.wait()
        signing_out.cancel()
        await asyncio.sleep(0)
        may_close.set()
        with pytest.raises(asyncio.CancelledError):
            await signing_out

    assert not await _is_signed_in(directory)
    assert SessionEnded(SESSION.id, ANNA.id) in published
