"""People as seen through an organization: everybody's name, and contact details for those who may see members."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from connectors.directory.directory import DirectoryQueries
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.people import UserRecord
from connectors.ids import OrganizationId, UserId, new_id
from connectors.values import AccountKind, masked_address
from permissions.access_rules import AccessRule
from resolvers.context import People, RequestContext
from resolvers.texts import Text

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
        replace(user, phone=None, locale=None, time_zone=None)
        if user is not None and membership.status is MembershipStatus.INVITED
        else user
        for user, membership in zip(found, memberships, strict=True)
    ]


def person(
    user_id: str, *, through: str | None = "organization_id"
) -> Callable[..., Awaitable[list[UserRecord | None]]]:
    """Return the function of a field that shows the person whom a record names at `user_id`, None for nobody.

    They are seen through the organization that the record names at `through`; without, by name only.
    """
    who = attrgetter(user_id)
    where = attrgetter(through) if through is not None else lambda _: None

    async def people(context: RequestContext, records: Sequence[Any]) -> list[UserRecord | None]:
        return await seen(context, ((who(record), where(record)) for record in records))

    return people


def _known(context: RequestContext) -> People:
    return context.people if context.people is not None else People()


async def administrators(
    context: RequestContext, ask: DirectoryQueries, organization_id: OrganizationId
) -> list[UserRecord | None]:
    """Return all who administer the organization, to be written to."""
    (holders,) = await ask.holders_of(
        [organization_id], role_keys=context.policy.administrative_role_keys(), permissions=(), now=context.now
    )
    return list(await ask.users([holder.user_id for holder in holders]))


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


def new_user(
    context: RequestContext,
    email: str,
    first_name: str,
    last_name: str,
    *,
    id: UserId | None = None,
    is_confirmed: bool = True,
    phone: str | None = None,
    locale: str | None = None,
    time_zone: str | None = None,
    kind: AccountKind = AccountKind.BUSINESS_CUSTOMER,
) -> UserRecord:
    """Return a person whom the directory does not know yet."""
    return UserRecord(
        id or UserId(new_id("usr")), email, is_confirmed, first_name, last_name, phone, locale, None, kind, None,
        context.now, profile_version=1, time_zone=time_zone,
    )  # fmt: skip


def display_name(context: RequestContext, user: UserRecord) -> str:
    """Return first and last name as one text; of somebody invited without a name, what the address shows of it."""
    if user.is_deleted:
        return context.in_words(Text("Deleted account"))
    return f"{user.first_name} {user.last_name}".strip() or masked_address(user.email)


def first_name(_context: RequestContext, user: UserRecord) -> str | None:
    """Return the first name; None of somebody who was deleted."""
    return None if user.is_deleted else user.first_name


def address_of(_context: RequestContext, user: UserRecord) -> str | None:
    """Return the e-mail address; None of somebody who was deleted."""
    return None if user.is_deleted else user.email


def masked_name(user: UserRecord) -> str:
    """Return a person's name so that colleagues recognize it and nobody else learns it: ``J. W.``."""
    return " ".join(f"{name[0]}." for name in (user.first_name.strip(), user.last_name.strip()) if name) or "?"
