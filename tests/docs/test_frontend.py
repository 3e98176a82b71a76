"""The page for frontend teams is a project: its files compile strictly, and its clients do what the page says."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.token import introspection_token
from gateway.settings_sources import read_settings
from gateway.wiring import utc_now
from tests.docs.blocks import WITH_A_PROJECT
from tests.docs.markdown import ROOT, Page, page_at
from tests.docs.shell import commands_of
from tests.http_audit.server import Served, served_portal

CLIENTS = ROOT / "tests" / "clients"
BINARIES = {
    "graphql-codegen": "@graphql-codegen/cli/esm/bin.js",
    "tsc": "typescript/bin/tsc",
    "relay-compiler": "relay-compiler/cli.js",
}
RUN = """
import { environment } from "./relay/environment.mjs";
import relay from "relay-runtime";
import { createRequire } from "node:module";
import { main } from "./out/main.js";

const require = createRequire(import.meta.url);
const artifact = (name) => require(`./relay/artifacts/${name}.graphql.js`);
const { createOperationDescriptor, fetchQuery, getSingularSelector } = relay;
const endpoint = process.argv[2];

const facts = await main(endpoint, environment);
const store = facts.relay;
const asked = (name, variables) => fetchQuery(store, artifact(name), variables).toPromise();
const page = await asked("ordersPageQuery", {});
const pages = () => {
  const root = store.lookup(createOperationDescriptor(artifact("ordersPageQuery"), {}).fragment).data;
  const fragment = getSingularSelector(artifact("orders_organization"), root.viewer.defaultOrganization);
  return store.lookup(fragment).data.orders;
};
const { pageInfo } = pages();
const { id, members } = page.viewer.defaultOrganization;
await asked("ordersPaginationQuery", { id, first: 2, after: pageInfo.endCursor });
facts.relay = pages().edges.map((edge) => edge.node.number);
facts.relayRefused = [members.ok, members.errors[0].extensions.code];
console.log(JSON.stringify(facts));
"""
ORDERS = ["SW-204718-0084", "SW-204718-0083", "SW-204718-0082", "SW-204718-0081"]
REFUSED = {
    "path": "viewer.defaultOrganization.members",
    "reason": "MISSING_PERMISSION",
    "missing": ["MEMBER_VIEW", "MEMBER_MANAGE"],
    "requestable": True,
}

pytestmark = pytest.mark.slow


def install() -> None:
    """Install the clients, unless the tests of clients have done so."""
    if not (CLIENTS / "node_modules" / ".package-lock.json").exists():
        command = [sys.executable, str(ROOT / "scripts" / "node.py"), "npm", "--prefix", str(CLIENTS), "ci"]
        subprocess.run([*command, "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], check=True)


def node(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Return what a program of Node printed in the folder; it must succeed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "node.py"), "node", *arguments],
        cwd=folder, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def npx(folder: Path, *words: str, environment: Mapping[str, str] | None = None) -> None:
    """Run a program of the clients' packages."""
    node(folder, f"node_modules/{BINARIES[words[0]]}", *words[1:], environment=environment)


@pytest.fixture(scope="module")
def page() -> Page:
    (name,) = WITH_A_PROJECT
    return page_at(ROOT / name)


@pytest.fixture(scope="module")
def project(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that the page makes, its commands run in their order."""
    install()
    folder = tmp_path_factory.mktemp("frontend")
    (folder / "node_modules").symlink_to(CLIENTS / "node_modules")
    (folder / "package.json").write_text('{ "type": "module" }', encoding="utf-8")
    shutil.copy(ROOT / "schema" / "schema.graphql", folder)
    for block in page.blocks:
        if path := block.notes.get("writes"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(block.text, encoding="utf-8")
    # Bundlers find what artifacts import; Node, which has none here, is given artifacts that require it.
    relay = folder / "relay.config.json"
    relay.write_text(json.dumps(json.loads(relay.read_text(encoding="utf-8")) | {"eagerEsModules": False}))
    (folder / "relay" / "artifacts").mkdir()
    (folder / "relay" / "artifacts" / "package.json").write_text('{ "type": "commonjs" }', encoding="utf-8")
    for block in page.blocks:
        for command in commands_of(block.text) if block.kind == "sh" else ():
            if command.words and command.words[0] == "npx":
                npx(folder, *command.words[1:])
    return folder


async def test_every_client_of_the_page_does_what_the_page_says(project: Path) -> None:
    (project / "run.mjs").write_text(RUN, encoding="utf-8")

    async with served_portal() as portal:
        printed = await asyncio.to_thread(node, project, "run.mjs", portal.url)

    facts: Any = json.loads(printed.splitlines()[-1])
    assert "password" in facts.pop("wrong")
    assert facts == {
        "apollo": ORDERS,
        "apolloRefused": [REFUSED],
        "urql": "Helios Montage GmbH",
        "urqlRefused": [REFUSED],
        "conflict": ["STALE_VERSION", 1],
        "relay": ORDERS,
        "relayRefused": [False, "UNAUTHORIZED_FIELD_OR_TYPE"],
    }


SESSION = """
import { Session } from "./out/session.js";

const endpoint = process.argv[2];
const renewals = [];
const real = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  if (String(init?.body).includes("refreshSession(")) renewals.push(1);
  return real(input, init);
};
const session = new Session(endpoint);
await session.signIn("purchase@helios.example", "forecourt-demo");
session.tokens.accessToken = session.tokens.accessToken.slice(0, -8) + "AAAAAAAA";
const ask = async () => {
  const body = JSON.stringify({ query: "{ viewer { user { displayName } } }" });
  const headers = { "content-type": "application/json", accept: "application/graphql-response+json" };
  return (await session.fetch(endpoint, { method: "POST", headers, body })).json();
};
const answers = await Promise.all([ask(), ask(), ask()]);
const names = answers.map((answer) => answer.data?.viewer?.user?.displayName ?? answer.errors[0].message);
session.tokens = { ...session.tokens, accessToken: "x", refreshToken: "gone" };
const after = await ask();
const [{ extensions }] = after.errors;
const { isSignedIn } = session;
console.log(JSON.stringify({ names, renewals: renewals.length, isSignedIn, code: extensions.code }));
"""


async def test_three_requests_with_an_old_token_share_one_renewal_and_a_session_that_ended_is_given_up(
    project: Path,
) -> None:
    (project / "session.mjs").write_text(SESSION, encoding="utf-8")

    async with served_portal() as portal:
        printed = await asyncio.to_thread(node, project, "session.mjs", portal.url)

    assert json.loads(printed.splitlines()[-1]) == {
        "names": ["Jörg Weiß"] * 3,
        "renewals": 2,
        "isSignedIn": False,
        "code": "UNAUTHENTICATED",
    }


async def test_code_made_from_the_endpoint_with_a_token_for_it_is_that_made_from_the_file(project: Path) -> None:
    made = project / "src" / "gql" / "graphql.ts"
    from_file = made.read_text(encoding="utf-8")

    async with served_portal() as portal:
        token = await _token_for(portal)
        environment = {"SCHEMA_URL": portal.url, "SCHEMA_TOKEN": token}
        await asyncio.to_thread(npx, project, "graphql-codegen", "--config", "codegen.cjs", environment=environment)

    assert made.read_text(encoding="utf-8") == from_file


async def _token_for(portal: Served) -> str:
    settings = read_settings({"FORECOURT_DATA_FOLDER": portal.data_folder})
    token, _ = await introspection_token(settings, timedelta(minutes=5), clock=utc_now)
    return token
