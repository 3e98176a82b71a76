"""Seeing the portal as a member would, without being them.

Exception
    ViewAsRefused           the caller may not, or there is no such member
    ViewIsReadOnly          something was to be changed while looking as somebody else
"""

import logging
from collections import OrderedDict
from dataclasses import replace

from connectors.directory.records.audit import AuditEntry
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.errors import ConnectorError
from connectors.ids import MembershipId
from permissions.access_rules import SEE_MEMBERS
from permissions.view_as import most_seen_as, narrowed
from permissions.vocabulary import permissions_in
from resolvers.audit.refused_attempts import record_refused
from resolvers.context import RequestContext, ViewAs
from resolvers.people import display_name
from resolvers.texts import AnyOf, Text
from resolvers.viewer import viewer_of

_MOST_REMEMBERED = 1_000

log = logging.getLogger("forecourt.auth")


class ViewAsRefused(Exception):
    """The caller may not see the portal as this member, or there is none such; the message says what would help."""

    def __init__(self, message: Text) -> None:
        super().__init__(message)
        self.message = message


class ViewIsReadOnly(Exception):
    """Somebody who looks as a member wanted to change something."""

    def __init__(self) -> None:
        self.message = Text("You are viewing the portal as somebody else, so nothing can be changed.")
        super().__init__(self.message)


class Views:
    """Lets requests see the portal as a member would, and puts it on record before anything is shown."""

    def __init__(self) -> None:
        self._recorded: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    async def open(self, context: RequestContext, membership_id: MembershipId) -> None:
        """Let the rest of the request be seen as the member, within what both the member and the caller may.

        Raises:
            ViewAsRefused: The caller may not, or there is no such member; an unknown membership and a foreign one get
                the same answer after the same queries.
        """
        try:
            membership, most = await self._allowed(context, membership_id)
        except ViewAsRefused:
            await _record_refusal(context, membership_id)
            raise
        if membership.status in (MembershipStatus.INVITED, MembershipStatus.REMOVED):
            raise ViewAsRefused(
                Text("This person is not a member of the organization at the moment, so there is nothing to see.")
            )
        viewed = await context.backends.directory.caller(membership.user_id, None, context.now)
        if viewed is None or membership_id not in [one.membership_id for one in viewed.standings.values()]:
            raise ViewAsRefused(Text("This person has just left the organization."))
        await self._record(context, membership)
        _see(context, viewed, membership, most)

    async def _allowed(self, context: RequestContext, membership_id: MembershipId) -> tuple[MembershipRecord, int]:
        if context.viewer is None:
            raise ViewAsRefused(
                Text("Please sign in first; then choose the member as whom you want to view the portal.")
            )
        (membership,) = await context.backends.directory.memberships([membership_id])
        if membership is not None:
            most = most_seen_as(context.policy, context.viewer, membership.organization_id, context.now)
            if most is not None:
                return membership, most
        refused = Text("There is no such member, or you may not view the portal as this member.")
        if context.discloses in ("permission", "full"):  # as in any other refusal
            needed = AnyOf([permission.value for permission in context.policy.view_as_organization])
            hint = Text("This requires {permissions} in the member's organization.", permissions=needed)
            if not needed.values:
                hint = Text("Viewing as a member is switched off here.")
            raise ViewAsRefused(Text("{refusal} {advice}", refusal=refused, advice=hint))
        raise ViewAsRefused(refused)

    async def _record(self, context: RequestContext, membership: MembershipRecord) -> None:
        """Put the view on record: once an hour for each session and membership, whichever process is asked."""
        caller = context.caller
        assert caller is not None
        hour = context.now.strftime("%Y-%m-%dT%H")
        known = (caller.session_id or caller.user.id, membership.id, hour)
        if known in self._recorded:
            return
        entry = AuditEntry(
            action="view_as",
            actor_id=caller.user.id,
            subject_id=membership.id,
            organization_id=membership.organization_id,
            request_id=context.request_id,
            ip_address=context.ip_address,
        )
        async with context.backends.directory.change() as change:
            await change.record_hourly(entry, context.now, f"{known[0]} {membership.id}")
        self._recorded[known] = None
        if len(self._recorded) > _MOST_REMEMBERED:
            self._recorded.popitem(last=False)


async def _record_refusal(context: RequestContext, membership_id: MembershipId) -> None:
    """Log that somebody may not see the portal as this member, and put it on record, once an hour for each of both.

    It belongs to no organization's log: who asks may not even know whether there is such a member.
    """
    caller = context.caller
    person = caller.user.id if caller is not None else None
    log.warning("view as refused", extra={"address": context.ip_address, "membership": membership_id, "person": person})
    if caller is None:
        return
    entry = AuditEntry(
        action="view_as.refused",
        actor_id=caller.user.id,
        subject_id=membership_id,
        organization_id=None,
        request_id=context.request_id,
        ip_address=context.ip_address,
        refused_with="VIEW_AS_REFUSED",
    )
    try:
        await record_refused(context, entry, caller.user.id)
    except ConnectorError as error:
        log.warning("refusal not recorded", extra={"action": "view_as.refused", "reason": str(error)})


def _see(context: RequestContext, viewed: CallerRecord, membership: MembershipRecord, most: int) -> None:
    real = context.caller
    assert real is not None
    seen = replace(
        viewed,
        user=replace(viewed.user, address=None),
        session_id=None,
        standings={membership.organization_id: viewed.standings[membership.organization_id]},
        vendor_permissions=(),
    )
    viewer = viewer_of(seen, context.policy)
    (standing,) = viewer.standings.values()
    context.caller = seen
    context.viewer = replace(viewer, standings={standing.organization_id: narrowed(standing, most)})
    context.view_as = ViewAs(
        membership_id=membership.id,
        display_name=display_name(context, viewed.user),
        by=display_name(context, real.user),
        shows_contacts=bool(most & SEE_MEMBERS.mask),
        withheld=permissions_in(standing.held_at(context.now) & ~most),
    )
    context.unenforced = None  # a dry run would show what is withheld
