"""What holds of every decision, whoever asks, whatever they hold, at any instant."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.profile_files import load_profile, shipped_profiles
from permissions.access_rules import CHANGE_ORGANIZATION, MANAGE_MEMBERS, AccessRule, any_of
from permissions.decision import decide, may
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
from resolvers.context import RequestContext
from resolvers.organizations import queries as organizations
from resolvers.refusals import Coordinate
from schema.graph.guards import Guard

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
HERE, THERE = "org_here", "org_there"
VENDOR_MASK = mask_of(VENDOR_PERMISSIONS)
POLICIES = {
    name: parse_policy(load_profile(name).policy_text, load_profile(name).policy_source) for name in shipped_profiles()
}

policies = st.sampled_from(sorted(POLICIES)).map(POLICIES.__getitem__)
permissions = st.sampled_from(Permission)
wanted = st.lists(permissions, min_size=1, max_size=4, unique=True)
ends = st.sampled_from([None, NOW - INSTANT, NOW, NOW + INSTANT, NOW + timedelta(days=1)])


@st.composite
def grants(draw: st.DrawFn, policy: Policy) -> Grant:
    """A stored grant under the policy: a role it has or once had, or one right, of customers or of the vendor."""
    role = draw(st.none() | st.sampled_from([*policy.roles, "gone"]))
    right = None if role is not None else draw(st.sampled_from([*Permission, "GONE"]))
    return policy.grant(draw(st.uuids()).hex, role_key=role, permission=right, until=draw(ends))


@st.composite
def standings(draw: st.DrawFn, policy: Policy, organization: str) -> Standing:
    """What somebody holds in the organization."""
    held = tuple(draw(st.lists(grants(policy), max_size=5)))
    return Standing(organization, "mbr", held, draw(st.none() | st.sampled_from(DenialReason)))


@dataclass(frozen=True)
class Case:
    """Somebody under a policy."""

    policy: Policy
    viewer: Viewer


@st.composite
def cases(draw: st.DrawFn) -> Case:
    policy = draw(policies)
    organization_ids = [
        draw(standings(policy, organization_id)) for organization_id in (HERE, THERE) if draw(st.booleans())
    ]
    vendor = mask_of(draw(st.lists(st.sampled_from(sorted(VENDOR_PERMISSIONS)))))
    return Case(
        policy,
        Viewer(
            "usr_me", {organization_id.organization_id: organization_id for organization_id in organization_ids}, vendor
        ),
    )


def decided(case: Case, asked: list[Permission], organization: str | None = HERE, **more: Any) -> Any:
    return decide(case.viewer, any_of(*asked, **more), organization_id=organization, now=NOW, policy=case.policy)


def with_grants(viewer: Viewer, *more: Grant) -> Viewer:
    here = viewer.standings.get(HERE, Standing(HERE, "mbr", ()))
    return replace(viewer, standings={**viewer.standings, HERE: here._replace(grants=here.grants + more)})


@given(case=cases(), asked=wanted, organization=st.sampled_from([HERE, THERE, "org_unknown"]))
def test_the_quick_answer_and_the_explained_one_agree(case: Case, asked: list[Permission], organization: str) -> None:
    decision = decided(case, asked, organization)

    assert decision.allowed == may(case.viewer, any_of(*asked), organization, NOW)
    assert decision.allowed == (decision.reason is None) == (decision.missing == ()) == bool(decision.sources)
    assert decide(None, any_of(*asked), organization_id=organization, now=NOW).reason is DenialReason.UNAUTHENTICATED


@given(case=cases(), asked=wanted)
def test_somebody_may_what_one_of_their_grants_gives_and_nothing_else(case: Case, asked: list[Permission]) -> None:
    standing = case.viewer.standings.get(HERE)
    union = 0
    if standing is not None and standing.obstacle is None:
        for grant in standing.grants:
            union |= grant.mask if grant.until is None or grant.until > NOW else 0

    assert decided(case, asked).allowed == bool(union & mask_of(asked))
    assert (standing.held_at(NOW) if standing is not None else 0) == union


@given(case=cases(), asked=wanted, other=st.data())
def test_what_is_held_elsewhere_changes_nothing_here(case: Case, asked: list[Permission], other: st.DataObject) -> None:
    elsewhere = other.draw(standings(case.policy, THERE))
    viewer = replace(case.viewer, standings={**case.viewer.standings, THERE: elsewhere})

    assert decided(replace(case, viewer=viewer), asked) == decided(case, asked)


@given(case=cases(), asked=wanted, more=st.data())
def test_more_grants_never_take_away(case: Case, asked: list[Permission], more: st.DataObject) -> None:
    viewer = with_grants(case.viewer, *more.draw(st.lists(grants(case.policy), max_size=3)))

    assert decided(replace(case, viewer=viewer), asked).allowed >= decided(case, asked).allowed


@given(policy=policies, right=permissions, until=st.datetimes(timezones=st.just(UTC)), apart=st.integers(-2, 2))
def test_a_grant_counts_until_the_instant_it_ends_and_not_at_it(
    policy: Policy, right: Permission, until: datetime, apart: int
) -> None:
    grant = policy.grant("grt", role_key=None, permission=right.value, until=until)
    viewer = Viewer("usr_me", {HERE: Standing(HERE, "mbr", (grant,))})
    now = until if until + apart * INSTANT > datetime.max.replace(tzinfo=UTC) - INSTANT else until + apart * INSTANT

    allowed = decide(viewer, any_of(right), organization_id=HERE, now=now).allowed

    assert allowed == (now < until and right not in VENDOR_PERMISSIONS)


@given(case=cases(), right=st.sampled_from(sorted(VENDOR_PERMISSIONS)))
def test_vendor_permissions_never_come_from_an_organization(case: Case, right: Permission) -> None:
    as_vendor = decided(case, [right], None, scope=PermissionScope.VENDOR)

    assert not decided(case, [right]).allowed
    assert as_vendor.allowed == bool(case.viewer.vendor_mask & mask_of([right]))
    assert all(standing.held_at(NOW) & VENDOR_MASK == 0 for standing in case.viewer.standings.values())


@given(case=cases(), asked=wanted)
def test_a_request_makes_sense_exactly_when_a_role_or_a_right_that_is_given_there_would_help(
    case: Case, asked: list[Permission]
) -> None:
    policy, decision = case.policy, decided(case, asked)
    offers = [policy.grant("new", role_key=key, permission=None, until=None) for key in policy.roles]
    offers = [offer for offer in offers if policy.delegable.has(role_key=str(offer.role_key))]
    offers += [
        policy.grant("new", role_key=None, permission=right.value, until=None) for right in policy.direct_permissions
    ]
    helping = [
        offer for offer in offers if decided(replace(case, viewer=with_grants(case.viewer, offer)), asked).allowed
    ]

    if decision.reason is DenialReason.MISSING_PERMISSION:
        assert decision.requestable == bool(helping)
        assert set(decision.grantable_by_roles) == {offer.role_key for offer in helping if offer.role_key}
    else:
        assert (decision.requestable, decision.grantable_by_roles) == (False, ())


@given(case=cases(), right=permissions)
def test_nobody_gives_what_they_may_not(case: Case, right: Permission) -> None:
    policy = case.policy
    for standing in case.viewer.standings.values():
        assigns = bool(standing.held_at(NOW) & mask_of([Permission.ROLE_ASSIGN]))
        lists = {key for own in standing.roles_at(NOW) if own in policy.roles for key in policy.roles[own].assignable}

        may_give = policy.delegable_by(standing, NOW)
        for key in [*policy.roles, "gone"]:
            assert may_give.has(role_key=key) == (assigns and key in lists)
        assert may_give.has(permission=right) == (assigns and right in policy.direct_permissions)
        assert bool(may_give) == bool(assigns and (lists or policy.direct_permissions))


@dataclass(frozen=True)
class Organization:
    """Something that belongs to an organization."""

    id: str


@pytest.mark.parametrize(
    ("capability", "rule"),
    [
        (organizations.can_manage_members, MANAGE_MEMBERS),
        (organizations.can_manage_organization, CHANGE_ORGANIZATION),
        (organizations.can_place_orders, any_of(Permission.ORDER_PLACE)),
    ],
)
@given(case=cases(), organization_id=st.sampled_from([HERE, THERE, "org_unknown"]))
def test_a_capability_is_true_exactly_when_the_guard_does_not_refuse(
    capability: Any, rule: AccessRule, case: Case, organization_id: str
) -> None:
    context = RequestContext(backends=None, policy=case.policy, now=NOW, request_id="test", viewer=case.viewer)  # type: ignore[arg-type]
    guard = Guard(rule, Coordinate("Organization", "command"), lambda organization: organization.id, None)

    assert capability(context, Organization(organization_id)) == (
        guard.refusals(context, [Organization(organization_id)]) is None
    )


@given(
    case=cases(),
    organization_ids=st.lists(st.sampled_from([HERE, THERE, "org_unknown", None]), max_size=6),
    asked=wanted,
)
def test_a_guard_refuses_object_by_object_what_the_decision_refuses(
    case: Case, organization_ids: list[str | None], asked: list[Permission]
) -> None:
    context = RequestContext(backends=None, policy=case.policy, now=NOW, request_id="test", viewer=case.viewer)  # type: ignore[arg-type]
    guard = Guard(any_of(*asked), Coordinate("Organization", "field"), lambda organization_id: organization_id, None)

    refusals = guard.refusals(context, organization_ids) or [None] * len(organization_ids)

    assert [refusal is None for refusal in refusals] == [
        decided(case, asked, organization_id).allowed for organization_id in organization_ids
    ]


@given(rights=st.lists(permissions, unique=True))
def test_a_set_of_permissions_survives_being_an_integer(rights: list[Permission]) -> None:
    assert set(permissions_in(mask_of(rights))) == set(rights)
