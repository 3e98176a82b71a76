"""Handing the administration of an organization over to another member."""

from collections.abc import Sequence
from functools import partial

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.ids import MembershipId, OrganizationId
from permissions.access_rules import ASSIGN_ROLES
from permissions.viewer import Viewer
from resolvers.access.commands import renew_caller
from resolvers.access.edits import LONGEST_REASON, known_role
from resolvers.access.plans import not_delegable
from resolvers.approvals.fulfilled import end_held_requests
from resolvers.approvals.initiators import end_what_they_may_not_begin
from resolvers.audit import recorded
from resolvers.context import RequestContext
from resolvers.mail.queue import mail_to, queue_mail
from resolvers.members.administrators import hand_on_login_name
from resolvers.people import display_name
from resolvers.refusals import Conflict, Invalid, NotFound
from resolvers.texts import Text
from resolvers.transactions import Once, Receipt, acting_in, author, changed_once
from resolvers.validation import Together, message, together


async def transfer_administration(
    context: RequestContext,
    organization_id: OrganizationId,
    to: MembershipId,
    *,
    keep_own_role_keys: Sequence[str] | None,
    reason: str | None,
    key: str | None,
) -> tuple[MembershipRecord | None, MembershipRecord | None]:
    """Give the caller's administrative roles to another member permanently and take them from the caller, as one.

    Of the caller's other roles only those in `keep_own_role_keys` stay, all without it; direct permissions stay. The
    login name of the customer number denotes the new administrator from now on, if it denoted the caller. Both are
    written to. Returns the caller's and the other's membership as they are now.

    Raises:
        NotFound: The other is no member of the organization.
        Conflict: The other is not active, or the caller has no administrative role to hand over.
        NotDelegable: One of the roles is not one that the caller may delegate.
        Invalid: The other is the caller.
        RefusedTogether: The reason is too long, or a role to keep is none that may be kept.
    """

    async def command(change: DirectoryChange) -> Receipt:
        organization, viewer = await acting_in(context, change, organization_id, ASSIGN_ROLES)
        own = await _own(change, viewer, organization_id)
        (successor,) = await change.ask.memberships([to])
        if successor is None or successor.organization_id != organization_id:
            raise NotFound("member", ["to_membership_id"])
        if successor.id == own.id:
            raise Invalid(
                Text("This is your own membership; choose another member."), ["to_membership_id"], "another member"
            )
        if successor.status is not MembershipStatus.ACTIVE:
            raise Conflict(
                Text("This person is not an active member at the moment. Choose an active member."),
                ["to_membership_id"],
                node=successor,
            )
        (mine,) = await change.ask.grants_of([own.id])
        office = _office(context, viewer, organization_id, mine)
        with together() as checking:
            why = checking.check(lambda: message(reason, ["reason"], LONGEST_REASON))
            kept = _kept(context, checking, mine, office, keep_own_role_keys)
        by, now = author(context, why), context.now
        for grant in office:
            await recorded.give(change, successor.id, GrantKind.ROLE, grant.key, until=None, by=by, now=now)
        await end_held_requests(context, change, successor.id, by)
        for grant in mine:
            if grant.kind is GrantKind.ROLE and grant.key not in kept:
                await recorded.revoke(change, grant.id, by=by, now=now)
        await end_what_they_may_not_begin(context, change, organization_id, own.user_id, by)
        for member in (own, successor):
            await change.renew_membership(member.id)
        await hand_on_login_name(context, change, organization, by=by, preferred=successor.id)
        await _notify(context, change, organization, own, successor)
        return own.id

    asked = {"organization": organization_id, "to": to, "keep": keep_own_role_keys, "reason": reason}
    own_id = await changed_once(context, Once(key, "transferAdministration", asked), command)
    own, successor = await context.backends.directory.memberships([own_id, to])
    await renew_caller(context, [own] if own is not None else [])
    return own, successor


async def _own(change: DirectoryChange, viewer: Viewer, organization_id: OrganizationId) -> MembershipRecord:
    standing = viewer.standings[organization_id]
    (own,) = await change.ask.memberships([MembershipId(standing.membership_id)])
    assert own is not None  # the viewer was read from it
    return own


def _office(
    context: RequestContext, viewer: Viewer, organization_id: OrganizationId, mine: Sequence[GrantRecord]
) -> list[GrantRecord]:
    standing, keys = viewer.standings[organization_id], context.policy.administrative_role_keys()
    held = standing.roles_at(context.now)
    office = [one for one in mine if one.kind is GrantKind.ROLE and one.key in keys and one.key in held]
    if not office:
        raise Conflict(Text("You have no administrative role here that you could hand over."), ["organization_id"])
    may_give = context.policy.delegable_by(standing, context.now)
    for grant in office:
        if not may_give.has(role_key=grant.key):
            raise not_delegable(context.policy, standing, GrantKind.ROLE, grant.key, ["organization_id"])
    return office


def _kept(
    context: RequestContext,
    checking: Together,
    mine: Sequence[GrantRecord],
    office: Sequence[GrantRecord],
    keep: Sequence[str] | None,
) -> set[str]:
    held = {grant.key for grant in mine if grant.kind is GrantKind.ROLE}
    transferred = {grant.key for grant in office}
    if keep is None:
        return held - transferred
    for number, key in enumerate(keep):
        path = ["keep_own_role_keys", str(number)]
        if checking.check(partial(known_role, context, key, path)) is None:
            continue
        if key in keep[:number]:
            checking.refuse(Invalid(Text("This appears in the list twice; remove one of them."), path, "each once"))
        elif key in transferred:
            wrong = Text("You are handing over “{role}”, so you cannot keep it.", role=context.policy.labels_of(key))
            checking.refuse(Invalid(wrong, path, "not administrative"))
        elif key not in held:
            wrong = Text(
                "You do not have the role “{role}”, so you cannot keep it.", role=context.policy.labels_of(key)
            )
            checking.refuse(Invalid(wrong, path, "one of your roles"))
    return set(keep)


async def _notify(
    context: RequestContext,
    change: DirectoryChange,
    organization: OrganizationRecord,
    own: MembershipRecord,
    successor: MembershipRecord,
) -> None:
    before, after = await change.ask.users([own.user_id, successor.user_id])
    if before is None or after is None:
        return
    values = {
        "organization": organization.name,
        "from": display_name(context, before),
        "to": display_name(context, after),
    }
    for user in (before, after):
        await queue_mail(
            context,
            change,
            mail_to(user, "administration_transferred", values, about={"organization": organization.id}),
        )
