"""That the migrations make the tables the code speaks of, and that no query walks through a whole table."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, text

from connectors.database.engine import AsyncEngine, open_database
from connectors.directory.approvals import (
    ACCESS_REQUESTS,
    CHANGE_REQUESTS,
    INVITATIONS,
    JOIN_REQUESTS,
    REGISTRATIONS,
    Kind,
)
from connectors.directory.directory import Directory
from connectors.directory.external_ids import MappedIds
from connectors.directory.migrations import MIGRATIONS
from connectors.directory.records.accounts import CredentialsRecord, MailedTokenPurpose
from connectors.directory.records.audit import AuditFilter
from connectors.directory.records.invitations import InvitationStatus
from connectors.directory.records.memberships import MemberFilter
from connectors.directory.records.outbox import OutboxState
from connectors.directory.records.people import Acquaintances
from connectors.directory.records.registrations import Likeness
from connectors.directory.records.requests import RequestStatus
from connectors.directory.tables import METADATA
from connectors.ids import InvitationId, RegistrationId, SessionId
from connectors.pages import ALL, Slice, cursor
from tests.directory.people import ANNA, ANNA_AT_HELIOS, BERND, HELIOS, LUMEN, NOW, TOMORROW, session
from tests.servers import DatabaseKind, fresh_database

REGISTRATION = RegistrationId("reg_x")


async def test_the_migrations_make_exactly_the_tables_the_code_speaks_of(engine: AsyncEngine) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {"include_name": lambda name, kind, _: name != MIGRATIONS.version_table and not _is_for_search(name)}
        found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)
        return found

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_rules_of_the_tables_are_those_the_code_speaks_of(database_kind: DatabaseKind) -> None:
    async with fresh_database(database_kind) as made, fresh_database(database_kind, MIGRATIONS) as migrated:
        built = open_database(made)
        async with built.begin() as connection:
            await connection.run_sync(METADATA.create_all)
        assert await _rules(built) == await _rules(open_database(migrated))
        await built.dispose()


@pytest.mark.parametrize("has_next", [False, True])
async def test_no_query_walks_through_a_whole_table(directory: Directory, has_next: bool) -> None:
    sent: list[tuple[str, Any]] = []
    directory._engine.direct = None  # so that what is asked of PostgreSQL is listened to as well
    for engine in directory._engine.sync_engines:
        event.listen(
            engine,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, parameters, *_rest: sent.append((statement, parameters)),
        )
    where = MemberFilter(search="a", role_keys=("purchase",), now=NOW) if has_next else MemberFilter()
    (page,) = await directory.members_of([HELIOS], Slice(1), where=where)
    after = page.cursor_of(page.items[0]) if has_next else None
    await directory.members_of([HELIOS, LUMEN], Slice(1, after), where=where)
    await directory.count_members_of([HELIOS, LUMEN], where)
    await directory.memberships_of([ANNA.id], Slice(1))
    await directory.count_memberships_of([ANNA.id])
    await directory.caller(ANNA.id, None, NOW)
    await directory.caller(ANNA.id, "ses_x", NOW)  # type: ignore[arg-type]
    await directory.user_id_of_login_name("anna")
    await directory.login_names_of([ANNA.id])
    await directory.users([ANNA.id])
    await directory.users_as_seen([ANNA.id], [HELIOS], [LUMEN])
    await directory.memberships_among([ANNA.id], [HELIOS])
    await directory.named([ANNA.id], Acquaintances({}, own_subject_ids=["usr_x"], own_ids=[HELIOS]))
    await directory.organizations([HELIOS])
    await directory.memberships([ANNA_AT_HELIOS.id])
    await directory.grants_of([ANNA_AT_HELIOS.id])
    await directory.grants(["grt_x"])  # type: ignore[list-item]
    await directory.holders_of([HELIOS], role_keys=["a"], permissions=["b"], now=NOW)
    await directory.outbox_due_since(NOW)
    await directory.outbox_items(["obx_x"])  # type: ignore[list-item]
    await directory.outbox(OutboxState.DEAD, limit=1)
    await ask_about_addresses(directory)
    await ask_the_audit_log(directory, has_next)
    await directory.organizations_with_numbers(["10001"])
    await directory.who_belonged([HELIOS], [ANNA.id])
    await directory.holders_of_vendor_permission("REVIEW")
    await directory.open_invitations_by([(HELIOS, ANNA.id)], NOW, limit=1)
    await directory.sessions_of([ANNA.id], now=NOW, limit=1)
    await directory.sessions(["ses_x"], NOW)  # type: ignore[list-item]
    await directory.consents_of([ANNA.id], limit=1)
    await directory.consents(["cns_x"])  # type: ignore[list-item]
    await directory.data_exports_of([ANNA.id], limit=1)
    await directory.data_exports(["exp_x"])  # type: ignore[list-item]
    await directory.content_of_data_export("exp_x")  # type: ignore[arg-type]
    await directory.account_deletions([ANNA.id])
    await directory.due_account_deletions(NOW, limit=1)
    await directory.mailed_token(b"x", MailedTokenPurpose.EMAIL_CHANGE, NOW)
    await directory.credentials_of([ANNA.id])
    await directory.has_signed_in_from(ANNA.id, "192.0.2.1", since=NOW)
    await directory.running(["ses_x"], NOW)  # type: ignore[list-item]
    await directory.access_epochs([ANNA.id])
    await directory.kept_of(ANNA.id)
    await directory.lasting_holders_of([HELIOS], role_keys=["a"])
    await _ask_for_external_ids(directory)
    await directory.approvals(ACCESS_REQUESTS, ["arq_x"])
    await _ask_of_invitations(directory)
    await directory.approvals(REGISTRATIONS, [REGISTRATION])
    await directory.registration_with_token(b"x")
    await directory.registration_with_reference("x")
    await directory.organization_registrations_of([ANNA.id])
    await directory.overdue_registrations(NOW, 10)
    await directory.expired_approvals(REGISTRATIONS, NOW, limit=10)
    await directory.registration_events([REGISTRATION])
    await directory.lookalikes([Likeness("a", "b", "c", "d")])
    await directory.approvals(JOIN_REQUESTS, ["jrq_x"])  # type: ignore[list-item]
    await ask_what_waits(directory, has_next)
    async with directory.change() as change:
        await change.claim(now=NOW, until=NOW, limit=1)
        await change.forget_requests(before=NOW)
        await change.forget_sessions(before=NOW)
        await change.forget_outbox(before=NOW)
        await change.forget_mailed_tokens(before=NOW)
        await change.forget_registration_tokens(before=NOW)
        await change.end_sessions(ANNA.id, NOW)
        await change.end_surplus_sessions(ANNA.id, NOW, most=1)
        await change.withdraw_invitations([InvitationId("inv_x")], InvitationStatus.REVOKED, now=NOW)
        await change.set_credentials(CredentialsRecord(ANNA.id, 1, None))
        await change.use_mailed_token(b"x", MailedTokenPurpose.EMAIL_CHANGE, NOW)
        await change.void_mailed_tokens(ANNA.id, MailedTokenPurpose.EMAIL_CHANGE)
        await change.expire_data_exports(NOW)
        await change.cancel_account_deletion(ANNA.id)
        await change.forget_person(BERND.id, NOW)
        await change.move_login_name("x", ANNA.id)
        await change.rotate_refresh_token(b"x", b"y", now=NOW, expires_at=NOW)
        await change.open_session(session("one", ANNA), b"one", TOMORROW)
        await change.rotate_refresh_token(b"one", b"two", now=NOW, expires_at=TOMORROW)
        await change.add_successor(
            b"one", b"three", SessionId("ses_one"), now=NOW, expires_at=TOMORROW, sealed_successor="x"
        )
        await change.erase_successors(before=NOW)
        await change.end_session("ses_x", NOW)  # type: ignore[arg-type]

    asked = {statement: parameters for statement, parameters in sent if not statement.startswith("BEGIN")}
    plans = {query: await _plan(directory._engine, query, parameters) for query, parameters in asked.items()}

    walks = {statement: plan for statement, plan in plans.items() if any(_is_walk(line) for line in plan)}
    assert walks == {}


async def _ask_for_external_ids(directory: Directory) -> None:
    ids = MappedIds(directory._engine)
    await ids.of_organizations("shop", [HELIOS])
    await ids.of_people("shop", [ANNA.id])
    await ids.organizations("shop", ["10001"])
    await ids.people("shop", [ANNA.email])
    await directory.external_ids([HELIOS, ANNA.id])
    await directory.external_id_holders("shop", ["10001"], of_people=True)
    await directory.external_id_holders("shop", ["10001"], of_people=False)


async def test_who_is_named_is_found_without_looking_through_all_that_somebody_did() -> None:
    """An administrator of a large organization has done a hundred thousand things."""
    async with fresh_database("sqlite", MIGRATIONS) as url:
        directory = Directory(open_database(url))
        sent: list[tuple[str, Any]] = []
        for engine in directory._engine.sync_engines:
            event.listen(engine, "before_cursor_execute", lambda *given: sent.append(given[2:4]))
        log = Acquaintances({"audit_events": [HELIOS]}, own_subject_ids=["usr_x"], own_ids=[HELIOS])

        await directory.named([ANNA.id], log)

        plan = await _plan(directory._engine, *sent[-1])
        await directory._engine.dispose()
    searches = [line for line in plan if line.startswith("SEARCH audit_events")]
    assert len(searches) == 4
    assert [line for line in searches if "organization_id=?" not in line] == searches[3:]  # for reviewers alone


async def ask_about_addresses(directory: Directory) -> None:
    """Ask everything about address books."""
    await directory.addresses(["adr_x"])  # type: ignore[list-item]
    await directory.addresses_of([HELIOS, LUMEN])


async def ask_what_waits(directory: Directory, has_next: bool) -> None:
    """Ask for the lists of what waits for a decision."""
    of_organizations: list[Kind[Any]] = [ACCESS_REQUESTS, JOIN_REQUESTS, CHANGE_REQUESTS, INVITATIONS]
    owners: list[tuple[Kind[Any], str, str]] = [(kind, "organization_id", HELIOS) for kind in of_organizations]
    owners += [(JOIN_REQUESTS, "user_id", ANNA.id), (ACCESS_REQUESTS, "membership_id", ANNA_AT_HELIOS.id)]
    pending = [RequestStatus.PENDING]
    for kind, owner, id in owners:
        after = cursor(f"{kind.name} {owner}", "x") if has_next else None
        await directory.approvals_of(kind, owner, [id], Slice(1, after), now=NOW)
        await directory.approvals_of(kind, owner, [id], Slice(ALL, after), status=pending, now=NOW)
        await directory.count_approvals_of(kind, owner, [id], None, NOW)
    for kind in (CHANGE_REQUESTS, REGISTRATIONS):
        after = cursor(kind.name, "x") if has_next else None
        await directory.all_approvals(kind, Slice(1, after), status=pending)
        await directory.count_all_approvals(kind, pending)


async def ask_the_audit_log(directory: Directory, has_next: bool) -> None:
    """Ask everything about what was done."""
    after = cursor("audit events", NOW.isoformat(), "aud_x") if has_next else None
    where = AuditFilter(("a",), ANNA.id, NOW, NOW) if has_next else AuditFilter()
    await directory.audit_events(["aud_x"])  # type: ignore[list-item]
    await directory.audit_events_of([HELIOS, LUMEN], Slice(1, after), where=where)
    await directory.count_audit_events_of([HELIOS], where)
    await directory.audit_events_of_person(ANNA.id, ["usr_x"], [HELIOS], Slice(1, after))
    await directory.audit_log(HELIOS, where, limit=1)
    await directory.audit_log(None, where, limit=1)


async def _ask_of_invitations(directory: Directory) -> None:
    await directory.approvals(INVITATIONS, [InvitationId("inv_x")])
    await directory.invitation_with_token(b"x")
    await directory.open_invitations_to([ANNA], NOW)
    await directory.last_invitations([(HELIOS, "a@b.example")])
    await directory.members_with_email([(HELIOS, "a@b.example")])
    await directory.expired_approvals(INVITATIONS, NOW, limit=1)


def _is_walk(line: str) -> bool:
    # SQLite: "SCAN grants"; walking the asked list ("SCAN json_each VIRTUAL TABLE") and rows found before is no walk.
    tables = METADATA.tables.keys()
    words = line.split()
    return ("Seq Scan on" in line) or (line.startswith("SCAN") and words[1] in tables and "USING INDEX" not in line)


async def _plan(engine: AsyncEngine, statement: str, parameters: Any) -> list[str]:
    async with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            return [row[3] for row in rows]
        await connection.execute(text("SET LOCAL enable_seqscan = off"))  # these tables are small: walking them is fast
        rows = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        return [row[0] for row in rows]


async def _rules(engine: AsyncEngine) -> list[tuple[Any, ...]]:
    """Return the constraints and indexes, as the database reports them, with the columns' collations."""
    tables = ", ".join(f"'{name}'" for name in METADATA.tables)
    if engine.dialect.name == "sqlite":
        query = (
            f"SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type <> 'trigger' AND tbl_name IN ({tables})"
        )
    else:
        query = f"""
            SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid::regclass::text IN ({tables})
            UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes WHERE tablename IN ({tables})
            UNION ALL SELECT table_name, column_name, concat_ws(' ', data_type, collation_name, is_nullable)
            FROM information_schema.columns WHERE table_name IN ({tables})"""
    async with engine.connect() as connection:
        rows = [tuple(row) for row in await connection.execute(text(query))]
    await engine.dispose()
    return sorted(_in_any_order(row) for row in rows if not _is_for_search(row[1]))


def _is_for_search(name: str | None) -> bool:
    """Return whether something is made by `connectors.database.text_search`, of which the tables do not speak."""
    return name is not None and name.startswith(("memberships_search", "ix_memberships_search"))


def _in_any_order(row: tuple[Any, ...]) -> tuple[str, ...]:
    """Return the row with the clauses of its SQL sorted: constraints may be listed in any order."""
    texts = [" ".join(str(value).split()) for value in row]
    return (*texts[:-1], ", ".join(sorted(part.strip(" )(") for part in texts[-1].split(", "))))
