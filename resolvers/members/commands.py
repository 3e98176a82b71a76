"""Suspending, reactivating and removing members, and leaving."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.directory.approvals import ACCESS_REQUESTS, INVITATIONS
from connectors.directory.directory import DirectoryChange
from connectors.directory.records.access import GrantRecord
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.invitations import InvitationRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.directory.records.requests import RequestStatus
from connectors.ids import MembershipId, OrganizationId
from permissions.access_rules import MANAGE_MEMBERS
from permissions.decision import may
from permissions.vocabulary import DenialReason
from resolvers.access.edits import LONGEST_REASON
from resolvers.access.mails import notify_of_change, notify_of_end
from resolvers.access_requests.commands import end_access_request
from resolvers.approvals.initiators import MOST_SHOWN, end_what_they_may_not_begin
from resolvers.approvals.lists import open_of
from resolvers.audit import recorded
from resolvers.context import RequestContext
from resolvers.members.administrators import hand_on_login_name, is_last, last_administrator, lasting_administrators
from resolvers.members.rules import (
    Rule,
    Subject,
    against_reactivating,
    against_removing,
    against_suspending,
    refusal_for,
)
from resolvers.refusals import Conflict, NotFound, Stale
from resolvers.texts import Text
from resolvers.transactions import (
    Once,
    Receipt,
    acting_in,
    author,
    changed_once,
    current_viewer,
    forbidden,
    masked_values_of,
)
from resolvers.validation import message, text

ACTIVE, SUSPENDED, REMOVED = MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED, MembershipStatus.REMOVED


@dataclass(frozen=True, slots=True)
class MemberCommand:
    """Which member something is done with, why, and under which key."""

    id: MembershipId
    expected_version: int | None = None
    reason: str | None = None
    key: str | None = None


async def suspend_member(context: RequestContext, command: MemberCommand) -> MembershipRecord:
    """Let a member do nothing for the time being; what they were given stays, and counts again afterwards.

    Raises:
        Conflict: The member is not active.
        Forbidden: It is the caller themself, or an administrator whose role the caller may not take.
        LastAdministrator: Nobody would be left who administers the organization.
        Stale: Somebody changed the membership since it was read.
    """
    return (await _done(context, command, "suspendMember", against_suspending, SUSPENDED))[0]


async def reactivate_member(context: RequestContext, command: MemberCommand) -> MembershipRecord:
    """Let a suspended member in again.

    Raises:
        Conflict: The member is not suspended.
        Forbidden: The member holds an administrative role that the caller may not give.
        Stale: Somebody changed the membership since it was read.
    """
    return (await _done(context, command, "reactivateMember", against_reactivating, ACTIVE))[0]


async def remove_member(
    context: RequestContext, command: MemberCommand
) -> tuple[MembershipRecord, Sequence[InvitationRecord | None]]:
    """Let a member belong to the organization no longer, from the next request on; returns what was revoked as well.

    All they were given is taken, so that coming back by an invitation brings nothing of it back, and the invitations
    that they sent and nobody has accepted are revoked. The organization keeps the history: who ordered what, and who
    did what.

    Raises:
        Conflict: The person is no member, or was only invited.
        Forbidden: It is the caller themself, or an administrator whose role the caller may not take.
        LastAdministrator: Nobody would be left who administers the organization.
        Stale: Somebody changed the membership since it was read.
    """
    member, revoked = await _done(context, command, "removeMember", against_removing, REMOVED)
    return member, await context.backends.directory.approvals(INVITATIONS, revoked[:MOST_SHOWN])


async def update_member(context: RequestContext, command: MemberCommand, job_title: str | None) -> MembershipRecord:
    """Say what a member does in the organization; members say it of themselves, those who manage members of all.

    Raises:
        NotFound: There is no such member.
        Forbidden: It is somebody else, and the caller manages no members there.
        Conflict: The person is no member any more.
        Invalid: The title is longer than 100 characters, or has characters that do not show.
        Stale: Somebody changed the membership since it was read.
    """
    title = text(job_title, ["job_title"]) if job_title is not None and job_title.strip() else None

    async def change_it(change: DirectoryChange) -> Receipt:
        (seen,) = await change.ask.memberships([command.id])
        if seen is None:
            raise NotFound("member", ["id"])
        organization_id = seen.organization_id
        await change.lock_organization(organization_id)
        (member,) = await change.ask.memberships([command.id])
        if member is None:  # it stood for an invited person, who has meanwhile got back the one they had once
            raise NotFound("member", ["id"])
        viewer = await current_viewer(context, change)
        own = viewer.standings.get(organization_id) if viewer is not None else None
        is_own = own is not None and own.membership_id == member.id and own.obstacle is None
        if viewer is None or not (is_own or may(viewer, MANAGE_MEMBERS, organization_id, context.now)):
            raise forbidden(context, viewer, MANAGE_MEMBERS, organization_id)
        if member.status is REMOVED:
            raise Conflict(Text("This person is no longer a member."), ["id"], node=member)
        if command.expected_version not in (None, member.version):
            raise Stale(member.version, ["expected_version"], node=member)
        before, after = await change.set_job_title(member.id, title)
        if after is not before:
            shown = masked_values_of(before, ["job_title"]), masked_values_of(after, ["job_title"])
            by = author(context, _reason(command.reason))
            entry = by.entry("membership.update", member.id, organization_id, before=shown[0], after=shown[1])
            await change.record(entry, context.now)
        return member.id

    once = Once(command.key, "updateMember", [command.id, command.expected_version, title, command.reason])
    (updated,) = await context.backends.directory.memberships([await changed_once(context, once, change_it)])
    assert updated is not None
    return updated


async def leave_organization(
    context: RequestContext, organization_id: OrganizationId, *, reason: str | None, key: str | None
) -> CallerRecord | None:
    """Let the caller belong to the organization no longer, and return them as they are now.

    Raises:
        NotFound: They do not belong to it.
        Conflict: They were only invited, or the vendor has not decided about the registration yet.
        LastAdministrator: Nobody would be left who administers the organization.
    """
    caller = context.caller
    assert caller is not None  # the guard has asked

    async def command(change: DirectoryChange) -> Receipt:
        organization = await change.lock_organization(organization_id)
        now = await change.ask.caller(caller.user.id, None, context.now)
        own = now.standings.get(organization_id) if now else None
        if organization is None or own is None:
            raise NotFound("organization", ["organization_id"])
        subject, user = await _subject(context, change, own.membership_id)
        if subject.member.status not in (ACTIVE, SUSPENDED):
            raise Conflict(Text("You have not joined yet. Decline the invitation instead."), ["organization_id"])
        if organization.status is OrganizationStatus.PENDING_REVIEW:
            raise Conflict(
                Text("The registration is under review. Withdraw it, or wait for the decision."), ["organization_id"]
            )
        if organization.status not in (OrganizationStatus.CLOSED, OrganizationStatus.REJECTED):
            await _check_last(context, change, subject, ["organization_id"])
        await end_membership(context, change, organization, subject, user, _reason(reason))
        return subject.member.id

    asked = {"organization": organization_id, "reason": reason}
    await changed_once(context, Once(key, "leaveOrganization", asked), command)
    context.become(await context.backends.directory.caller(caller.user.id, caller.session_id, context.now))
    return context.caller


async def end_membership(
    context: RequestContext,
    change: DirectoryChange,
    organization: OrganizationRecord,
    subject: Subject,
    user: UserRecord | None,
    reason: str | None,
) -> list[InvitationRecord]:
    """Remove a member with all they were given and began, notify them, and pass on the customer's login name.

    Whether it may be done has been asked, under the organization's lock. Returns the invitations of theirs that were
    revoked, as they were.
    """
    by, now, member = author(context, reason), context.now, subject.member
    for grant in subject.grants:
        await recorded.revoke(change, grant.id, by=by, now=now)
    for request in await open_of(context, change, ACCESS_REQUESTS, "membership_id", member.id):
        await end_access_request(context, change, request, RequestStatus.WITHDRAWN, by)
    await recorded.set_membership_status(change, member.id, REMOVED, by=by, now=now)
    revoked = await end_what_they_may_not_begin(context, change, organization.id, member.user_id, by)
    if user is not None:
        await notify_of_end(context, change, organization, user)
    await hand_on_login_name(context, change, organization, by=by)
    return revoked


async def _done(
    context: RequestContext, asked: MemberCommand, name: str, rule: Rule, status: MembershipStatus
) -> tuple[MembershipRecord, Sequence[str]]:
    """Return the member as they are now, and the ids of the invitations that were revoked with it."""

    async def command(change: DirectoryChange) -> Receipt:
        (seen,) = await change.ask.memberships([asked.id])
        if seen is None:
            raise NotFound("member", ["id"])
        organization, viewer = await acting_in(context, change, seen.organization_id, MANAGE_MEMBERS)
        reason = _reason(asked.reason)
        subject, user = await _subject(context, change, asked.id)
        for denied in rule(context, viewer, subject):
            if denied is DenialReason.LAST_ADMINISTRATOR:
                await _check_last(context, change, subject, ["id"])
            raise refusal_for(context, viewer, subject, denied, ["id"])
        if asked.expected_version not in (None, subject.member.version):
            raise Stale(subject.member.version, ["expected_version"], node=subject.member)
        if status is REMOVED:
            revoked = await end_membership(context, change, organization, subject, user, reason)
            return {"revoked": [invitation.id for invitation in revoked]}
        by = author(context, reason)
        await recorded.set_membership_status(change, asked.id, status, by=by, now=context.now)
        await hand_on_login_name(context, change, organization, by=by)
        if user is not None:
            counting = _counting(context, subject.grants)
            gained, lost = (counting, ()) if status is ACTIVE else ((), counting)
            await notify_of_change(context, change, organization, user, gained, lost)
        return {"revoked": []}

    once = Once(asked.key, name, [asked.id, asked.expected_version, asked.reason])
    receipt = await changed_once(context, once, command)
    (member,) = await context.backends.directory.memberships([asked.id])
    if member is None:
        raise NotFound("member", ["id"])
    return member, receipt["revoked"] if isinstance(receipt, dict) else []  # earlier versions kept the id alone


async def _subject(
    context: RequestContext, change: DirectoryChange, membership_id: MembershipId
) -> tuple[Subject, UserRecord | None]:
    (member,) = await change.ask.memberships([membership_id])
    if member is None:
        raise NotFound("member", ["id"])
    (grants,) = await change.ask.grants_of([membership_id])
    (administrators,) = await lasting_administrators(context, change.ask, [member.organization_id])
    (user,) = await change.ask.users([member.user_id])
    return Subject(member, tuple(grants), tuple(administrators)), user


async def _check_last(context: RequestContext, change: DirectoryChange, subject: Subject, path: Sequence[str]) -> None:
    member = subject.member
    if is_last(subject.administrators, member.id):
        raise await last_administrator(change.ask, member.organization_id, path, [member.id])


def _counting(context: RequestContext, grants: Sequence[GrantRecord]) -> list[GrantRecord]:
    return [grant for grant in grants if grant.valid_until is None or context.now < grant.valid_until]


def _reason(reason: str | None) -> str | None:
    return message(reason, ["reason"], LONGEST_REASON)
