"""The audit suite of GraphQL over HTTP (npm: graphql-http), all of it, against a running gateway."""

import asyncio
import fcntl
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.http_audit.server import served_portal

PROJECT = Path(__file__).resolve().parent
NODE = PROJECT.parents[1] / "scripts" / "node.py"
AUDITS = (PROJECT / "audits.txt").read_text(encoding="utf-8").splitlines()
"""What the suite looks at, in its order: an audit that is lost shows as well as one that fails."""


def _install() -> None:
    with (PROJECT / "package.json").open() as only_one_process:
        fcntl.flock(only_one_process, fcntl.LOCK_EX)
        if not (PROJECT / "node_modules" / "graphql-http").exists():
            command = [sys.executable, str(NODE), "npm", "--prefix", str(PROJECT), "ci", "--ignore-scripts"]
            subprocess.run([*command, "--no-audit", "--no-fund", "--silent"], check=True)


async def _audited(url: str) -> list[dict[str, str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(NODE), "node", str(PROJECT / "audit.mjs"), url, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.slow
async def test_every_audit_of_graphql_over_http_is_passed() -> None:
    await asyncio.to_thread(_install)

    async with served_portal() as portal:
        results = await _audited(portal.url)

    assert [f"{result['id']} {result['name']}" for result in results] == AUDITS
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == 61
