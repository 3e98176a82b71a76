"""That the migrations make the tables the code speaks of, and that no question walks through a whole table."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.database import open_database
from connectors.directory.interface import MemberFilter
from connectors.directory.join_requests import JoinRequestFilter
from connectors.directory.migrations import MIGRATIONS
from connectors.directory.registrations import Likeness, RegistrationStatus
from connectors.directory.sql import SqlDirectory
from connectors.directory.tables import METADATA
from connectors.ids import RegistrationId
from connectors.pages import cursor
from tests.connectors.people import ANNA, ANNA_AT_HELIOS, HELIOS, LUMEN, NOW
from tests.servers import DatabaseKind, fresh_database

REGISTRATION = RegistrationId("reg_x")


async def test_the_migrations_make_exactly_the_tables_the_code_speaks_of(engine: AsyncEngine) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {"include_name": lambda name, kind, _: kind != "table" or name != MIGRATIONS.version_table}
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
async def test_no_question_walks_through_a_whole_table(directory: SqlDirectory, has_next: bool) -> None:
    sent: list[tuple[str, Any]] = []
    event.listen(
        directory._engine.sync_engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, parameters, *_rest: sent.append((statement, parameters)),
    )
    where = MemberFilter(search="a", role_keys=("purchase",), now=NOW) if has_next else MemberFilter()
    (page,) = await directory.members_of([HELIOS], first=1, after=None, where=where)
    after = page.cursor_of(page.items[0]) if has_next else None
    await directory.members_of([HELIOS, LUMEN], first=1, after=after, where=where)
    await directory.count_members_of([HELIOS, LUMEN], where)
    await directory.memberships_of([ANNA.id], first=1, after=None, status=None)
    await directory.count_memberships_of([ANNA.id], None)
    await directory.caller(ANNA.id, None, NOW)
    await directory.caller(ANNA.id, "ses_x", NOW)  # type: ignore[arg-type]
    await directory.user_id_of_login_name("anna")
    await directory.login_names_of([ANNA.id])
    await directory.users([ANNA.id])
    await directory.users_in_common(ANNA.id, [ANNA.id])
    await directory.organizations([HELIOS])
    await directory.memberships([ANNA_AT_HELIOS.id])
    await directory.grants_of([ANNA_AT_HELIOS.id])
    await directory.grants(["grt_x"])  # type: ignore[list-item]
    await directory.holders_of([HELIOS], role_keys=["a"], permissions=["b"], now=NOW)
    await directory.registrations([REGISTRATION])
    await directory.registration_with_token(b"x")
    await directory.registration_with_reference("x")
    await directory.company_registrations_of([ANNA.id])
    waiting = [RegistrationStatus.PENDING_REVIEW]
    await directory.submitted_registrations(first=1, after=None, status=waiting)
    await directory.submitted_registrations(first=1, after=cursor("registrations", REGISTRATION), status=waiting)
    await directory.count_submitted_registrations(waiting)
    await directory.overdue_registrations(NOW, 10)
    await directory.lapsed_registrations(NOW, 10)
    await directory.registration_events([REGISTRATION])
    await directory.lookalikes([Likeness("a", "b", "c", "d")])
    await directory.organizations_with_numbers(["1"])
    await directory.vendor_staff_with(["REGISTRATION_REVIEW"])
    await directory.join_requests(["jrq_x"])  # type: ignore[list-item]
    of_company = JoinRequestFilter(None, NOW)
    await directory.join_requests_of([HELIOS], first=1, after=None, where=of_company)
    await directory.join_requests_of([HELIOS], first=1, after=cursor("joinRequests", "jrq_x"), where=of_company)
    await directory.count_join_requests_of([HELIOS], of_company)
    await directory.join_requests_by([ANNA.id], limit=5)
    async with directory.change() as change:
        await change.rotate_refresh_token(b"x", b"y", now=NOW, expires_at=NOW)
        await change.end_session("ses_x", NOW)  # type: ignore[arg-type]

    asked = {statement: parameters for statement, parameters in sent if not statement.startswith("BEGIN")}
    plans = {question: await _plan(directory._engine, question, parameters) for question, parameters in asked.items()}

    walks = {statement: plan for statement, plan in plans.items() if any(_is_walk(line) for line in plan)}
    assert walks == {}


def _is_walk(line: str) -> bool:
    # SQLite: "SCAN grants"; walking the asked list ("SCAN json_each VIRTUAL TABLE") and rows found before is no walk.
    tables = METADATA.tables.keys() | {"mine"}
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
    """Return the constraints and indexes, as the database tells them, with the columns' collations."""
    tables = ", ".join(f"'{name}'" for name in METADATA.tables)
    if engine.dialect.name == "sqlite":
        question = (
            f"SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type <> 'trigger' AND tbl_name IN ({tables})"
        )
    else:
        question = f"""
            SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid::regclass::text IN ({tables})
            UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes WHERE tablename IN ({tables})
            UNION ALL SELECT table_name, column_name, concat_ws(' ', data_type, collation_name, is_nullable)
            FROM information_schema.columns WHERE table_name IN ({tables})"""
    async with engine.connect() as connection:
        rows = [tuple(row) for row in await connection.execute(text(question))]
    await engine.dispose()
    return sorted(_in_any_order(row) for row in rows)


def _in_any_order(row: tuple[Any, ...]) -> tuple[str, ...]:
    """Return the row with the clauses of its SQL sorted: constraints may be listed in any order."""
    texts = [" ".join(str(value).split()) for value in row]
    return (*texts[:-1], ", ".join(sorted(part.strip(" )(") for part in texts[-1].split(", "))))
