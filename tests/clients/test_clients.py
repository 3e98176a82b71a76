"""The clients that front ends use, each as a new project has it, against a gateway as it runs for customers."""

import asyncio
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.http_audit.server import Served, served_portal

PROJECT = Path(__file__).resolve().parent
NODE = PROJECT.parents[1] / "scripts" / "node.py"
RELAY_COMPILER = "node_modules/relay-compiler/cli.js"
CODEGEN = "node_modules/@graphql-codegen/cli/esm/bin.js"
TYPESCRIPT = "node_modules/typescript/bin/tsc"

GRAPHQL_JSON, JSON = "application/graphql-response+json; charset=utf-8", "application/json; charset=utf-8"
FIRST_ORDER = "SW-204718-0084"
MEMBERS = ["viewer", "defaultOrganization", "members"]
REFUSED = "UNAUTHORIZED_FIELD_OR_TYPE"

pytestmark = pytest.mark.slow


def _install() -> None:
    installed = PROJECT / "node_modules" / ".package-lock.json"
    command = [sys.executable, str(NODE), "npm", "--prefix", str(PROJECT), "ci", "--ignore-scripts"]
    if not installed.exists() or installed.stat().st_mtime < (PROJECT / "package-lock.json").stat().st_mtime:
        subprocess.run([*command, "--no-audit", "--no-fund", "--silent"], check=True)
        installed.touch()


@pytest.fixture(scope="module", autouse=True)
def _clients() -> Any:
    """The clients' packages; whoever writes beside them does so alone."""
    with (PROJECT / "package.json").open() as only_one_process:
        fcntl.flock(only_one_process, fcntl.LOCK_EX)
        _install()
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served() -> AsyncIterator[Served]:
    """A running gateway, whose schema may be looked at as a whole."""
    async with served_portal({"FORECOURT_INTROSPECTION": "on"}) as portal:
        yield portal


async def ran(script: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Return what a script of Node printed; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(NODE), "node", script, *arguments),
        cwd=PROJECT,
        env={**os.environ, **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def facts(script: str, *arguments: str) -> Any:
    """Return what a client's script says it saw."""
    return json.loads((await ran(script, *arguments)).splitlines()[-1])


async def test_urql_asks_by_get_and_by_post_whatever_cookies_the_host_has(served: Served) -> None:
    seen = await facts("urql.mjs", served.url)

    for name, method in (("get", "GET"), ("getWithCookies", "GET"), ("postWithCookies", "POST")):
        found = seen[name]
        assert found["seen"] == [[method, 200, GRAPHQL_JSON]] * 3, name
        assert (found["name"], found["problem"]) == ("Jörg Weiß", None), name
        assert found["orders"]["totalCount"] == 81
        assert [order["number"] for order in found["orders"]["nodes"]] == [FIRST_ORDER]
        assert found["refused"] == [[MEMBERS, REFUSED]]
        assert (found["none"]["totalCount"], found["none"]["nodes"]) == (81, [])
        assert found["none"]["pageInfo"]["hasNextPage"] is True


async def test_urql_without_a_token_is_refused_where_a_cookie_may_stand_for_somebody(served: Served) -> None:
    found = (await facts("urql.mjs", served.url))["getWithCookiesAndNoToken"]

    assert found["seen"] == [["GET", 403, GRAPHQL_JSON]] * 3
    assert found["problem"] == "CSRF_ERROR"
    assert found["orders"] is None


@pytest.mark.parametrize(("version", "media_type"), [("3", JSON), ("4", GRAPHQL_JSON)])
async def test_apollo_client_pages_refetches_and_sees_what_was_refused(
    served: Served, version: str, media_type: str
) -> None:
    seen = await facts("apollo.mjs", served.url, version)

    for name, method in (("post", "POST 200"), ("get", "GET 200")):
        assert seen[name] == {
            "methods": [method],
            "types": [media_type],
            "orders": [FIRST_ORDER, "SW-204718-0083", "SW-204718-0082", "SW-204718-0081"],
            "total": 81,
            "refused": [[MEMBERS, REFUSED]],
            "name": "Helios Montage GmbH",
            "members": None,
            "node": "Helios Montage GmbH",
            "thrown": [REFUSED],
        }


async def test_relay_pages_by_node_and_finds_errors_at_their_fields(served: Served) -> None:
    (PROJECT / "relay" / "__generated__").mkdir(exist_ok=True)
    await ran(RELAY_COMPILER, "relay.config.json")

    seen = await facts("relay.mjs", served.url)

    assert (seen["name"], seen["organization"], seen["total"]) == ("Jörg Weiß", "Helios Montage GmbH", 81)
    assert seen["first"] == [FIRST_ORDER, "SW-204718-0083", "SW-204718-0082"]
    assert seen["both"] == [*seen["first"], "SW-204718-0081", "SW-204718-0080"]
    assert seen["hasNextPage"] is True
    assert "operationsOrdersPaginationQuery" in seen["sent"]

    first, *others = seen["administrators"]
    (refusal,) = first["errors"]
    assert first["ok"] is False
    assert refusal["extensions"]["code"] == REFUSED
    assert refusal["extensions"]["pathPattern"] == ["organization", "administrators", "@", "roleGrants"]
    assert refusal["extensions"]["pathCount"] == 1 + len(others)
    assert len(others) > 1
    assert seen["members"]["ok"] is False
    assert seen["members"]["errors"][0]["extensions"]["code"] == REFUSED
    assert seen["thrown"].startswith("Relay: Unexpected response payload")
    assert [kind for kind, *_ in seen["errors"]] == ["relay_field_payload.error"]


async def test_code_generated_from_the_file_of_the_schema_is_what_strict_typescript_takes() -> None:
    await ran(CODEGEN, "--config", "codegen.cjs")

    await ran(TYPESCRIPT, "-p", "tsconfig.json")


async def test_code_generated_from_the_endpoint_is_the_same(served: Served) -> None:
    await ran(CODEGEN, "--config", "codegen.cjs")
    from_file = (PROJECT / "codegen" / "generated" / "graphql.ts").read_text(encoding="utf-8")

    await ran(CODEGEN, "--config", "codegen.cjs", environment={"SCHEMA_URL": served.url})

    assert (PROJECT / "codegen" / "generated" / "graphql.ts").read_text(encoding="utf-8") == from_file
    await ran(TYPESCRIPT, "-p", "tsconfig.json")
