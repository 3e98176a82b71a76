"""Directories to ask and to change, on both kinds of database."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from connectors.database.engine import AsyncEngine, open_database
from connectors.directory.directory import Directory
from connectors.directory.migrations import MIGRATIONS
from tests.directory.people import PEOPLE
from tests.servers import PATIENT, DatabaseKind, fresh_database


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
async def asked(request: pytest.FixtureRequest) -> AsyncIterator[Directory]:
    """The directory of `people`, shared by the tests that only ask it."""
    kind: DatabaseKind = request.param
    async with fresh_database(kind, MIGRATIONS) as url:
        engine = open_database(url, PATIENT)
        directory = Directory(engine)
        await directory.load(PEOPLE)
        yield directory
        await engine.dispose()


@pytest.fixture
async def engine(database_kind: DatabaseKind) -> AsyncIterator[AsyncEngine]:
    """A directory's database of the test's own, migrated and empty."""
    async with fresh_database(database_kind, MIGRATIONS) as url:
        engine = open_database(url, PATIENT)
        yield engine
        await engine.dispose()


@pytest.fixture
async def directory(engine: AsyncEngine) -> Directory:
    """The directory of `people`, to be changed."""
    directory = Directory(engine)
    await directory.load(PEOPLE)
    return directory


@contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[str]]:
    """Give the list of statements that are sent to the database within the block."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    for one in engine.sync_engines:
        event.listen(one, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        for one in engine.sync_engines:
            event.remove(one, "before_cursor_execute", note)
