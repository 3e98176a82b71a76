"""``forecourt policy`` on the command line: what it prints, and with which code it exits."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gateway.cli.main import cli
from gateway.profile_files import load_profile
from permissions.policy import parse_policy

SOLAR = Path(load_profile("solar_terminal").policy_source)


def run(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, ["policy", *words], env=environment, color=False)


def test_check_says_what_was_found() -> None:
    done = run("check", "--profile", "software_house")

    assert done.exit_code == 0
    assert "policy.toml is good: 3 roles, 5 direct permissions." in done.output
    assert "applications.toml is good: 7 applications." in done.output


def test_check_refuses_a_policy_with_file_line_and_the_nearest_name(tmp_path: Path) -> None:
    shutil.copytree(SOLAR.parent / "icons", tmp_path / "icons")
    for file in SOLAR.parent.glob("*.toml"):
        text = file.read_text(encoding="utf-8").replace('"ORDER_PLACE"', '"ORDER_PLAICE"')
        (tmp_path / file.name).write_text(text, encoding="utf-8")

    done = run("check", "--profile", str(tmp_path))

    assert done.exit_code == 2
    assert 'policy.toml, line 27: "ORDER_PLAICE" in permissions of [roles.purchase] is no permission' in done.output
    assert "Traceback" not in done.output


def test_the_matrix_shows_roles_against_permissions_and_applications() -> None:
    lines = [line.split() for line in run("matrix").output.splitlines()]

    policy = parse_policy(SOLAR.read_text(encoding="utf-8"), "policy.toml")
    assert lines[0] == ["PERMISSION", *policy.roles, "singly"]
    assert ["ORDER_PLACE", "-", "yes", "-", "-", "-"] in lines
    assert ["solar_plan", "yes", "-", "-", "yes"] in lines
    assert ["installer_search", "yes", "yes", "yes", "yes", "COMMERCIAL_OPERATOR,", "PRIVATE_OPERATOR"] in lines


@pytest.mark.parametrize("way", ["markdown", "csv", "json"])
def test_the_sheet_is_printed_in_each_format(way: str) -> None:
    done = run("sheet", "--format", way)

    assert done.exit_code == 0
    assert "Organization.orders(placedBy:)" in done.output
    if way == "json":
        assert json.loads(done.output)["holders"][:2] == ["not signed in", "signed in"]


def test_a_gain_exits_with_1_unless_it_is_allowed(tmp_path: Path) -> None:
    wider = tmp_path / "wider.toml"
    wider.write_text(SOLAR.read_text(encoding="utf-8").replace("toggles = []", 'toggles = ["ORDER_VIEW"]'), "utf-8")

    gain, allowed, loss, same = (
        run("diff", str(SOLAR), str(wider)),
        run("diff", str(SOLAR), str(wider), "--allow-gains"),
        run("diff", str(wider), str(SOLAR)),
        run("diff", str(SOLAR), str(SOLAR)),
    )

    assert (gain.exit_code, gain.output) == (1, "Gains (1)\n+ direct permissions: ORDER_VIEW\n")
    assert (allowed.exit_code, allowed.output) == (0, gain.output)
    assert (loss.exit_code, loss.output) == (0, "Losses (1)\n- direct permissions: ORDER_VIEW\n")
    assert (same.exit_code, same.output) == (0, "Nobody gains and nobody loses anything.\n")


def test_sheets_are_compared_and_what_is_new_may_be_left_out_of_account(tmp_path: Path) -> None:
    new = tmp_path / "new.json"
    new.write_text(run("sheet", "--format", "json").output, encoding="utf-8")
    document = json.loads(new.read_text(encoding="utf-8"))
    document["rows"] = [row for row in document["rows"] if row["coordinate"] != "Organization.orders"]
    old = tmp_path / "old.json"
    old.write_text(json.dumps(document), encoding="utf-8")

    counted, left_out = run("diff", str(old), str(new)), run("diff", str(old), str(new), "--allow-new")

    assert (counted.exit_code, left_out.exit_code) == (1, 0)
    assert counted.output == left_out.output == "Gains (1)\n+ purchase: Organization.orders (new)\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["diff", str(SOLAR), "sheet.json"], "sheet.json: No such file or directory."),
        (
            ["sheet", "--profile", "solar-terminl"],
            'There is no profile "solar-terminl". Did you mean "solar_terminal"?',
        ),
    ],
)
def test_what_cannot_be_done_is_reported_in_one_sentence(words: list[str], message: str) -> None:
    done = run(*words)

    assert done.exit_code == 2
    assert message in done.output


def test_a_policy_and_a_sheet_are_not_compared(tmp_path: Path) -> None:
    (tmp_path / "sheet.json").write_text("{}", encoding="utf-8")

    done = run("diff", str(SOLAR), str(tmp_path / "sheet.json"))

    assert done.exit_code == 2
    assert "Give two policies (.toml) or two sheets (.json), not one of each." in done.output
