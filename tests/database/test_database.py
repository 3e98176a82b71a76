"""What every database of ours promises: it is known when it is away, too new or not up to date, and nothing is lost."""

import asyncio
import gc
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, make_url, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.schema import CreateTable

from connectors.database.columns import IdText, UtcDateTime, new_metadata
from connectors.database.dialects import contains_each, one_of
from connectors.database.engine import AsyncEngine, open_database
from connectors.database.migrations import DatabaseNotMigrated, DatabaseTooNew, Migrations, check_migrated, migrate
from connectors.database.sql_errors import ChangeConflict, database_errors
from connectors.directory.directory import Directory
from connectors.directory.migrations import MIGRATIONS as DIRECTORY
from connectors.directory.records.accounts import MailedTokenPurpose
from connectors.errors import BackendTimeout, BackendUnavailable
from connectors.identity.migrations import MIGRATIONS as IDENTITY
from tests.cut_off import is_cut_off
from tests.directory.people import ANNA, NOW, PEOPLE, USERS
from tests.directory.test_people import LISTS
from tests.servers import PATIENT, DatabaseKind


async def test_migrating_makes_the_tables_once_and_then_has_nothing_to_do(database_url: str) -> None:
    engine = open_database(database_url, PATIENT)

    first, second = await migrate(engine, DIRECTORY), await migrate(engine, DIRECTORY)
    await check_migrated(engine, DIRECTORY)

    assert (first, second) == (DIRECTORY.revisions(), [])
    assert await Directory(engine).is_empty()
    await engine.dispose()


async def test_two_back_ends_share_a_database_without_knowing_each_other(database_url: str) -> None:
    engine = open_database(database_url, PATIENT)

    await migrate(engine, IDENTITY)
    with pytest.raises(DatabaseNotMigrated, match="directory"):
        await check_migrated(engine, DIRECTORY)
    await migrate(engine, DIRECTORY)

    await check_migrated(engine, IDENTITY)
    await check_migrated(engine, DIRECTORY)
    await engine.dispose()


async def test_processes_that_start_together_migrate_once(database_url: str) -> None:
    engines = [open_database(database_url, PATIENT) for _ in range(4)]

    done = await asyncio.gather(*(migrate(engine, DIRECTORY) for engine in engines))

    assert sorted(done) == [[], [], [], DIRECTORY.revisions()]
    for engine in engines:
        await engine.dispose()


async def test_a_database_of_a_newer_forecourt_is_refused_and_left_as_it_is(database_url: str) -> None:
    engine = open_database(database_url, PATIENT)
    await migrate(engine, DIRECTORY)
    await Directory(engine).load(PEOPLE)
    await _run(engine, f"UPDATE {DIRECTORY.version_table} SET version_num = '9999'")

    with pytest.raises(DatabaseTooNew, match="9999"):
        await migrate(engine, DIRECTORY)
    with pytest.raises(DatabaseTooNew, match="newer version"):
        await check_migrated(engine, DIRECTORY)

    assert await Directory(engine).users([user.id for user in USERS]) == list(USERS)
    await engine.dispose()


async def test_a_migration_that_fails_half_way_leaves_nothing_behind(database_url: str, tmp_path: Path) -> None:
    engine = open_database(database_url, PATIENT)
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "0001_broken.py").write_text(
        "from alembic import op\n\nrevision, down_revision = '0001', None\n\n\n"
        "def upgrade():\n    op.execute('CREATE TABLE half (id INTEGER)')\n    op.execute('CREATE NONSENSE')\n"
    )

    with pytest.raises(DBAPIError, match="NONSENSE"):
        await migrate(engine, Migrations("broken", tmp_path, "broken_migrations"))

    with pytest.raises(DBAPIError, match="half"):
        await _run(engine, "SELECT * FROM half")
    await engine.dispose()


NOWHERE = [
    "postgresql+asyncpg://nobody:secret@127.0.0.1:1/nothing",
    "postgresql+asyncpg:///nothing?host=/nonexistent",
    "sqlite+aiosqlite:////nonexistent/folder/forecourt.sqlite",
]
QUERIES: dict[str, Callable[[Directory], Awaitable[Any]]] = {
    **{name: lambda directory, ask=ask: ask(directory, ["id"]) for name, ask in LISTS.items()},  # type: ignore[misc]
    "caller": lambda directory: directory.caller(ANNA.id, None, NOW),
    "user_id_of_login_name": lambda directory: directory.user_id_of_login_name("anna"),
    "is_empty": lambda directory: directory.is_empty(),
    "load": lambda directory: directory.load(PEOPLE),
    "change": lambda directory: _change_nothing(directory),
}


@pytest.mark.parametrize("url", NOWHERE)
@pytest.mark.parametrize("query", QUERIES)
async def test_a_database_that_is_down_is_said_to_be_unavailable(url: str, query: str) -> None:
    engine = open_database(url)

    with pytest.raises(BackendUnavailable) as caught:
        await QUERIES[query](Directory(engine))

    assert caught.value.backend == "directory"
    assert "secret" not in str(caught.value)
    await engine.dispose()


@pytest.mark.parametrize("url", NOWHERE)
async def test_a_database_that_is_down_is_not_healthy(url: str) -> None:
    engine = open_database(url)

    assert not await Directory(engine).healthy()
    await engine.dispose()


@pytest.mark.parametrize("url", NOWHERE)
@pytest.mark.parametrize("command", [migrate, check_migrated])
async def test_a_database_that_is_down_cannot_be_migrated_and_says_so(
    url: str, command: Callable[[AsyncEngine, Migrations], Awaitable[Any]]
) -> None:
    engine = open_database(url)

    with pytest.raises(BackendUnavailable, match="directory"):
        await command(engine, DIRECTORY)
    await engine.dispose()


@pytest.mark.parametrize("part", [{"database": "nothing"}, {"username": "nobody"}])
async def test_a_database_or_user_that_does_not_exist_is_said_to_be_unavailable(
    postgresql_server: str, part: dict[str, str]
) -> None:
    engine = open_database(make_url(postgresql_server).set(**part).render_as_string(hide_password=False))  # type: ignore[arg-type]

    with pytest.raises(BackendUnavailable):
        await Directory(engine).is_empty()
    await engine.dispose()


async def test_a_file_that_is_no_database_is_said_to_be_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("Nothing to see here. " * 100)
    engine = open_database(f"sqlite+aiosqlite:///{file}")

    with pytest.raises(BackendUnavailable):
        await Directory(engine).is_empty()
    await engine.dispose()
    assert file.read_text().startswith("Nothing to see here.")


@pytest.mark.parametrize(
    ("state", "known_as"),
    [
        ("57P01", BackendUnavailable),  # it is shut down by an administrator
        ("57P02", BackendUnavailable),  # it has crashed
        ("57P03", BackendUnavailable),  # it starts, or shuts down
        ("53300", BackendUnavailable),  # too many connections
        ("53100", BackendUnavailable),  # its disk is full
        ("25006", BackendUnavailable),  # it is a standby
        ("08006", BackendUnavailable),
        ("57014", BackendTimeout),  # statement_timeout
        ("55P03", BackendTimeout),  # lock_timeout
        ("25P03", BackendTimeout),  # idle_in_transaction_session_timeout
        ("40001", ChangeConflict),
        ("42P01", DBAPIError),  # a statement of ours is wrong
    ],
)
async def test_every_known_outage_of_postgresql_is_known_as_one_in_changes_and_in_queries(
    postgresql_server: str, state: str, known_as: type[Exception]
) -> None:
    engine = open_database(postgresql_server)
    raises = f"DO $$ BEGIN RAISE EXCEPTION 'for the test' USING ERRCODE = '{state}'; END $$"

    async def changes() -> None:
        async with database_errors("directory"), engine.begin() as connection:
            await connection.exec_driver_sql(raises)

    with pytest.raises(known_as) as caught:
        await changes()
    if known_as in (BackendUnavailable, BackendTimeout):
        with pytest.raises(known_as):
            await engine.direct.rows("directory", raises, ())

    assert caught.type is known_as or known_as is DBAPIError
    await engine.dispose()


async def test_a_statement_of_ours_that_is_wrong_is_not_blamed_on_the_database(engine: AsyncEngine) -> None:
    async def ask_nonsense() -> None:
        async with database_errors("directory"), engine.connect() as connection:
            await connection.execute(text("SELECT * FROM nonsense"))

    with pytest.raises(DBAPIError, match="nonsense"):
        await ask_nonsense()


async def test_a_query_survives_that_the_server_closed_the_connections(postgresql_server: str, engine: AsyncEngine,
        database_kind: DatabaseKind) -> None:  # fmt: skip
    directory = Directory(engine)
    await directory.load(PEOPLE)
    await asyncio.gather(*(directory.users([ANNA.id]) for _ in range(20)))
    if database_kind == "postgresql":
        administrator = open_database(postgresql_server)
        database = make_url(str(engine.url)).database
        await _run(
            administrator, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        )
        await administrator.dispose()

    answers = await asyncio.gather(*(directory.users([ANNA.id]) for _ in range(20)))

    assert answers == [[ANNA]] * 20


async def test_a_change_that_is_cut_off_anywhere_keeps_nobody_else_from_changing_sqlite(tmp_path: Path) -> None:
    engine = open_database(f"sqlite+aiosqlite:///{tmp_path / 'forecourt.sqlite'}")
    await migrate(engine, DIRECTORY)
    directory, cut = Directory(engine), []
    await directory.load(PEOPLE)

    async def changes() -> None:
        async with directory.change() as change:
            await change.lock_user(ANNA.id)
            await change.void_mailed_tokens(ANNA.id, MailedTokenPurpose.PASSWORD_RESET)
            await change.ask.users([ANNA.id])

    gc.disable()  # what collects garbage now and then would close a connection that was left open
    try:
        while not cut or cut[-1]:
            cut.append(await is_cut_off(changes(), len(cut) + 1))
            await _change_nothing(directory)
    finally:
        gc.enable()

    assert len(cut) > 10
    await engine.dispose()


@pytest.mark.parametrize(
    "texts", [[], [""], ["a"], ["", "a"], ["a\x1fA"], ["\x1f"], ["a", "A", 'b"', "ü", "\0"], ["a"] * 70_000]
)
async def test_a_list_is_one_parameter_however_long_it_is(database_url: str, texts: list[str]) -> None:
    words = Table("words", MetaData(), Column("word", IdText))
    engine = open_database(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(words.metadata.create_all)
        await connection.execute(insert(words), [{"word": word} for word in ("", "a", "A", 'b"', "ü", "\0", "rest")])

        found = await connection.execute(select(words.c.word).where(one_of(words.c.word, "texts")), {"texts": texts})
        others = await connection.execute(select(words.c.word).where(~one_of(words.c.word, "texts")), {"texts": texts})

        known = {"", "a", "A", 'b"', "ü", "\ufffd", "rest"}
        # PostgreSQL takes what joins the texts for a character it refuses, as it does with NUL.
        joins = "\ufffd" if database_url.startswith("postgresql") else "\x1f"
        expected = {"\ufffd" if word == "\0" else word.replace("\x1f", joins) for word in texts} & known
        assert {row[0] for row in found} == expected
        assert {row[0] for row in others} == known - expected
    await engine.dispose()


@pytest.mark.parametrize(
    ("parts", "expected"),
    [(["b%"], ["ab%c"]), ([""], ["ab%c", "x_y"]), ([], ["ab%c", "x_y"]), (["_"], ["x_y"]), (["B"], []),
     (["c", "a"], ["ab%c"]), (["a", "x"], []), (["y", "y"], ["x_y"])],
)  # fmt: skip
async def test_parts_of_a_text_are_found_as_they_are_written_in_any_order(
    database_url: str, parts: list[str], expected: list[str]
) -> None:
    words = Table("words", MetaData(), Column("word", IdText))
    engine = open_database(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(words.metadata.create_all)
        await connection.execute(insert(words), [{"word": "ab%c"}, {"word": "x_y"}])

        found = await connection.execute(
            select(words.c.word).where(contains_each(words.c.word, "parts")).order_by(words.c.word), {"parts": parts}
        )

        assert [row[0] for row in found] == expected
    await engine.dispose()


async def test_an_instant_comes_back_in_utc_as_exact_as_it_was(database_url: str) -> None:
    times = Table("times", new_metadata(), Column("id", Integer, primary_key=True), Column("at", UtcDateTime))
    engine = open_database(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(times.metadata.create_all)
        await connection.execute(insert(times), [{"id": 1, "at": NOW.astimezone()}, {"id": 2, "at": None}])

        rows = (await connection.execute(select(times.c.at).order_by(times.c.id))).scalars().all()

        assert rows == [NOW, None]
        assert rows[0].utcoffset().total_seconds() == 0
    await engine.dispose()


async def _change_nothing(directory: Directory) -> None:
    async with directory.change():
        pass


async def _run(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement))


async def test_an_error_shows_no_value_that_was_to_be_stored(database_url: str) -> None:
    """Errors nobody foresaw are logged with their tracebacks, and values may be hashes of passwords, or addresses."""
    engine = open_database(database_url)
    table = Table(
        "things",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("name", IdText, unique=True, nullable=False),
    )
    async with engine.begin() as connection:
        await connection.execute(CreateTable(table))
        await connection.execute(insert(table), {"id": 1, "name": "secret-name\nof two lines"})

    reported = []
    for row in ({"id": 1, "name": "secret-other"}, {"id": 2, "name": "secret-name\nof two lines"}, {"id": 4711_0815}):
        with pytest.raises(IntegrityError) as raised:
            async with database_errors("things"), engine.begin() as connection:
                await connection.execute(insert(table).values({"name": None} | row))
        reported.append("".join(traceback.format_exception(raised.value)))

    assert all("INSERT INTO things" in one for one in reported)
    assert not [one for one in reported if "secret" in one or "two lines" in one or "47110815" in one]
    await engine.dispose()
