# ruff: noqa: RUF001
"""Migrations keep what is there: data as of every revision comes out as the code of today would have written it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, Table, event, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from connectors.database.engine import AsyncEngine, open_database
from connectors.database.migrations import upgrade
from connectors.directory.directory import Directory
from connectors.directory.keys import organization_keys, user_keys
from connectors.directory.migrations import MIGRATIONS
from connectors.directory.records.memberships import MemberFilter, MembershipStatus
from connectors.directory.records.organizations import OrganizationKind
from connectors.folding import folded, searchable
from connectors.ids import OrganizationId, UserId
from connectors.pages import Slice
from tests.servers import PATIENT, DatabaseKind, fresh_database

KIND = next(iter(OrganizationKind)).value
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
NAMES = [
    "Bäcker & Söhne GmbH",
    "Ο Ήλιος Α.Ε.",
    "S.A.R.L. Lumière d'Été",
    "株式会社ソーラー",
    "GmbH",
    "Straße\u00a0Solar AG",
]
VAT_IDS = ["DE 123.456-789", "che-123.456.789", "fr\t12 345", None, "", " "]
PEOPLE = [
    ("Jörg", "Weiß", "Joerg.Weiss@Helios.example", True),
    ("Zoë", "Łuczak", "zoe@Lumière.example", True),
    ("İpek", "Yıldız", "ipek@helios.example", False),
]
AUDIT = [
    ("profile.update", {"first_name": "Jörg", "phone": None}, {"first_name": "Georg", "phone": "+49761555"}),
    ("address.add", {}, {"address": "Jörg Weiß, Hof 2, 79100 Freiburg, DE", "is_default_billing": "true"}),
    ("invitation.create", {}, {"email": "zoe@lumiere.example", "roles": "purchase"}),
    ("grant.give", {}, {"role": "purchase", "until": None}),
]


def _rows(number: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows by table, with all that any revision asks for; a revision takes of it what it has."""
    for index, (name, vat_id) in enumerate(zip(NAMES, VAT_IDS, strict=True)):
        yield "organizations", {
            "id": f"org_{index}", "version": 1, "customer_number": f"{number}{index}", "name": name, "kind": KIND,
            "status": "ACTIVE", "vat_id": vat_id, "name_key": folded(name), "access_epoch": 0,
        }  # fmt: skip
    for index, (first_name, last_name, email, is_verified) in enumerate(PEOPLE):
        first, last = folded(first_name), folded(last_name)
        yield "users", {
            "id": f"usr_{index}", "email": email, "email_verified": is_verified, "first_name": first_name,
            "last_name": last_name, "account_kind": "BUSINESS_CUSTOMER", "created_at": NOW, "profile_version": 1,
            "email_key": email.lower(), "last_name_key": last, "first_name_key": first,
            "search_text": f"{first} {last}\n{folded(email)}", "access_epoch": 0,
        }  # fmt: skip
    for index in range(len(PEOPLE)):
        yield "memberships", {
            "id": f"mbr_{index}", "version": 1, "organization_id": f"org_{index}", "user_id": f"usr_{index}",
            "status": ("ACTIVE", "REMOVED", "INVITED")[index], "joined_at": NOW if index < 2 else None,
        }  # fmt: skip
        yield "grants", {
            "id": f"grt_{index}", "membership_id": f"mbr_{index}", "organization_id": f"org_{index}", "kind": "ROLE",
            "key": "purchase", "granted_at": NOW,
        }  # fmt: skip
    for index, (action, before, after) in enumerate(AUDIT):
        yield "audit_events", {
            "id": f"aud_{index}", "occurred_at": NOW, "action": action, "subject_id": "x", "request_id": "r",
            "before": json.dumps(before), "after": json.dumps(after),
        }  # fmt: skip


def _fill(connection: Connection, number: int, without: Mapping[str, str] = MappingProxyType({})) -> None:
    there = MetaData()
    there.reflect(connection)
    for name, row in _rows(number):
        table = there.tables[name]
        given = {key: value for key, value in row.items() if key in table.c and key != without.get(name)}
        connection.execute(insert(table), [_as_kept(connection, given)])


def _as_kept(connection: Connection, row: dict[str, Any]) -> dict[str, Any]:
    """SQLite keeps instants as texts without an offset."""
    if connection.dialect.name == "postgresql":
        return row
    return {key: value.replace(tzinfo=None) if isinstance(value, datetime) else value for key, value in row.items()}


async def _migrated(engine: AsyncEngine, to: str = "head") -> None:
    async with engine.begin() as connection:
        await connection.run_sync(upgrade, MIGRATIONS, to)


@pytest.mark.parametrize("revision", MIGRATIONS.revisions())
async def test_data_of_every_revision_comes_out_as_the_code_writes_it(
    revision: str, database_kind: DatabaseKind
) -> None:
    async with fresh_database(database_kind) as url:
        engine = open_database(url, PATIENT)
        await _migrated(engine, revision)
        async with engine.begin() as connection:
            await connection.run_sync(_fill, 1)

        await _migrated(engine)

        directory = Directory(engine)
        organizations = await directory.organizations([OrganizationId(f"org_{index}") for index in range(len(NAMES))])
        users = await directory.users([UserId(f"usr_{index}") for index in range(len(PEOPLE))])
        assert [one.name for one in organizations if one is not None] == NAMES
        assert [one.email for one in users if one is not None] == [email for _, _, email, _ in PEOPLE]
        await _check_beside(engine)
        if revision < "0015":  # what is written later is written by the code, not by a test
            await _check_derived(engine, organizations, users)
        if revision < "0013":
            log = await _all(engine, "audit_events")
            assert {row["action"]: json.loads(row["after"]) for row in log} == {
                "profile.update": {"first_name": "***", "phone": "***"},
                "address.add": {"address": "***", "is_default_billing": "true"},
                "invitation.create": {"email": "z***@lumiere.example", "roles": "purchase"},
                "grant.give": {"role": "purchase", "until": None},
            }
        with pytest.raises(DBAPIError, match="append only"):
            async with engine.begin() as connection:
                await connection.execute(text("UPDATE audit_events SET reason = 'x'"))
        await engine.dispose()


async def test_an_index_of_trigrams_gives_way_to_that_of_pieces(database_kind: DatabaseKind) -> None:
    """Migration 0019 made one, before it was released."""
    async with fresh_database(database_kind) as url:
        engine = open_database(url, PATIENT)
        await _migrated(engine, "0020")
        async with engine.begin() as connection:
            await connection.run_sync(_fill, 1)
            if database_kind == "postgresql":
                await connection.execute(text("CREATE INDEX ix_memberships_search_text ON memberships (search_text)"))
            else:
                await connection.execute(text("CREATE TABLE memberships_search_numbers (number INTEGER, key TEXT)"))
                await connection.execute(text("CREATE VIRTUAL TABLE memberships_search USING fts5(text)"))

        await _migrated(engine)

        await _check_beside(engine)
        async with engine.connect() as connection:
            indexes = await connection.run_sync(lambda sync: inspect(sync).get_indexes("memberships"))
        assert "ix_memberships_search_text" not in {index["name"] for index in indexes}
        await engine.dispose()


async def test_columns_that_are_made_of_others_are_filled_a_thousand_rows_at_a_time(
    database_kind: DatabaseKind,
) -> None:
    async with fresh_database(database_kind) as url:
        engine = open_database(url, PATIENT)
        await _migrated(engine, "0014")
        rows = [
            {
                "id": f"usr_{number:04}", "email": f"{number}@x.example", "email_verified": True, "first_name": "a",
                "last_name": "Łuczak", "account_kind": "BUSINESS_CUSTOMER", "created_at": NOW, "profile_version": 1,
                "email_key": f"{number}@x.example", "last_name_key": "łuczak", "first_name_key": "a",
                "search_text": "", "access_epoch": 0,
            }
            for number in range(2_500)
        ]  # fmt: skip

        def fill(connection: Connection) -> None:
            users = Table("users", MetaData(), autoload_with=connection)
            connection.execute(insert(users), [_as_kept(connection, row) for row in rows])

        async with engine.begin() as connection:
            await connection.run_sync(fill)
        updates: list[str] = []
        event.listen(
            engine.sync_engine,
            "before_cursor_execute",
            lambda *given: updates.append(given[2]) if given[2].startswith("UPDATE users") else None,
        )

        await _migrated(engine)

        assert len(updates) == 3
        assert {row["last_name_key"] for row in await _all(engine, "users")} == {"luczak"}
        await engine.dispose()


async def test_who_is_renamed_during_the_upgrade_is_listed_by_the_new_name() -> None:
    """Processes of the last version go on until they are replaced; PostgreSQL lets them write to other tables."""
    async with fresh_database("postgresql") as url:
        engine, others = open_database(url, PATIENT), open_database(url, PATIENT)
        await _migrated(engine, "0018")
        async with engine.begin() as connection:
            await connection.run_sync(_fill, 1)
        renamed = 0

        def rename(*_given: object) -> None:
            nonlocal renamed
            with suppress(DBAPIError), others.sync_engine.begin() as connection:
                connection.execute(text("SET LOCAL lock_timeout = 20"))
                connection.execute(text("UPDATE users SET last_name_key = 'name ' || :n"), {"n": str(renamed)})
                renamed += 1

        event.listen(engine.sync_engine, "after_cursor_execute", rename)

        await _migrated(engine)

        event.remove(engine.sync_engine, "after_cursor_execute", rename)
        assert renamed > 1
        await _check_beside(engine)
        await others.dispose()
        await engine.dispose()


async def test_what_the_last_version_writes_after_the_upgrade_is_listed_too(database_kind: DatabaseKind) -> None:
    """It knows nothing of what stands beside the organization, nor of the grants' organization."""
    async with fresh_database(database_kind, MIGRATIONS) as url:
        engine = open_database(url, PATIENT)
        async with engine.begin() as connection:
            await connection.run_sync(partial(_fill, without={"grants": "organization_id"}), 1)

        await _check_beside(engine)
        await engine.dispose()


async def _check_beside(engine: AsyncEngine) -> None:
    """Look whether what stands beside the organization is what the person, and the membership, has."""
    people = {row["id"]: row for row in await _all(engine, "users")}
    members = {row["id"]: row for row in await _all(engine, "memberships")}
    copied = ("last_name_key", "first_name_key", "search_text")
    for row in members.values():
        assert [row[name] for name in copied] == [people[row["user_id"]][name] for name in copied]
    assert [members[f"mbr_{index}"]["status_rank"] for index in range(len(PEOPLE))] == ["1", "3", "0"]
    for row in await _all(engine, "grants"):
        assert row["organization_id"] == members[row["membership_id"]]["organization_id"]
    text_ = searchable("Zoë Łuczak")
    found = await Directory(engine).members_of(
        [OrganizationId("org_1")], Slice(9), where=MemberFilter(status=(MembershipStatus.REMOVED,), search=text_)
    )
    assert [member.id for member in found[0].items] == ["mbr_1"]


async def _check_derived(engine: AsyncEngine, organizations: Any, users: Any) -> None:
    for table, found, wanted in (
        ("organizations", organizations, organization_keys),
        ("users", users, user_keys),
    ):
        rows = {row["id"]: row for row in await _all(engine, table)}
        for record in found:
            derived = wanted({name: getattr(record, name, None) for name in rows[record.id]})
            assert {name: rows[record.id][name] for name in derived} == derived


async def _all(engine: AsyncEngine, name: str) -> list[dict[str, Any]]:
    def read(connection: Connection) -> list[dict[str, Any]]:
        table = Table(name, MetaData(), autoload_with=connection)
        return [dict(row) for row in connection.execute(select(table)).mappings()]

    async with engine.connect() as connection:
        return await connection.run_sync(read)
