"""``forecourt backends check``: why a call to a back end fails, said without starting the gateway."""

import asyncio
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import Result
from sqlalchemy import make_url
from typer.testing import CliRunner

from gateway.cli.main import cli
from permissions.vocabulary import forgetting_permissions
from schema.graph.backends import forgetting_backends
from tests.extensions.profiles import profile_with
from tests.extensions.upstream import upstream
from tests.faults.gateways import certificates
from tests.portal import Portal, open_portal
from tests.servers import fresh_database

TICKETS = Path(__file__).parents[2] / "extensions" / "tickets"


@pytest.fixture
async def portal() -> AsyncIterator[Portal]:
    async with open_portal() as opened:
        yield opened


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    with forgetting_permissions(), forgetting_backends():
        yield


async def checks(portal: Portal, *arguments: str, **more: str) -> Result:
    """Run the command beside the servers of the test, in a thread of its own."""
    without = {name: None for name in os.environ if name.startswith("FORECOURT_")}
    environment = {
        **without,
        "FORECOURT_DATABASE_URL": portal.settings.database,
        "FORECOURT_DATA_FOLDER": str(portal.settings.data_folder),
        **{f"FORECOURT_{name}": value for name, value in more.items()},
    }
    return await asyncio.to_thread(CliRunner().invoke, cli, ["backends", "check", *arguments], env=environment)


@asynccontextmanager
async def speaking(said: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that says this to everybody, whatever they say; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await reader.read(10_000)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_what_answers_is_ok_and_what_is_not_wired_is_not_named(portal: Portal) -> None:
    done = await checks(portal)

    assert (done.exit_code, done.stdout.splitlines()) == (0, ["database: ok", "files: ok"])


async def test_a_database_without_tables_says_what_to_run_and_none_is_made(portal: Portal, tmp_path: Path) -> None:
    missing = tmp_path / "none.db"
    async with fresh_database("sqlite") as url:
        await asyncio.to_thread(Path(str(make_url(url).database)).touch)
        empty = await checks(portal, "database", DATABASE_URL=url)
    absent = await checks(portal, "database", DATABASE_URL=f"sqlite+aiosqlite:///{missing}")

    assert empty.exit_code == absent.exit_code == 1
    assert "database: answer fails: The directory database is not up to date. Run `forecourt migrate`" in empty.stdout
    assert absent.stdout.startswith(f"database: answer fails: there is no file {missing}. Run `forecourt migrate`")
    assert not missing.exists()


async def test_a_database_that_the_server_does_not_have_is_named(portal: Portal) -> None:
    async with fresh_database("postgresql") as url:
        other = make_url(url).set(database="nothing_here").render_as_string(hide_password=False)
        done = await checks(portal, "database", DATABASE_URL=other)

    assert done.stdout == (
        "database: answer fails: the server has no database nothing_here. Create it, or name another in "
        "FORECOURT_DATABASE_URL.\n"
    )


SHOP = {"SHOP": "vendure", "SHOP_API_KEY": "very-secret"}


async def test_each_step_at_which_a_call_to_a_server_fails_is_said_and_no_secret_is(
    portal: Portal, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        closed = listening.getsockname()[1]
    tls, _trust = certificates(tmp_path, "127.0.0.1")
    async with (
        speaking(b"-NOAUTH Authentication required.\r\n") as redis,
        speaking(b"", tls) as encrypted,
        speaking(b"535 5.7.8 no\r\n") as smtp,
    ):
        lines = [
            (await checks(portal, name, **settings)).stdout
            for name, settings in (
                ("shop", {**SHOP, "SHOP_URL": "https://shop.invalid/admin-api"}),
                ("shop", {**SHOP, "SHOP_URL": f"http://127.0.0.1:{closed}/admin-api"}),
                ("shop", {**SHOP, "SHOP_URL": f"https://127.0.0.1:{encrypted}/admin-api"}),
                ("redis", {"REDIS_URL": f"redis://:very-secret@127.0.0.1:{redis}"}),
                ("redis", {"REDIS_URL": f"redis://:very-secret@127.0.0.1:{closed}"}),
                ("smtp", {"SMTP_URL": f"smtp+plain://127.0.0.1:{smtp}", "MAIL_FROM": "portal@company.example"}),
                ("smtp", {"SMTP_URL": f"smtps://me:very-secret@127.0.0.1:{encrypted}", "MAIL_FROM": "p@c.example"}),
            )
        ]

    assert [line.partition(" fails")[0] for line in lines] == [
        "shop: DNS", "shop: connection", "shop: TLS", "redis: sign-in", "redis: connection", "smtp: answer",
        "smtp: TLS",
    ]  # fmt: skip
    assert "shop.invalid: the name is not known. Check the host in FORECOURT_SHOP_URL" in lines[0]
    assert f"127.0.0.1, port {closed}: connection refused. Check host and port in" in lines[1]
    assert "Check FORECOURT_REDIS_URL, and what that account may do there." in lines[3]
    assert "very-secret" not in "".join(lines)
    assert all(line.count("\n") == 1 for line in lines)


def vendure(code: str | None) -> Any:
    def answer(_request: web.Request, _body: Any) -> Any:
        if code is not None:
            return {"errors": [{"message": "You are not authorized", "extensions": {"code": code}}], "data": None}
        return {
            "data": {
                "orders": {"items": []}, "globalSettings": {"serverConfig": {"moneyStrategyPrecision": 2}},
            }
        }  # fmt: skip

    return answer


@pytest.mark.parametrize(
    ("code", "step"), [(None, "ok"), ("FORBIDDEN", "sign-in fails"), ("INTERNAL_SERVER_ERROR", "answer fails")]
)
async def test_a_shop_is_asked_for_orders_with_its_key(portal: Portal, code: str | None, step: str) -> None:
    async with upstream(api=vendure(code)) as shop:
        done = await checks(portal, "shop", **SHOP, SHOP_URL=f"{shop.url}/api")

    assert done.stdout.startswith(f"shop: {step}")
    assert shop.headers[0]["vendure-api-key"] == "very-secret"


@pytest.mark.parametrize(("status", "step"), [(404, None), (401, "sign-in"), (503, "answer")])
async def test_the_back_end_of_an_extension_is_asked_as_json_says(
    portal: Portal, tmp_path: Path, status: int, step: str | None
) -> None:
    files = {name: TICKETS / name for name in ("tickets.py", "tickets.texts.toml")}
    profile = str(profile_with(tmp_path, "tickets", files=files))
    async with upstream() as desk:
        desk.answers["/"] = lambda _request, _body: web.Response(status=status)
        done = await checks(
            portal, "tickets", "--json", "--profile", profile, TICKETS_URL=desk.url, TICKETS_SECRET="very-secret"
        )

    (found,) = json.loads(done.stdout)
    assert (found["name"], found["ok"], found.get("step"), done.exit_code) == (
        "tickets", step is None, step, int(step is not None),
    )  # fmt: skip
    assert "very-secret" not in done.stdout


async def test_it_works_where_the_gateway_would_not_start(portal: Portal, tmp_path: Path) -> None:
    files = {name: TICKETS / name for name in ("tickets.py", "tickets.texts.toml")}
    profile = str(profile_with(tmp_path, "tickets", files=files))

    done = await checks(portal, "--profile", profile, SHOP="vendure", REDIS_URL="http://no", PORT="many")

    assert done.exit_code == 1
    assert {line.partition(" fails")[0] for line in done.stdout.splitlines()} == {
        "settings: settings", "redis: settings", "shop: settings", "tickets: settings", "database: ok", "files: ok",
    }  # fmt: skip
    assert "FORECOURT_TICKETS_URL is not set" in done.stdout
    assert "FORECOURT_SHOP=vendure needs FORECOURT_SHOP_URL" in done.stdout


async def test_a_folder_of_files_that_is_gone_and_a_name_that_is_none_are_said(portal: Portal, tmp_path: Path) -> None:
    gone = await checks(portal, "files", FILES_URL=f"file://{tmp_path}/none")
    unknown = await checks(portal, "databse")

    assert gone.stdout == (
        f"files: answer fails: {tmp_path}/none cannot be read. Make the folder, and let the gateway's user read it.\n"
    )
    assert unknown.exit_code == 2
    assert 'There is no back end "databse" here; did you mean "database"?' in unknown.stderr


@pytest.mark.parametrize(
    ("status", "code", "step"),
    [
        (404, "NoSuchKey", None),
        (403, "AccessDenied", None),  # what S3 says of a file that is not there where we may not list
        (403, "SignatureDoesNotMatch", "sign-in"),
        (404, "NoSuchBucket", "answer"),
        (503, "SlowDown", "answer"),
    ],
)
async def test_a_store_of_files_is_asked_by_a_signed_link(
    portal: Portal, status: int, code: str, step: str | None
) -> None:
    def answer(_request: web.Request, _body: Any) -> web.Response:
        return web.Response(status=status, text=f"<Error><Code>{code}</Code></Error>", content_type="application/xml")

    async with upstream() as store:
        store.answers = _Anywhere(answer)
        done = await checks(
            portal, "files", FILES_URL="s3://documents", FILES_ACCOUNT="AKIA", FILES_SECRET="very-secret",
            FILES_REGION="eu-central-1", FILES_ENDPOINT=store.url,
        )  # fmt: skip

    assert "X-Amz-Signature" in store.asked[0]
    assert done.stdout.startswith(f"files: {step} fails: it answers {status} {code}" if step else "files: ok")


class _Anywhere(dict[str, Any]):
    """The same answer under each path."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self._answer = answer

    def get(self, _path: str, _default: Any = None) -> Any:
        return self._answer
