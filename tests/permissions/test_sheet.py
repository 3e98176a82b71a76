"""The sheet: every part of the schema against everybody by what they hold, made from the code and kept true."""

import csv
import io
from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType

from gateway.profile_files import load_profile, shipped_profiles
from permissions.policy import Policy, parse_policy
from permissions.sheet import (
    InvalidSheet,
    PartKind,
    Sheet,
    as_csv,
    as_json,
    guarded_as_markdown,
    open_as_markdown,
    read_sheet,
    rows_by_coordinate,
    sheet_of,
)
from schema.graph.build import core_schema
from schema.graph.coordinates import parts_of
from tests.schema.guarded_inputs import POLICY, small_schema
from tests.schemas import shared_core

PAGE = Path(__file__).parents[2] / "docs" / "permissions-sheet.md"


def policy_of(profile_name: str) -> Policy:
    profile = load_profile(profile_name)
    return parse_policy(profile.policy_text, profile.policy_source)


def shipped_sheet(profile_name: str) -> Sheet:
    return sheet_of(parts_of(shared_core()), policy_of(profile_name))


def access(sheet: Sheet, coordinate: str) -> dict[str, str]:
    row = rows_by_coordinate(sheet.rows)[coordinate]
    return {holder: access.value for holder, access in zip(sheet.holders, row.access, strict=True)}


def access_of_customers(sheet: Sheet, coordinate: str) -> dict[str, str]:
    return {holder: it for holder, it in access(sheet, coordinate).items() if not holder.startswith("vendor")}


def test_every_part_of_the_schema_has_a_row() -> None:
    core = shared_core()
    expected = set()
    for type_ in core.type_map.values():
        if type_.name.startswith("__"):
            continue
        if isinstance(type_, GraphQLEnumType):
            expected |= {f"{type_.name}.{value}" for value in type_.values}
        for name, field in getattr(type_, "fields", {}).items():
            expected.add(f"{type_.name}.{name}")
            if not isinstance(type_, GraphQLInputObjectType):
                expected |= {f"{type_.name}.{name}({argument}:)" for argument in field.args}

    assert sorted(part.coordinate for part in parts_of(core)) == sorted(expected)


def test_a_field_is_for_those_whose_role_or_direct_permission_opens_it() -> None:
    assert access_of_customers(shipped_sheet("software_house"), "Organization.orders") == {
        "not signed in": "no",
        "signed in": "no",
        "licence_holder": "yes",
        "deputy": "no",
        "authorised_person": "no",
        "ORDER_PLACE": "yes",
        "ORDER_VIEW": "yes",
        "SOFTWARE_DOWNLOAD": "no",
        "CONTRACT_DOCUMENT_VIEW": "no",
        "ACCOUNT_MANAGE": "no",
    }


def test_what_is_ones_own_is_distinguished_from_what_is_others() -> None:
    assert access_of_customers(shipped_sheet("solar_terminal"), "User.email") == {
        "not signed in": "no",
        "signed in": "own",
        "administration": "yes",
        "purchase": "own",
        "installation": "own",
        "planning": "own",
    }


def test_arguments_input_fields_and_values_have_their_own_guard() -> None:
    small = sheet_of(parts_of(core_schema(small_schema("graphql-core"))), POLICY)

    assert {
        row.coordinate: (row.kind, row.needs)
        for row in small.rows
        if row.needs and row.coordinate.partition(".")[0] in ("Team", "Thing", "ThingFilter", "Colour")
    } == {
        "Team.things(owner:)": (PartKind.ARGUMENT, "MEMBER_VIEW, or to be the person concerned"),
        "ThingFilter.note": (PartKind.INPUT_FIELD, "ORDER_VIEW"),
        "ThingFilter.reviewed": (PartKind.INPUT_FIELD, "REGISTRATION_REVIEW as vendor staff"),
        "Colour.RED": (PartKind.ENUM_VALUE, "AUDIT_VIEW"),
    }
    assert access(small, "Team.things(owner:)") == {
        "not signed in": "no",
        "signed in": "own",
        "administration": "yes",
    }
    assert access(small, "ThingFilter.reviewed")["administration"] == "no"
    assert {row.kind for row in small.rows} == set(PartKind) - {PartKind.SUBSCRIPTION}


def test_vendor_staff_has_a_column_for_each_permission_that_is_asked_of_it() -> None:
    policy = parse_policy(Path(load_profile("solar_terminal").policy_source).read_text(encoding="utf-8"), "policy.toml")
    small = sheet_of(parts_of(core_schema(small_schema("graphql-core"))), policy)

    assert [holder for holder in small.holders if holder.startswith("vendor")] == ["vendor REGISTRATION_REVIEW"]
    assert access(small, "ThingFilter.reviewed")["vendor REGISTRATION_REVIEW"] == "yes"
    assert access(small, "ThingFilter.note")["vendor REGISTRATION_REVIEW"] == "no"


@pytest.mark.parametrize("profile", shipped_profiles())
def test_json_and_csv_hold_every_row_and_json_comes_back_as_it_was(profile: str) -> None:
    sheet = shipped_sheet(profile)

    rows = list(csv.DictReader(io.StringIO(as_csv(sheet))))

    assert read_sheet(as_json(sheet), "sheet.json") == sheet
    assert [row["coordinate"] for row in rows] == [row.coordinate for row in sheet.rows]
    assert rows[0].keys() == {"coordinate", "kind", "needs", *sheet.holders}


def test_the_page_shows_guarded_parts_in_a_table_and_lists_the_open_ones() -> None:
    sheet = shipped_sheet("solar_terminal")

    guarded, open_ = guarded_as_markdown(sheet), open_as_markdown(sheet)

    assert "| `Organization.orders` | ORDER_VIEW, ORDER_PLACE or ORDER_APPROVE |  |  | yes |  |  |" in guarded
    assert "`Organization.name`" not in guarded
    assert "- **SignInInput**: `loginName`, `password`\n" in open_
    for row in sheet.rows:
        if row.needs:
            assert f"| `{row.coordinate}` |" in guarded


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"holders": ["a"], "rows": [{}]}', '{"holders": [], "rows": [{"coordinate": "A.b"}]}', "7"],
)
def test_what_is_no_sheet_is_refused_with_the_command_that_makes_one(text: str) -> None:
    with pytest.raises(InvalidSheet, match=r"sheet\.json is no sheet .* `forecourt policy sheet --format json`"):
        read_sheet(text, "sheet.json")
