"""The command line: what it does, and that every problem an operator can fix is one line with exit code 2."""

import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jwt
import pytest
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from gateway.cli.main import _listen, cli
from gateway.cli.token import token_for
from gateway.demo import DEMO_PASSWORD
from gateway.profile_files import load_profile
from gateway.settings_sources import read_settings
from schema.graph.build import build_schema, printed
from tests.portal import Person, Portal

PURCHASE = "purchase@helios.example"


@pytest.fixture(autouse=True)
def _logs_stay_as_they_are() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder of a test."""
    return tmp_path / "data"


def runs(*arguments: str, folder: Path, **environment: str) -> Result:
    """Run the command line in this process, with nothing in the environment but what is given."""
    without = {name: None for name in os.environ if name.startswith("FORECOURT_")}
    given = {f"FORECOURT_{name.upper()}": value for name, value in environment.items()}
    answer: list[Result] = []

    def run() -> None:
        # In a thread of its own, for commands begin an event loop, and the tests' own is there already.
        answer.append(
            CliRunner().invoke(cli, arguments, env={**without, "FORECOURT_DATA_FOLDER": str(folder), **given})
        )

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return answer[0]


def assert_one_line(result: Result, *words: str) -> None:
    """Fail unless the command ended with 2 and said these words in one line, nothing else, and no traceback."""
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert result.stderr.startswith("forecourt: ")
    for word in words:
        assert word in result.stderr


def rows_of(folder: Path, table: str) -> int:
    """How many rows a table of the solar terminal's database has."""
    with sqlite3.connect(folder / "solar_terminal" / "forecourt.db") as connection:
        (number,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    connection.close()
    return int(number)


def test_the_demo_is_loaded_once_and_shown_with_its_accounts(folder: Path) -> None:
    first = runs("demo", "--organizations", "3", folder=folder)
    organizations, orders = rows_of(folder, "organizations"), rows_of(folder, "shop_orders")
    second = runs("demo", "--organizations", "3", folder=folder)
    fewer = runs("demo", folder=folder)
    more = runs("demo", "--organizations", "4", folder=folder)

    assert first.exit_code == 0
    assert first.stdout.startswith(
        f"Loaded {organizations} organizations, {rows_of(folder, 'users')} people and {orders} orders."
    )
    assert f"Sign in as one of these, password {DEMO_PASSWORD}:" in first.stdout
    assert f"  {PURCHASE} " in first.stdout
    assert second.exit_code == fewer.exit_code == 0
    assert second.stdout.startswith("The demo is there already; nothing was changed.")
    assert_one_line(more, "with fewer than 4 invented organizations. Nothing was changed.")
    assert (rows_of(folder, "organizations"), rows_of(folder, "shop_orders")) == (organizations, orders)


def test_invented_organizations_come_on_top_of_those_that_are_written(folder: Path, tmp_path: Path) -> None:
    runs("demo", folder=folder)
    runs("demo", "--organizations", "5", folder=tmp_path / "other")

    assert rows_of(tmp_path / "other", "organizations") == rows_of(folder, "organizations") + 5


def test_a_database_of_somebody_else_is_left_alone(folder: Path) -> None:
    runs("demo", "--profile", "software_house", folder=folder)
    database = folder / "software_house" / "forecourt.db"

    answer = runs("demo", folder=folder, database_url=f"sqlite+aiosqlite:///{database}")

    assert_one_line(answer, "The database is not empty, and what it holds is not this demo. Nothing was changed.")


def test_migrating_reports_what_was_done_and_then_that_nothing_is_left(folder: Path) -> None:
    first = runs("migrate", folder=folder)
    second = runs("migrate", folder=folder)

    assert first.exit_code == second.exit_code == 0
    assert first.stdout.splitlines()[0] == "Migrated directory 0001."
    assert {line.split()[1] for line in first.stdout.splitlines()} == {"directory", "identity", "mail", "shop"}
    assert second.stdout == "The database is up to date.\n"


def test_a_token_is_made_for_whoever_has_the_login_name(folder: Path) -> None:
    runs("demo", "--profile", "software_house", folder=folder)

    answer = runs("token", " domus_12345 ", "--profile", "software_house", folder=folder)
    nobody = runs("token", "nobody@helios.example", "--profile", "software_house", folder=folder)

    claims = jwt.decode(answer.stdout.strip(), options={"verify_signature": False})
    assert answer.exit_code == 0
    assert claims["sub"].startswith("usr_")
    assert_one_line(nobody, 'Nobody has the login name "nobody@helios.example".', "`forecourt demo` lists")


def test_the_schema_is_printed(folder: Path) -> None:
    assert runs("schema", "print", folder=folder).stdout == printed(build_schema())


def test_a_database_that_is_not_migrated_is_reported_with_what_to_run(folder: Path) -> None:
    answer = runs("token", PURCHASE, folder=folder)

    assert_one_line(
        answer, "database is not up to date. Run `forecourt migrate`, with the same `--profile` and settings"
    )


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("migrate",), ("demo",), ("token", PURCHASE)])
def test_a_database_of_a_newer_version_is_left_alone(folder: Path, command: tuple[str, ...]) -> None:
    runs("migrate", folder=folder)
    database = folder / "solar_terminal" / "forecourt.db"
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE directory_migrations SET version_num = '9999'")
    connection.close()

    answer = runs(*command, folder=folder)

    assert_one_line(answer, "is at revision 9999, which this Forecourt does not know", "Start that version")


def test_a_port_in_use_is_reported_with_the_way_out(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        answer = runs("serve", "--port", str(port), folder=folder)

    assert_one_line(answer, f"Port {port} is in use by another program. Choose another with --port")


@pytest.mark.parametrize("command", [("serve",), ("demo",), ("migrate",), ("token", PURCHASE)])
def test_an_unknown_setting_is_reported_by_every_command(folder: Path, command: tuple[str, ...]) -> None:
    answer = runs(*command, folder=folder, prot="1")

    assert_one_line(answer, "There is no setting FORECOURT_PROT. Did you mean FORECOURT_PORT?")


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("demo",), ("token", PURCHASE)])
def test_an_unknown_profile_is_reported_with_the_nearest(folder: Path, command: tuple[str, ...]) -> None:
    answer = runs(*command, "--profile", "solar-terminal", folder=folder)

    assert_one_line(answer, 'There is no profile "solar-terminal". Did you mean "solar_terminal"?')


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("policy.toml", "[roles", "is not valid TOML"),
        ("policy.toml", '[roles.x]\nlabel = { en = "X" }\n', "[roles.x] needs description"),
        ("applications.toml", "[[[", "applications.toml"),
        ("profile.toml", "", "profile.toml"),
        ("policy.toml", None, "is missing; it holds who may do what"),
    ],
)
def test_a_profile_that_cannot_be_used_is_reported_with_its_file(
    folder: Path, tmp_path: Path, file: str, text: str | None, words: str
) -> None:
    own = Path(shutil.copytree(load_profile("solar_terminal").folder, tmp_path / "own"))
    (own / file).unlink() if text is None else (own / file).write_text(text, encoding="utf-8")
    runs("migrate", "--profile", str(own), folder=folder)

    answer = runs("serve", "--port", "0", "--profile", str(own), folder=folder)

    assert (answer.exit_code, answer.stdout) == (2, "")
    assert str(own / file) in answer.stderr.splitlines()[0]
    assert words in answer.stderr.splitlines()[0]


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("token", PURCHASE)])
def test_an_invalid_key_is_reported_with_how_to_make_one(
    folder: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    key = tmp_path / "key.pem"
    key.write_text("not a key", encoding="utf-8")
    runs("migrate", folder=folder)

    answer = runs(*command, folder=folder, signing_key_file=str(key))

    assert_one_line(answer, "holds no Ed25519 private key in PEM", "openssl genpkey -algorithm ed25519")


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("migrate",), ("demo",), ("token", PURCHASE)])
def test_a_database_that_does_not_answer_is_reported_without_its_password(
    folder: Path, command: tuple[str, ...]
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and does not listen
        url = f"postgresql+asyncpg://portal:hunter2@127.0.0.1:{closed.getsockname()[1]}/portal"
        answer = runs(*command, folder=folder, database_url=url)

    assert_one_line(answer, "does not answer", "Is it running, and is the URL right?")
    assert "hunter2" not in answer.stderr


def test_a_data_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")

    assert_one_line(runs("migrate", folder=file), "Not a directory")


def test_production_has_no_demo_and_gives_no_tokens(folder: Path, tmp_path: Path) -> None:
    production = {"environment": "production", "public_url": "https://x.example", "signing_key_file": str(tmp_path)}
    production["smtp_url"] = "smtps://portal:hunter2@mail.example"

    assert_one_line(runs("demo", folder=folder, **production), "not loaded in production")
    assert_one_line(runs("token", PURCHASE, folder=folder, **production), "nobody gets a token but by signing in")
    assert "does not run in production" in runs("serve", "--demo", folder=folder, **production).stderr.splitlines()[0]


def test_production_names_all_that_is_missing_at_once(folder: Path) -> None:
    answer = runs("serve", folder=folder, environment="production", prot="1", max_depth="deep", demo="true")

    assert answer.exit_code == 2
    assert [line.split(",")[0].split(";")[0] for line in answer.stderr.splitlines()] == [
        "forecourt: There is no setting FORECOURT_PROT. Did you mean FORECOURT_PORT?",
        "FORECOURT_MAX_DEPTH: Input should be a valid integer",
        "The demo's accounts have a public password",
        "Production needs FORECOURT_SIGNING_KEY_FILE",
        "Production needs FORECOURT_PUBLIC_URL",
        "Production needs FORECOURT_SMTP_URL",
        str(load_profile("solar_terminal").folder / "profile.toml"),
    ]


@pytest.mark.parametrize("command", ["serve", "worker"])
@pytest.mark.parametrize("profile", ["solar_terminal", "software_house"])
def test_in_production_no_customer_is_sent_to_a_vendor_who_does_not_exist(
    folder: Path, tmp_path: Path, command: str, profile: str
) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    production = {"environment": "production", "public_url": "https://x.example", "signing_key_file": str(key)}

    answer = runs(command, folder=folder, profile=profile, mail_stays_here="true", **production)

    assert_one_line(answer, '[contact] de, en, fr: "vendor.example" is a domain', "name it by FORECOURT_PROFILE")


def test_the_version_is_printed(folder: Path) -> None:
    assert runs("--version", folder=folder).stdout == f"forecourt {version('forecourt')}\n"


def test_serving_says_where_and_answers_there(folder: Path) -> None:
    """The one command, as a process of its own: the demo is loaded, the address printed, a query answered."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FORECOURT_")}
    environment |= {"FORECOURT_DATA_FOLDER": str(folder), "FORECOURT_PUBLIC_URL": "https://portal.example"}
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", "--demo", "--port", "0"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        reported: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            reported.append(line.rstrip())
            if "displayName" in line:  # the query to try, which comes last
                break
        address = next(line.split()[-1] for line in reported if line.startswith("  GraphQL "))
        answer = _asks(address, {"query": "{ applicationCatalogue { key } }"})
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=120)

    assert process.returncode in (0, -signal.SIGTERM)
    assert answer["data"]["applicationCatalogue"][0] == {"key": "webshop"}
    assert address.startswith("http://127.0.0.1:")
    assert reported[1:3] == [
        f"Forecourt serves Solar Terminal at {address.removesuffix('/graphql')}",
        "  People    https://portal.example, by a proxy of yours",
    ]
    assert f"  Mailbox   {address.removesuffix('/graphql')}/mailbox" in reported
    assert sum(f"  {PURCHASE} " in line for line in reported) == 1
    assert "Traceback" not in errors


async def test_no_answer_is_held_back_for_more_to_send() -> None:
    """Nagle's algorithm would, for 40 ms; the loop leaves it on for sockets that do not say that they are TCP's."""
    accepted: asyncio.Queue[bool] = asyncio.Queue()

    class Connection(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            option = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            accepted.put_nowait(bool(option))
            transport.close()

    listening = _listen(read_settings({}, port=0))
    async with await asyncio.get_running_loop().create_server(Connection, sock=listening):
        _, writer = await asyncio.open_connection(*listening.getsockname())
        writer.close()

        assert await asyncio.wait_for(accepted.get(), 30)


def _asks(address: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        address, json.dumps(body).encode(), {"content-type": "application/json", "accept": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


async def test_a_token_of_the_command_line_is_good_for_the_gateway(portal: Portal) -> None:
    """The same settings, the same issuer and the same key."""
    token = await token_for(portal.settings, PURCHASE, clock=portal.clock)
    answer = await Person(portal.client, token).asks("{ viewer { user { displayName } } }")

    assert answer.at("viewer.user.displayName") == "Jörg Weiß"


def test_a_reader_of_the_output_who_has_seen_enough_causes_no_message() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "policy", "matrix"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None

    process.stdout.close()  # as `head` does

    with process.stderr as errors:
        assert errors.read() == ""
    assert process.wait(60) == 1
