"""The stage: a PostgreSQL server with the data in it, and each contestant as a process beside it."""

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import make_url

from bench.node_peers import PEERS, peer_command, write_configuration
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
async def open_stage(upstream_ms: float = 0) -> AsyncIterator[Stage]:
    """Give a stage with the demo and the bench's organizations loaded; all of it is gone afterwards.

    Each call of a contestant to the database takes `upstream_ms` more milliseconds.
    """
    with TemporaryDirectory(prefix="forecourt-bench-") as folder:
        try:
            async with fresh_database("postgresql") as url:
                settings = settings_for(Path(folder), url)
                await migrate_our_database(settings)
                profile = load_profile(PROFILE)
                await load_demo(settings, profile, clock=utc_now)
                engine = open_database(url)
                await Directory(engine).load(directory_data())
                await EmbeddedShop(engine).load(shop_data())
                await engine.dispose()
                token = await token_for(settings, LOGIN_NAME, clock=utc_now)
                with _further_away(url, folder, upstream_ms) as seen:
                    await write_configuration(Path(folder), seen, profile)
                    yield Stage(Path(folder), seen, token)
        finally:
            await servers.stop()


@contextmanager
def _further_away(url: str, folder: str, milliseconds: float) -> Iterator[str]:
    """Give the URL by which each call takes so much longer."""
    if not milliseconds:
        yield url
        return
    parts = make_url(url)
    host, port = str(parts.query.get("host") or parts.host), str(parts.port or 5432)
    command = [sys.executable, "-m", "bench.delay", folder, host, port, str(milliseconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            yield parts.set(host="").update_query_dict({"host": folder}).render_as_string(hide_password=False)
        finally:
            process.terminate()


@contextmanager
def serving(stage: Stage, names: Sequence[str] = (*CONTESTANTS, *PEERS)) -> Iterator[Mapping[str, Contestant]]:
    """Give the contestants, each serving in a process of its own, stopped afterwards."""
    processes: list[subprocess.Popen[str]] = []
    try:
        for name in names:
            if name in PEERS:
                command = peer_command(name, stage.folder)
            else:
                command = [sys.executable, "-m", "bench.serve", name, str(stage.folder), stage.database_url]
            processes += [subprocess.Popen(command, stdout=subprocess.PIPE, text=True)]
        found = {}
        for name, process in zip(names, processes, strict=True):
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
