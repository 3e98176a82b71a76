"""The vocabulary of a process is ours and then that of its extensions, which are permissions like ours."""

from collections.abc import Iterator

import pytest

from permissions.access_rules import any_of
from permissions.policy import InvalidPolicy, parse_policy
from permissions.texts import PermissionText
from permissions.vocabulary import (
    CUSTOMER_CODES,
    NameTaken,
    Permission,
    add_permission,
    added_by,
    forgetting_permissions,
    mask_of,
    most_permissions,
    permissions_in,
)
from schema.graph.build import build_schema, core_schema, printed

OURS = list(Permission)
TEXT = PermissionText({"en": "See plants"}, {"en": "Sees the organization's plants."})
POLICY = """
[roles.administration]
label = {{ en = "Administration" }}
description = {{ en = "Runs the organization." }}
permissions = [{permissions}]
administrative = true
member_assignable = false
"""


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    with forgetting_permissions():
        yield


def test_an_added_permission_stands_behind_ours_with_a_bit_of_its_own() -> None:
    plants = add_permission("PLANTS_VIEW", TEXT, "plants")
    meters = add_permission("METERS_VIEW", TEXT, "meters")

    assert list(Permission) == [*OURS, plants, meters]
    assert [mask_of([one]) for one in (plants, meters)] == [1 << len(OURS), 2 << len(OURS)]
    assert permissions_in(any_of(meters, plants, OURS[0]).mask) == (OURS[0], plants, meters)
    assert most_permissions() == len(OURS) + 2


def test_an_added_permission_is_one_by_code_by_name_and_by_identity() -> None:
    plants = add_permission("PLANTS_VIEW", TEXT, "plants")

    assert Permission("PLANTS_VIEW") is Permission["PLANTS_VIEW"] is plants
    assert (plants.value, plants.name, str(plants), repr(plants)) == (
        *["PLANTS_VIEW"] * 3,
        "<Permission.PLANTS_VIEW: 'PLANTS_VIEW'>",
    )
    assert isinstance(plants, Permission)
    assert plants == "PLANTS_VIEW"
    assert plants.labels == TEXT.labels
    assert plants.descriptions == TEXT.descriptions
    assert plants in CUSTOMER_CODES
    assert (added_by(plants), added_by(Permission.ORDER_VIEW)) == ("plants", None)


def test_the_schema_knows_an_added_permission_and_is_what_it_was_without_it() -> None:
    before = printed(build_schema())

    with forgetting_permissions():
        add_permission("PLANTS_VIEW", TEXT, "plants")
        core = core_schema(build_schema())

    code = core.type_map["PermissionCode"]
    assert list(code.values)[-1] == "PLANTS_VIEW"  # type: ignore[attr-defined]
    assert code.values["PLANTS_VIEW"].description == "Sees the organization's plants."  # type: ignore[attr-defined]
    assert core.type_map["Role"].fields["permissions"].description == (  # type: ignore[attr-defined]
        f"What it allows somebody to do. At most {len(OURS) + 1}."
    )
    assert printed(build_schema()) == before


def test_a_permission_that_is_declared_again_by_the_same_extension_stays_what_it_is() -> None:
    first = add_permission("PLANTS_VIEW", TEXT, "plants")

    again = add_permission("PLANTS_VIEW", PermissionText({"en": "Plants"}, {"en": "Sees."}), "plants")

    assert again is first
    assert first.labels == {"en": "Plants"}


@pytest.mark.parametrize(("code", "owner"), [("ORDER_VIEW", "Forecourt"), ("PLANTS_VIEW", "plants")])
def test_a_permission_of_somebody_else_is_refused_naming_both(code: str, owner: str) -> None:
    add_permission("PLANTS_VIEW", TEXT, "plants")

    with pytest.raises(NameTaken) as refused:
        add_permission(code, TEXT, "meters")

    assert str(refused.value) == f"{code} is a permission of {owner}, so meters needs another name for its own"


def test_a_role_gives_an_added_permission_and_nothing_once_it_is_forgotten() -> None:
    with forgetting_permissions():
        plants = add_permission("PLANTS_VIEW", TEXT, "plants")
        policy = parse_policy(POLICY.format(permissions='"PLANTS_VIEW"'), "policy.toml")
        held = policy.grant("g", role_key=None, permission="PLANTS_VIEW", until=None).mask

    assert policy.roles["administration"].permissions == (plants,)
    assert held == mask_of(OURS[-1:]) << 1
    assert policy.grant("g", role_key=None, permission="PLANTS_VIEW", until=None).mask == 0
    assert "PLANTS_VIEW" not in CUSTOMER_CODES


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("PLANTS_VEIW", 'did you mean "PLANTS_VIEW"?'),
        (
            "METERS_VIEW",
            "it would be of the extension meters, which is not loaded; add it to extensions in profile.toml",
        ),
    ],
)
def test_a_policy_names_the_nearest_permission_or_the_extension_that_is_not_loaded(written: str, hint: str) -> None:
    add_permission("PLANTS_VIEW", TEXT, "plants")

    with pytest.raises(InvalidPolicy) as refused:
        parse_policy(POLICY.format(permissions=f'"{written}"'), "policy.toml", not_loaded=["meters"])

    end = hint if hint.endswith("?") else f"{hint}."
    assert str(refused.value).rstrip(".") == (
        f'policy.toml, line 5: "{written}" in permissions of [roles.administration] is no permission; {end}'
    ).rstrip(".")
