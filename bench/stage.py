"""The stage: a PostgreSQL server with the data in it, and each contestant as a process beside it."""

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.serve import CONTESTANTS, PROFILE, settings_for
from bench.workload import LOGIN_NAME, directory_data, shop_data
from connectors.database.engine import open_database
from connectors.directory.directory import Directory
from connectors.shop.embedded import EmbeddedShop
from gateway.cli.token import token_for
from gateway.demo.loading import load_demo
from gateway.profile_files import load_profile
from gateway.wiring import migrate_our_database, utc_now
from tests.servers import fresh_database, servers


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the contestants find the data, and the token of the caller."""

    folder: Path
    database_url: str
    token: str


@dataclass(frozen=True, slots=True)
class Contestant:
    """A contestant that serves."""

    name: str
    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process has used, user and system, all threads."""
        return time.clock_gettime(~self.pid << 3 | 2)  # clock_getcpuclockid(3): the process's own clock, on Linux

    def memory_mb(self, kind: str = "VmRSS") -> float:
        """Return the resident memory in MB, or what else proc(5) names so."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith(kind))
        return int(kilobytes) / 1024


@asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    """Give a stage with the demo and the bench's organizations loaded; all of it is gone afterwards."""
    with TemporaryDirectory(prefix="forecourt-bench-") as folder:
        try:
            async with fresh_database("postgresql") as url:
                settings = settings_for(Path(folder), url)
                await migrate_our_database(settings)
                await load_demo(settings, load_profile(PROFILE), clock=utc_now)
                engine = open_database(url)
                await Directory(engine).load(directory_data())
                await EmbeddedShop(engine).load(shop_data())
                await engine.dispose()
                yield Stage(Path(folder), url, await token_for(settings, LOGIN_NAME, clock=utc_now))
        finally:
            await servers.stop()


@contextmanager
def serving(stage: Stage, names: list[str] | None = None) -> Iterator[Mapping[str, Contestant]]:
    """Give the contestants, each serving in a process of its own, stopped afterwards."""
    processes: list[subprocess.Popen[str]] = []
    try:
        for name in names or CONTESTANTS:
            command = [sys.executable, "-m", "bench.serve", name, str(stage.folder), stage.database_url]
            processes += [subprocess.Popen(command, stdout=subprocess.PIPE, text=True)]
        found = {}
        for name, process in zip(names or CONTESTANTS, processes, strict=True):
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"The contestant {name} did not start.")
            found[name] = Contestant(name, process.pid, int(line))
        yield found
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=10)
