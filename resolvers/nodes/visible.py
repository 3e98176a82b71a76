"""Which organizations, memberships and people the caller is given by any path of the graph, and so by their ids.

What one path shows, `node(id:)` finds again: the rule here is the union of those by which the fields of the graph give
an object. The rules themselves stand in `permissions.access_rules`.
"""

from collections.abc import Iterable, Sequence

from connectors.directory.approvals import CHANGE_REQUESTS, REGISTRATIONS
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.invitations import InvitationRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import Acquaintances
from connectors.directory.records.registrations import RegistrationRecord
from connectors.errors import ConnectorError
from connectors.ids import MembershipId, OrganizationId, UserId
from connectors.pages import ALL, Slice
from connectors.values import login_key
from connectors.wanted import EVERYTHING, Wanted, reads
from permissions.access_rules import (
    ASSIGN_ROLES,
    PEOPLE_NAMED_IN,
    REVIEW_CHANGE_REQUESTS,
    REVIEW_REGISTRATIONS,
    SEE_MEMBERSHIPS,
    SEE_ORDERS,
)
from resolvers.context import RequestContext
from resolvers.invitations.queries import SHOWN_TO_INVITED
from resolvers.organizations.queries import is_visible, organizations_with
from resolvers.registrations.queries import likeness_of, shows_organization

_READ_TO_GIVE = Wanted.of(MembershipRecord, lambda member: (member.organization_id, member.user_id, member.status))


def own_subjects(caller: CallerRecord) -> list[str]:
    """Return the ids of what an audit event can be about that concerns the person: they, and their memberships."""
    return [caller.user.id, *(standing.membership_id for standing in caller.standings.values())]


async def given_organizations(
    context: RequestContext, ids: Sequence[OrganizationId]
) -> list[OrganizationRecord | None]:
    """Return the organizations that the caller belongs to, has registered, or meets as vendor staff; parallel to `ids`.

    Whether there is one takes no other statements than whether there is none.
    """
    await context.learn(ids)
    shown = {id for id in ids if is_visible(context, id)}
    if (rest := [id for id in dict.fromkeys(ids) if id not in shown]) and context.view_as is None:
        shown |= await _met_by_vendor_staff(context, rest)
        shown |= await _registered(context, rest)
    found = await organizations_with(context, [id for id in ids if id in shown])
    return [found.get(id) for id in ids]


async def given_memberships(
    context: RequestContext, ids: Sequence[MembershipId], records: Sequence[MembershipRecord | None]
) -> list[MembershipRecord | None]:
    """Return the memberships with these ids that the caller is given, None for the others.

    Their own; those of organizations where they see members or change what members hold; and of the other organizations
    that they are given the members who administer them or assign roles, for these are named as those whom one may ask.
    Whether there is one takes no other statements than whether there is none.
    """
    viewer = context.viewer
    if viewer is None:
        return [None] * len(ids)
    await context.learn_of_found(records)
    given = [
        record is not None
        and (
            context.may_see(SEE_MEMBERSHIPS, record.organization_id)
            or (record.user_id == viewer.user_id and is_visible(context, record.organization_id))
        )
        for record in records
    ]
    if not all(given):
        grants = await context.backends.directory.grants_of(ids)
        nowhere = OrganizationId("")
        organization_ids = [record.organization_id if record is not None else nowhere for record in records]
        met = {id for id in organization_ids if is_visible(context, id)}
        if context.view_as is None:
            met |= await _met_by_vendor_staff(context, organization_ids)
        given = [
            is_given
            or (
                record is not None
                and record.status is MembershipStatus.ACTIVE
                and record.organization_id in met
                and _may_be_asked(context, own)
            )
            for is_given, record, own in zip(given, records, grants, strict=True)
        ]
    return [record if is_given else None for record, is_given in zip(records, given, strict=True)]


@reads(InvitationRecord, lambda invitation: invitation.membership_id)
async def invited_memberships(
    context: RequestContext, invitations: Sequence[InvitationRecord], *, wanted: Wanted[MembershipRecord] = EVERYTHING
) -> list[MembershipRecord | None]:
    """Return the membership that each invitation is for, None to whoever is not given it."""
    ids = [one.membership_id for one in invitations]
    return await given_memberships(
        context, ids, await context.backends.directory.memberships(ids, wanted | _READ_TO_GIVE)
    )


async def organizations_of_people(
    context: RequestContext, ids: Sequence[UserId]
) -> dict[UserId, OrganizationId | ConnectorError | None]:
    """Return those of the people whom the caller is given, each with an organization by which they are.

    None stands for whoever is met in no particular organization, and an error where the shop would have to say.
    """
    caller, directory = context.caller, context.backends.directory
    if caller is None or context.viewer is None:
        return {}
    given: dict[UserId, OrganizationId | ConnectorError | None] = {caller.user.id: None}
    await context.learn(None)  # by any of them somebody may be met
    here = [OrganizationId(id) for id in context.viewer.standings if is_visible(context, id)]
    if rest := [id for id in dict.fromkeys(ids) if id not in given]:
        found = await _memberships_of(context, rest, here)
        members = await given_memberships(context, [one.id for one in found] or [MembershipId("")], found or [None])
        given |= {member.user_id: member.organization_id for member in members if member is not None}
    if rest := [id for id in rest if id not in given]:
        given |= dict.fromkeys(await directory.named(rest, _acquaintances(context, caller, here)))
    buying = [id for id in here if context.may_see(SEE_ORDERS, id)]
    if buying and (rest := [id for id in rest if id not in given]):
        try:
            given |= await context.backends.shop.people_of_orders(buying, rest)
        except ConnectorError as error:
            given |= dict.fromkeys(rest, error)
    return given


async def _registered(context: RequestContext, ids: Sequence[OrganizationId]) -> set[OrganizationId]:
    """Return which organizations the caller has registered, as long as their registration shows them."""
    if context.caller is None:
        return set()
    me, registrations = context.caller.user.id, await _registrations_of(context, ids)
    return {
        one.organization_id
        for one in registrations
        if one.user_id == me and one.organization_id is not None and shows_organization(context, one)
    }


async def _registrations_of(context: RequestContext, ids: Sequence[OrganizationId]) -> list[RegistrationRecord]:
    """Return the last registration of each of these organizations that was registered here."""
    pages = await context.backends.directory.approvals_of(
        REGISTRATIONS, "organization_id", ids, Slice(1), now=context.now
    )
    return [one for page in pages for one in page.items]


async def _met_by_vendor_staff(context: RequestContext, ids: Sequence[OrganizationId]) -> set[OrganizationId]:
    """Return which organizations the caller meets in what they review: registered, alike, or asking for a change."""
    directory, met = context.backends.directory, set[OrganizationId]()
    if context.may(REVIEW_REGISTRATIONS):
        met |= {one.organization_id for one in await _registrations_of(context, ids) if one.organization_id is not None}
        if not met.issuperset(ids):  # only then: whom a registration looks like is known from all registrations alone
            everything = await directory.all_approvals(REGISTRATIONS, Slice(ALL), status=None)
            alike = await directory.lookalikes([likeness_of(one) for one in everything.items])
            met |= {one.organization.id for some in alike for one in some}
    if context.may(REVIEW_CHANGE_REQUESTS):
        pages = await directory.approvals_of(CHANGE_REQUESTS, "organization_id", ids, Slice(1), now=context.now)
        met |= {id for id, page in zip(ids, pages, strict=True) if page.items}
    return met & set(ids)


async def _memberships_of(
    context: RequestContext, ids: Sequence[UserId], here: Sequence[OrganizationId]
) -> Sequence[MembershipRecord]:
    """Return the people's memberships in the caller's organizations; for reviewers, all of them."""
    directory = context.backends.directory
    if not (context.may(REVIEW_REGISTRATIONS) or context.may(REVIEW_CHANGE_REQUESTS)):
        return await directory.memberships_among(ids, here)
    pages = await directory.memberships_of(ids, Slice(ALL))
    return [membership for page in pages for membership in page.items]


def _acquaintances(context: RequestContext, caller: CallerRecord, here: Sequence[OrganizationId]) -> Acquaintances:
    is_oneself = context.view_as is None
    return Acquaintances(
        {name: [id for id in here if context.may_see(rule, id)] for name, rule in PEOPLE_NAMED_IN.items()},
        own_ids=here,
        own_membership_ids=[one.membership_id for one in caller.standings.values() if one.organization_id in here],
        own_subject_ids=own_subjects(caller) if is_oneself else (),
        own_email_key=login_key(caller.user.email) if is_oneself and caller.user.email_verified else "",
        shown_to_invited=[status.value for status in SHOWN_TO_INVITED],
        reviews_changes=context.may(REVIEW_CHANGE_REQUESTS),
        reviews_registrations=context.may(REVIEW_REGISTRATIONS),
    )


def _may_be_asked(context: RequestContext, grants: Iterable[GrantRecord]) -> bool:
    """Return whether these grants let somebody administer, or assign roles."""
    policy, now = context.policy, context.now
    roles = {*policy.administrative_role_keys(), *(role.key for role in policy.roles_with(ASSIGN_ROLES.any_of))}
    permissions = {permission.value for permission in ASSIGN_ROLES.any_of}
    return any(
        grant.key in (roles if grant.kind is GrantKind.ROLE else permissions)
        for grant in grants
        if grant.valid_until is None or now < grant.valid_until
    )
