"""Organizations as their members see them."""

from collections.abc import Mapping, Sequence

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationChange, OrganizationRecord
from connectors.ids import MembershipId, OrganizationId
from connectors.wanted import EVERYTHING, Wanted, reads
from permissions.access_rules import CHANGE_ORGANIZATION, MANAGE_MEMBERS, PLACE_ORDERS
from permissions.vocabulary import DenialReason
from resolvers.at_once import known_by
from resolvers.contact_data import email, phone, website
from resolvers.context import RequestContext
from resolvers.refusals import Stale
from resolvers.transactions import acting_in, author, changed, values_of
from resolvers.validation import together

MOST_ADMINISTRATORS = 8
"""So many are named whom one may ask."""


def is_visible(context: RequestContext, organization_id: str) -> bool:
    """Return whether the caller belongs to the organization, be it suspended, so that it may be shown at all."""
    standing = context.viewer.standings.get(organization_id) if context.viewer is not None else None
    return standing is not None and standing.obstacle is not DenialReason.NOT_A_MEMBER


def _own_at_once(
    context: RequestContext, *, id: OrganizationId, wanted: Wanted[OrganizationRecord] = EVERYTHING
) -> OrganizationRecord | None:
    """Return the organization where it came with the caller and nothing changes it, else None."""
    caller = context.caller
    if not context.only_reads or caller is None or context.standings_on_demand is not None:
        return None
    own = caller.standings.get(id) if caller.read_of_organizations.covers(wanted) else None
    return own.organization if own is not None and is_visible(context, id) else None


@known_by(_own_at_once)
async def organization(
    context: RequestContext, *, id: OrganizationId, wanted: Wanted[OrganizationRecord] = EVERYTHING
) -> OrganizationRecord | None:
    """Return the organization, None for an unknown one and for somebody else's alike."""
    return (await visible_organizations(context, [id], wanted))[0]


async def visible_organizations(
    context: RequestContext, ids: Sequence[OrganizationId], wanted: Wanted[OrganizationRecord] = EVERYTHING
) -> list[OrganizationRecord | None]:
    """Return the organizations that the caller belongs to, None for all others; parallel to `ids`."""
    await context.learn(ids)
    visible = [identifier for identifier in ids if is_visible(context, identifier)]
    found = await organizations_with(context, visible, wanted)
    return [found.get(identifier) for identifier in ids]


@reads(MembershipRecord, lambda membership: membership.organization_id)
async def member_organizations(
    context: RequestContext,
    memberships: Sequence[MembershipRecord],
    *,
    wanted: Wanted[OrganizationRecord] = EVERYTHING,
) -> Sequence[OrganizationRecord | None]:
    """Return the organization of each membership."""
    found = await organizations_with(context, [membership.organization_id for membership in memberships], wanted)
    return [found[membership.organization_id] for membership in memberships]


async def organizations_with(
    context: RequestContext, ids: Sequence[OrganizationId], wanted: Wanted[OrganizationRecord] = EVERYTHING
) -> Mapping[OrganizationId, OrganizationRecord | None]:
    """Return these organizations by id; the caller's own came with them, and are read again only where they may change.

    Of an operation that changes something, the answer shows what it has changed.
    """
    caller = context.caller
    found: dict[OrganizationId, OrganizationRecord | None] = {}
    if context.only_reads and caller is not None and caller.read_of_organizations.covers(wanted):
        await context.learn(ids)  # which reads the organization, too
        found = {id: own.organization for id in ids if (own := caller.standings.get(id)) is not None}
    unread = list(dict.fromkeys(id for id in ids if id not in found))
    if unread:
        found |= zip(unread, await context.backends.directory.organizations(unread, wanted), strict=True)
    return found


async def default_organizations(
    context: RequestContext, callers: Sequence[CallerRecord], *, wanted: Wanted[OrganizationRecord] = EVERYTHING
) -> Sequence[OrganizationRecord | None]:
    """Return the organization that each caller looks at first."""
    chosen = [default_organization_id(caller) for caller in callers]
    ids = [identifier for identifier in chosen if identifier is not None]
    found = await visible_organizations(context, ids, wanted)
    rest = iter(found)
    return [next(rest) if identifier is not None else None for identifier in chosen]


def default_organization_id(caller: CallerRecord) -> OrganizationId | None:
    """Return the organization the caller chose, else the first in which they are active, else suspended, else none.

    A suspended member looks at the organization too, so that every refusal can say why.
    """
    chosen, standings = caller.user.default_organization_id, caller.standings
    own = standings.get(chosen) if chosen is not None else None
    if own is not None and own.membership_status is MembershipStatus.ACTIVE:
        return chosen  # without a look at all the others
    for status in (MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED):
        there = [id for id, standing in standings.items() if standing.membership_status is status]
        if there:
            return chosen if chosen in there else there[0]
    return None


@reads(OrganizationRecord, lambda organization: organization.id)
async def administrators_of(
    context: RequestContext,
    organizations: Sequence[OrganizationRecord],
    *,
    wanted: Wanted[MembershipRecord] = EVERYTHING,
) -> Sequence[Sequence[MembershipRecord]]:
    """Return active members who hold each organization, by name, 8 at most: whom to ask."""
    return await context.backends.directory.holders_of(
        [organization.id for organization in organizations],
        role_keys=context.policy.administrative_role_keys(),
        permissions=(),
        now=context.now,
        limit=MOST_ADMINISTRATORS,
        wanted=wanted,
    )


@reads(OrganizationRecord, lambda organization: organization.id)
async def viewer_memberships(
    context: RequestContext,
    organizations: Sequence[OrganizationRecord],
    *,
    wanted: Wanted[MembershipRecord] = EVERYTHING,
) -> Sequence[MembershipRecord | None]:
    """Return the caller's own membership in each organization."""
    await context.learn([organization.id for organization in organizations])
    standings = context.viewer.standings if context.viewer is not None else {}
    ids = [
        MembershipId(standings[organization.id].membership_id)
        for organization in organizations
        if organization.id in standings
    ]
    found = iter(await context.backends.directory.memberships(ids, wanted) if ids else ())
    return [next(found) if organization.id in standings else None for organization in organizations]


@reads(OrganizationRecord, lambda organization: organization.id)
def can_manage_members(context: RequestContext, organization: OrganizationRecord) -> bool:
    """Return whether the caller may invite, change and remove members."""
    return context.may(MANAGE_MEMBERS, organization.id)


@reads(OrganizationRecord, lambda organization: organization.id)
def can_manage_organization(context: RequestContext, organization: OrganizationRecord) -> bool:
    """Return whether the caller may change the organization's data."""
    return context.may(CHANGE_ORGANIZATION, organization.id)


@reads(OrganizationRecord, lambda organization: organization.id)
def can_place_orders(context: RequestContext, organization: OrganizationRecord) -> bool:
    """Return whether the caller may order in the shop."""
    return context.may(PLACE_ORDERS, organization.id)


async def update_organization(
    context: RequestContext, id: OrganizationId, values: Mapping[str, str | None], expected_version: int
) -> OrganizationRecord:
    """Change how to reach an organization and return it as it is now; values that are so already change nothing.

    `values` may have ``phone``, ``email`` and ``website``. Name and registered office change by a request only.

    Raises:
        RefusedTogether: Values that are not allowed, each with its path.
        Stale: Somebody changed the organization since it was read.
    """
    cleaned = dict(values)
    with together() as checks:
        if "phone" in values:
            cleaned["phone"] = checks.check(lambda: phone(values["phone"], ["phone"], country=_country_of(context, id)))
        if (address := (values.get("email") or "").strip() or None) is not None or "email" in values:
            cleaned["email"] = checks.check(lambda: email(address, ["email"])) if address is not None else None
        if "website" in values:
            cleaned["website"] = checks.check(lambda: website(values["website"], ["website"]))

    async def command(change: DirectoryChange) -> OrganizationRecord:
        organization, _ = await acting_in(context, change, id, CHANGE_ORGANIZATION)
        if organization.version != expected_version:
            raise Stale(organization.version, ["expected_version"], node=organization)
        wanted = {key: value for key, value in cleaned.items() if getattr(organization, key) != value}
        if not wanted:
            return organization
        return await changed_data(context, change, organization.id, OrganizationChange(wanted))

    return await changed(context, command)


def _country_of(context: RequestContext, id: OrganizationId) -> str | None:
    """Return the country of the registered office of one of the caller's organizations."""
    standing = context.caller.standings.get(id) if context.caller is not None else None
    office = standing.organization.seat if standing is not None else None
    return office.country_code if office is not None else None


async def changed_data(
    context: RequestContext, change: DirectoryChange, id: OrganizationId, what: OrganizationChange
) -> OrganizationRecord:
    """Change an organization's data within a transaction, put it on record, and return it as it is now."""
    before, after = await change.update_organization(id, what)
    entry = author(context).entry(
        "organization.update", id, id, before=values_of(before, what.values), after=values_of(after, what.values)
    )
    await change.record(entry, context.now)
    return after
