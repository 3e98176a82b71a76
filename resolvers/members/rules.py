"""Whether somebody may change, suspend, reactivate or remove a member: what `viewerCan…` says and the commands ask."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.ids import OrganizationId
from connectors.wanted import NOTHING, Wanted, reads
from permissions.access_rules import ASSIGN_ROLES, MANAGE_MEMBERS, AccessRule
from permissions.decision import Decision, decide
from permissions.policy import Delegable, Policy, Role
from permissions.viewer import Viewer
from permissions.vocabulary import DenialReason, Permission
from resolvers.context import RequestContext
from resolvers.members.administrators import is_last, lasting_administrators
from resolvers.refusals import Conflict, Forbidden, Refused
from resolvers.texts import Text
from resolvers.transactions import forbidden

ACTIVE, SUSPENDED = MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED


@dataclass(frozen=True, slots=True)
class Subject:
    """A member as a decision about them needs it; of the administrators only who they are, of grants what they give."""

    member: MembershipRecord
    grants: tuple[GrantRecord, ...]
    administrators: tuple[MembershipRecord, ...]


Rule = Callable[[RequestContext, Viewer | None, Subject], list[DenialReason]]

_GIVES = Wanted.of(GrantRecord, lambda grant: (grant.kind, grant.key))
_decides_about = reads(
    MembershipRecord, lambda member: (member.id, member.organization_id, member.user_id, member.status)
)


def against_updating(context: RequestContext, viewer: Viewer | None, subject: Subject) -> list[DenialReason]:
    """Return why the viewer may not change what the member holds; one's own may be changed."""
    if (reason := _lacks(context, viewer, subject, ASSIGN_ROLES)) is not None:
        return [reason]
    assert viewer is not None
    reasons = []
    if subject.member.status not in (ACTIVE, SUSPENDED):
        reasons.append(DenialReason.NOT_IN_THIS_STATE)
    if not context.policy.delegable_by(viewer.standings[subject.member.organization_id], context.now):
        reasons.append(DenialReason.NOT_DELEGABLE)
    return reasons


def against_suspending(context: RequestContext, viewer: Viewer | None, subject: Subject) -> list[DenialReason]:
    """Return why the viewer may not suspend the member."""
    return _against_ending(context, viewer, subject, (ACTIVE,))


def against_removing(context: RequestContext, viewer: Viewer | None, subject: Subject) -> list[DenialReason]:
    """Return why the viewer may not remove the member; who was only invited has an invitation to revoke."""
    return _against_ending(context, viewer, subject, (ACTIVE, SUSPENDED))


def against_reactivating(context: RequestContext, viewer: Viewer | None, subject: Subject) -> list[DenialReason]:
    """Return why the viewer may not let a suspended member in again."""
    if (reason := _lacks(context, viewer, subject, MANAGE_MEMBERS)) is not None:
        return [reason]
    assert viewer is not None
    reasons = [] if subject.member.status is SUSPENDED else [DenialReason.NOT_IN_THIS_STATE]
    return reasons + _holds_more(context, viewer, subject)


async def subjects_of(context: RequestContext, members: Sequence[MembershipRecord]) -> list[Subject]:
    """Return the members as decisions need them, in two statements however many they are."""
    directory = context.backends.directory
    ids = list(dict.fromkeys(member.organization_id for member in members))
    found = dict(zip(ids, await lasting_administrators(context, directory, ids, NOTHING), strict=True))
    grants = await directory.grants_of([member.id for member in members], _GIVES)
    return [
        Subject(member, tuple(own), tuple(found[member.organization_id]))
        for member, own in zip(members, grants, strict=True)
    ]


def denied(rule: Rule) -> Callable[..., Awaitable[Sequence[Any]]]:
    """Return the query why each member cannot be changed by the rule, for the field with the reasons."""

    @_decides_about
    async def reasons(context: RequestContext, members: Sequence[MembershipRecord]) -> Sequence[Sequence[DenialReason]]:
        return [rule(context, context.viewer, subject) for subject in await subjects_of(context, members)]

    return reasons


def allowed(rule: Rule) -> Callable[..., Awaitable[Sequence[Any]]]:
    """Return the query whether each member can be changed by the rule."""

    @_decides_about
    async def answers(context: RequestContext, members: Sequence[MembershipRecord]) -> Sequence[bool]:
        return [not rule(context, context.viewer, subject) for subject in await subjects_of(context, members)]

    return answers


def refusal_for(
    context: RequestContext,
    viewer: Viewer,
    subject: Subject,
    reason: DenialReason,
    path: Sequence[str],
    *,
    needed: AccessRule = MANAGE_MEMBERS,
) -> Refused:
    """Return the refusal for a reason; LAST_ADMINISTRATOR has one of its own, which names candidates."""
    member = subject.member
    match reason:
        case DenialReason.NOT_IN_THIS_STATE:
            return Conflict(_WHEN[member.status], path, node=member)
        case DenialReason.OWN_MEMBERSHIP:
            message = Text("You cannot do this to your own membership. To give it up, leave the organization.")
        case DenialReason.NOT_DELEGABLE if needed is ASSIGN_ROLES:
            message = Text("None of your roles lets you assign roles or permissions. Ask a member who may.")
        case DenialReason.NOT_DELEGABLE:
            message = Text("This member has an administrative role that you may not remove. Ask a member who may.")
        case _:
            return forbidden(context, viewer, needed, member.organization_id)
    return Forbidden(message, Decision(False, reason), member.organization_id, path)


def can_assign(context: RequestContext, role: Role, *, organization_id: OrganizationId) -> bool:
    """Return whether the caller may give the role to others in the organization; not where they do not belong."""
    return _delegable(context, organization_id).has(role_key=role.key)


@reads(OrganizationRecord, lambda organization: organization.id)
def assignable_roles(context: RequestContext, organization: OrganizationRecord) -> list[Role]:
    """Return the roles that the caller may give to others in the organization now, and take away."""
    return [context.policy.roles[key] for key in _delegable(context, organization.id).role_keys]


@reads(OrganizationRecord, lambda organization: organization.id)
def assignable_permissions(context: RequestContext, organization: OrganizationRecord) -> Sequence[Permission]:
    """Return the direct permissions that the caller may give to others in the organization now, and take away."""
    return _delegable(context, organization.id).permissions


def _delegable(context: RequestContext, organization_id: OrganizationId) -> Delegable:
    standing = context.viewer.standings.get(organization_id) if context.viewer is not None else None
    return context.policy.delegable_by(standing, context.now) if standing is not None else Delegable()


def _against_ending(
    context: RequestContext, viewer: Viewer | None, subject: Subject, when: Sequence[MembershipStatus]
) -> list[DenialReason]:
    if (reason := _lacks(context, viewer, subject, MANAGE_MEMBERS)) is not None:
        return [reason]
    assert viewer is not None
    reasons = []
    if subject.member.status not in when:
        reasons.append(DenialReason.NOT_IN_THIS_STATE)
    if subject.member.user_id == viewer.user_id:
        reasons.append(DenialReason.OWN_MEMBERSHIP)
    reasons += _holds_more(context, viewer, subject)
    if is_last(subject.administrators, subject.member.id):
        reasons.append(DenialReason.LAST_ADMINISTRATOR)
    return reasons


def _lacks(context: RequestContext, viewer: Viewer | None, subject: Subject, rule: AccessRule) -> DenialReason | None:
    decision = decide(viewer, rule, organization_id=subject.member.organization_id, now=context.now)
    return decision.reason


def _holds_more(context: RequestContext, viewer: Viewer, subject: Subject) -> list[DenialReason]:
    """Return a reason when the member holds an administrative role that the viewer may neither give nor take."""
    if subject.member.user_id == viewer.user_id:
        return []
    standing = viewer.standings[subject.member.organization_id]
    may_take = context.policy.delegable_by(standing, context.now)
    roles = _administrative(context.policy, subject.grants)
    return [] if all(may_take.has(role_key=key) for key in roles) else [DenialReason.NOT_DELEGABLE]


def _administrative(policy: Policy, grants: Sequence[GrantRecord]) -> list[str]:
    keys = policy.administrative_role_keys()
    return [grant.key for grant in grants if grant.kind is GrantKind.ROLE and grant.key in keys]


_WHEN: Mapping[MembershipStatus, Text] = {
    MembershipStatus.INVITED: Text(
        "This person has not accepted the invitation yet. Wait until they do, or revoke the invitation."
    ),
    MembershipStatus.ACTIVE: Text("This member is already active; only suspended members can be reactivated."),
    MembershipStatus.SUSPENDED: Text("This member is already suspended. You can reactivate or remove them."),
    MembershipStatus.REMOVED: Text("This person is no longer a member. Invite them again if they should return."),
}
