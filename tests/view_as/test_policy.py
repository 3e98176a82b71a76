"""Who may see the portal as a member would: by the policy, never secrets, never more than both may see."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.profile_files import load_profile
from permissions.access_rules import SEE_MEMBERS
from permissions.policy import InvalidPolicy, Policy, parse_policy
from permissions.view_as import SECRETS, most_seen_as, narrowed
from permissions.viewer import Grant, Standing, Viewer
from permissions.vocabulary import DenialReason, Permission, mask_of

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ORG = "org_1"
SOLAR = load_profile("solar_terminal").policy_text

MASKS = st.sets(st.sampled_from(sorted(Permission))).map(mask_of)


def policy_with(said: str) -> Policy:
    """The solar terminal's policy with this under [view_as]."""
    before, after = SOLAR.split("[view_as]")
    return parse_policy(f"{before}[view_as]\n{said}\n[vendor]{after.split('[vendor]')[1]}", "policy.toml")


def standing(*grants: Grant, obstacle: DenialReason | None = None) -> Standing:
    return Standing(ORG, "mbr_1", grants, obstacle)


def viewer(own: Standing, vendor_mask: int = 0) -> Viewer:
    return Viewer("usr_1", {ORG: own}, vendor_mask)


ADMINISTRATION = parse_policy(SOLAR, "x").grant("g", role_key="administration", permission=None, until=None)


def test_an_administrator_may_look_at_most_at_what_they_hold_or_could_give() -> None:
    policy = parse_policy(SOLAR, "policy.toml")
    roles = 0
    for role in policy.roles.values():
        roles |= role.mask

    assert most_seen_as(policy, viewer(standing(ADMINISTRATION)), ORG, NOW) == roles & ~SECRETS


@pytest.mark.parametrize("obstacle", DenialReason)
def test_an_obstacle_closes_the_view_too(obstacle: DenialReason) -> None:
    assert most_seen_as(parse_policy(SOLAR, "x"), viewer(standing(ADMINISTRATION, obstacle=obstacle)), ORG, NOW) is None


def test_the_right_to_look_ends_with_its_grant() -> None:
    ends = Grant("g", None, mask_of([Permission.MEMBER_MANAGE]), NOW)

    assert most_seen_as(parse_policy(SOLAR, "x"), viewer(standing(ends)), ORG, NOW) is None


def test_a_right_in_one_organization_shows_nothing_in_another() -> None:
    assert most_seen_as(parse_policy(SOLAR, "x"), viewer(standing(ADMINISTRATION)), "org_2", NOW) is None


def test_without_the_table_nobody_looks() -> None:
    policy = parse_policy(SOLAR.split("[view_as]")[0], "x")

    assert most_seen_as(policy, viewer(standing(ADMINISTRATION), ~0), ORG, NOW) is None


@given(held=MASKS, vendor=MASKS, seen=MASKS)
def test_nobody_ever_sees_a_secret_or_more_than_the_member_may(held: int, vendor: int, seen: int) -> None:
    policy = policy_with('organization = ["MEMBER_MANAGE", "ROLE_ASSIGN"]\nvendor = ["CHANGE_REQUEST_REVIEW"]')
    by = viewer(standing(Grant("a", None, held, None)), vendor)

    most = most_seen_as(policy, by, ORG, NOW)

    looks = bool(held & mask_of([Permission.MEMBER_MANAGE, Permission.ROLE_ASSIGN]))
    assert (most is not None) is (looks or bool(vendor & mask_of([Permission.CHANGE_REQUEST_REVIEW])))
    if most is not None:
        shown = narrowed(standing(Grant("b", None, seen, None)), most).held_at(NOW)
        assert shown & ~seen == shown & ~most == shown & SECRETS == 0
        if not looks:
            assert not most & SEE_MEMBERS.mask


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ('organization = ["MEMBER_MANGE"]', 'did you mean "MEMBER_MANAGE"?'),
        ('organization = ["REGISTRATION_REVIEW"]', "belongs to the vendor's staff"),
        ('vendor = ["MEMBER_MANAGE"]', "is a permission of customers"),
        ('everybody = ["MEMBER_MANAGE"]', '"everybody" is not known in [view_as]'),
        ('organization = "MEMBER_MANAGE"', "must be a list of texts"),
    ],
)
def test_a_policy_that_is_wrong_there_is_refused(said: str, problem: str) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        policy_with(said)

    assert problem in str(caught.value)
