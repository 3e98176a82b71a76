"""A gateway as it runs for customers: a process of its own with the demo in its database, on a port of its own."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from gateway.demo.loading import load_demo
from gateway.profile_files import load_profile
from gateway.settings_sources import read_settings
from gateway.wiring import migrate_our_database
from tests.portal import Clock

REPOSITORY = Path(__file__).resolve().parents[2]

_START_SECONDS = 120


@dataclass(frozen=True)
class Served:
    """A running gateway."""

    port: int
    process: int
    data_folder: str

    @property
    def url(self) -> str:
        """The address of its GraphQL endpoint."""
        return f"http://127.0.0.1:{self.port}/graphql"

    def memory(self) -> int:
        """How many bytes of memory the process has; 0 where the system does not say."""
        try:
            pages = Path(f"/proc/{self.process}/statm").read_text(encoding="ascii").split()[1]
        except OSError:
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def processor_seconds(self) -> float:
        """How long the process has kept a processor busy."""
        used = psutil.Process(self.process).cpu_times()
        return float(used.user + used.system)


@asynccontextmanager
async def served_portal(settings: Mapping[str, str] | None = None) -> AsyncIterator[Served]:
    """Run the Solar Terminal's gateway for as long as the block does; `settings` are environment variables."""
    folder = Path(tempfile.mkdtemp(prefix="forecourt-served-"))
    wanted = {"FORECOURT_DATA_FOLDER": str(folder), "FORECOURT_GRAPHIQL": "false", **(settings or {})}
    try:
        chosen = read_settings(wanted)
        await migrate_our_database(chosen)
        await load_demo(chosen, load_profile(chosen.profile), clock=Clock())
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FORECOURT_")}
        server = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "gateway", "serve", "--port", "0"),
            cwd=REPOSITORY,
            env=environment | wanted,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield Served(await asyncio.wait_for(_port(server), _START_SECONDS), server.pid, str(folder))
        finally:
            if server.returncode is None:
                server.send_signal(signal.SIGTERM)
                await server.communicate()
    finally:
        shutil.rmtree(folder)


async def _port(server: asyncio.subprocess.Process) -> int:
    assert server.stdout is not None
    async for line in server.stdout:
        words = line.decode().split()
        if words[:1] == ["GraphQL"]:
            return int(words[1].rpartition(":")[2].partition("/")[0])
    raise AssertionError("The gateway did not start.")
