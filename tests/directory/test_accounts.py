"""What people decide about their own account is kept with its history, and forgotten when they leave."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import orjson
import pytest
from sqlalchemy import insert, literal_column, select, text

from connectors.access_events import AccessChanged, AccessEvent, SessionEnded
from connectors.database.engine import AsyncEngine
from connectors.database.sql_errors import ChangeConflict
from connectors.directory.directory import Directory
from connectors.directory.records.accounts import (
    AccountDeletionRecord,
    ConsentPurpose,
    ConsentRecord,
    CredentialsRecord,
    DataExportRecord,
    DataExportStatus,
    MailedTokenPurpose,
    MailedTokenRecord,
)
from connectors.directory.records.audit import Author
from connectors.directory.rows import SESSIONS
from connectors.directory.tables import sessions, users
from connectors.ids import ConsentId, DataExportId, OutboxId, UserId, new_id
from tests.directory.conftest import statements
from tests.directory.people import ANNA, ANNA_AT_HELIOS, BERND, CLEO, HELIOS, LUMEN, NOW, TOMORROW, VERA, session

LATER = NOW + timedelta(hours=1)
_WAITING = (
    select(literal_column("pid"))
    .select_from(text("pg_stat_activity"))
    .where(text("datname = current_database() AND wait_event_type = 'Lock'"))
)
RESET, CHANGE = MailedTokenPurpose.PASSWORD_RESET, MailedTokenPurpose.EMAIL_CHANGE


def token(secret: bytes, purpose: MailedTokenPurpose = RESET, user_id: UserId = ANNA.id) -> MailedTokenRecord:
    """A token that counts for an hour."""
    return MailedTokenRecord(secret, purpose, user_id, None, NOW, LATER)


def consent(purpose: ConsentPurpose, granted: bool, user_id: UserId = ANNA.id) -> ConsentRecord:
    """A decision of now."""
    return ConsentRecord(ConsentId(new_id("cns")), user_id, purpose, granted, NOW, "account")


def export(name: str, user_id: UserId = ANNA.id, expires_at: datetime = TOMORROW) -> DataExportRecord:
    """An export that was asked for now."""
    return DataExportRecord(DataExportId(f"exp_{name}"), user_id, DataExportStatus.PENDING, NOW, expires_at)


async def add_tokens(directory: Directory, *tokens: MailedTokenRecord) -> None:
    """Store them."""
    async with directory.change() as change:
        for one in tokens:
            await change.add_mailed_token(one)


async def test_a_token_counts_once_for_its_purpose_until_its_time_is_over(directory: Directory) -> None:
    await add_tokens(directory, token(b"a"), token(b"b"))

    assert await directory.mailed_token(b"a", RESET, NOW) == token(b"a")
    assert await directory.mailed_token(b"a", CHANGE, NOW) is None
    assert await directory.mailed_token(b"a", RESET, LATER) is None
    assert await directory.mailed_token(b"unknown", RESET, NOW) is None
    async with directory.change() as change:
        assert await change.use_mailed_token(b"a", CHANGE, NOW) is None
        assert await change.use_mailed_token(b"a", RESET, LATER) is None
        assert await change.use_mailed_token(b"a", RESET, NOW) == replace(token(b"a"), used_at=NOW)
        assert await change.use_mailed_token(b"a", RESET, NOW) is None
    assert await directory.mailed_token(b"a", RESET, NOW) is None
    assert await directory.mailed_token(b"b", RESET, NOW) == token(b"b")


async def test_a_token_counts_for_one_of_twenty_at_the_same_time(directory: Directory) -> None:
    await add_tokens(directory, token(b"a"))

    async def uses() -> bool:
        async with directory.change() as change:
            return await change.use_mailed_token(b"a", RESET, NOW) is not None

    assert sum(await asyncio.gather(*(uses() for _ in range(20)))) == 1


async def test_which_credentials_count_is_known_from_the_commit_on(directory: Directory) -> None:
    never, item = CredentialsRecord(ANNA.id, 0, None), OutboxId("obx_a")
    late = CredentialsRecord(ANNA.id, 1_795_251_600_000, item)  # milliseconds: more than 32 bits

    async with directory.change() as change:
        await change.set_credentials(late)
        within = await change.ask.credentials_of([ANNA.id])
        outside = await directory.credentials_of([ANNA.id])

    assert (within, outside) == ([late], [never])
    assert await directory.credentials_of([BERND.id, UserId("usr_x"), ANNA.id]) == [
        CredentialsRecord(BERND.id, 0, None),
        None,
        late,
    ]


async def test_the_tokens_of_one_person_for_one_purpose_are_voided_together(directory: Directory) -> None:
    kept = [token(b"c", CHANGE), token(b"d", user_id=BERND.id)]
    await add_tokens(directory, token(b"a"), token(b"b"), *kept)

    async with directory.change() as change:
        await change.void_mailed_tokens(ANNA.id, RESET)

    found = [
        await directory.mailed_token(hash, purpose, NOW)
        for hash in (b"a", b"b", b"c", b"d")
        for purpose in (RESET, CHANGE)
    ]
    assert [one for one in found if one is not None] == kept


async def test_what_was_used_stays_known_and_what_was_voided_does_not(directory: Directory) -> None:
    await add_tokens(directory, token(b"a"), token(b"b"))

    async with directory.change() as change:
        await change.use_mailed_token(b"a", RESET, NOW)
        await change.void_mailed_tokens(ANNA.id, RESET)

    used, voided, other = [
        await directory.issued_token(*asked) for asked in ((b"a", RESET), (b"b", RESET), (b"a", CHANGE))
    ]
    assert used == replace(token(b"a"), used_at=NOW)
    assert (voided, other) == (None, None)


async def test_sessions_that_run_are_listed_seen_last_first_and_end_together(directory: Directory) -> None:
    published: list[AccessEvent] = []
    directory._publish = published.extend
    own = [session(name, ANNA) for name in ("a", "b", "c")]
    over, other = session("over", ANNA, NOW), session("other", BERND)
    async with directory.change() as change:
        for one in (*own, over, other):
            await change.open_session(one, one.id.encode(), TOMORROW)

    (listed, none) = await directory.sessions_of([ANNA.id, CLEO.id], now=NOW, limit=2)
    assert (listed, none) == ([own[2], own[1]], [])
    assert await directory.sessions([over.id, other.id], NOW) == [None, other]

    async with directory.change() as change:
        assert await change.end_sessions(ANNA.id, NOW, but=own[1].id) == 3  # the one that is over too
    async with directory.change() as change:
        assert await change.end_sessions(ANNA.id, NOW, but=own[1].id) == 0

    assert await directory.sessions_of([ANNA.id, BERND.id], now=NOW, limit=9) == [[own[1]], [other]]
    assert {event.session_id for event in published if isinstance(event, SessionEnded)} == {
        "ses_a",
        "ses_c",
        "ses_over",
    }
    assert [event.epoch for event in published if isinstance(event, AccessChanged)] == [1]


async def test_the_last_decision_about_a_purpose_counts_and_the_others_stay(directory: Directory) -> None:
    first, second = (consent(ConsentPurpose.NEWSLETTER, granted) for granted in (True, False))
    advice, somebody_elses = (
        consent(ConsentPurpose.PRODUCT_ADVICE, True),
        consent(ConsentPurpose.NEWSLETTER, True, BERND.id),
    )
    async with directory.change() as change:
        for one in (first, second, advice, somebody_elses):
            await change.add_consent(one)

    assert await directory.consents_of([ANNA.id, CLEO.id], limit=1) == [[second, advice], []]
    assert await directory.consents_of([ANNA.id], limit=9) == [[second, first, advice]]
    assert await directory.consents([first.id, ConsentId("cns_unknown")]) == [first, None]


async def test_an_address_that_is_free_becomes_the_persons_own(directory: Directory) -> None:
    async with directory.change() as change:
        before, after = await change.set_email(ANNA.id, "Anna.Neu@Helios.example")

    assert (before, after.email, after.profile_version) == (ANNA, "Anna.Neu@Helios.example", ANNA.profile_version + 1)
    assert await directory.users([ANNA.id]) == [after]
    assert await directory.user_id_of_login_name("anna.neu@helios.example") == ANNA.id
    assert await directory.users_with_email([ANNA.email]) == [None]


async def test_an_address_that_somebody_has_confirmed_is_not_given_to_another(directory: Directory) -> None:
    with pytest.raises(ChangeConflict):
        async with directory.change() as change:
            await change.set_email(ANNA.id, BERND.email.upper())

    assert await directory.users([ANNA.id]) == [ANNA]


async def test_an_export_is_filled_once_and_its_content_goes_when_its_time_is_over(directory: Directory) -> None:
    first, second = export("1"), export("2", expires_at=TOMORROW + timedelta(days=1))
    async with directory.change() as change:
        await change.add_data_export(first)
        await change.add_data_export(second)
    async with directory.change() as change:
        assert await change.fill_data_export(first.id, b'{"a":1}', expires_at=TOMORROW)
        assert not await change.fill_data_export(first.id, b'{"a":2}', expires_at=TOMORROW)

    assert await directory.content_of_data_export(first.id) == b'{"a":1}'
    assert await directory.content_of_data_export(second.id) is None
    (listed,) = await directory.data_exports_of([ANNA.id], limit=9)
    assert [(one.id, one.status) for one in listed] == [(second.id, "PENDING"), (first.id, "READY")]

    async with directory.change() as change:
        assert await change.expire_data_exports(TOMORROW) == 1
        assert await change.expire_data_exports(TOMORROW) == 0
    assert await directory.content_of_data_export(first.id) is None
    (found,) = await directory.data_exports([first.id])
    assert found is not None
    assert found.status is DataExportStatus.EXPIRED


async def test_a_deletion_is_due_when_its_time_has_come_unless_it_is_cancelled(directory: Directory) -> None:
    annas, bernds = AccountDeletionRecord(ANNA.id, NOW, LATER), AccountDeletionRecord(BERND.id, NOW, NOW)
    async with directory.change() as change:
        await change.schedule_account_deletion(AccountDeletionRecord(ANNA.id, NOW, NOW))
        await change.schedule_account_deletion(annas)
        await change.schedule_account_deletion(bernds)

    assert await directory.account_deletions([ANNA.id, CLEO.id]) == [annas, None]
    assert await directory.due_account_deletions(NOW, limit=9) == [bernds]
    assert await directory.due_account_deletions(LATER, limit=1) == [bernds]
    async with directory.change() as change:
        assert await change.cancel_account_deletion(BERND.id) == bernds
        assert await change.cancel_account_deletion(BERND.id) is None
    assert await directory.due_account_deletions(LATER, limit=9) == [annas]


async def test_all_that_is_kept_of_a_person_is_found_and_nothing_of_others(directory: Directory) -> None:
    running, others = session("mine", ANNA), session("others", BERND)
    by_anna, by_bernd = Author(ANNA.id, "r1"), Author(BERND.id, "r2")
    async with directory.change() as change:
        for one in (running, others):
            await change.open_session(one, one.id.encode(), TOMORROW)
        await change.add_consent(consent(ConsentPurpose.NEWSLETTER, True))
        await change.add_mailed_token(token(b"secret"))
        await change.record(by_anna.entry("profile.update", ANNA.id, None, after={"phone": "+49"}), NOW)
        await change.record(by_bernd.entry("profile.update", BERND.id, None), NOW)
        await change.record(by_bernd.entry("membership.status", ANNA_AT_HELIOS.id, HELIOS), NOW)

    kept = await directory.kept_of(ANNA.id)

    assert kept["profile"][0]["address"]["city"] == "Kassel"
    assert [entry["name"] for entry in kept["login_names"]] == ["SUN_10001", "anna"]
    assert {entry["organization"] for entry in kept["memberships"]} == {
        "Helios Montage GmbH", "lumen Handels AG", "Äolus Wind", "Zu GmbH",
    }  # fmt: skip
    assert {entry["key"] for entry in kept["grants"]} == {"administration", "purchase", "orders:read"}
    assert [entry["id"] for entry in kept["sessions"]] == [running.id]
    assert [(entry["purpose"], entry["granted"]) for entry in kept["consents"]] == [("NEWSLETTER", True)]
    assert [(entry["action"], entry["after"]) for entry in kept["audit_events"]] == [
        ("profile.update", {"phone": "+49"})
    ]
    assert [entry["action"] for entry in kept["audit_events_by_others"]] == ["membership.status"]
    written = orjson.dumps(kept).decode()
    assert BERND.id not in written
    assert "secret" not in written


async def test_a_person_who_leaves_is_nobody_and_what_others_need_stays(directory: Directory) -> None:
    async with directory.change() as change:
        await change.open_session(session("mine", ANNA), b"refresh", TOMORROW)
        await change.add_consent(consent(ConsentPurpose.NEWSLETTER, True))
        await change.add_mailed_token(token(b"a"))
        await change.add_data_export(export("1"))
        await change.fill_data_export(export("1").id, b"{}", expires_at=TOMORROW)
        await change.schedule_account_deletion(AccountDeletionRecord(ANNA.id, NOW, NOW))
        await change.record(Author(ANNA.id, "r1").entry("profile.update", ANNA.id, None), NOW)
        await change.forget_person(ANNA.id, NOW)

    (now,) = await directory.users([ANNA.id])
    assert now is not None
    assert (now.first_name, now.last_name, now.email_verified, now.phone, now.address) == (
        "deleted",
        "",
        False,
        None,
        None,
    )
    assert now.default_organization_id is None
    for name in ("anna", "sun_10001", ANNA.email):
        assert await directory.user_id_of_login_name(name) is None
    kept = await directory.kept_of(ANNA.id)
    assert [(entry["device_label"], entry["ip_address"]) for entry in kept["sessions"]] == [("deleted", None)]
    assert len(kept["consents"]) == len(kept["audit_events"]) == 1
    assert kept["login_names"] == kept["mailed_links"] == kept["account_deletion"] == []
    assert await directory.content_of_data_export(export("1").id) is None
    async with directory._engine.connect() as connection:
        row = (
            await connection.execute(select(users.c.email_key, users.c.search_text).where(users.c.id == ANNA.id))
        ).one()
    assert row == (ANNA.id, "deleted\ndeleted@deleted.invalid")
    async with directory.change() as change:  # the address is free
        await change.set_email(BERND.id, ANNA.email)


async def test_the_organization_looked_at_first_is_kept(directory: Directory) -> None:
    async with directory.change() as change:
        await change.set_default_organization(ANNA.id, LUMEN)

    (anna, vera) = await directory.users([ANNA.id, VERA.id])
    assert anna is not None
    assert vera is not None
    assert (ANNA.default_organization_id, anna.default_organization_id, vera.default_organization_id) == (
        HELIOS,
        LUMEN,
        None,
    )


async def test_thousands_of_sessions_too_many_end_in_as_many_statements_as_one(
    engine: AsyncEngine, directory: Directory
) -> None:
    """Who had signed in every minute before there was a limit could not sign in any more."""
    published: list[AccessEvent] = []
    directory._publish = published.extend
    rows = [
        SESSIONS.row(replace(session(f"{index:04}", ANNA), last_seen_at=NOW + timedelta(seconds=index)))
        for index in range(2_000)
    ]
    async with directory.change() as change:
        await change.open_session(session("other", BERND), b"other", TOMORROW)
    async with engine.begin() as connection:
        await connection.execute(insert(sessions), rows)

    with statements(engine) as sent:
        async with directory.change() as change:
            assert await change.end_surplus_sessions(ANNA.id, NOW, most=2) == 1_998

    assert len([one for one in sent if not one.startswith("BEGIN")]) == 3
    running = await directory.sessions_of([ANNA.id, BERND.id], now=NOW, limit=9)
    assert [[one.id for one in own] for own in running] == [["ses_1999", "ses_1998"], ["ses_other"]]
    assert len({event.session_id for event in published if isinstance(event, SessionEnded)}) == 1_998
    async with directory.change() as change:
        assert await change.end_surplus_sessions(ANNA.id, NOW, most=2) == 0


async def test_one_session_and_all_of_them_end_at_the_same_time_without_being_in_each_others_way(
    engine: AsyncEngine, directory: Directory
) -> None:
    """Somebody signs out while their password is reset: on PostgreSQL one of both was undone, and failed."""
    own = session("a", ANNA)
    async with directory.change() as change:
        await change.open_session(own, b"a", TOMORROW)

    async def sign_out() -> None:
        async with directory.change() as change:
            await change.end_session(own.id, NOW)

    async with directory.change() as change:
        await change.lock_user(ANNA.id)
        signing_out = asyncio.create_task(sign_out())
        while engine.dialect.name == "postgresql" and not await directory.read(_WAITING):  # noqa: ASYNC110
            await asyncio.sleep(0)
        await change.end_sessions(ANNA.id, NOW)
    await signing_out

    assert await directory.sessions_of([ANNA.id], now=NOW, limit=9) == [[]]
