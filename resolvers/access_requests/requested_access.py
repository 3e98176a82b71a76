"""What somebody asks for, turned into the roles and direct permissions that would give it: the smallest that do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from connectors.applications.interface import ApplicationRecord
from connectors.values import AccountKind
from permissions.policy import Role
from permissions.viewer import Standing
from permissions.vocabulary import Permission
from resolvers.access.edits import MOST_LISTED, known_role
from resolvers.context import RequestContext
from resolvers.launcher import opens_for_role
from resolvers.refusals import Conflict, Invalid, NotDelegable, NotFound
from resolvers.texts import Text
from resolvers.validation import together


@dataclass(frozen=True, slots=True)
class RequestedAccess:
    """What somebody would like to have: roles, permissions however they come, or to open an application."""

    role_keys: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    application_id: str | None = None


async def requested_access_of(
    context: RequestContext, standing: Standing, kind: AccountKind, requested: RequestedAccess
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the roles and the direct permissions that give somebody with this standing all that is requested.

    A permission that is no direct permission comes by the role with the fewest permissions that gives it; so does an
    application that no direct permission opens.

    Raises:
        RefusedTogether: Unknown or repeated roles, what is held permanently already, what nobody delegates.
        Invalid: Nothing is requested, or too much.
        NotFound: There is no such application, or none that is shown to this kind of account.
    """
    listed = len(requested.role_keys) + len(requested.permissions)
    if not listed and requested.application_id is None:
        raise Invalid(
            Text("Say what you need: `roleKeys`, `permissions` or `applicationId`."), ["permissions"], "something"
        )
    if listed > MOST_LISTED:
        raise Invalid(
            Text("Ask for at most {most} roles and permissions at once.", most=MOST_LISTED),
            ["permissions"],
            f"length 1..{MOST_LISTED}",
        )
    roles: dict[str, None] = {}
    rights: dict[str, None] = {}
    with together() as found:
        for number, key in enumerate(requested.role_keys):
            path = ["role_keys", str(number)]
            if key in requested.role_keys[:number]:
                found.refusals.append(
                    Invalid(Text("This appears in the list twice; remove one of them."), path, "each once")
                )
            elif found.check(partial(_role, context, standing, key, path)):
                roles[key] = None
        for number, permission in enumerate(requested.permissions):
            path = ["permissions", str(number)]
            if permission in requested.permissions[:number]:
                found.refusals.append(
                    Invalid(Text("This appears in the list twice; remove one of them."), path, "each once")
                )
                continue
            _note(found.check(partial(_way_to, context, standing, permission, path)), roles, rights)
        if requested.application_id is not None:
            application = await _application(context, kind, requested.application_id)
            _note(found.check(partial(_way_into, context, standing, application)), roles, rights)
    return tuple(roles), tuple(rights)


def nobodys(access: Mapping[str, str], standing: Standing, path: Sequence[str] | None) -> NotDelegable:
    """Return the refusal to ask for what nobody in the organization could grant."""
    message = Text("Nobody in the organization can grant “{access}”. Please contact the vendor.", access=access)
    return NotDelegable(message, standing.organization_id, path)


def _note(way: Permission | Role | None, roles: dict[str, None], rights: dict[str, None]) -> None:
    if isinstance(way, Role):
        roles[way.key] = None
    elif way is not None:
        rights[way.value] = None


def _role(context: RequestContext, standing: Standing, key: str, path: list[str]) -> str:
    known_role(context, key, path)
    if not context.policy.delegable.has(role_key=key):
        raise nobodys(context.policy.labels_of(key), standing, path)
    if any(grant.role_key == key and grant.until is None for grant in standing.grants):
        raise Conflict(Text("You already have the role “{role}”.", role=context.policy.labels_of(key)), path)
    return key


def _way_to(context: RequestContext, standing: Standing, permission: Permission, path: list[str]) -> Permission | Role:
    if any(grant.until is None for grant in standing.sources_at(context.now, permission)):
        raise Conflict(Text("You already have the permission “{permission}”.", permission=permission.labels), path)
    if context.policy.delegable.has(permission=permission):
        return permission
    role = _smallest(context.policy.delegable_roles_with([permission]))
    if role is None:
        raise nobodys(permission.labels, standing, path)
    return role


def _way_into(context: RequestContext, standing: Standing, application: ApplicationRecord) -> Permission | Role:
    path, policy = ["application_id"], context.policy
    held = [grant for grant in standing.grants if grant.until is None]
    roles = [policy.roles[grant.role_key] for grant in held if grant.role_key and grant.role_key in policy.roles]
    has_right = any(
        grant.until is None
        for one in Permission
        if one in application.permissions
        for grant in standing.sources_at(context.now, one)
    )
    if application.for_every_member or has_right or any(opens_for_role(application, r) for r in roles):
        raise Conflict(Text("You can already open this application."), path)
    for permission in policy.direct_permissions:
        if permission in application.permissions:
            return permission
    opening = [role for role in policy.roles.values() if opens_for_role(application, role)]
    role = _smallest([role for role in opening if policy.delegable.has(role_key=role.key)])
    if role is None:
        raise nobodys(application.names, standing, path)
    return role


async def _application(context: RequestContext, kind: AccountKind, application_id: str) -> ApplicationRecord:
    key = application_id.removeprefix("app_")
    (found,) = await context.backends.applications.applications([key])
    if found is None or not application_id.startswith("app_") or kind not in found.audience:
        raise NotFound("application", ["application_id"])
    return found


def _smallest(roles: Sequence[Role]) -> Role | None:
    return min(roles, key=lambda role: len(role.permissions), default=None)
