"""``forecourt external-ids``: operators say which ids stand for whom, one at a time or by a file, all or nothing."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from connectors.ids import OrganizationId
from gateway.cli.main import cli
from permissions.vocabulary import forgetting_permissions
from schema.graph.backends import forgetting_backends
from tests.extensions.profiles import profile_with
from tests.portal import Portal, open_portal

HELIOS, PURCHASE = "204718", "purchase@helios.example"
ADMINISTRATION = "administration@helios.example"


@pytest.fixture
async def portal() -> Any:
    """A gateway on SQLite, whose file the command line opens as well."""
    async with open_portal() as opened:
        yield opened


def runs(portal: Portal, *arguments: str, **more: str) -> Result:
    """Run the command on the portal's database, in a thread of its own, for it begins an event loop."""
    answer: list[Result] = []
    without = {name: None for name in os.environ if name.startswith("FORECOURT_")}
    environment = {
        **without,
        "FORECOURT_DATABASE_URL": portal.settings.database,
        "FORECOURT_DATA_FOLDER": str(portal.settings.data_folder),
        **more,
    }

    def run() -> None:
        answer.append(CliRunner().invoke(cli, ["external-ids", *arguments], env=environment))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return answer[0]


def mapped(portal: Portal) -> list[str]:
    """What is mapped, as lines of CSV without the names of the columns."""
    return runs(portal, "list").stdout.splitlines()[1:]


async def test_an_id_is_mapped_changed_and_removed_each_on_record(portal: Portal) -> None:
    helios = await portal.organization_of(PURCHASE)

    first = runs(portal, "set", "shop", "4711", "--organization", HELIOS)
    again = runs(portal, "set", "shop", " 4711 ", "--organization", helios)
    other = runs(portal, "set", "shop", "4712", "--organization", HELIOS)
    person = runs(portal, "set", "shop", "Own@Shop.example", "--person", PURCHASE.upper())
    listed = mapped(portal)
    removed = runs(portal, "unset", "shop", "--organization", HELIOS)
    none = runs(portal, "unset", "shop", "--organization", HELIOS)

    assert [one.exit_code for one in (first, again, other, person, removed, none)] == [0] * 6
    assert first.stdout == 'In shop, "4711" stands for 204718 now, from the next request on.\n'
    assert again.stdout == f'Nothing changed: in shop, "4711" stands for {helios} already.\n'
    assert listed == ["shop,204718,,4712", f"shop,,{PURCHASE},own@shop.example"]
    assert none.stdout == "Nothing changed: in shop, nothing is mapped to 204718.\n"
    assert mapped(portal) == [f"shop,,{PURCHASE},own@shop.example"]
    audit = await portal.audit("external_id.set", "external_id.unset")
    assert [(row.action, row.organization_id, row.before, row.after) for row in audit] == [
        ("external_id.set", helios, "{}", '{"backend":"shop","external_id":"4711"}'),
        (
            "external_id.set", helios, '{"backend":"shop","external_id":"4711"}',
            '{"backend":"shop","external_id":"4712"}',
        ),
        ("external_id.set", None, "{}", '{"backend":"shop","external_id":"***"}'),
        ("external_id.unset", helios, '{"backend":"shop","external_id":"4712"}', "{}"),
    ]  # fmt: skip
    assert {row.request_id for row in audit} == {"forecourt external-ids"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("set", "shopp", "1", "--organization", HELIOS), 'there is no back end "shopp"; did you mean "shop"?'),
        (("set", "shop", " ", "--organization", HELIOS), "the id is empty"),
        (("set", "shop", "x" * 201, "--organization", HELIOS), "an id has at most 200 characters"),
        (("set", "shop", "a\u0007", "--organization", HELIOS), "all of which can be seen"),
        (("set", "shop", "1"), "name an organization or a person, one of them"),
        (("set", "shop", "1", "--organization", HELIOS, "--person", PURCHASE), "one of them"),
        (("set", "shop", "1", "--organization", "99"), 'no organization with the customer number or id "99"'),
        (("set", "shop", "1", "--organization", "org_x"), 'no organization with the customer number or id "org_x"'),
        (("set", "shop", "1", "--person", "x@y.example"), 'nobody with the confirmed e-mail address or id "x@y.exa'),
        (("list", "--unmapped", "mail"), 'There is no back end "mail"'),
    ],
)
def test_what_cannot_be_mapped_is_refused_with_what_to_do(
    portal: Portal, arguments: tuple[str, ...], said: str
) -> None:
    result = runs(portal, *arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert mapped(portal) == []


async def test_a_mapping_of_a_back_end_that_is_gone_can_be_removed(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as there:
        there.setattr("gateway.cli.external_ids._backends", lambda: ["plants"])
        runs(portal, "set", "plants", "1", "--organization", HELIOS)

    assert mapped(portal) == [f"plants,{HELIOS},,1"]
    assert runs(portal, "unset", "plants", "--organization", HELIOS).exit_code == 0
    assert mapped(portal) == []


async def test_a_file_is_imported_as_a_whole_and_ids_may_be_exchanged(portal: Portal, tmp_path: Path) -> None:
    file = tmp_path / "mapped.csv"
    file.write_text(f"backend,person,external_id\nshop,{PURCHASE},1\n\nshop,{ADMINISTRATION},2\n")

    dry = runs(portal, "import", str(file), "--dry-run")
    after_dry = mapped(portal)
    done = runs(portal, "import", str(file))
    file.write_text(
        "\ufeffBackend;Organization;Person;External_id\r\n"
        f"shop;;{PURCHASE};2\r\nshop;;{ADMINISTRATION};1\r\nshop;{HELIOS};;1\r\n",
        encoding="utf-8",
    )
    exchanged = runs(portal, "import", str(file))
    file.write_text(runs(portal, "list").stdout)
    round_trip = runs(portal, "import", str(file))

    assert (dry.stdout, after_dry) == ("Would be: 2 new, 0 changed, 0 as they were.\n", [])
    assert done.stdout == "Mapped: 2 new, 0 changed, 0 as they were.\n"
    assert exchanged.stdout == "Mapped: 1 new, 2 changed, 0 as they were.\n"
    assert round_trip.stdout == "Mapped: 0 new, 0 changed, 3 as they were.\n"
    assert sorted(mapped(portal)) == sorted([f"shop,{HELIOS},,1", f"shop,,{PURCHASE},2", f"shop,,{ADMINISTRATION},1"])
    assert len(await portal.audit("external_id.set")) == 5


async def test_every_problem_of_a_file_is_said_with_its_line_and_nothing_is_stored(
    portal: Portal, tmp_path: Path
) -> None:
    runs(portal, "set", "shop", "7", "--organization", HELIOS)
    file = tmp_path / "mapped.csv"
    file.write_text(
        "backend,organization,person,external_id\n"
        f"shop,,{PURCHASE},1\n"
        f"shop,,{ADMINISTRATION},1\n"
        f"shop,,{PURCHASE},2\n"
        f"shp,{HELIOS},,8\n"
        "shop,99,,9\n"
        f"shop,{HELIOS},{PURCHASE},9\n"
        f"shop,{HELIOS},,\n"
    )

    result = runs(portal, "import", str(file))

    assert result.exit_code == 2
    assert result.stderr.removeprefix("forecourt: ").splitlines() == [
        f'{file}: line 3: "1" stands for {PURCHASE} by line 2; it can stand for one only',
        f"{file}: line 4: line 2 says already what stands for {PURCHASE} in shop",
        f'{file}: line 5: there is no back end "shp"; did you mean "shop"?',
        f'{file}: line 6: there is no organization with the customer number or id "99"',
        f"{file}: line 7: name an organization or a person, one of them",
        f"{file}: line 8: the id is empty; to go back to the rule, use `forecourt external-ids unset`",
        "Nothing was changed.",
    ]
    assert mapped(portal) == [f"shop,{HELIOS},,7"]


async def test_an_id_that_stands_for_somebody_else_is_refused_naming_them(portal: Portal) -> None:
    runs(portal, "set", "shop", "1", "--person", PURCHASE)
    directory = portal.wiring.backends.directory
    holder = await directory.user_id_of_login_name(PURCHASE)

    result = runs(portal, "set", "shop", "1", "--person", ADMINISTRATION)

    assert result.exit_code == 2
    assert f'"1" stands for {holder} in shop; give that one another id, or unset it, first' in result.stderr
    assert mapped(portal) == [f"shop,,{PURCHASE},1"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1: the column backend and external_id is missing"),
        (b"backend,external_id\n", "the column organization or person is missing"),
        (b"backend,organisation,external_id\n", 'no column "organisation"; did you mean "organization"?'),
        (b"backend,organization,external_id,backend\n", 'the column "backend" is there twice'),
        (b"backend,organization,external_id\n\n", "maps nothing"),
        (b"backend,organization,external_id\nshop,1\n", "line 2: 2 values, but the first line names 3 columns"),
        (b'backend,organization,external_id\nshop,"1\n', "line 2: 2 values"),
        ("backend,organization,external_id\nshop,1,Ö\n".encode("latin-1"), "is not in UTF-8"),
    ],
)
def test_a_file_of_another_form_is_refused(portal: Portal, tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "mapped.csv"
    file.write_bytes(content)

    result = runs(portal, "import", str(file))

    assert result.exit_code == 2
    assert said in result.stderr


async def test_organizations_that_a_back_end_does_not_know_are_listed_to_be_filled_in(
    portal: Portal, tmp_path: Path
) -> None:
    without_number = runs(portal, "list", "--unmapped", "shop").stdout
    (line,) = without_number.splitlines()[1:]
    file = tmp_path / "mapped.csv"
    file.write_text(f"{without_number.removesuffix(chr(10))}{HELIOS}\n")  # by the number of another organization

    imported = runs(portal, "import", str(file))

    helios = await portal.organization_of(PURCHASE)
    (newcomer,) = await portal.wiring.backends.directory.organizations([OrganizationId(line.split(",")[1])])
    assert newcomer is not None
    assert newcomer.customer_number is None
    assert imported.exit_code == 0
    assert runs(portal, "list", "--unmapped", "shop").stdout.splitlines()[1:] == [f"shop,{HELIOS},,"]
    runs(portal, "set", "shop", "4711", "--organization", helios)
    assert runs(portal, "list", "--unmapped", "shop").stdout.splitlines()[1:] == []


TICKETS = Path(__file__).parents[2] / "extensions" / "tickets"


async def test_ids_are_mapped_for_the_back_ends_of_the_extensions_of_the_profile(
    portal: Portal, tmp_path: Path
) -> None:
    files = {name: TICKETS / name for name in ("tickets.py", "tickets.texts.toml")}
    settings = {"FORECOURT_TICKETS_URL": "http://127.0.0.1:9", "FORECOURT_TICKETS_SECRET": "let me in"}
    profile = ("--profile", str(profile_with(tmp_path, "tickets", files=files)))
    file = tmp_path / "ids.csv"
    file.write_text(f"backend,organization,external_id\ntickets,{HELIOS},T-2\n")

    with forgetting_permissions(), forgetting_backends():
        # First: nothing else has loaded the extension into this process.
        unmapped = runs(portal, "list", "--unmapped", "tickets", *profile, **settings)
    with forgetting_permissions(), forgetting_backends():
        done = runs(portal, "set", "tickets", "T-1", "--organization", HELIOS, *profile, **settings)
        imported = runs(portal, "import", str(file), *profile, **settings)
        misspelt = runs(portal, "list", "--unmapped", "ticket", *profile, **settings)

    assert unmapped.exit_code == 0
    assert unmapped.stdout.startswith("backend,organization,person,external_id\n")
    assert done.exit_code == imported.exit_code == 0
    assert mapped(portal) == [f"tickets,{HELIOS},,T-2"]
    assert misspelt.exit_code == 2
    assert 'There is no back end "ticket"; did you mean "tickets"?' in misspelt.stderr
    assert 'There is no back end "tickets"' in runs(portal, "list", "--unmapped", "tickets").stderr
