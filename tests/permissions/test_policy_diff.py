"""Who gains and who loses what, between two policies and between two sheets."""

# ruff: noqa: E501  a message stands in one piece

import pytest

from gateway.profile_files import load_profile
from permissions.access_rules import AUTHENTICATED, AccessRule
from permissions.policy import Policy, parse_policy
from permissions.policy_diff import policy_changes, sheet_changes
from permissions.sheet import Part, PartKind, sheet_of
from permissions.vocabulary import Permission

SOLAR = load_profile("solar_terminal").policy_text
SOFTWARE = load_profile("software_house").policy_text


def policy(text: str) -> Policy:
    return parse_policy(text, "policy.toml")


def changed(text: str, old: str, new: str) -> list[str]:
    assert old in text
    return [str(change) for change in policy_changes(policy(text), policy(text.replace(old, new, 1)))]


def part(*asked: Permission, signed_in: bool = True, or_self: bool = False) -> Part:
    return Part("Organization.orders", PartKind.FIELD, AccessRule(signed_in, asked, or_self=or_self))


def between(old: Part | None, new: Part | None) -> list[str]:
    sheets = [sheet_of([one] if one is not None else [], policy(SOLAR)) for one in (old, new)]
    return [str(change) for change in sheet_changes(*sheets)]


def test_a_policy_does_not_differ_from_itself() -> None:
    assert policy_changes(policy(SOLAR), policy(SOLAR)) == []


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ('"SERVICE_CODE_VIEW",', '"AUDIT_VIEW",', ["+ role installation: AUDIT_VIEW", "- role installation: SERVICE_CODE_VIEW"]),
        ("toggles = []", 'toggles = ["ORDER_VIEW"]', ["+ direct permissions: ORDER_VIEW"]),
        ('permissions = ["REGISTRATION_REVIEW", ', "permissions = [", ["- vendor staff: REGISTRATION_REVIEW"]),
        ('["PLANNING_TOOL_USE"]\nadministrative = false', '["PLANNING_TOOL_USE"]\nadministrative = true', ["+ role planning: holds the organization"]),
        ('organization = ["MEMBER_MANAGE"]', 'organization = ["ROLE_ASSIGN"]', ["+ members: may see the portal as a member would, with ROLE_ASSIGN", "- members: may see the portal as a member would, with MEMBER_MANAGE"]),
        ("vendor = []", 'vendor = ["REGISTRATION_REVIEW"]', ["+ vendor staff: may see the portal as a member would, with REGISTRATION_REVIEW"]),
    ],
)  # fmt: skip
def test_each_change_of_a_policy_is_a_gain_or_a_loss_of_somebody(old: str, new: str, changes: list[str]) -> None:
    assert changed(SOLAR, old, new) == changes


def test_a_role_that_comes_or_goes_gains_or_loses_all_it_gives() -> None:
    without = SOFTWARE.replace('"deputy", ', "")
    before, after = without.index("[roles.deputy]"), without.index("[roles.authorised_person]")
    without = without[:before] + without[after:]
    given = ["ORGANIZATION_VIEW", "ACCOUNT_MANAGE", "CONTRACT_DOCUMENT_VIEW"]

    gone = policy_changes(policy(SOFTWARE), policy(without))
    come = policy_changes(policy(without), policy(SOFTWARE))

    lost = [("role licence_holder", "may delegate deputy"), *(("role deputy", code) for code in given)]
    assert [(change.holder, change.what, change.gains) for change in gone] == [(*pair, False) for pair in lost]
    assert [(change.holder, change.what, change.gains) for change in come] == [(*pair, True) for pair in lost]


def test_a_weaker_guard_is_a_gain_and_a_stronger_one_a_loss_of_each_role() -> None:
    narrow, wide = part(Permission.ORDER_PLACE), part(Permission.ORDER_PLACE, Permission.PLANNING_TOOL_USE)

    assert between(narrow, wide) == ["+ planning: Organization.orders"]
    assert between(wide, narrow) == ["- planning: Organization.orders"]


def test_what_everybody_gains_is_not_said_again_of_each_role() -> None:
    assert between(part(Permission.ORDER_PLACE), part()) == ["+ signed in: Organization.orders"]
    assert between(part(Permission.ORDER_PLACE), part(signed_in=False)) == ["+ not signed in: Organization.orders"]


def test_a_part_that_is_new_is_marked_and_one_that_is_gone_is_a_loss() -> None:
    assert between(None, part(Permission.ORDER_PLACE)) == ["+ purchase: Organization.orders (new)"]
    assert between(part(Permission.ORDER_PLACE), None) == ["- purchase: Organization.orders"]


def test_a_change_of_what_is_ones_own_or_others_says_so() -> None:
    closed, own = part(Permission.ORDER_APPROVE), part(Permission.ORDER_APPROVE, or_self=True)

    assert between(closed, own) == ["+ signed in: Organization.orders of their own"]
    assert between(own, part(Permission.ORDER_PLACE, or_self=True)) == ["+ purchase: Organization.orders of others"]


def test_a_role_that_one_sheet_does_not_have_gives_nothing_there_but_being_signed_in() -> None:
    text = SOLAR.replace("[roles.planning", "[roles.drafting").replace('"planning"', '"drafting"')
    parts = [part(Permission.PLANNING_TOOL_USE), Part("Viewer.id", PartKind.FIELD, AUTHENTICATED)]

    changes = sheet_changes(sheet_of(parts, policy(SOLAR)), sheet_of(parts, policy(text)))

    assert [str(change) for change in changes] == ["- planning: Organization.orders", "+ drafting: Organization.orders"]
