"""Decisions: the union of what counts now, in this organization, and nothing else (K63)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.profile_files import load_profile
from permissions.access_rules import PLACE_ORDERS, any_of
from permissions.decision import Decision, decide, may
from permissions.policy import Policy, parse_policy
from permissions.viewer import Grant, Standing, Viewer
from permissions.vocabulary import (
    VENDOR_PERMISSIONS,
    DenialReason,
    Permission,
    PermissionScope,
    mask_of,
    permissions_in,
)
from tests.role_matrix import SUBSETS, permissions_of

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)

HERE, THERE = "org_here", "org_there"


def policy_of(name: str) -> Policy:
    """A shipped profile's policy."""
    profile = load_profile(name)
    return parse_policy(profile.policy_text, profile.policy_source)


SOLAR, SOFTWARE = policy_of("solar_terminal"), policy_of("software_house")

permissions = st.sets(st.sampled_from(list(Permission)))
grants = st.builds(
    Grant,
    id=st.text("abc", min_size=3, max_size=3),
    role_key=st.sampled_from([None, "purchase", "planning"]),
    mask=permissions.map(mask_of),
    until=st.sampled_from([None, NOW - timedelta(1), NOW, NOW + timedelta(microseconds=1), NOW + timedelta(1)]),
)
obstacles = st.sampled_from(
    [None, DenialReason.MEMBERSHIP_SUSPENDED, DenialReason.ORGANIZATION_NOT_ACTIVE, DenialReason.NOT_A_MEMBER]
)


@st.composite
def viewers(draw: st.DrawFn) -> Viewer:
    """Somebody with any grants in up to two organizations, and any rights as vendor staff."""
    standings = {
        organization: Standing(organization, f"mbr_{organization}", tuple(draw(st.lists(grants, max_size=4))), obstacle)
        for organization in draw(st.sets(st.sampled_from([HERE, THERE])))
        for obstacle in [draw(obstacles)]
    }
    return Viewer("usr_1", standings, mask_of(draw(st.sets(st.sampled_from(sorted(VENDOR_PERMISSIONS))))))


@pytest.mark.parametrize("roles", SUBSETS, ids=lambda roles: "+".join(roles) or "none")
def test_any_set_of_roles_allows_the_union_and_nothing_else(roles: tuple[str, ...]) -> None:
    """K63: sixteen sets of roles, every permission."""
    held = tuple(SOLAR.grant(f"grt_{role}", role_key=role, permission=None, until=None) for role in roles)
    viewer = Viewer("usr_1", {HERE: Standing(HERE, "mbr_1", held)})

    for permission in Permission:
        decision = decide(viewer, any_of(permission), organization_id=HERE, now=NOW)

        assert decision.allowed is (permission.value in permissions_of(roles)), permission
        assert [grant.role_key for grant in decision.sources] == [
            role for role in roles if permission.value in permissions_of([role])
        ]
        assert not may(viewer, any_of(permission), THERE, NOW)


@given(viewers(), permissions, st.sampled_from([HERE, THERE, "org_unknown"]))
def test_a_decision_is_the_union_of_what_counts_in_this_organization(
    viewer: Viewer, asked: set[Permission], organization: str
) -> None:
    decision = decide(viewer, any_of(*asked), organization_id=organization, now=NOW)

    standing = viewer.standings.get(organization)
    counting = [
        grant
        for grant in (standing.grants if standing is not None and standing.obstacle is None else ())
        if grant.until is None or grant.until > NOW
    ]
    allowed = any(set(permissions_in(grant.mask)) & asked for grant in counting)
    assert decision.allowed is allowed is may(viewer, any_of(*asked), organization, NOW)
    assert list(decision.sources) == [grant for grant in counting if set(permissions_in(grant.mask)) & asked]
    assert (decision.reason is None) is allowed
    if not allowed:
        assert set(decision.missing) == asked


@given(viewers(), permissions)
def test_the_vendors_rights_come_from_the_vendor_only(viewer: Viewer, asked: set[Permission]) -> None:
    rule = any_of(*asked, scope=PermissionScope.VENDOR)
    decision = decide(viewer, rule, organization_id=None, now=NOW)

    assert decision.allowed is bool(viewer.vendor_mask & mask_of(asked)) is may(viewer, rule, None, NOW)


@given(permissions)
def test_whoever_is_not_signed_in_may_nothing(asked: set[Permission]) -> None:
    assert not may(None, any_of(*asked), HERE, NOW)
    assert decide(None, any_of(*asked), organization_id=HERE, now=NOW) == Decision(
        False, DenialReason.UNAUTHENTICATED, permissions_in(mask_of(asked))
    )


@given(permissions)
def test_a_mask_holds_exactly_its_permissions(asked: set[Permission]) -> None:
    assert set(permissions_in(mask_of(asked))) == asked
    assert list(permissions_in(mask_of(asked))) == [permission for permission in Permission if permission in asked]


@pytest.mark.parametrize("policy", [SOLAR, SOFTWARE], ids=["solar", "software"])
@given(kind=st.sampled_from(["role", "permission"]), key=st.text() | st.sampled_from(list(Permission)))
def test_no_stored_grant_gives_a_right_of_the_vendor_or_breaks_anything(policy: Policy, kind: str, key: str) -> None:
    """Not by a role, nor by a direct permission that somebody wrote into the database."""
    known = list(policy.roles)
    for role in (key, *known):
        grant = policy.grant(
            "grt_1", role_key=role if kind == "role" else None, permission=None if kind == "role" else key, until=None
        )
        assert VENDOR_PERMISSIONS.isdisjoint(permissions_in(grant.mask))


def test_the_reason_names_the_first_thing_in_the_way() -> None:
    order_place = mask_of([Permission.ORDER_PLACE])
    given_here = (Grant("grt_1", "purchase", order_place, None),)

    reasons = {
        name: decide(viewer, PLACE_ORDERS, organization_id=HERE, now=NOW).reason
        for name, viewer in {
            "nobody": None,
            "a stranger": Viewer("usr_1", {}),
            "elsewhere": Viewer("usr_1", {THERE: Standing(THERE, "mbr_1", given_here)}),
            "suspended": Viewer(
                "usr_1", {HERE: Standing(HERE, "mbr_1", given_here, DenialReason.MEMBERSHIP_SUSPENDED)}
            ),
            "blocked": Viewer(
                "usr_1", {HERE: Standing(HERE, "mbr_1", given_here, DenialReason.ORGANIZATION_NOT_ACTIVE)}
            ),
            "without": Viewer("usr_1", {HERE: Standing(HERE, "mbr_1", ())}),
            "vendor": Viewer("usr_1", {}, order_place),
            "with": Viewer("usr_1", {HERE: Standing(HERE, "mbr_1", given_here)}),
        }.items()
    }

    assert reasons == {
        "nobody": DenialReason.UNAUTHENTICATED,
        "a stranger": DenialReason.NOT_A_MEMBER,
        "elsewhere": DenialReason.NOT_A_MEMBER,
        "suspended": DenialReason.MEMBERSHIP_SUSPENDED,
        "blocked": DenialReason.ORGANIZATION_NOT_ACTIVE,
        "without": DenialReason.MISSING_PERMISSION,
        "vendor": DenialReason.NOT_A_MEMBER,
        "with": None,
    }
