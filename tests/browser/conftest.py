"""What a test in a real browser needs: Chromium, the built GraphiQL page, and a portal on a port of its own."""

import asyncio
import fcntl
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, async_playwright
from starlette.types import ASGIApp

from tests.browser.graphiql import Graphiql, graphiql_in
from tests.browser.small_portal import DEMO, SmallPortal
from tests.portal import Portal, open_portal

REPOSITORY = Path(__file__).resolve().parents[2]
GRAPHIQL_SOURCES = REPOSITORY / "gateway" / "pages" / "graphiql" / "page"
GRAPHIQL_BUILT = REPOSITORY / "gateway" / "pages" / "graphiql" / "dist"
CHROMIUM_PROJECT = Path(__file__).resolve().parent
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
]


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium from npm; FORECOURT_TEST_CHROMIUM names the program of another one to use instead."""
    program, environment = os.environ.get("FORECOURT_TEST_CHROMIUM"), {}
    if not program:
        folder = _chromium_of_npm()
        program = str(folder / "chromium")
        environment = {
            "FONTCONFIG_FILE": str(folder / "fonts" / "fonts.conf"),
            "LD_LIBRARY_PATH": str(folder / "al2023" / "lib"),
        }
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=CHROMIUM_ARGUMENTS, env={**os.environ, **environment}
        )
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def built_graphiql() -> Path:
    """The folder of the built page; it is built when it is missing or older than its sources."""
    with _only_one_process_at(GRAPHIQL_SOURCES):
        sources = [path for path in GRAPHIQL_SOURCES.rglob("*") if "node_modules" not in path.parts and path.is_file()]
        index = GRAPHIQL_BUILT / "index.html"
        if not index.exists() or index.stat().st_mtime < max(path.stat().st_mtime for path in sources):
            _install(GRAPHIQL_SOURCES)
            _node("npm", "run", "build", "--prefix", str(GRAPHIQL_SOURCES))
    return GRAPHIQL_BUILT


@pytest.fixture
def small_portal() -> SmallPortal:
    return SmallPortal()


@pytest.fixture
async def graphiql(chromium: Browser, built_graphiql: Path, small_portal: SmallPortal) -> AsyncIterator[Graphiql]:
    """The page of the small portal's demo, opened for the first time."""
    async with (
        served(small_portal.application(DEMO)) as url,
        graphiql_in(chromium, url) as page,
    ):
        yield page


@pytest.fixture
async def open_to_browsers() -> AsyncIterator[tuple[Portal, str]]:
    """A portal that knows at which address browsers find it, and that address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with (
        open_portal(public_url=f"http://127.0.0.1:{port}") as portal,
        served(portal.app_without_lifespan(), port) as url,
    ):
        yield portal, url


@pytest.fixture
async def visitor(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """A browser that has never been here."""
    context = await chromium.new_context(viewport={"width": 1280, "height": 800})
    yield context
    await context.close()


@asynccontextmanager
async def served(application: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """Serve the application on a free port of this machine alone, or on the one that it has to know before."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning", ws="websockets-sansio"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


def _chromium_of_npm() -> Path:
    """Return the folder with `chromium`, its fonts and libraries: unpacked once, beside the packages of npm."""
    with _only_one_process_at(CHROMIUM_PROJECT):
        _install(CHROMIUM_PROJECT)
        folder = CHROMIUM_PROJECT / "node_modules" / ".chromium"
        if not folder.exists():
            unpacking = Path(tempfile.mkdtemp(dir=folder.parent))
            _node("node", str(CHROMIUM_PROJECT / "unpack-chromium.mjs"), str(unpacking))
            unpacking.rename(folder)
    return folder


def _install(project: Path) -> None:
    """Install what the lock file says, unless that has been done since the lock file changed."""
    installed = project / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (project / "package-lock.json").stat().st_mtime:
        _node("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(project))


def _node(*arguments: str) -> None:
    command = [sys.executable, str(REPOSITORY / "scripts" / "node.py"), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(arguments[:3])} did not work:\n{done.stdout}", pytrace=False)


@contextmanager
def _only_one_process_at(project: Path) -> Iterator[None]:
    """Let the processes of pytest-xdist, or of two runs, install and build one after the other."""
    with (project / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
