"""``forecourt extension`` on the command line, and what other commands say of extensions."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from gateway.cli.main import cli
from permissions.vocabulary import forgetting_permissions
from resolvers.audit.wording import forgetting_actions
from schema.graph.backends import forgetting_backends
from tests.extensions.profiles import profile_with

TICKETS = Path(__file__).parents[2] / "extensions" / "tickets"
FILES = {name: TICKETS / name for name in ("tickets.py", "tickets.texts.toml")}


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    with forgetting_permissions(), forgetting_backends(), forgetting_actions():
        yield


def runs(*words: str, profile: Path, **environment: str) -> Result:
    return CliRunner().invoke(cli, [*words, "--profile", str(profile)], env=environment, color=False)


def test_list_says_what_each_adds_and_which_settings_it_needs(tmp_path: Path) -> None:
    profile = profile_with(tmp_path, "tickets", files=FILES | {"parcels.py": ""})

    done = runs("extension", "list", profile=profile, FORECOURT_TICKETS_URL="http://127.0.0.1:1")

    assert done.output.splitlines() == [
        "tickets: TICKETS_VIEW, TICKETS_AGENT, TICKETS_OPEN, back end TICKETS, Organization.tickets, "
        "Viewer.openTickets, Query.supportHours, Mutation.openTicket",
        "  FORECOURT_TICKETS_URL (set): Where the back end of the extension tickets is.",
        "  FORECOURT_TICKETS_SECRET (not set): The secret by which the back end knows the gateway.",
        f"parcels: not loaded; name it by extensions in {profile / 'profile.toml'}",
    ]


def test_list_says_where_an_extension_would_be(tmp_path: Path) -> None:
    profile = profile_with(tmp_path)

    done = runs("extension", "list", profile=profile)

    assert done.output == f"There is none; put one into {profile / 'extensions'}, or install its package.\n"


def test_check_loads_one_that_the_profile_does_not_name_yet(tmp_path: Path) -> None:
    done = runs("extension", "check", "tickets", profile=profile_with(tmp_path, files=FILES))

    assert done.exit_code == 0
    assert done.output.splitlines()[0] == (
        "tickets is good: TICKETS_VIEW, TICKETS_AGENT, TICKETS_OPEN, back end TICKETS, Organization.tickets, "
        "Viewer.openTickets, Query.supportHours, Mutation.openTicket."
    )


def test_check_refuses_one_that_takes_a_name_of_ours(tmp_path: Path) -> None:
    text = FILES["tickets.py"].read_text(encoding="utf-8").replace("    tickets=field(", "    orders=field(")
    done = runs("extension", "check", "tickets", profile=profile_with(tmp_path, files=FILES | {"tickets.py": text}))

    assert done.exit_code == 2
    assert "Organization.orders is declared more than once" in done.output


def test_the_printed_schema_and_the_sheet_have_what_it_adds(tmp_path: Path) -> None:
    profile = profile_with(tmp_path, "tickets", files=FILES)

    printed = runs("schema", "print", profile=profile).output
    sheet = runs("policy", "sheet", "--format", "csv", profile=profile).output

    assert "supportHours: String @backend(name: TICKETS)" in " ".join(printed.split())
    assert "Organization.tickets,FIELD,TICKETS_VIEW,no,no,no,no,no,no" in sheet
    assert "Ticket.note,FIELD,TICKETS_AGENT,no," in sheet


def test_the_policy_check_names_grants_of_an_extension_that_is_gone(tmp_path: Path) -> None:
    profile = profile_with(tmp_path)
    folder = {"FORECOURT_DATA_FOLDER": str(tmp_path / "data")}
    assert runs("demo", profile=profile, **folder).exit_code == 0
    (file,) = (tmp_path / "data").rglob("forecourt.db")
    with create_engine(f"sqlite:///{file}").begin() as database:
        database.execute(
            text("UPDATE grants SET key = 'TICKETS_VIEW', kind = 'PERMISSION' WHERE id = (SELECT min(id) FROM grants)")
        )

    done = runs("policy", "check", profile=profile, **folder)

    assert (
        "Note: 1 grants give TICKETS_VIEW, which is no permission of members, and so they give nothing; load the "
        "extension that it came from, or take them back." in done.output
    )
    assert done.exit_code == 0


@pytest.mark.parametrize("name", ["plants", "charging_points"])
def test_a_new_extension_is_good_as_it_is_written(tmp_path: Path, name: str) -> None:
    profile = profile_with(tmp_path)

    written = runs("extension", "new", name, profile=profile)
    checked = runs("extension", "check", name, profile=profile)

    assert written.exit_code == 0
    assert checked.exit_code == 0, checked.output
    type_name = {"plants": "plants", "charging_points": "chargingPoints"}[name]
    assert checked.output.splitlines()[0] == (
        f"{name} is good: {name.upper()}_VIEW, back end {name.upper()}, Organization.{type_name}."
    )
    assert runs("extension", "new", name, profile=profile).exit_code == 2


def test_a_new_extension_speaks_of_its_own_name_in_every_language(tmp_path: Path) -> None:
    profile = profile_with(tmp_path)
    runs("extension", "new", "vessels", profile=profile)
    texts = tomllib.loads((profile / "extensions" / "vessels.toml").read_text())["permissions"]["VESSELS_VIEW"]
    assert all("vessels" in said for text in texts.values() for said in text.values())


def test_a_new_extension_is_not_written_into_a_shipped_profile() -> None:
    done = CliRunner().invoke(cli, ["extension", "new", "plants", "--profile", "solar_terminal"], color=False)

    assert done.exit_code == 2
    assert "A shipped profile stays as it is" in done.output


def test_check_reads_the_tests_of_a_file_and_notes_calls_for_each(tmp_path: Path) -> None:
    profile = profile_with(tmp_path)
    runs("extension", "new", "plants", profile=profile)
    file = profile / "extensions" / "plants.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('join = ","', "each = true"), encoding="utf-8")

    each = runs("extension", "check", "plants", profile=profile)
    file.write_text(text.replace("{ number }", "{ nubmer }").replace("{ PLANTS =", "{ PLANT ="), encoding="utf-8")
    wrong = runs("extension", "check", "plants", profile=profile)

    assert "Note: Organization.plants makes a call for each Organization on the page (each = true).\n" in each.output
    assert wrong.exit_code == 2
    assert "Cannot query field 'nubmer' on type 'Plant'. Did you mean 'number'?" in wrong.output
    assert '"PLANT" is none of its back ends; did you mean "PLANTS"?\n' in wrong.output
