"""What tiles say is remembered for whoever holds the same: it is always what would be worked out for them alone."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from unittest.mock import Mock

from hypothesis import given
from hypothesis import strategies as st

from connectors.applications.interface import ApplicationRecord, CategoryRecord, LaunchKind, ModeRecord
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.data import DirectoryData
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.ids import GrantId, MembershipId, OrganizationId, UserId
from connectors.values import AccountKind
from permissions.policy import Policy, Role
from permissions.vocabulary import VENDOR_PERMISSIONS, DenialReason, Permission
from resolvers.context import RequestContext
from resolvers.launcher import ApplicationAccessState, Holder, Tile, holder_with, tiles_with
from tests.portal import NOW, Portal

ROLES = ("boss", "buyer", "fitter")
PERMISSIONS = [permission for permission in Permission if permission not in VENDOR_PERMISSIONS][:6]
ME, COLLEAGUE = UserId("usr_me"), UserId("usr_colleague")
INSTANTS = [NOW + timedelta(microseconds=step) for step in range(-1, 2)]


def _some(of: Sequence[Any], chance: random.Random) -> list[Any]:
    return [one for one in of if chance.random() < 0.5]


def _policy(chance: random.Random) -> Policy:
    """Return a policy with some of the roles, each with some permissions."""
    roles = [Role(key, {}, {}, tuple(_some(PERMISSIONS, chance)), False, True, ()) for key in _some(ROLES, chance)]
    return Policy({role.key: role for role in roles}, tuple(PERMISSIONS), (), None, {})


def _catalogue(chance: random.Random) -> tuple[ApplicationRecord, ...]:
    return tuple(_application(f"app{number}", chance) for number in range(6))


def _application(key: str, chance: random.Random) -> ApplicationRecord:
    audience = frozenset(_some(list(AccountKind), chance)) | {AccountKind.BUSINESS_CUSTOMER}
    modes = tuple(
        ModeRecord(name, {"en": name}, frozenset(_some(ROLES, chance)), frozenset(_some(PERMISSIONS, chance)))
        for name in ("pro", "light")
    )
    return ApplicationRecord(
        key, {"en": key}, {}, {}, None, CategoryRecord("all", {"en": "All"}, 1), 1, (), audience,
        frozenset(_some(ROLES, chance)), frozenset(_some(PERMISSIONS, chance)), chance.random() < 0.2,
        frozenset(_some(list(audience), chance)), LaunchKind.DEEP_LINK, f"{key}://", None, modes, None,
    )  # fmt: skip


_CHANCE = random.Random(13)
WORLDS = [(_policy(_CHANCE), _catalogue(_CHANCE)) for _ in range(3)]
"""The policies and catalogues stay the same for all examples, so that what is remembered of one meets the next."""

held_keys = st.sampled_from(
    [(GrantKind.ROLE, key) for key in (*ROLES, "gone")] + [(GrantKind.PERMISSION, key.value) for key in PERMISSIONS]
)
grants = st.lists(st.tuples(held_keys, st.sampled_from([None, *INSTANTS])), max_size=3)


def _grant(number: int, key: tuple[GrantKind, str], until: datetime | None) -> GrantRecord:
    return GrantRecord(
        GrantId(f"grt_{number}"), MembershipId("mbr_1"), OrganizationId("org_1"), ME, key[0], key[1], NOW, None, until
    )


def _holder(
    context: RequestContext,
    user_id: UserId,
    kind: AccountKind,
    statuses: tuple[MembershipStatus, OrganizationStatus] | None,
    held: Sequence[GrantRecord],
) -> Holder:
    if statuses is None:
        return Holder(user_id, user_id, kind)
    user = UserRecord(user_id, "a@b.example", True, "A", "B", None, None, None, kind, None, NOW, 1)
    organization = OrganizationRecord(
        OrganizationId("org_1"), 1, None, "One", None, OrganizationKind.INSTALLER, statuses[1], None, None
    )
    membership = MembershipRecord(MembershipId("mbr_1"), 1, organization.id, user_id, statuses[0], NOW, None)
    return holder_with(context, membership.id, user, organization, membership, held)


@given(
    world=st.sampled_from(WORLDS),
    other=st.sampled_from(WORLDS),
    now=st.sampled_from(INSTANTS),
    user_id=st.sampled_from([ME, COLLEAGUE]),
    kind=st.sampled_from(list(AccountKind)),
    statuses=st.just((MembershipStatus.ACTIVE, OrganizationStatus.ACTIVE))
    | st.none()
    | st.tuples(st.sampled_from(list(MembershipStatus)), st.sampled_from(list(OrganizationStatus))),
    given_=grants,
    include_unavailable=st.booleans(),
)
def test_a_remembered_tile_says_what_is_true_of_its_holder_now(
    world: tuple[Policy, tuple[ApplicationRecord, ...]],
    other: tuple[Policy, tuple[ApplicationRecord, ...]],
    now: datetime,
    user_id: UserId,
    kind: AccountKind,
    statuses: tuple[MembershipStatus, OrganizationStatus] | None,
    given_: Sequence[tuple[tuple[GrantKind, str], datetime | None]],
    include_unavailable: bool,
) -> None:
    held = [_grant(number, key, until) for number, (key, until) in enumerate(given_)]

    for policy, catalogue in (world, (world[0], other[1]), world):
        context = RequestContext(Mock(), policy, now, "req", caller=Mock(user=Mock(id=ME)))
        tiles = tiles_with(
            context,
            _holder(context, user_id, kind, statuses, held),
            catalogue,
            include_unavailable=include_unavailable,
        )

        says = partial(_what_is_true, policy, now, kind, statuses, held, is_own=user_id == ME)
        expected = [says(application) for application in catalogue if kind in application.audience]
        assert [_what_it_says(tile) for tile in tiles] == [
            one for one in expected if include_unavailable or one["state"] is ApplicationAccessState.AVAILABLE
        ]
        assert {(tile.user_id, tile.organization_id) for tile in tiles} <= {(user_id, "org_1" if statuses else None)}


def _what_it_says(tile: Tile) -> dict[str, Any]:
    return {
        "key": tile.application.key,
        "state": tile.state,
        "reason": tile.reason,
        "missing": set(tile.missing),
        "granted_by": list(tile.granted_by),
        "launch": tile.launch.url if tile.launch is not None else None,
        "modes": [
            (mode.record.key, mode.available, mode.launch.url if mode.launch is not None else None)
            for mode in tile.modes
        ],
    }


def _what_is_true(
    policy: Policy,
    now: datetime,
    kind: AccountKind,
    statuses: tuple[MembershipStatus, OrganizationStatus] | None,
    held: Sequence[GrantRecord],
    application: ApplicationRecord,
    *,
    is_own: bool,
) -> dict[str, Any]:
    """Work it out for one person and one application, as the docstring of ApplicationRecord says it."""
    counts = statuses == (MembershipStatus.ACTIVE, OrganizationStatus.ACTIVE)
    in_force = [grant for grant in held if counts and (grant.valid_until is None or grant.valid_until > now)]

    def gives(grant: GrantRecord, record: ApplicationRecord | ModeRecord) -> bool:
        if grant.kind is GrantKind.PERMISSION:
            return grant.key in record.permissions
        role = policy.roles.get(grant.key)
        return role is not None and (
            role.key in record.role_keys or any(one in record.permissions for one in role.permissions)
        )

    opening = [grant for grant in in_force if gives(grant, application)]
    is_open_to_kind = kind in application.open_to
    opens = is_open_to_kind or bool(opening) or (counts and application.for_every_member)
    url = application.launch_url if opens and is_own else None
    state, reason = ApplicationAccessState.AVAILABLE, None
    if not opens:
        state, reason = ApplicationAccessState.NEEDS_ROLE, DenialReason.MISSING_PERMISSION
        if statuses is None:
            reason = DenialReason.NOT_A_MEMBER
        elif statuses[0] is MembershipStatus.SUSPENDED:
            state, reason = ApplicationAccessState.NOT_ACTIVE, DenialReason.MEMBERSHIP_SUSPENDED
        elif statuses[0] is not MembershipStatus.ACTIVE:
            state, reason = ApplicationAccessState.NOT_ACTIVE, DenialReason.NOT_A_MEMBER
        elif statuses[1] is not OrganizationStatus.ACTIVE:
            state, reason = ApplicationAccessState.NOT_ACTIVE, DenialReason.ORGANIZATION_NOT_ACTIVE
    modes = [(mode, opens and any(gives(grant, mode) for grant in in_force)) for mode in application.modes]
    return {
        "key": application.key,
        "state": state,
        "reason": reason,
        "missing": set() if opens else set(application.permissions),
        "granted_by": [] if is_open_to_kind else opening,
        "launch": url,
        "modes": [(mode.key, is_there, url if is_there else None) for mode, is_there in modes],
    }


TILES = "{ viewer { applications { application { key } } } }"


async def test_a_tile_goes_at_the_very_instant_at_which_its_grant_ends(portal: Portal) -> None:
    helios = OrganizationId(await portal.organization_of("administration@helios.example"))
    until = NOW + timedelta(minutes=1)
    user_id, membership_id = UserId("usr_guest"), MembershipId("mbr_guest")
    await portal.wiring.backends.directory.load(
        DirectoryData(
            [UserRecord(user_id, "guest@helios.example", True, "Gu", "Est", None, None, None,
                        AccountKind.BUSINESS_CUSTOMER, None, NOW, 1)],
            [],
            [],
            [MembershipRecord(membership_id, 1, helios, user_id, MembershipStatus.ACTIVE, NOW, None)],
            [GrantRecord(GrantId("grt_guest"), membership_id, helios, user_id, GrantKind.ROLE, "purchase", NOW, None,
                         until)],
            [],
        )
    )  # fmt: skip
    guest = await portal.person("guest@helios.example")
    before = await guest.asks(TILES)

    portal.clock.now = until - timedelta(microseconds=1)
    just_before = await guest.asks(TILES)
    portal.clock.now = until
    at_the_end = await guest.asks(TILES)

    assert before.at("viewer.applications") != []
    assert just_before.body == before.body
    assert at_the_end.at("viewer.applications") == []
