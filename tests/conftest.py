"""What every test can ask for: servers of its own, and fresh databases on both kinds of them."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from pwdlib.hashers.argon2 import Argon2Hasher

from connectors.identity.embedded import EmbeddedAccounts
from tests.kept import kept
from tests.portal import UNMEASURED, Portal, open_portal
from tests.servers import DatabaseKind, fresh_database, servers

# Neither how long an example takes nor how many of them fit says anything: other work shares the machine. The same
# examples each time, so that whoever changes one thing never meets another's bad luck; `make test-all` looks for new
# ones by --hypothesis-profile=random, and says how to see again the one that fails.
settings.register_profile(
    "fixed", derandomize=True, max_examples=50, deadline=None, suppress_health_check=[*HealthCheck], database=None
)
settings.register_profile("random", settings.get_profile("fixed"), derandomize=False, max_examples=100, print_blob=True)
settings.load_profile("fixed")


@pytest.fixture(scope="module", autouse=True)
def _garbage_is_looked_for_among_what_is_new() -> None:
    """Looking through all tests, modules and the schema as well takes a second each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _what_is_the_same_is_made_once() -> Iterator[None]:
    with kept():
        yield


@pytest.fixture(scope="session", autouse=True)
async def _servers_stop_at_the_end() -> AsyncIterator[None]:
    yield
    await servers.stop()


@pytest.fixture(scope="session", autouse=True)
def _hashing_costs_nothing() -> Iterator[None]:
    """A hash as shipped takes 64 MiB and a tenth of a second of the processor, for each sign-in of each test."""
    quick = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.wiring.EmbeddedAccounts", partial(EmbeddedAccounts, hasher=quick))
        yield


@pytest.fixture(scope="session")
def postgresql_server() -> str:
    """The URL of a PostgreSQL server (``postgresql+asyncpg:``) on which databases may be created."""
    return servers.postgresql.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The URL of a server that speaks the Redis protocol."""
    return servers.redis


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> DatabaseKind:
    """Each kind of database in turn."""
    kind: DatabaseKind = request.param
    return kind


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def portal_kind(request: pytest.FixtureRequest) -> DatabaseKind:
    """Each kind of database in turn, for what a whole gateway does: its statements have their own tests on both."""
    kind: DatabaseKind = request.param
    return kind


@pytest.fixture
async def database_url(database_kind: DatabaseKind) -> AsyncIterator[str]:
    """The URL of a database of the test's own, without any table, on each kind of database in turn.

    A database that is migrated already comes from `tests.servers.fresh_database(kind, *migrations)`.
    """
    async with fresh_database(database_kind) as url:
        yield url


@pytest.fixture
async def time_passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let so many seconds pass at once for every timeout and deadline: what is late is late however fast we are."""
    ahead = 0.0

    def pass_(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    for clock in ("gateway.execution.deadline.monotonic", "gateway.auth.request_context.monotonic"):
        monkeypatch.setattr(clock, lambda: time.monotonic() + ahead)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: time.monotonic() + ahead)
    return pass_


@pytest.fixture
def hang(time_passes: Callable[[float], None]) -> Callable[[float], Awaitable[None]]:
    """Never answer, and let so many seconds pass at once; the test fails where nobody gives up waiting."""

    async def wait_for_ever(seconds: float) -> None:
        time_passes(seconds)
        try:
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        except TimeoutError:
            pytest.fail("somebody waits for ever")

    return wait_for_ever


@pytest.fixture
async def portal() -> AsyncIterator[Portal]:
    """The Solar Terminal's gateway with its demo, on SQLite."""
    async with open_portal() as opened:
        yield opened


@pytest.fixture
async def software_portal() -> AsyncIterator[Portal]:
    """The software house's gateway with its demo, on SQLite."""
    async with open_portal("software_house") as opened:
        yield opened


@pytest.fixture
async def each_portal(portal_kind: DatabaseKind) -> AsyncIterator[Portal]:
    """The Solar Terminal's gateway with its demo, on each kind of database in turn."""
    async with open_portal(kind=portal_kind) as opened:
        yield opened


@pytest.fixture
async def each_software_portal(portal_kind: DatabaseKind) -> AsyncIterator[Portal]:
    """The software house's gateway with its demo, on each kind of database in turn."""
    async with open_portal("software_house", kind=portal_kind) as opened:
        yield opened


@pytest.fixture(scope="session")
async def solar() -> AsyncIterator[Portal]:
    """The Solar Terminal's gateway with its demo, for tests that only read and let the clock stand."""
    async with open_portal(**UNMEASURED) as opened:
        yield opened


@pytest.fixture(scope="session")
async def software() -> AsyncIterator[Portal]:
    """The software house's gateway with its demo, for tests that only read and let the clock stand."""
    async with open_portal("software_house", **UNMEASURED) as opened:
        yield opened
