"""What an edit of somebody's access gives and takes, decided from what is there: alike before and within a change."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors.directory.directory import DirectoryQueries
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.ids import GrantId, MembershipId, UserId
from permissions.policy import Delegable, Policy
from permissions.viewer import Grant, Standing, Viewer
from permissions.vocabulary import DenialReason, Permission, mask_of, permissions_in
from resolvers.access.edits import AccessEdit
from resolvers.context import RequestContext
from resolvers.members.administrators import holds_permanently, lasting_administrators
from resolvers.refusals import Conflict, ErrorCode, Invalid, NotDelegable, Refused, RefusedTogether
from resolvers.texts import Text
from resolvers.viewer import grants_under

ROLE, RIGHT = GrantKind.ROLE, GrantKind.PERMISSION


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """All that decisions about members of one organization are made of, read at one time.

    `standing` is what the person who acts holds, `administrators` those of `resolvers.members.administrators`,
    `holders` the active members who hold a right of which too many holders deserve a warning.
    """

    organization: OrganizationRecord
    viewer: Viewer
    members: Mapping[MembershipId, MembershipRecord]
    grants: Mapping[MembershipId, Sequence[GrantRecord]]
    users: Mapping[UserId, UserRecord]
    administrators: tuple[MembershipRecord, ...]
    holders: Mapping[Permission, frozenset[MembershipId]]

    @property
    def standing(self) -> Standing:
        """Return what the person who acts holds in the organization."""
        return self.viewer.standings[self.organization.id]


@dataclass(frozen=True, slots=True)
class Warned:
    """A permission that more people would hold than is recommended."""

    permission: Permission
    holders: int
    recommended: int


@dataclass(frozen=True, slots=True)
class AccessPlan:
    """What a change does to one member: the grants before and after, those given (again) and those taken away."""

    member: MembershipRecord
    edit: AccessEdit
    before: tuple[GrantRecord, ...]
    give: tuple[GrantRecord, ...]
    take: tuple[GrantRecord, ...]

    @property
    def changes(self) -> bool:
        """Return whether anything is given or taken."""
        return bool(self.give or self.take)

    @property
    def after(self) -> tuple[GrantRecord, ...]:
        """Return the grants as they are afterwards."""
        touched = {(grant.kind, grant.key) for grant in (*self.give, *self.take)}
        kept = [grant for grant in self.before if (grant.kind, grant.key) not in touched]
        return (*kept, *self.give)


async def decision_context_of(
    context: RequestContext,
    ask: DirectoryQueries,
    organization: OrganizationRecord,
    viewer: Viewer,
    members: Iterable[MembershipRecord],
) -> DecisionContext:
    """Return what decisions about these members are made of, in as many statements for a hundred as for one."""
    known = {member.id: member for member in members}
    ids = list(known)
    user_ids = list({member.user_id for member in known.values()})
    users = dict(zip(user_ids, await ask.users(user_ids), strict=True))
    (administrators,) = await lasting_administrators(context, ask, [organization.id])
    holders = {}
    for permission in context.policy.warnings:
        (found,) = await ask.holders_of(
            [organization.id],
            role_keys=[role.key for role in context.policy.roles_with([permission])],
            permissions=[permission.value],
            now=context.now,
        )
        holders[permission] = frozenset(member.id for member in found)
    return DecisionContext(
        organization=organization,
        viewer=viewer,
        members=known,
        grants=dict(zip(ids, await ask.grants_of(ids), strict=True)),
        users={user_id: user for user_id, user in users.items() if user is not None},
        administrators=tuple(administrators),
        holders=holders,
    )


def plan_access(context: RequestContext, decision_context: DecisionContext, edit: AccessEdit) -> AccessPlan:
    """Return what the edit gives and takes, when whoever acts may give and take all of it.

    Raises:
        RefusedTogether: A role or right may not be delegated or taken back, comes from a role, or is
            to end that is not held afterwards.
    """
    member = decision_context.members[edit.membership_id]
    planning = _Planning(context, decision_context, member, edit)
    planning.roles()
    planning.rights()
    planning.ends()
    if planning.refusals:
        raise RefusedTogether(planning.refusals)
    return AccessPlan(member, edit, planning.before, tuple(planning.give.values()), tuple(planning.take))


class _Planning:
    """Makes one plan, and collects what is refused of it."""

    def __init__(
        self, context: RequestContext, decision_context: DecisionContext, member: MembershipRecord, edit: AccessEdit
    ) -> None:
        self.context, self.policy, self.now = context, context.policy, context.now
        self.decision_context, self.member, self.edit = decision_context, member, edit
        self.may_give = self.policy.delegable_by(decision_context.standing, self.now)
        self.before = tuple(decision_context.grants[member.id])
        counting = [grant for grant in self.before if grant.valid_until is None or self.now < grant.valid_until]
        # A role that this portal no longer has, and a permission that is not granted directly, are nobody's to edit:
        # they stay.
        self.held_roles = {one.key: one for one in counting if one.kind is ROLE and one.key in self.policy.roles}
        direct_permissions = {permission.value for permission in self.policy.direct_permissions}
        self.held_rights = {one.key: one for one in counting if one.kind is RIGHT and one.key in direct_permissions}
        self.give: dict[tuple[GrantKind, str], GrantRecord] = {}
        self.take: list[GrantRecord] = []
        self.refusals: list[Refused] = []
        self.role_keys = edit.role_keys if edit.role_keys is not None else tuple(self.held_roles)
        self.right_keys: tuple[str, ...] = tuple(self.held_rights)

    def roles(self) -> None:
        edit = self.edit
        for number, key in enumerate(edit.role_keys or ()):
            self._set(ROLE, key, self.held_roles.get(key), edit.at("role_keys", number))
        for key, grant in self.held_roles.items():
            if key not in self.role_keys and self._may(ROLE, key, edit.at("role_keys")):
                self.take.append(grant)

    def rights(self) -> None:
        edit = self.edit
        if edit.permissions is None:
            return
        inherited = {
            permission: role
            for role in (self.policy.roles[key] for key in self.held_roles if key in self.role_keys)
            for permission in role.permissions
        }
        from_roles = permissions_in(mask_of(p for key in self.role_keys for p in self.policy.roles[key].permissions))
        on: list[str] = []
        for number, permission in enumerate(edit.permissions):
            held = self.held_rights.get(permission.value)
            if held is None and permission in from_roles:
                continue  # it is on already, and who sends all that is on does not mean to grant it once more
            on.append(permission.value)
            self._set(RIGHT, permission.value, held, edit.at("permissions", number))
        for permission in self.policy.direct_permissions:
            if permission in edit.permissions:
                continue
            if permission in inherited:
                self.refusals.append(self._inherited(permission, inherited[permission].key))
            elif permission.value in self.held_rights and self._may(RIGHT, permission.value, edit.at("permissions")):
                self.take.append(self.held_rights[permission.value])
        self.right_keys = tuple(on)

    def ends(self) -> None:
        for number, end in enumerate(self.edit.ends):
            kind, key = (ROLE, end.role_key) if end.role_key is not None else (RIGHT, str(end.permission))
            assert key is not None
            path = self.edit.at("ends", number)
            if key not in (self.role_keys if kind is ROLE else self.right_keys):
                self.refusals.append(
                    Invalid(
                        Text(
                            "The member would not hold “{access}” directly, so it cannot end.",
                            access=self.policy.labels_of(key),
                        ),
                        path,
                        "held afterwards",
                    )
                )
            elif (kind, key) not in self.give:
                held = (self.held_roles if kind is ROLE else self.held_rights).get(key)
                self._set(kind, key, held, path)

    def _set(self, kind: GrantKind, key: str, held: GrantRecord | None, path: list[str]) -> None:
        """Have the grant given, or given again with another end; what is so already stays untouched."""
        listed = self.edit.role_keys if kind is ROLE else self.edit.permissions
        until = self.edit.end_of(
            kind, key, held.valid_until if held is not None else None, is_listed=listed is not None
        )
        if (held is not None and held.valid_until == until) or not self._may(kind, key, path):
            return
        viewer = self.decision_context.viewer
        self.give[kind, key] = GrantRecord(
            held.id if held is not None else GrantId(f"grt_planned_{kind.value.lower()}_{key}"),
            self.member.id, self.member.organization_id, self.member.user_id, kind, key, self.now,
            UserId(viewer.user_id), until,
        )  # fmt: skip

    def _may(self, kind: GrantKind, key: str, path: list[str]) -> bool:
        if may_delegate(self.may_give, kind, key):
            return True
        self.refusals.append(not_delegable(self.policy, self.decision_context.standing, kind, key, path))
        return False

    def _inherited(self, permission: Permission, role_key: str) -> Refused:
        return Conflict(
            Text(
                "“{permission}” comes with the role “{role}” and cannot be switched off separately. Keep it, or remove "
                "the role.",
                permission=permission.labels,
                role=self.policy.labels_of(role_key),
            ),
            self.edit.at("permissions"),
            code=ErrorCode.PERMISSION_INHERITED_FROM_ROLE,
            node=self.held_roles[role_key],
        )


def may_delegate(may_give: Delegable, kind: GrantKind, key: str) -> bool:
    """Return whether somebody may give the role or the direct permission to others, and take it away."""
    return may_give.has(role_key=key) if kind is ROLE else may_give.has(permission=key)


def not_delegable(policy: Policy, standing: Standing, kind: GrantKind, key: str, path: Sequence[str]) -> NotDelegable:
    """Return the refusal to delegate or take back a role or direct permission."""
    access = policy.labels_of(key)
    message = Text("You may not assign or remove “{access}”. Ask a member who may.", access=access)
    if not may_delegate(policy.delegable, kind, key):
        message = Text(
            "Nobody in the organization may assign or remove “{access}”. Please contact the vendor.", access=access
        )
    return NotDelegable(message, standing.organization_id, path)


def effective(
    decision_context: DecisionContext, member: MembershipRecord, grants: Sequence[Grant], now: datetime
) -> int:
    """Return the mask of what a member with these grants may do."""
    return standing_with(decision_context.organization, member, grants).held_at(now)


def standing_with(organization: OrganizationRecord, member: MembershipRecord, grants: Sequence[Grant]) -> Standing:
    """Return what a member would hold with these grants."""
    if member.status is MembershipStatus.SUSPENDED:
        obstacle: DenialReason | None = DenialReason.MEMBERSHIP_SUSPENDED
    elif member.status is not MembershipStatus.ACTIVE:
        obstacle = DenialReason.NOT_A_MEMBER
    else:
        is_active = organization.status is OrganizationStatus.ACTIVE
        obstacle = None if is_active else DenialReason.ORGANIZATION_NOT_ACTIVE
    return Standing(organization.id, member.id, tuple(grants), obstacle)


def difference(context: RequestContext, decision_context: DecisionContext, plan: AccessPlan) -> tuple[int, int]:
    """Return the masks of the permissions that the member gains and loses at once."""
    policy, now = context.policy, context.now
    had = effective(decision_context, plan.member, grants_under(policy, plan.before), now)
    has = effective(decision_context, plan.member, grants_under(policy, plan.after), now)
    return has & ~had, had & ~has


def warnings_of(
    context: RequestContext, decision_context: DecisionContext, plans: Iterable[AccessPlan]
) -> list[Warned]:
    """Return of which permissions more people would hold one than is recommended, because of these plans."""
    added: dict[Permission, set[MembershipId]] = {}
    holders = {permission: set(held) for permission, held in decision_context.holders.items()}
    for plan in plans:
        gained, lost = (permissions_in(mask) for mask in difference(context, decision_context, plan))
        for permission in holders:
            if permission in gained:
                holders[permission].add(plan.member.id)
                added.setdefault(permission, set()).add(plan.member.id)
            elif permission in lost:
                holders[permission].discard(plan.member.id)
    return [
        Warned(permission, len(holders[permission]), recommended)
        for permission, recommended in context.policy.warnings.items()
        if permission in added and len(holders[permission]) > recommended
    ]


def administrators_after(
    policy: Policy, decision_context: DecisionContext, plans: Iterable[AccessPlan]
) -> list[MembershipId]:
    """Return who administers the organization permanently once these plans are carried out."""
    left = {member.id: None for member in decision_context.administrators}
    for plan in plans:
        if plan.member.status is not MembershipStatus.ACTIVE:
            continue
        if holds_permanently(policy, plan.after):
            left[plan.member.id] = None
        else:
            left.pop(plan.member.id, None)
    return list(left)


def loses_administration(policy: Policy, plan: AccessPlan) -> bool:
    """Return whether the member administered the organization permanently and does not any more."""
    return holds_permanently(policy, plan.before) and not holds_permanently(policy, plan.after)


def granted(plan: AccessPlan, give: Iterable[GrantRecord]) -> AccessPlan:
    """Return a plan that gives these grants and takes nothing."""
    return replace(plan, give=tuple(give), take=())
