"""People as they are seen through a company: everybody's name, and contact details for those who may see members."""

from asyncio import Future, get_running_loop
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from operator import attrgetter
from typing import Any

from connectors.directory.records.access import GrantRecord
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.people import UserRecord
from connectors.directory.records.requests import RequestStatus
from connectors.ids import OrganizationId, UserId
from connectors.shop.interface import OrderEventRecord, OrderRecord
from connectors.values import masked_address
from resolvers.context import RequestContext

MOST_LOGIN_NAMES = 100

_BUT_SEEN_IN: Callable[[UserRecord], Any] = attrgetter(
    *(field.name for field in fields(UserRecord) if field.name != "seen_in")
)


class People:
    """Who was read in one operation that changes nothing, so that nobody is read twice, wherever they occur."""

    __slots__ = ("_reading", "_users", "_views")

    def __init__(self) -> None:
        self._users: dict[UserId, UserRecord | None] = {}
        self._reading: dict[UserId, Future[None]] = {}
        self._views: dict[tuple[UserId, OrganizationId | None], UserRecord] = {}

    async def read(self, context: RequestContext, ids: Collection[UserId]) -> Mapping[UserId, UserRecord | None]:
        """Return everybody read so far, these users among them; who is being read already is waited for."""
        users, reading = self._users, self._reading
        while unread := [id for id in ids if id not in users]:
            if wanted := [id for id in unread if id not in reading]:
                await self._read(context, wanted)
            else:
                await reading[unread[0]]
        return users

    def know(self, users: Iterable[UserRecord]) -> None:
        """Take note of people who were read along with something else."""
        self._users |= {user.id: user for user in users}

    async def _read(self, context: RequestContext, ids: Sequence[UserId]) -> None:
        done: Future[None] = get_running_loop().create_future()
        self._reading |= dict.fromkeys(ids, done)
        try:
            self._users |= zip(ids, await context.backends.directory.users(ids), strict=True)
        finally:
            # After a failure, whoever waits for the same people asks for them and reports their own failure.
            for id in ids:
                del self._reading[id]
            if not done.done():
                done.set_result(None)

    def view(self, user: UserRecord, organization_id: OrganizationId | None) -> UserRecord:
        """Return the person as seen through the organization."""
        if user.seen_in == organization_id:
            return user
        key = user.id, organization_id
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = UserRecord(*(*_BUT_SEEN_IN(user), organization_id))
        return view


async def people_with(context: RequestContext, ids: Collection[UserId]) -> Mapping[UserId, UserRecord | None]:
    """Return these people by id, and perhaps others; None for one who is unknown."""
    return await _known(context).read(context, ids)


async def seen(
    context: RequestContext, people: Iterable[tuple[UserId | None, OrganizationId | None]]
) -> list[UserRecord | None]:
    """Return each person as seen through the organization, parallel to `people`; None for nobody or an unknown one.

    Seen through none, a person shows their name and no contact details.
    """
    wanted = list(people)
    known = _known(context)
    users = await known.read(context, {user_id for user_id, _ in wanted if user_id is not None})
    return [
        None if user_id is None or (user := users[user_id]) is None else known.view(user, organization_id)
        for user_id, organization_id in wanted
    ]


async def member_users(context: RequestContext, memberships: Sequence[MembershipRecord]) -> list[UserRecord | None]:
    """Return the person of each membership; of somebody invited, no more than the company knows of them."""
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
