"""People as the caller sees them: everybody's name, and contact details of the members whom they may see."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from connectors.directory.directory import DirectoryQueries
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.memberships import MembershipRecord
from connectors.directory.records.people import DELETED_ADDRESS, UserRecord
from connectors.ids import OrganizationId, UserId, new_id
from connectors.values import AccountKind, masked_address
from connectors.wanted import EVERYTHING, NOTHING, Wanted, reads, reads_of
from permissions.access_rules import MANAGE_MEMBERS, SEE_MEMBERS, AccessRule
from resolvers.at_once import known_by
from resolvers.context import People, RequestContext
from resolvers.texts import Text

MOST_LOGIN_NAMES = 100

_PERSON_OF = attrgetter("user_id", "organization_id")


async def people_with(
    context: RequestContext, ids: Collection[UserId], wanted: Wanted[UserRecord] = EVERYTHING
) -> Mapping[UserId, UserRecord | None]:
    """Return these people by id, and perhaps others, each as the caller sees them; None for one who is unknown."""
    directory = context.backends.directory
    caller = context.caller

    async def read(ids: Sequence[UserId], wanted: Wanted[UserRecord]) -> Sequence[UserRecord | None]:
        beside = await _organizations_beside(context, ids)
        knowing, asked = (organizations_where(context, rule, beside) for rule in (SEE_MEMBERS, MANAGE_MEMBERS))
        found = await (
            directory.users_as_seen(ids, knowing, asked, wanted) if knowing else directory.users(ids, wanted)
        )
        if caller is None or caller.user.id not in ids:
            return found
        me = caller.user
        if not caller.read_of_user.covers(wanted):
            (me,) = [one for one in await directory.users([me.id], wanted) if one is not None] or [me]
        return [me if id == me.id and user is not None else user for id, user in zip(ids, found, strict=True)]

    return await _known(context).read(read, ids, wanted)


async def seen(
    context: RequestContext,
    people: Iterable[tuple[UserId | None, OrganizationId | None]],
    wanted: Wanted[UserRecord] = EVERYTHING,
) -> list[UserRecord | None]:
    """Return each person as the caller sees them, parallel to `people`; None for nobody or an unknown one.

    It is the same wherever somebody is met: contact details show by any organization that knows the person and whose
    members the caller may see. Else the refusal is that of the organization where the person was met.
    """
    met = list(people)
    users = await people_with(context, _ids_of(met), wanted)
    return _as_seen(context, met, users)


def seen_at_once(
    context: RequestContext,
    people: Iterable[tuple[UserId | None, OrganizationId | None]],
    wanted: Wanted[UserRecord] = EVERYTHING,
) -> list[UserRecord | None] | None:
    """Return what `seen` does where all of them were read before, else None."""
    met = list(people)
    users = context.people.known(_ids_of(met), wanted) if context.people is not None else None
    return _as_seen(context, met, users) if users is not None else None


def _ids_of(met: Iterable[tuple[UserId | None, OrganizationId | None]]) -> set[UserId]:
    return {user_id for user_id, _ in met if user_id is not None}


def _as_seen(
    context: RequestContext,
    met: Iterable[tuple[UserId | None, OrganizationId | None]],
    users: Mapping[UserId, UserRecord | None],
) -> list[UserRecord | None]:
    known = _known(context)
    return [
        None
        if user_id is None or (user := users[user_id]) is None
        else user
        if user.seen_in is not None or organization_id is None or context.may_see(SEE_MEMBERS, organization_id)
        else known.view(user, organization_id)
        for user_id, organization_id in met
    ]


def _users_at_once(
    context: RequestContext, memberships: Sequence[MembershipRecord], *, wanted: Wanted[UserRecord] = EVERYTHING
) -> list[UserRecord | None] | None:
    return seen_at_once(context, map(_PERSON_OF, memberships), wanted)


@reads(MembershipRecord, lambda member: (member.user_id, member.organization_id, member.user))
@known_by(_users_at_once)
async def member_users(
    context: RequestContext, memberships: Sequence[MembershipRecord], *, wanted: Wanted[UserRecord] = EVERYTHING
) -> list[UserRecord | None]:
    """Return the person of each membership, who was perhaps read along with it."""
    return await seen(context, map(_PERSON_OF, memberships), wanted)


def person(
    user_id: str, *, through: str | None = "organization_id"
) -> Callable[..., Awaitable[list[UserRecord | None]]]:
    """Return the function of a field that shows the person whom a record names at `user_id`, None for nobody.

    `through` is where the record names its organization, see `seen`.
    """
    who = attrgetter(user_id)
    where = attrgetter(through) if through is not None else lambda _: None

    def at_once(
        context: RequestContext, records: Sequence[Any], *, wanted: Wanted[UserRecord] = EVERYTHING
    ) -> list[UserRecord | None] | None:
        return seen_at_once(context, zip(map(who, records), map(where, records), strict=True), wanted)

    @known_by(at_once)
    async def people(
        context: RequestContext, records: Sequence[Any], *, wanted: Wanted[UserRecord] = EVERYTHING
    ) -> list[UserRecord | None]:
        return await seen(context, zip(map(who, records), map(where, records), strict=True), wanted)

    people.reads = reads_of(who) | (reads_of(where) if through is not None else NOTHING)  # type: ignore[attr-defined]
    return people


def organizations_where(
    context: RequestContext, rule: AccessRule, among: Collection[str] | None = None
) -> list[OrganizationId]:
    """Return the organizations in which the caller may read what the rule guards, of all or of those among which."""
    ids = _own_organizations(context) if among is None else among
    return [OrganizationId(id) for id in sorted(ids) if context.may_see(rule, id)]


async def _organizations_beside(context: RequestContext, people: Collection[UserId]) -> Collection[str]:
    """Return the caller's organizations that may know one of these people; of many, just those that do are read."""
    caller, many = context.caller, context.standings_on_demand
    if caller is None or many is None:
        return _own_organizations(context)
    return await many.learn_beside([id for id in people if id != caller.user.id])


def _own_organizations(context: RequestContext) -> Collection[str]:
    """Return the caller's organizations; in a payload, also those that its change took away."""
    viewers = (context.viewer, context.viewer_before)
    return {organization_id for viewer in viewers if viewer is not None for organization_id in viewer.standings}


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


@reads(UserRecord, lambda user: (user.first_name, user.last_name, user.email))
def display_name(context: RequestContext, user: UserRecord) -> str:
    """Return first and last name as one text; of somebody invited without a name, what the address shows of it."""
    if user.email == DELETED_ADDRESS:  # which is `is_deleted`, without a call for everybody on a page
        return context.in_words(Text("Deleted account"))
    return f"{user.first_name} {user.last_name}".strip() or masked_address(user.email)


@reads(UserRecord, lambda user: (user.first_name, user.email))
def first_name(_context: RequestContext, user: UserRecord) -> str | None:
    """Return the first name; None of somebody who was deleted."""
    return None if user.is_deleted else user.first_name


@reads(UserRecord, lambda user: user.email)
def address_of(_context: RequestContext, user: UserRecord) -> str | None:
    """Return the e-mail address; None of somebody who was deleted."""
    return None if user.email == DELETED_ADDRESS else user.email


def masked_name(user: UserRecord) -> str:
    """Return a person's name so that colleagues recognize it and nobody else learns it: ``J. W.``."""
    return " ".join(f"{name[0]}." for name in (user.first_name.strip(), user.last_name.strip()) if name) or "?"
