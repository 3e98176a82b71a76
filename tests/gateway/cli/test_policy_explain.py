"""A decision explained on the command line: from the directory as it stands, at any instant."""

# ruff: noqa: E501  a message stands in one piece

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gateway.cli.main import cli
from gateway.demo.loading import load_demo
from gateway.profile_files import load_profile
from gateway.settings_sources import read_settings
from gateway.wiring import migrate_our_database, utc_now


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with both demos in it."""
    folder = tmp_path_factory.mktemp("explain")
    for profile in ("solar_terminal", "software_house"):
        settings = read_settings({}, profile=profile, data_folder=folder)
        asyncio.run(migrate_our_database(settings))
        asyncio.run(load_demo(settings, load_profile(profile), clock=utc_now))
    return folder


def explain(folder: Path, person: str, organization: str, field: str, *more: str) -> Result:
    words = ["policy", "explain", "--person", person, "--organization", organization, "--field", field, *more]
    return CliRunner().invoke(cli, words, env={"FORECOURT_DATA_FOLDER": str(folder)}, color=False)


HELIOS = "Helios Montage GmbH"


def test_an_allowed_field_names_the_grants_it_comes_from(data_folder: Path) -> None:
    done = explain(data_folder, "purchase@helios.example", HELIOS, "Organization.orders", "--at", "2026-11-22")

    assert done.output.splitlines() == [
        "Jörg Weiß may use Organization.orders in Helios Montage GmbH at 2026-11-22T00:00:00Z.",
        "  needs      ORDER_VIEW, ORDER_PLACE or ORDER_APPROVE",
        "  from       the role purchase, given by Annegret Kästner on 2023-03-13",
    ]


def test_a_refused_field_names_what_would_help_and_who_could_give_it(data_folder: Path) -> None:
    done = explain(data_folder, "PURCHASE@helios.example", "helios montage gmbh", "Organization.members")

    assert done.exit_code == 0
    assert done.output.splitlines()[1:] == [
        "  needs      MEMBER_VIEW or MEMBER_MANAGE",
        "  reason     MISSING_PERMISSION: Ask somebody who assigns roles in this organization to give you the "
        "permission.",
        "  would help the role administration, from Annegret Kästner, Regula Oberhänsli, Günther Strauß",
        "  may ask    yes",
    ]


@pytest.mark.parametrize(
    ("at", "allowed"),
    [("2022-07-16", False), ("2022-07-18", True), ("2025-03-31T23:59:59", True), ("2025-04-01T00:00:00", False)],
)
def test_a_grant_counts_from_when_it_was_given_until_it_ends(data_folder: Path, at: str, allowed: bool) -> None:
    done = explain(
        data_folder,
        "ulrike.schaefer@hausgut.example",
        "12345",
        "Organization.orders",
        "--profile",
        "software_house",
        "--json",
        "--at",
        at,
    )

    assert json.loads(done.output)["allowed"] is allowed


def test_an_explanation_as_json_says_the_same(data_folder: Path) -> None:
    done = explain(
        data_folder,
        "downloads@hausgut.example",
        "12345",
        "Organization.orders",
        "--json",
        "--profile",
        "software_house",
    )

    reported = json.loads(done.output)
    assert reported["person"] == "Jürgen Seidel"
    assert reported["missing"] == ["ORDER_VIEW", "ORDER_PLACE", "ORDER_APPROVE"]
    assert reported["requestable"]
    assert reported["grantableBy"] == [
        {"role": "licence_holder", "permission": None, "members": ["Roswitha Gut"]},
        {"role": None, "permission": "ORDER_VIEW", "members": ["Roswitha Gut"]},
        {"role": None, "permission": "ORDER_PLACE", "members": ["Roswitha Gut"]},
    ]


def test_a_suspended_member_and_somebody_of_another_organization_are_distinguished(data_folder: Path) -> None:
    suspended = explain(data_folder, "suspended@helios.example", HELIOS, "Organization.orders", "--json")
    helios = json.loads(suspended.output)["organization"]["id"]
    foreign = explain(data_folder, "administration@lumen.example", helios, "Organization.members", "--json")

    assert json.loads(suspended.output)["reason"] == "MEMBERSHIP_SUSPENDED"
    assert json.loads(foreign.output)["reason"] == "NOT_A_MEMBER"
    assert json.loads(foreign.output)["grantableBy"] == []


def test_what_is_open_or_ones_own_is_said(data_folder: Path) -> None:
    open_ = explain(data_folder, "planning@helios.example", HELIOS, "Organization.name")
    own = explain(data_folder, "planning@helios.example", HELIOS, "User.email")

    assert "may use Organization.name" in open_.output
    assert "  needs      nothing" in open_.output
    assert "may not use User.email" in own.output
    assert "On what concerns themself they may use it." in own.output


@pytest.mark.parametrize(
    ("person", "organization", "field", "message"),
    [
        ("nobody@helios.example", HELIOS, "Organization.orders", 'nobody with the login name, e-mail address or id "nobody@helios.example"'),
        ("purchase@helios.example", "Lumen", "Organization.orders", 'no organization called "Lumen"; theirs are: Helios Montage GmbH'),
        ("purchase@helios.example", "org_0", "Organization.orders", 'no organization called "org_0"'),
        ("purchase@helios.example", HELIOS, "organization.orders", "Did you mean Organization.orders?"),
        ("purchase@helios.example", HELIOS, "Organization.ordres", "Did you mean Organization.orders?"),
        ("purchase@helios.example", HELIOS, "nonsense", "`forecourt policy sheet` lists all there is"),
    ],
)  # fmt: skip
def test_what_there_is_not_is_reported_with_the_nearest(
    data_folder: Path, person: str, organization: str, field: str, message: str
) -> None:
    done = explain(data_folder, person, organization, field)

    assert done.exit_code == 2
    assert message in done.output
