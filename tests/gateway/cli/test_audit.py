"""``forecourt audit``: an operator reads the end of the log, all of it or a part, and no more than asked for."""

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from connectors.directory.records.audit import AuditEntry
from gateway.cli.main import cli
from tests.portal import Portal, open_portal

HELIOS = "204718"
PURCHASE = "purchase@helios.example"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
async def recorded() -> Any:
    """A gateway in whose log there are five entries, an hour apart."""
    async with open_portal() as portal:
        helios = await portal.organization_of(PURCHASE)
        directory = portal.wiring.backends.directory
        buyer = await directory.user_id_of_login_name(PURCHASE)
        evil = 'x"\n2026-01-01T00:00:00Z  grant.give  by nobody\u202e\U000e0041'
        entries = [
            AuditEntry("profile.update", buyer, str(buyer), None, "r0", "203.0.113.7", {"first_name": "A"}, {}),
            AuditEntry("grant.give", None, "mbr_x", helios, "r1", after={"role": "purchase", "until": None}),  # type: ignore[arg-type]
            AuditEntry("updateOrganization", buyer, helios, helios, "r2", refused_with="FORBIDDEN"),  # type: ignore[arg-type]
            AuditEntry("address.add", buyer, "adr_x", helios, "r3", reason=evil, after={"address": evil}),  # type: ignore[arg-type]
            AuditEntry("profile.update", buyer, "usr_y", None, "r4"),
        ]
        async with directory.change() as change:
            for number, entry in enumerate(entries):
                await change.record(entry, NOON + timedelta(hours=number))
        yield portal


@pytest.fixture(autouse=True)
def _nothing_of_ours_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("FORECOURT_")]:
        monkeypatch.delenv(name)


def runs(portal: Portal, *arguments: str) -> Result:
    """Run the command on the portal's database, in a thread of its own, for it begins an event loop."""
    answer: list[Result] = []
    url = portal.settings.database
    environment = {"FORECOURT_DATABASE_URL": url, "FORECOURT_DATA_FOLDER": str(portal.settings.data_folder)}

    def run() -> None:
        answer.append(CliRunner().invoke(cli, ["audit", *arguments], env=environment))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return answer[0]


def requests_of(result: Result) -> list[str]:
    """The requests of the entries that were printed as JSON."""
    assert result.exit_code == 0, result.output
    return [json.loads(line)["requestId"] for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "requests"),
    [
        (["--since", "2026-11-21T12:00:00"], ["r4", "r3", "r2", "r1", "r0"]),
        (["--since", "2026-11-21T13:00:00", "--until", "2026-11-21T15:00:00"], ["r2", "r1"]),
        (["--organization", HELIOS], ["r3", "r2", "r1"]),
        (["--organization", HELIOS, "--actor", PURCHASE], ["r3", "r2"]),
        (["--organization", HELIOS, "--action", "grant.give", "--action", "address.add"], ["r3", "r1"]),
        (["--actor", PURCHASE.upper(), "--action", "profile.update"], ["r4", "r0"]),
        (["--actor", "usr_gone"], []),
    ],
    ids=" ".join,
)
async def test_conditions_count_together(recorded: Portal, arguments: list[str], requests: list[str]) -> None:
    assert requests_of(runs(recorded, "--json", *arguments)) == requests


async def test_an_entry_is_a_line_that_nobody_can_break(recorded: Portal) -> None:
    result = runs(recorded, "--organization", HELIOS)

    lines = result.stdout.splitlines()
    helios = await recorded.organization_of(PURCHASE)
    assert lines[1:] == [
        "2026-11-21T14:00:00Z  updateOrganization REFUSED FORBIDDEN  by purchase@helios.example  "
        f'to {helios}  in "Helios Montage GmbH"  from -  request r2',
        '2026-11-21T13:00:00Z  grant.give  by the portal  to mbr_x  in "Helios Montage GmbH"  '
        '(role: - -> "purchase", until: - -> -)  from -  request r1',
    ]
    assert len(lines) == 3
    assert '\\"\\n2026-01-01T00:00:00Z' in lines[0]
    assert "by nobody\\u202e\\udb40\\udc41" in lines[0]


async def test_json_has_everything(recorded: Portal) -> None:
    (line,) = runs(
        recorded, "--json", "--until", "2026-11-21T12:30:00", "--since", "2026-11-21T12:00:00"
    ).stdout.splitlines()

    entry = json.loads(line)
    buyer = await recorded.wiring.backends.directory.user_id_of_login_name(PURCHASE)
    assert entry | {"id": ""} == {
        "id": "", "at": "2026-11-21T12:00:00Z", "action": "profile.update",
        "actor": {"id": buyer, "email": PURCHASE}, "subject": buyer, "organization": None,
        "before": {"first_name": "A"}, "after": {}, "reason": None, "refusedWith": None, "ipAddress": "203.0.113.7",
        "requestId": "r0",
    }  # fmt: skip


async def test_no_more_is_printed_than_asked_for_and_what_is_left_out_is_said(recorded: Portal) -> None:
    some = runs(recorded, "--json", "--limit", "2")
    none = runs(recorded, "--action", "no.such")
    too_many = runs(recorded, "--limit", "1001")

    assert requests_of(some) == ["r4", "r3"]
    assert some.stderr == "There are older entries: raise --limit above 2, or ask for less by --until.\n"
    assert (none.exit_code, none.stdout, none.stderr) == (0, "", "Nothing like this is on record.\n")
    assert too_many.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--organization", "Helios"], 'There is no organization with the customer number or id "Helios".'),
        (["--organization", "org_x"], 'There is no organization with the customer number or id "org_x".'),
        (["--actor", "nobody@x.example"], 'There is nobody with the login name or e-mail address "nobody@x.example"'),
        (["--since", "2026-11-22", "--until", "2026-11-21"], "--since is not before --until"),
        (["--profile", "solar-terminl"], 'There is no profile "solar-terminl".'),
    ],
    ids=" ".join,
)
async def test_what_cannot_be_asked_is_reported_in_one_line(
    recorded: Portal, arguments: list[str], message: str
) -> None:
    result = runs(recorded, *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert message in result.stderr


async def test_a_database_that_is_not_there_is_reported(recorded: Portal, tmp_path: Path) -> None:
    answer: list[Result] = []

    def run() -> None:
        answer.append(CliRunner().invoke(cli, ["audit"], env={"FORECOURT_DATA_FOLDER": str(tmp_path)}))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert answer[0].exit_code == 2
    assert "The directory database is not up to date." in answer[0].stderr
