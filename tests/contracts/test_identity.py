"""What embedded accounts promise: nobody gets in with another password, and nobody learns who has an account."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select, update

from connectors.database.engine import AsyncEngine, open_database
from connectors.database.migrations import migrate
from connectors.errors import BackendUnavailable
from connectors.identity.embedded import METADATA, EmbeddedAccounts, credentials
from connectors.identity.interface import Credentials, CredentialsBehind
from connectors.identity.migrations import MIGRATIONS
from connectors.ids import UserId
from tests.servers import PATIENT, DatabaseKind, fresh_database

ANNA, BERND, NOBODY = UserId("usr_anna"), UserId("usr_bernd"), UserId("usr_nobody")
QUICK = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery staple"


@pytest.fixture
async def identities(database_kind: DatabaseKind) -> AsyncIterator[AsyncEngine]:
    async with fresh_database(database_kind, MIGRATIONS) as url:
        engine = open_database(url, PATIENT)
        yield engine
        await engine.dispose()


@pytest.fixture
def accounts(identities: AsyncEngine) -> EmbeddedAccounts:
    return EmbeddedAccounts(identities, QUICK)


async def stores(accounts: EmbeddedAccounts, password: str, *user_ids: UserId, version: int = 1) -> None:
    """Store a password for some people, as that of this version."""
    hashed = await accounts.hash(password)
    await accounts.apply([Credentials(user_id, version, hashed) for user_id in user_ids])


async def opens(accounts: EmbeddedAccounts, user_id: UserId | None, password: str) -> bool:
    """Whether somebody is let in with this password, whichever version it is of."""
    return await accounts.verify(user_id, password, at_least=0) is not None


async def test_only_the_password_that_was_set_is_right(accounts: EmbeddedAccounts) -> None:
    await stores(accounts, PASSWORD, ANNA, BERND)

    assert await opens(accounts, ANNA, PASSWORD)
    assert await opens(accounts, BERND, PASSWORD)
    for wrong in ("", PASSWORD.upper(), PASSWORD + " ", PASSWORD + "\0", "x" * 1_000_000):
        assert not await opens(accounts, ANNA, wrong)
    assert not await opens(accounts, NOBODY, PASSWORD)
    assert not await opens(accounts, None, PASSWORD)
    assert not await opens(accounts, UserId("usr_\0"), PASSWORD)


async def test_setting_a_password_again_replaces_the_earlier_one(accounts: EmbeddedAccounts) -> None:
    await stores(accounts, PASSWORD, ANNA, BERND)

    await stores(accounts, "another", ANNA, version=2)

    assert await opens(accounts, ANNA, "another")
    assert not await opens(accounts, ANNA, PASSWORD)
    assert await opens(accounts, BERND, PASSWORD)


async def test_an_earlier_change_that_arrives_late_or_twice_changes_nothing(accounts: EmbeddedAccounts) -> None:
    await stores(accounts, "the second", ANNA, version=2)

    await stores(accounts, PASSWORD, ANNA, version=1)
    await stores(accounts, "the second in other words", ANNA, version=2)

    assert await accounts.verify(ANNA, "the second", at_least=0) == 2
    assert not await opens(accounts, ANNA, PASSWORD)
    assert not await opens(accounts, ANNA, "the second in other words")


async def test_of_twenty_changes_that_arrive_at_the_same_time_the_latest_counts(accounts: EmbeddedAccounts) -> None:
    await asyncio.gather(*(stores(accounts, f"{PASSWORD} {number}", ANNA, version=number) for number in range(20)))

    assert await accounts.verify(ANNA, f"{PASSWORD} 19", at_least=19) == 19


@pytest.mark.parametrize("user_id", [ANNA, NOBODY])
async def test_what_is_behind_the_version_asked_for_is_not_compared_at_all(
    identities: AsyncEngine, user_id: UserId
) -> None:
    hasher = CountingHasher()
    accounts = EmbeddedAccounts(identities, hasher)
    await stores(accounts, PASSWORD, ANNA, version=1)

    with pytest.raises(CredentialsBehind):
        await accounts.verify(user_id, PASSWORD, at_least=2)

    assert hasher.checked == []


async def test_a_hash_is_stored_nowhere_before_it_is_applied(identities: AsyncEngine) -> None:
    accounts = EmbeddedAccounts(identities, QUICK)

    hashed = await accounts.hash(PASSWORD)

    assert hashed.startswith("$argon2id$")
    assert await _hashes(identities) == []


async def test_setting_a_password_for_nobody_changes_nothing(accounts: EmbeddedAccounts) -> None:
    await accounts.apply([])

    assert not await opens(accounts, ANNA, PASSWORD)


async def test_a_composed_letter_and_its_parts_are_the_same_password(accounts: EmbeddedAccounts) -> None:
    await stores(accounts, "Caf\u00e9", ANNA)

    assert await opens(accounts, ANNA, "Cafe\u0301")
    assert not await opens(accounts, ANNA, "Cafe")


async def test_a_hash_made_with_older_parameters_is_renewed_when_the_password_is_right(
    identities: AsyncEngine, accounts: EmbeddedAccounts
) -> None:
    await stores(accounts, PASSWORD, ANNA)
    stronger = EmbeddedAccounts(identities, Argon2Hasher(time_cost=2, memory_cost=16, parallelism=1))

    wrong = await opens(stronger, ANNA, "wrong")
    kept = await _hash(identities)
    right = await opens(stronger, ANNA, PASSWORD)
    renewed = await _hash(identities)

    assert (wrong, right) == (False, True)
    assert kept.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert renewed.startswith("$argon2id$v=19$m=16,t=2,p=1$")
    assert await opens(stronger, ANNA, PASSWORD)


async def test_a_hash_that_nobody_can_read_opens_nothing(identities: AsyncEngine, accounts: EmbeddedAccounts) -> None:
    await stores(accounts, PASSWORD, ANNA)
    async with identities.begin() as connection:
        await connection.execute(update(credentials).values(password_hash="!"))

    assert not await opens(accounts, ANNA, PASSWORD)
    assert not await opens(accounts, ANNA, "!")


async def test_the_default_hash_is_argon2id_with_the_library_s_parameters(identities: AsyncEngine) -> None:
    accounts = EmbeddedAccounts(identities)

    await stores(accounts, PASSWORD, ANNA)

    assert (await _hash(identities)).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


class CountingHasher(Argon2Hasher):
    """Keeps the parameters of each hash that a password was checked against: what the check cost."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.checked: list[str] = []

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:
        self.checked.append(str(hash).rpartition("$")[0].rpartition("$")[0])
        return super().verify(password, hash)


async def test_the_effort_does_not_reveal_whether_there_is_such_an_account(identities: AsyncEngine) -> None:
    hasher = CountingHasher()
    accounts = EmbeddedAccounts(identities, hasher)
    await stores(accounts, PASSWORD, ANNA)

    answers = [await opens(accounts, who, "wrong") for who in (ANNA, NOBODY, None)]

    assert answers == [False, False, False]
    assert hasher.checked == ["$argon2id$v=19$m=8,t=1,p=1"] * 3


async def test_the_event_loop_goes_on_while_passwords_are_checked(
    identities: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = EmbeddedAccounts(identities, Argon2Hasher(time_cost=2, memory_cost=32_768, parallelism=1))
    await stores(accounts, PASSWORD, ANNA)
    verify, is_checking, goes_on = accounts._verify, threading.Event(), threading.Event()

    def waits_for_the_loop(password: str, stored: str | None) -> tuple[bool, str | None]:
        is_checking.set()
        assert goes_on.wait(30), "the loop stands still"
        return verify(password, stored)

    monkeypatch.setattr(accounts, "_verify", waits_for_the_loop)
    checking = asyncio.create_task(opens(accounts, ANNA, PASSWORD))
    while not is_checking.is_set():  # noqa: ASYNC110 - set by a thread
        await asyncio.sleep(0.001)
    goes_on.set()

    assert await checking


async def test_no_more_than_two_passwords_are_hashed_at_once(
    accounts: EmbeddedAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most, two = 0, 0, threading.Barrier(2)

    def slowly(password: str, stored: str | None) -> tuple[bool, str | None]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        two.wait(30)
        running -= 1
        return False, None

    monkeypatch.setattr(accounts, "_verify", slowly)

    await asyncio.gather(*(opens(accounts, ANNA, PASSWORD) for _ in range(10)))

    assert most == 2


async def test_a_database_that_is_down_is_said_to_be_unavailable() -> None:
    engine = open_database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    accounts = EmbeddedAccounts(engine, QUICK)

    for command in (accounts.verify(ANNA, "x", at_least=0), accounts.apply([Credentials(ANNA, 1, "x")])):
        with pytest.raises(BackendUnavailable) as caught:
            await command
        assert caught.value.backend == "identity"
    assert not await accounts.healthy()
    await engine.dispose()


async def test_accounts_that_can_be_reached_are_healthy(accounts: EmbeddedAccounts) -> None:
    assert await accounts.healthy()


async def test_a_password_from_before_there_were_versions_counts_until_the_first_change(database_url: str) -> None:
    engine = open_database(database_url)
    accounts = EmbeddedAccounts(engine, QUICK)
    async with engine.begin() as connection:
        for statement in (
            "CREATE TABLE identity_migrations (version_num VARCHAR(32) NOT NULL)",
            "INSERT INTO identity_migrations VALUES ('0001')",
            "CREATE TABLE identity_credentials (user_id TEXT NOT NULL, password_hash TEXT NOT NULL, "
            "CONSTRAINT pk_identity_credentials PRIMARY KEY (user_id))",
            f"INSERT INTO identity_credentials VALUES ('{ANNA}', '{await accounts.hash(PASSWORD)}')",
        ):
            await connection.exec_driver_sql(statement)

    assert await migrate(engine, MIGRATIONS) == MIGRATIONS.revisions()[1:]

    assert await accounts.verify(ANNA, PASSWORD, at_least=0) == 0
    await stores(accounts, "another", ANNA, version=1)
    assert await accounts.verify(ANNA, "another", at_least=1) == 1
    await engine.dispose()


async def test_the_migrations_make_exactly_the_table_the_code_speaks_of(identities: AsyncEngine) -> None:
    options = {"include_name": lambda name, kind, _: kind != "table" or name != MIGRATIONS.version_table}

    async with identities.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync, opts=options), METADATA)
        )

    assert differences == []


async def test_credentials_that_are_forgotten_let_nobody_in_and_no_late_change_brings_them_back(
    identities: AsyncEngine, accounts: EmbeddedAccounts
) -> None:
    await stores(accounts, PASSWORD, ANNA, BERND)

    await accounts.forget([ANNA, NOBODY])
    await accounts.forget([ANNA])
    await stores(accounts, PASSWORD, ANNA, NOBODY, version=2)

    assert not await opens(accounts, ANNA, PASSWORD)
    assert not await opens(accounts, NOBODY, PASSWORD)
    assert await opens(accounts, BERND, PASSWORD)
    assert len([hashed for hashed in await _hashes(identities) if hashed is not None]) == 1


async def test_every_kind_of_space_is_the_same_in_a_password(accounts: EmbeddedAccounts) -> None:
    await stores(accounts, "correct\u00a0horse\u2003battery", ANNA)

    assert await opens(accounts, ANNA, "correct horse battery")


async def _hashes(engine: AsyncEngine) -> list[str | None]:
    async with engine.connect() as connection:
        return list((await connection.execute(select(credentials.c.password_hash))).scalars())


async def _hash(engine: AsyncEngine) -> str:
    (hashed,) = await _hashes(engine)
    assert hashed is not None
    return hashed
