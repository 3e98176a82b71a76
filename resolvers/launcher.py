"""Which applications somebody may open, and where."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache, partial
from typing import NamedTuple, TypeAlias

from connectors.applications.interface import ApplicationRecord, LaunchKind, ModeRecord
from connectors.directory.approvals import ACCESS_REQUESTS
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.directory.records.requests import RequestStatus
from connectors.ids import MembershipId, OrganizationId, UserId
from connectors.pages import ALL, Slice
from connectors.quick import quick
from connectors.values import AccountKind
from connectors.wanted import EVERYTHING, Wanted, needs, reads
from permissions.access_rules import SEE_RIGHTS
from permissions.policy import Policy, Role
from permissions.vocabulary import DenialReason, Permission
from resolvers.access.plans import standing_with
from resolvers.access_requests.queries import is_seen
from resolvers.at_once import known_by
from resolvers.context import RequestContext
from resolvers.organizations.queries import default_organization_id, is_visible, organizations_with
from resolvers.people import people_with


class ApplicationAccessState(StrEnum):
    """Whether an application opens for somebody, and what it would take."""

    AVAILABLE = "AVAILABLE"
    NEEDS_ROLE = "NEEDS_ROLE"
    NOT_ACTIVE = "NOT_ACTIVE"


@quick
@dataclass(frozen=True, slots=True)
class Launch:
    """Where to send the browser to open an application."""

    kind: LaunchKind
    url: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TileMode:
    """A way to open an application, and where to send the browser if it opens so."""

    record: ModeRecord
    available: bool
    launch: Launch | None


@quick
@dataclass(frozen=True, slots=True)
class Holder:
    """Whose page a tile is on: a member's of an organization, or that of somebody who is no member of one.

    `id` is the membership's, or the person's. What would be on the page after a change has an id of its own, which
    finds nothing. `grants` are those that have not ended; with an `obstacle`, none of them counts.
    """

    id: str
    user_id: UserId
    kind: AccountKind
    organization_id: OrganizationId | None = None
    obstacle: DenialReason | None = None
    grants: tuple[GrantRecord, ...] = ()


class Tile(NamedTuple):
    """An application on somebody's page: whether it opens, by which of the holder's grants, else what is missing.

    A tuple, for all but the holder is remembered, and a page of twelve is made of that with each request; a dataclass
    takes more than twice as long.
    """

    holder: Holder
    application: ApplicationRecord
    state: ApplicationAccessState
    reason: DenialReason | None
    missing: tuple[Permission, ...]
    opened_by: tuple[int, ...]
    launch: Launch | None
    modes: tuple[TileMode, ...]

    @property
    def id(self) -> str:
        """Return its id: the same application on another page is another tile."""
        return f"{TILE}_{self.holder.id}_{self.application.key}"

    @property
    def organization_id(self) -> OrganizationId | None:
        """Return the organization from which the application is opened; None for none."""
        return self.holder.organization_id

    @property
    def user_id(self) -> UserId:
        """Return on whose page it is."""
        return self.holder.user_id

    @property
    def granted_by(self) -> tuple[GrantRecord, ...]:
        """Return the grants that open it."""
        return tuple(self.holder.grants[number] for number in self.opened_by)


_STATUS = Wanted.of(OrganizationRecord, lambda organization: organization.status)
_EFFECT = Wanted.of(GrantRecord, lambda grant: (grant.kind, grant.key, grant.valid_until))
_READ_TO_OPEN = Wanted.of(
    AccessRequestRecord,
    lambda request: (request.organization_id, request.user_id, request.role_keys, request.permissions),
)
_reads_member = reads(
    MembershipRecord, lambda member: (member.id, member.organization_id, member.user_id, member.status)
)
_needs_kind = needs(UserRecord, lambda user: user.account_kind)

TILE = "til"
"""With this the ids of tiles begin."""

_Said: TypeAlias = tuple[
    ApplicationRecord,
    ApplicationAccessState,
    DenialReason | None,
    tuple[Permission, ...],
    tuple[int, ...],
    Launch | None,
    tuple[TileMode, ...],
]
"""What a tile says whoever's it is: all but the holder."""

_MOST_PAGES = 500
"""So many pages are remembered; there is one for each set of roles and permissions, never for each person."""

_PAGES = "pages of tiles"


class _Key(NamedTuple):
    """What a grant opens applications by: the role it gives, if one, and its permissions; `number` is the grant's."""

    number: int
    role: str | None
    permissions: Collection[str]


def _tiles_at_once(
    context: RequestContext,
    callers: Sequence[CallerRecord],
    *,
    organization_id: OrganizationId | None = None,
    include_unavailable: bool = False,
) -> Sequence[Sequence[Tile]] | None:
    known = context.backends.applications.at_hand
    return _tiles(context, callers, known, organization_id, include_unavailable) if known is not None else None


@known_by(_tiles_at_once)
async def tiles_of(
    context: RequestContext,
    callers: Sequence[CallerRecord],
    *,
    organization_id: OrganizationId | None = None,
    include_unavailable: bool = False,
) -> Sequence[Sequence[Tile]]:
    """Return each caller's tiles in the order of the page.

    In the organization given, else in the caller's first; without any, those that open for the kind of account.
    Somebody else's organization and an unknown one give no tiles that come from an organization.
    """
    known = await context.backends.applications.catalogue()
    return _tiles(context, callers, known, organization_id, include_unavailable)


def _tiles(
    context: RequestContext,
    callers: Sequence[CallerRecord],
    known: Sequence[ApplicationRecord],
    organization_id: OrganizationId | None,
    include_unavailable: bool,
) -> Sequence[Sequence[Tile]]:
    answer = []
    for caller in callers:
        looked_at = organization_id or default_organization_id(caller)
        holder = _holder_of(context, caller, looked_at)
        answer.append(tiles_with(context, holder, known, include_unavailable=include_unavailable))
    return answer


@_needs_kind
@_reads_member
async def tiles_of_members(
    context: RequestContext,
    memberships: Sequence[MembershipRecord],
    *,
    include_unavailable: bool = False,
    wanted: Wanted[GrantRecord] = EVERYTHING,
    people: Wanted[UserRecord] = EVERYTHING,
) -> Sequence[Sequence[Tile]]:
    """Return the tiles of each member in their organization, in the order of the page."""
    known = await context.backends.applications.catalogue()
    ids = [membership.organization_id for membership in memberships]
    organizations = await organizations_with(context, ids, _STATUS)
    users = await people_with(context, {membership.user_id for membership in memberships}, people)
    grants = await context.backends.directory.grants_of([one.id for one in memberships], wanted | _EFFECT)
    answer: list[list[Tile]] = []
    for membership, own in zip(memberships, grants, strict=True):
        organization, user = organizations[membership.organization_id], users[membership.user_id]
        if organization is None or user is None:
            answer.append([])
            continue
        holder = holder_with(context, membership.id, user, organization, membership, own)
        answer.append(tiles_with(context, holder, known, include_unavailable=include_unavailable))
    return answer


async def tiles_with_ids(context: RequestContext, ids: Sequence[str]) -> Sequence[Tile | None]:
    """Return the tiles with these ids, of whoever's page the caller may see; None for the others."""
    caller = context.caller
    if caller is None:
        return [None] * len(ids)
    holders = ["_".join(id.split("_", 3)[1:3]) for id in ids]
    member_ids = [MembershipId(holder) for holder in dict.fromkeys(holders) if holder.startswith("mbr_")]
    found_members = await context.backends.directory.memberships(member_ids)
    await context.learn_of_found(found_members)
    members = [member for member in found_members if member is not None and _may_see_page(context, caller, member)]
    pages = [list(page) for page in await tiles_of_members(context, members, include_unavailable=True)]
    if caller.user.id in holders:
        pages += map(list, await tiles_of(context, [replace(caller, standings={})], include_unavailable=True))
    found = {tile.id: tile for page in pages for tile in page}
    return [found.get(id) for id in ids]


async def organizations_of_tiles(
    context: RequestContext, tiles: Sequence[Tile], *, wanted: Wanted[OrganizationRecord] = EVERYTHING
) -> Sequence[OrganizationRecord | None]:
    """Return the organization from which each application is opened."""
    ids = [tile.organization_id for tile in tiles if tile.organization_id is not None]
    found = await organizations_with(context, ids, wanted)
    return [found[tile.organization_id] if tile.organization_id is not None else None for tile in tiles]


async def pending_requests_of(
    context: RequestContext, tiles: Sequence[Tile], *, wanted: Wanted[AccessRequestRecord] = EVERYTHING
) -> Sequence[AccessRequestRecord | None]:
    """Return the latest request that waits for a decision and would open each tile's application, if it may be seen."""
    closed = [tile for tile in tiles if tile.state is ApplicationAccessState.NEEDS_ROLE]
    ids = list(dict.fromkeys(tile.holder.id for tile in closed if tile.organization_id is not None))
    pages = (
        await context.backends.directory.approvals_of(
            ACCESS_REQUESTS,
            "membership_id",
            ids,
            Slice(ALL),
            status=[RequestStatus.PENDING],
            now=context.now,
            wanted=wanted | _READ_TO_OPEN,
        )
        if ids
        else ()
    )
    waiting = {id: page.items for id, page in zip(ids, pages, strict=True)}
    return [
        next(
            (
                one
                for one in waiting.get(tile.holder.id, ())
                if is_seen(context, one) and _would_open(context, tile, one)
            ),
            None,
        )
        if tile.state is ApplicationAccessState.NEEDS_ROLE
        else None
        for tile in tiles
    ]


def roles_that_open(context: RequestContext, tile: Tile) -> list[Role]:
    """Return the roles that open a tile's application."""
    return [role for role in context.policy.roles.values() if opens_for_role(tile.application, role)]


def is_requestable(context: RequestContext, tile: Tile) -> bool:
    """Return whether an application that does not open could be had from somebody in the organization."""
    if tile.reason is not DenialReason.MISSING_PERMISSION:
        return False
    delegable = context.policy.delegable
    return any(permission in tile.application.permissions for permission in delegable.permissions) or any(
        delegable.has(role_key=role.key) for role in roles_that_open(context, tile)
    )


async def catalogue(context: RequestContext, *, audience: AccountKind | None = None) -> list[ApplicationRecord]:
    """Return every application there is, for everybody to see, or only those for a kind of account."""
    return [
        application
        for application in await context.backends.applications.catalogue()
        if audience is None or audience in application.audience
    ]


async def applications_of_roles(
    context: RequestContext, roles: Sequence[Role]
) -> Sequence[Sequence[ApplicationRecord]]:
    """Return the applications that each role opens."""
    known = await context.backends.applications.catalogue()
    return [[application for application in known if opens_for_role(application, role)] for role in roles]


@_needs_kind
@_reads_member
async def applications_of_members(
    context: RequestContext, memberships: Sequence[MembershipRecord], *, people: Wanted[UserRecord] = EVERYTHING
) -> Sequence[Sequence[ApplicationRecord]]:
    """Return the applications that open for each member in their organization, whoever looks."""
    known = await context.backends.applications.catalogue()
    ids = [membership.organization_id for membership in memberships]
    organizations = await organizations_with(context, ids, _STATUS)
    users = await people_with(context, {membership.user_id for membership in memberships}, people)
    grants = await context.backends.directory.grants_of([one.id for one in memberships], _EFFECT)
    answer: list[list[ApplicationRecord]] = []
    for membership, own in zip(memberships, grants, strict=True):
        keys = _keys(context.policy, _held(_in_force(own, context.now)))
        organization, user = organizations[membership.organization_id], users[membership.user_id]
        counts = (
            user is not None
            and organization is not None
            and organization.status is OrganizationStatus.ACTIVE
            and membership.status is MembershipStatus.ACTIVE
        )
        answer.append(
            [
                application
                for application in known
                if user is not None
                and counts
                and user.account_kind in application.audience
                and (application.for_every_member or _opening(application, keys))
            ]
        )
    return answer


async def parents_of(
    context: RequestContext, applications: Sequence[ApplicationRecord]
) -> Sequence[ApplicationRecord | None]:
    """Return the application that each one is a part of."""
    keys = list(dict.fromkeys(one.parent_key for one in applications if one.parent_key is not None))
    parents = dict(zip(keys, await context.backends.applications.applications(keys), strict=True)) if keys else {}
    return [parents.get(one.parent_key) if one.parent_key is not None else None for one in applications]


def holder_with(
    context: RequestContext,
    id: str,
    user: UserRecord,
    organization: OrganizationRecord,
    membership: MembershipRecord,
    grants: Iterable[GrantRecord],
) -> Holder:
    """Return the member as the holder of tiles, as if they held these grants."""
    obstacle = standing_with(organization, membership, ()).obstacle
    return Holder(id, user.id, user.account_kind, organization.id, obstacle, _in_force(grants, context.now))


def tiles_with(
    context: RequestContext,
    holder: Holder,
    known: Sequence[ApplicationRecord],
    *,
    include_unavailable: bool = True,
) -> list[Tile]:
    """Return the holder's tiles; only one's own are launched."""
    is_own = context.caller is not None and context.caller.user.id == holder.user_id
    is_member = holder.organization_id is not None
    held = _held(holder.grants) if is_member and holder.obstacle is None else ()
    page = _remembered(context.policy, known)
    said = page(holder.kind, is_member, holder.obstacle, held, is_own, include_unavailable)
    of_holder = (holder,)
    return [tuple.__new__(Tile, of_holder + one) for one in said]  # a third less than Tile._make


def _remembered(policy: Policy, known: Sequence[ApplicationRecord]) -> Callable[..., tuple[_Said, ...]]:
    """Return `_page` under this policy and for this catalogue, with a memory.

    A page depends on its arguments alone, of grants on those that are in force at the instant of the request. The
    memory goes with the policy, and with the catalogue, so that a change of either is seen at once.
    """
    kept = policy.kept.get(_PAGES)
    if kept is None or kept[0] is not known:
        kept = policy.kept[_PAGES] = known, lru_cache(maxsize=_MOST_PAGES)(partial(_page, policy, known))
    page: Callable[..., tuple[_Said, ...]] = kept[1]
    return page


def _page(
    policy: Policy,
    known: Sequence[ApplicationRecord],
    kind: AccountKind,
    is_member: bool,
    obstacle: DenialReason | None,
    held: Sequence[tuple[GrantKind, str]],
    is_own: bool,
    include_unavailable: bool,
) -> tuple[_Said, ...]:
    """Return what the tiles of somebody say, in the order of the page.

    `held` are kind and key of their grants.
    """
    keys = _keys(policy, held)
    counts = is_member and obstacle is None
    said = []
    for application in known:
        if kind not in application.audience:
            continue
        opened_by = () if kind in application.open_to else _opening(application, keys)
        if kind in application.open_to or opened_by or (counts and application.for_every_member):
            said.append(_open(application, opened_by, keys, is_own=is_own))
        elif include_unavailable:
            said.append(_closed(application, is_member, obstacle))
    return tuple(said)


def _open(application: ApplicationRecord, opened_by: tuple[int, ...], keys: Iterable[_Key], *, is_own: bool) -> _Said:
    """Return what the tile of an application that opens says."""
    launch = Launch(application.launch_kind, application.launch_url) if is_own else None
    modes = tuple(_mode(mode, launch, keys) for mode in application.modes)
    return application, ApplicationAccessState.AVAILABLE, None, (), opened_by, launch, modes


def _closed(application: ApplicationRecord, is_member: bool, obstacle: DenialReason | None) -> _Said:
    """Return what the tile of an application that does not open says: what it would take."""
    state = ApplicationAccessState.NEEDS_ROLE
    if not is_member:
        reason = DenialReason.NOT_A_MEMBER
    elif obstacle is not None:
        state, reason = ApplicationAccessState.NOT_ACTIVE, obstacle
    else:
        reason = DenialReason.MISSING_PERMISSION
    missing = tuple(permission for permission in Permission if permission in application.permissions)
    modes = tuple(TileMode(mode, False, None) for mode in application.modes)
    return application, state, reason, missing, (), None, modes


def _mode(mode: ModeRecord, launch: Launch | None, keys: Iterable[_Key]) -> TileMode:
    opens = any(key.role in mode.role_keys or not mode.permissions.isdisjoint(key.permissions) for key in keys)
    return TileMode(mode, opens, launch if opens else None)


def _holder_of(context: RequestContext, caller: CallerRecord, looked_at: OrganizationId | None) -> Holder:
    """Return the caller as the holder of tiles in an organization; in none if it is not theirs."""
    record = caller.standings.get(looked_at) if looked_at is not None else None
    standing = context.viewer.standings.get(looked_at) if context.viewer is not None and looked_at is not None else None
    user = caller.user
    if record is None or standing is None or standing.obstacle is DenialReason.NOT_A_MEMBER:
        return Holder(user.id, user.id, user.account_kind)
    grants = _in_force(record.grants, context.now)
    return Holder(record.membership_id, user.id, user.account_kind, looked_at, standing.obstacle, grants)


def _may_see_page(context: RequestContext, caller: CallerRecord, member: MembershipRecord) -> bool:
    if member.user_id == caller.user.id and is_visible(context, member.organization_id):
        return True
    return context.may_see(SEE_RIGHTS, member.organization_id)


def _would_open(context: RequestContext, tile: Tile, request: AccessRequestRecord) -> bool:
    roles = [context.policy.roles[key] for key in request.role_keys if key in context.policy.roles]
    return not tile.application.permissions.isdisjoint(request.permissions) or any(
        opens_for_role(tile.application, role) for role in roles
    )


def _in_force(grants: Iterable[GrantRecord], now: datetime) -> tuple[GrantRecord, ...]:
    """Return the grants that have not ended."""
    return tuple([grant for grant in grants if grant.valid_until is None or now < grant.valid_until])


def _held(grants: Iterable[GrantRecord]) -> tuple[tuple[GrantKind, str], ...]:
    """Return kind and key of the grants."""
    return tuple([(grant.kind, grant.key) for grant in grants])


def _keys(policy: Policy, held: Iterable[tuple[GrantKind, str]]) -> list[_Key]:
    """Return what opens applications of what is held; a role that the policy does not have opens none."""
    keys = []
    for number, (kind, key) in enumerate(held):
        if kind is not GrantKind.ROLE:
            keys.append(_Key(number, None, (key,)))
        elif (role := policy.roles.get(key)) is not None:
            keys.append(_Key(number, role.key, role.permissions))
    return keys


def _opening(application: ApplicationRecord, keys: Iterable[_Key]) -> tuple[int, ...]:
    """Return the numbers of the grants that open the application."""
    role_keys, permissions = application.role_keys, application.permissions
    return tuple([number for number, role, held in keys if role in role_keys or not permissions.isdisjoint(held)])


def opens_for_role(application: ApplicationRecord, role: Role) -> bool:
    """Return whether the role opens the application, directly or by one of its permissions."""
    return role.key in application.role_keys or not application.permissions.isdisjoint(role.permissions)
