"""Which organizations, memberships and people the caller is given by any path of the graph, and so by their ids.

What one path shows, `node(id:)` finds again: the rule here is the union of those by which the fields of the graph give
an object. The rules themselves stand in `permissions.access_rules`.
"""

from collections.abc import Iterable, Sequence

from connectors.directory.approvals import CHANGE_REQUESTS, REGISTRATIONS
from connectors.directory.keys import login_key
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.invitations import InvitationRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import Acquaintances
from connectors.errors import ConnectorError
from connectors.ids import OrganizationId, UserId
from connectors.pages import ALL
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


def own_subjects(caller: CallerRecord) -> list[str]:
    """Return the ids of what an audit event can be about that concerns the person: they, and their memberships."""
    return [caller.user.id, *(standing.membership_id for standing in caller.standings)]


async def given_organizations(
    context: RequestContext, ids: Sequence[OrganizationId]
) -> list[OrganizationRecord | None]:
    """Return the organizations that the caller belongs to, has registered, or meets as vendor staff; parallel to `ids`.

    Reviewers of registrations meet any organization, for it may look like one that is being registered.
    """
    shown = {id for id in ids if is_visible(context, id)}
    rest = [id for id in dict.fromkeys(ids) if id not in shown]
    if rest and context.may(REVIEW_REGISTRATIONS):
        shown.update(rest)
    elif rest and context.caller is not None and context.view_as is None:
        me, directory = context.caller.user.id, context.backends.directory
        registered = await directory.approvals_of(REGISTRATIONS, "organization_id", rest, first=1, now=context.now)
        shown |= {id for id, page in zip(rest, registered, strict=True) if any(one.user_id == me for one in page.items)}
        if context.may(REVIEW_CHANGE_REQUESTS):
            asked = await directory.approvals_of(CHANGE_REQUESTS, "organization_id", rest, first=1, now=context.now)
            shown |= {id for id, page in zip(rest, asked, strict=True) if page.items}
    found = await organizations_with(context, [id for id in ids if id in shown])
    return [found.get(id) for id in ids]


async def given_memberships(
    context: RequestContext, records: Sequence[MembershipRecord | None]
) -> list[MembershipRecord | None]:
    """Return the memberships that the caller is given, None for the others.

    Their own; those of organizations where they see members or change what members hold; and of the other organizations
    that they are given the members who administer them or assign roles, for these are named as those whom one may ask.
    """
    viewer = context.viewer
    if viewer is None:
        return [None] * len(records)
    rest = [
        record
        for record in records
        if record is not None
        and record.status is MembershipStatus.ACTIVE
        and record.user_id != viewer.user_id
        and not context.may_see(SEE_MEMBERSHIPS, record.organization_id)
    ]
    met = await given_organizations(context, [record.organization_id for record in rest])
    named = [record for record, organization in zip(rest, met, strict=True) if organization is not None]
    grants = await context.backends.directory.grants_of([record.id for record in named]) if named else ()
    asked = {record.id for record, own in zip(named, grants, strict=True) if _may_be_asked(context, own)}
    return [
        record
        if record is not None
        and (
            record.id in asked
            or context.may_see(SEE_MEMBERSHIPS, record.organization_id)
            or (record.user_id == viewer.user_id and is_visible(context, record.organization_id))
        )
        else None
        for record in records
    ]


async def invited_memberships(
    context: RequestContext, invitations: Sequence[InvitationRecord]
) -> list[MembershipRecord | None]:
    """Return the membership that each invitation is for, None to whoever is not given it."""
    found = await context.backends.directory.memberships([one.membership_id for one in invitations])
    return await given_memberships(context, found)


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
    here = [OrganizationId(id) for id in context.viewer.standings if is_visible(context, id)]
    if rest := [id for id in dict.fromkeys(ids) if id not in given]:
        members = await given_memberships(context, await _memberships_of(context, rest, here))
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


async def _memberships_of(
    context: RequestContext, ids: Sequence[UserId], here: Sequence[OrganizationId]
) -> Sequence[MembershipRecord]:
    """Return the people's memberships in the caller's organizations; for reviewers, all of them."""
    directory = context.backends.directory
    if not (context.may(REVIEW_REGISTRATIONS) or context.may(REVIEW_CHANGE_REQUESTS)):
        return await directory.memberships_among(ids, here)
    pages = await directory.memberships_of(ids, first=ALL, after=None, status=[MembershipStatus.ACTIVE])
    return [membership for page in pages for membership in page.items]


def _acquaintances(context: RequestContext, caller: CallerRecord, here: Sequence[OrganizationId]) -> Acquaintances:
    is_oneself = context.view_as is None
    return Acquaintances(
        {name: [id for id in here if context.may_see(rule, id)] for name, rule in PEOPLE_NAMED_IN.items()},
        own_ids=here,
        own_membership_ids=[one.membership_id for one in caller.standings if one.organization_id in here],
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
