"""People as seen through an organization: everybody's name, and contact details for those who may see members."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from connectors.directory.directory import DirectoryQueries
from connectors.directory.records.access import GrantRecord
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.people import UserRecord
from connectors.directory.records.requests import RequestStatus
from connectors.ids import OrganizationId, UserId
from connectors.shop.interface import OrderEventRecord, OrderRecord
from connectors.values import masked_address
from permissions.access_rules import AccessRule
from resolvers.context import People, RequestContext

MOST_LOGIN_NAMES = 100


async def people_with(context: RequestContext, ids: Collection[UserId]) -> Mapping[UserId, UserRecord | None]:
    """Return these people by id, and perhaps others; None for one who is unknown."""
    return await _known(context).read(context.backends.directory, ids)


async def seen(
    context: RequestContext, people: Iterable[tuple[UserId | None, OrganizationId | None]]
) -> list[UserRecord | None]:
    """Return each person as seen through the organization, parallel to `people`; None for nobody or an unknown one.

    Seen through none, a person shows their name and no contact details.
    """
    wanted = list(people)
    known = _known(context)
    users = await known.read(context.backends.directory, {user_id for user_id, _ in wanted if user_id is not None})
    return [
        None if user_id is None or (user := users[user_id]) is None else known.view(user, organization_id)
        for user_id, organization_id in wanted
    ]


async def member_users(context: RequestContext, memberships: Sequence[MembershipRecord]) -> list[UserRecord | None]:
    """Return the person of each membership; of somebody invited, no more than the organization knows of them."""
    found = await seen(context, ((membership.user_id, membership.organization_id) for membership in memberships))
    return [
        replace(user, phone=None, locale=None)
        if user is not None and membership.status is MembershipStatus.INVITED
        else user
        for user, membership in zip(found, memberships, strict=True)
    ]


async def granters(context: RequestContext, grants: Sequence[GrantRecord]) -> list[UserRecord | None]:
    """Return who gave each grant; None when the portal itself did."""
    return await seen(context, ((grant.granted_by_id, grant.organization_id) for grant in grants))


async def buyers(context: RequestContext, orders: Sequence[OrderRecord]) -> list[UserRecord | None]:
    """Return who placed each order: a name from the directory for a reference from the shop."""
    return await seen(context, ((order.placed_by_id, order.organization_id) for order in orders))


async def actors(context: RequestContext, events: Sequence[OrderEventRecord]) -> list[UserRecord | None]:
    """Return who caused each event of an order; None when the shop itself did."""
    return await seen(context, ((event.actor_id, event.organization_id) for event in events))


async def requesters(context: RequestContext, requests: Sequence[ChangeRequestRecord]) -> list[UserRecord | None]:
    """Return who asked for each change."""
    return await seen(context, ((request.requested_by_id, request.organization_id) for request in requests))


async def deciders(context: RequestContext, requests: Sequence[ChangeRequestRecord]) -> list[UserRecord | None]:
    """Return who decided on each request, by name only, or withdrew it."""
    return await seen(
        context,
        (
            (
                request.decided_by_id,
                request.organization_id if request.status is RequestStatus.WITHDRAWN else None,
            )
            for request in requests
        ),
    )


def _known(context: RequestContext) -> People:
    return context.people if context.people is not None else People()


async def vendor_staff(context: RequestContext, ask: DirectoryQueries, rule: AccessRule) -> list[UserRecord]:
    """Return whom of the vendor's staff to write to about what the rule lets them do."""
    found: dict[UserId, UserRecord] = {}
    for permission in rule.any_of:
        if permission in context.policy.vendor_permissions:  # else what is held of it counts for nothing
            found |= {one.id: one for one in await ask.holders_of_vendor_permission(permission.value)}
    return [one for one in found.values() if one.email_verified]


async def login_names(context: RequestContext, callers: Sequence[CallerRecord]) -> Sequence[Sequence[str]]:
    """Return the names under which each caller can sign in; none to somebody who looks as the caller."""
    if context.view_as is not None:
        return [()] * len(callers)
    return await context.backends.directory.login_names_of([caller.user.id for caller in callers])


def display_name(_context: RequestContext, user: UserRecord) -> str:
    """Return first and last name as one text; of somebody invited without a name, what the address shows of it."""
    return f"{user.first_name} {user.last_name}".strip() or masked_address(user.email)


def masked_name(user: UserRecord) -> str:
    """Return a person's name so that colleagues recognize it and nobody else learns it: ``J. W.``."""
    return " ".join(f"{name[0]}." for name in (user.first_name.strip(), user.last_name.strip()) if name) or "?"
