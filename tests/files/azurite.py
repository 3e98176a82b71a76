"""A real blob store for the tests: azurite, which checks signatures as Azure does; installed from npm on first use."""

import asyncio
import base64
import fcntl
import hmac
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.utils import formatdate
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PROJECT = Path(__file__).resolve().parent / "azurite"
NODE = PROJECT.parents[2] / "scripts" / "node.py"
ACCOUNT, KEY = "forecourt", base64.b64encode(b"a key of a test").decode()
_PATIENCE_SECONDS = 60


def install() -> None:
    """Install it once, whichever process comes first."""
    with (PROJECT / "package.json").open() as only_one_process:
        fcntl.flock(only_one_process, fcntl.LOCK_EX)
        if not (PROJECT / "node_modules" / "azurite").exists():
            command = [sys.executable, str(NODE), "npm", "--prefix", str(PROJECT), "ci", "--ignore-scripts"]
            subprocess.run([*command, "--no-audit", "--no-fund", "--silent"], check=True)


@asynccontextmanager
async def running() -> AsyncIterator[str]:
    """Yield the address of a store of the block's own, with the container `files` in it."""
    await asyncio.to_thread(install)
    program = PROJECT / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    with tempfile.TemporaryDirectory(prefix="forecourt-azurite-") as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(NODE), "node", str(program), "--location", folder, "--silent", "--disableTelemetry"),
            *("--blobHost", "127.0.0.1", "--blobPort", "0", "--skipApiVersionCheck"),
            env={"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}", "PATH": os.environ.get("PATH", os.defpath)},
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                address = await _address(process)
            await asyncio.to_thread(_put, f"{address}/files?restype=container", b"", {"content-type": "text/plain"})
            yield address
        finally:
            _end(process.pid)
            await process.wait()


def put(address: str, key: str, content: bytes, media_type: str) -> None:
    """Store a file, as whoever fills the store does."""
    own = {"x-ms-blob-type": "BlockBlob", "x-ms-blob-content-type": media_type}
    _put(f"{address}/files/{key}", content, {"content-type": media_type, **own})


def status_of(link: str, method: str = "GET", **headers: str) -> int:
    """With what status the store answers a link."""
    return fetched(link, method, **headers)[0]


def fetched(link: str, method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """What the store answers a link: status, body and headers."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urlopen(Request(link, method=method, headers=sent)) as answer:
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.headers.items()}
    except HTTPError as error:
        return error.code, error.read(), {}


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode():
        if "successfully listens on" in line or "listening at" in line:
            return f"{line.split()[-1]}/{ACCOUNT}"
    raise AssertionError("azurite did not start")


def _put(url: str, content: bytes, headers: dict[str, str]) -> None:
    """Send a request signed by the account's key (Azure's "Authorize with Shared Key")."""
    path, _, query = url.partition("//")[2].partition("/")[2].partition("?")
    own = {name: value for name, value in headers.items() if name.startswith("x-ms-")}
    own |= {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2023-11-03"}
    canonical = "".join(f"{name}:{own[name]}\n" for name in sorted(own))
    resource = f"/{ACCOUNT}/{path}" + "".join(f"\n{name.replace('=', ':')}" for name in sorted(filter(None, [query])))
    length = str(len(content)) if content else ""
    text = f"PUT\n\n\n{length}\n\n{headers['content-type']}\n\n\n\n\n\n\n{canonical}{resource}"
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), "sha256")).decode()
    sent = headers | own | {"authorization": f"SharedKey {ACCOUNT}:{signature}", "content-length": str(len(content))}
    with urlopen(Request(url, content, sent, method="PUT")) as answer:
        assert answer.status == 201


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
