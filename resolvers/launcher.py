"""Which applications somebody may open, and where."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from connectors.applications.interface import ApplicationRecord, CategoryRecord, LaunchKind, ModeRecord
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from connectors.ids import OrganizationId
from connectors.quick import quick
from connectors.values import AccountKind
from permissions.policy import Role
from permissions.viewer import Standing
from permissions.vocabulary import DenialReason, Permission, permissions_in
from resolvers.context import RequestContext
from resolvers.organizations.queries import default_organization_id, organizations_with
from resolvers.people import people_with


class ApplicationAccessState(StrEnum):
    """Whether an application opens for somebody, and what it would take."""

    AVAILABLE = "AVAILABLE"
    NEEDS_ROLE = "NEEDS_ROLE"
    NOT_ACTIVE = "NOT_ACTIVE"


@quick
@dataclass(frozen=True, slots=True)
class ApplicationView:
    """An application as it is looked at from an organization, or from none."""

    record: ApplicationRecord
    organization_id: OrganizationId | None = None


@dataclass(frozen=True, slots=True)
class ModeView:
    """A way to open an application, and whether the caller may."""

    record: ModeRecord
    available: bool


@quick
@dataclass(frozen=True, slots=True)
class Launch:
    """Where to send the browser to open an application."""

    kind: LaunchKind
    url: str
    expires_at: datetime | None = None


@quick
@dataclass(frozen=True, slots=True)
class Tile:
    """An application on somebody's page: whether it opens, from which grants, else what is missing."""

    application: ApplicationView
    state: ApplicationAccessState
    reason: DenialReason | None
    missing: tuple[Permission, ...]
    granted_by: tuple[GrantRecord, ...]
    launch: Launch | None


class _Key(NamedTuple):
    """What a grant that has not ended opens applications by: the role it gives, if one, and its permissions."""

    grant: GrantRecord
    role: str | None
    permissions: Collection[str]


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
    catalogue = await context.backends.applications.catalogue()
    answer = []
    for caller in callers:
        looked_at = organization_id or default_organization_id(caller)
        standing = (
            context.viewer.standings.get(looked_at) if context.viewer is not None and looked_at is not None else None
        )
        own = next((record.grants for record in caller.standings if record.organization_id == looked_at), ())
        kind = caller.user.account_kind
        answer.append(
            tiles_with(context, kind, catalogue, looked_at, standing, own, include_unavailable=include_unavailable)
        )
    return answer


async def catalogue(context: RequestContext, *, audience: AccountKind | None = None) -> list[ApplicationView]:
    """Return every application there is, for everybody to see, or only those for a kind of account."""
    return [
        ApplicationView(application)
        for application in await context.backends.applications.catalogue()
        if audience is None or audience in application.audience
    ]


async def applications_of_roles(context: RequestContext, roles: Sequence[Role]) -> Sequence[Sequence[ApplicationView]]:
    """Return the applications that each role opens."""
    known = await context.backends.applications.catalogue()
    return [
        [ApplicationView(application) for application in known if opens_for_role(application, role)] for role in roles
    ]


async def applications_of_members(
    context: RequestContext, memberships: Sequence[MembershipRecord]
) -> Sequence[Sequence[ApplicationView]]:
    """Return the applications that open for each member in their organization, whoever looks."""
    directory = context.backends.directory
    known = await context.backends.applications.catalogue()
    organizations = await organizations_with(context, [membership.organization_id for membership in memberships])
    users = await people_with(context, {membership.user_id for membership in memberships})
    grants = await directory.grants_of([membership.id for membership in memberships])
    answer: list[list[ApplicationView]] = []
    for membership, own in zip(memberships, grants, strict=True):
        keys = _keys_held(context, own)
        organization, user = organizations[membership.organization_id], users[membership.user_id]
        counts = (
            user is not None
            and organization is not None
            and organization.status is OrganizationStatus.ACTIVE
            and membership.status is MembershipStatus.ACTIVE
        )
        answer.append(
            [
                ApplicationView(application, membership.organization_id)
                for application in known
                if user is not None
                and counts
                and user.account_kind in application.audience
                and (application.for_every_member or _opening_grants(application, keys))
            ]
        )
    return answer


async def parents_of(
    context: RequestContext, applications: Sequence[ApplicationView]
) -> Sequence[ApplicationView | None]:
    """Return the application that each one is a part of."""
    keys = list(dict.fromkeys(view.record.parent_key for view in applications if view.record.parent_key is not None))
    parents = dict(zip(keys, await context.backends.applications.applications(keys), strict=True)) if keys else {}
    return [
        ApplicationView(parent, view.organization_id)
        if view.record.parent_key is not None and (parent := parents.get(view.record.parent_key)) is not None
        else None
        for view in applications
    ]


def modes_of(context: RequestContext, application: ApplicationView) -> list[ModeView]:
    """Return the ways to open an application; one is available in the organization looked at, else in any."""
    standings = context.viewer.standings if context.viewer is not None else {}
    held_where: Iterable[Standing] = (
        standings.values()
        if application.organization_id is None
        else [standings[application.organization_id]]
        if application.organization_id in standings
        else []
    )
    held = [(standing.roles_at(context.now), standing.held_at(context.now)) for standing in held_where]
    return [
        ModeView(
            mode,
            any(
                mode.role_keys & roles or mode.permissions & {permission.value for permission in permissions_in(mask)}
                for roles, mask in held
            ),
        )
        for mode in application.record.modes
    ]


def category_of(_context: RequestContext, application: ApplicationView) -> CategoryRecord:
    """Return the group in which an application stands on the page."""
    return application.record.category


def tiles_with(
    context: RequestContext,
    kind: AccountKind,
    known: Iterable[ApplicationRecord],
    looked_at: OrganizationId | None,
    standing: Standing | None,
    grants: Iterable[GrantRecord],
    *,
    include_unavailable: bool = True,
) -> list[Tile]:
    """Return the tiles of somebody with this kind of account, this standing in the organization and these grants."""
    keys = _keys_held(context, grants)
    tiles = [
        _open_tile(kind, application, looked_at, standing, keys)
        or (_closed_tile(application, looked_at, standing) if include_unavailable else None)
        for application in known
        if kind in application.audience
    ]
    return [tile for tile in tiles if tile is not None]


def _open_tile(
    kind: AccountKind,
    application: ApplicationRecord,
    looked_at: OrganizationId | None,
    standing: Standing | None,
    keys: Iterable[_Key],
) -> Tile | None:
    """Return the tile of an application that opens, None for one that does not."""
    grants: tuple[GrantRecord, ...] = ()
    if kind not in application.open_to:
        if standing is None or standing.obstacle is not None:
            return None
        grants = _opening_grants(application, keys)
        if not grants and not application.for_every_member:
            return None
    launch = Launch(application.launch_kind, application.launch_url)
    return Tile(ApplicationView(application, looked_at), ApplicationAccessState.AVAILABLE, None, (), grants, launch)


def _closed_tile(application: ApplicationRecord, looked_at: OrganizationId | None, standing: Standing | None) -> Tile:
    """Return the tile of an application that does not open, with what it would take."""
    state = ApplicationAccessState.NEEDS_ROLE
    if standing is None:
        reason = DenialReason.NOT_A_MEMBER
    elif standing.obstacle is not None:
        state, reason = ApplicationAccessState.NOT_ACTIVE, standing.obstacle
    else:
        reason = DenialReason.MISSING_PERMISSION
    missing = tuple(permission for permission in Permission if permission in application.permissions)
    return Tile(ApplicationView(application, looked_at), state, reason, missing, (), None)


def _keys_held(context: RequestContext, grants: Iterable[GrantRecord]) -> list[_Key]:
    now, roles = context.now, context.policy.roles
    keys = []
    for grant in grants:
        if grant.valid_until is not None and grant.valid_until <= now:
            continue
        if grant.kind is not GrantKind.ROLE:
            keys.append(_Key(grant, None, (grant.key,)))
        elif (role := roles.get(grant.key)) is not None:
            keys.append(_Key(grant, role.key, role.permissions))
    return keys


def _opening_grants(application: ApplicationRecord, keys: Iterable[_Key]) -> tuple[GrantRecord, ...]:
    role_keys, permissions = application.role_keys, application.permissions
    return tuple([grant for grant, role, held in keys if role in role_keys or not permissions.isdisjoint(held)])


def opens_for_role(application: ApplicationRecord, role: Role) -> bool:
    """Return whether the role opens the application, directly or by one of its permissions."""
    return role.key in application.role_keys or not application.permissions.isdisjoint(role.permissions)
