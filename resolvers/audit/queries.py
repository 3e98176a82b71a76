"""What was done in an organization and by a person, as the audit log records it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.directory.records.audit import AuditEventRecord, AuditFilter
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from connectors.ids import AnyId, OrganizationId, UserId
from connectors.pages import Page, Slice
from connectors.wanted import EVERYTHING, Wanted, needs, reads
from permissions.access_rules import SEE_AUDIT_LOG
from resolvers.context import RequestContext
from resolvers.nodes.queries import found_nodes
from resolvers.nodes.visible import own_subjects
from resolvers.organizations.queries import is_visible
from resolvers.pagination import Listing, check_range, paged
from resolvers.people import seen
from resolvers.refusals import InvalidArgument
from resolvers.texts import Text

MOST_ACTIONS = 50


@dataclass(frozen=True, slots=True)
class AuditField:
    """One named value of what an event says was before, or was after; `organization_id` is whose log it is in."""

    name: str
    value: str | None
    organization_id: OrganizationId | None = None


@reads(OrganizationRecord, lambda organization: organization.id)
async def audit_events_of(
    context: RequestContext,
    organizations: Sequence[OrganizationRecord],
    *,
    page: Slice,
    actions: Sequence[str] | None = None,
    actor_id: UserId | None = None,
    from_: datetime | None = None,
    to: datetime | None = None,
    wanted: Wanted[AuditEventRecord] = EVERYTHING,
) -> Sequence[Listing]:
    """Return what was done in each organization, newest first, parallel to `organizations`."""
    if actions is not None and len(actions) > MOST_ACTIONS:
        raise InvalidArgument(
            Text("`actions` has {given} entries; at most {most} are allowed.", given=len(actions), most=MOST_ACTIONS)
        )
    check_range(from_, to)
    where = AuditFilter(tuple(actions) if actions is not None else None, actor_id, from_, to)
    ids = [organization.id for organization in organizations]
    directory = context.backends.directory
    pages = await paged(
        page, ("audit", where), lambda one: directory.audit_events_of(ids, one, where=where, wanted=wanted)
    )
    return [Listing(found, id, where, _count) for id, found in zip(ids, pages, strict=True)]


async def own_audit_events(
    context: RequestContext,
    callers: Sequence[CallerRecord],
    *,
    page: Slice,
    wanted: Wanted[AuditEventRecord] = EVERYTHING,
) -> Sequence[Listing]:
    """Return what each caller did, and what was done to them, newest first; parallel to `callers`.

    Of an organization, only while they belong to it. Who looks as somebody else sees nothing.
    """
    if context.view_as is not None:
        nothing: Page[AuditEventRecord] = Page([], False, False, lambda event: event.id)
        return [Listing(nothing, None, None, _uncounted)] * len(callers)
    listings: dict[UserId, Listing] = {}
    for caller in callers:
        if caller.user.id not in listings:
            listings[caller.user.id] = await _own(context, caller, page, wanted)
    return [listings[caller.user.id] for caller in callers]


@reads(AuditEventRecord, lambda event: (event.actor_id, event.organization_id))
async def actors_of_events(
    context: RequestContext, events: Sequence[AuditEventRecord], *, wanted: Wanted[UserRecord] = EVERYTHING
) -> Sequence[UserRecord | None]:
    """Return who did what each event records; None when the portal itself did, or somebody who was not signed in.

    Whoever never belonged to the organization, such as the vendor's staff, is seen there with nothing but their name.
    """
    belonged = await _who_belonged(context, events)
    return await seen(
        context,
        ((event.actor_id, event.organization_id if _is_insider(event, belonged) else None) for event in events),
        wanted,
    )


@reads(AuditEventRecord, lambda event: (event.ip_address, event.actor_id, event.organization_id))
async def ip_addresses_of(context: RequestContext, events: Sequence[AuditEventRecord]) -> Sequence[str | None]:
    """Return from where each event was done, for the person themself, and for those who may read an organization's log.

    The latter see it of people who belong to the organization, or did; not of the vendor's staff.
    """
    belonged = await _who_belonged(context, events)
    return [
        event.ip_address
        if _is_by_caller(context, event)
        or (_is_insider(event, belonged) and context.may(SEE_AUDIT_LOG, event.organization_id))
        else None
        for event in events
    ]


@needs(UserRecord)
@reads(AuditEventRecord, lambda event: event.subject_id)
async def subjects_of_events(context: RequestContext, events: Sequence[AuditEventRecord]) -> Sequence[Any]:
    """Return what each event was done to; None when it is gone, or nothing that the caller may see."""
    ids = list(dict.fromkeys(AnyId(event.subject_id) for event in events))
    found = dict(zip(ids, await found_nodes(context, ids), strict=True))
    return [found[AnyId(event.subject_id)] for event in events]


@reads(AuditEventRecord, lambda event: (event.before, event.organization_id))
def before_of(_context: RequestContext, event: AuditEventRecord) -> list[AuditField]:
    """Return the values before."""
    return _fields(event, event.before)


@reads(AuditEventRecord, lambda event: (event.after, event.organization_id))
def after_of(_context: RequestContext, event: AuditEventRecord) -> list[AuditField]:
    """Return the values after."""
    return _fields(event, event.after)


async def _own(context: RequestContext, caller: CallerRecord, page: Slice, wanted: Wanted[AuditEventRecord]) -> Listing:
    organization_ids = [id for id in caller.standings if is_visible(context, id)]
    directory, subjects = context.backends.directory, own_subjects(caller)

    async def read(asked: Slice) -> Sequence[Page[AuditEventRecord]]:
        return [await directory.audit_events_of_person(caller.user.id, subjects, organization_ids, asked, wanted)]

    (found,) = await paged(page, "own audit", read)
    return Listing(found, caller.user.id, None, _uncounted)


async def _who_belonged(
    context: RequestContext, events: Sequence[AuditEventRecord]
) -> set[tuple[OrganizationId, UserId]]:
    people = {event.actor_id for event in events if event.actor_id is not None}
    organization_ids = {event.organization_id for event in events if event.organization_id is not None}
    if not people or not organization_ids:
        return set()
    return set(await context.backends.directory.who_belonged(sorted(organization_ids), sorted(people)))


def _is_insider(event: AuditEventRecord, belonged: set[tuple[OrganizationId, UserId]]) -> bool:
    if event.organization_id is None or event.actor_id is None:
        return False
    return (event.organization_id, event.actor_id) in belonged


def _is_by_caller(context: RequestContext, event: AuditEventRecord) -> bool:
    caller = context.caller
    return caller is not None and context.view_as is None and event.actor_id == caller.user.id


def _fields(event: AuditEventRecord, values: Mapping[str, str | None]) -> list[AuditField]:
    return [AuditField(name, value, event.organization_id) for name, value in values.items()]


async def _count(context: RequestContext, ids: Sequence[OrganizationId], where: AuditFilter) -> Sequence[int]:
    return await context.backends.directory.count_audit_events_of(ids, where)


async def _uncounted(_context: RequestContext, owners: Sequence[Any], _where: None) -> Sequence[None]:
    return [None] * len(owners)
