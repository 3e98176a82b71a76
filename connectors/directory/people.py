"""Who a person is, and under which names they sign in."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)

from connectors.database.columns import IdText
from connectors.database.dialects import one_of
from connectors.database.reader import Row, gathered, parallel
from connectors.database.record_rows import MOST_PROJECTIONS, Projection
from connectors.directory.errors import check_version
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.invitations import InvitationStatus
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.people import Acquaintances, ProfileChange, UserRecord, as_invited
from connectors.directory.rows import USERS
from connectors.directory.tables import (
    access_requests,
    audit_events,
    change_requests,
    grants,
    invitations,
    join_requests,
    login_names,
    memberships,
    registrations,
    users,
)
from connectors.directory.tables.journal import IS_OF_REGISTRATION
from connectors.directory.transaction import Transaction
from connectors.ids import OrganizationId, UserId
from connectors.values import login_key
from connectors.wanted import EVERYTHING, Wanted

_PROFILE = frozenset({"first_name", "last_name", "phone", "locale", "time_zone", "address"})
_LOGIN_NAME = select(login_names.c.user_id).where(login_names.c.name_key == bindparam("key")).with_for_update()
_MOVE_LOGIN_NAME = (
    update(login_names).where(login_names.c.name_key == bindparam("key")).values(user_id=bindparam("new_user"))
)
_UPDATE_USER = update(users).where(users.c.id == bindparam("of_user")).returning(*USERS.columns)
_KEEP_INVITATIONS = (
    update(invitations)
    .where(
        invitations.c.email_key == bindparam("old_key"),
        invitations.c.status == InvitationStatus.PENDING.value,
        invitations.c.account_id.is_(None),
    )
    .values(account_id=bindparam("of_user"))
)
_NAME = bindparam("name", type_=IdText)
_USER_ID_OF_LOGIN_NAME = (
    union_all(
        select(users.c.id, literal(0).label("rank")).where(users.c.email_key == _NAME, users.c.email_verified),
        select(login_names.c.user_id, literal(1)).where(login_names.c.name_key == _NAME),
    )
    .order_by("rank")
    .limit(1)
)
_LOGIN_NAMES_OF = union_all(
    select(users.c.id.label("owner"), users.c.email.label("name"), literal(0).label("rank"), literal("").label("key"))
    .where(one_of(users.c.id, "ids"), users.c.email_verified),
    select(login_names.c.user_id, login_names.c.name, literal(1), login_names.c.name_key)
    .where(one_of(login_names.c.user_id, "ids")),
).order_by("rank", "key")  # fmt: skip
_USERS_WITH_EMAIL = select(users.c.email_key, *USERS.columns).where(one_of(users.c.email_key, "ids"))
# Somebody shows themself to an organization once they have accepted its invitation, or asked to join it; until then it
# knows the address that it has invited.
_HAS_JOINED = or_(
    memberships.c.status == MembershipStatus.ACTIVE.value,
    memberships.c.status == MembershipStatus.SUSPENDED.value,
    and_(memberships.c.status == MembershipStatus.REMOVED.value, memberships.c.joined_at.is_not(None)),
)


def _first_organization(of: FromClause, among: str, *where: ColumnElement[bool]) -> ColumnElement[Any]:
    there = of.c.organization_id
    return (
        select(func.min(there))
        .where(of.c.user_id == users.c.id, one_of(there, among), *where)
        .correlate(users)
        .scalar_subquery()
    )


_ONLY_INVITED = "only invited "
_SEEN_IN = func.coalesce(
    _first_organization(memberships, "organization_ids", _HAS_JOINED),
    _first_organization(
        join_requests,
        "asked_ids",
        ~select(literal(1))
        .where(
            memberships.c.user_id == join_requests.c.user_id,
            memberships.c.organization_id == join_requests.c.organization_id,
        )
        .correlate(join_requests)
        .exists(),
    ),
    _ONLY_INVITED + _first_organization(memberships, "organization_ids"),
)
"""By which organization the reader knows somebody: one that they joined, asked to join, or were only invited to, which
it says. The database looks no further than the first, which most people have.
"""


@lru_cache(MOST_PROJECTIONS)
def _users_as_seen(projection: Projection[UserRecord]) -> Select[Any]:
    return projection.with_keys.add_columns(_SEEN_IN)


def _is_named(what: FromClause, *people: str, where: ColumnElement[bool]) -> ColumnElement[bool]:
    return (
        select(literal(1)).where(or_(*(what.c[name] == users.c.id for name in people)), where).correlate(users).exists()
    )


def _when(parameter: str) -> ColumnElement[bool]:
    return bindparam(parameter, type_=Integer) == 1


# As `resolvers.invitations.queries` says it: an address may be somebody else's by now.
_IS_OWN_INVITATION = or_(
    one_of(invitations.c.accepted_by_id, "own_subject_ids"),
    and_(
        invitations.c.accepted_by_id.is_(None),
        or_(
            one_of(invitations.c.account_id, "own_subject_ids"),
            and_(
                invitations.c.account_id.is_(None),
                invitations.c.email_key == bindparam("own_email_key", type_=IdText),
            ),
        ),
    ),
)
_NAMED = select(users.c.id).where(
    one_of(users.c.id, "ids"),
    or_(
        select(literal(1))
        .where(
            grants.c.granted_by_id == users.c.id,
            grants.c.membership_id == memberships.c.id,
            or_(one_of(memberships.c.organization_id, "grants"), one_of(memberships.c.id, "own_membership_ids")),
        )
        .correlate(users)
        .exists(),
        _is_named(
            access_requests,
            "decided_by_id",
            where=or_(
                one_of(access_requests.c.organization_id, "access_requests"),
                one_of(access_requests.c.membership_id, "own_membership_ids"),
            ),
        ),
        _is_named(
            invitations,
            "inviter_id",
            "accepted_by_id",
            where=or_(
                one_of(invitations.c.organization_id, "invitations"),
                and_(_IS_OWN_INVITATION, one_of(invitations.c.status, "shown_to_invited")),
            ),
        ),
        _is_named(
            join_requests, "user_id", "decided_by_id", where=one_of(join_requests.c.organization_id, "join_requests")
        ),
        _is_named(
            change_requests,
            "requested_by_id",
            "decided_by_id",
            where=or_(one_of(change_requests.c.organization_id, "change_requests"), _when("reviews_changes")),
        ),
        _is_named(registrations, "user_id", where=_when("reviews_registrations")),
        # One after the other, each with conditions that an index has: not all that somebody did is looked through.
        _is_named(audit_events, "actor_id", where=one_of(audit_events.c.organization_id, "audit_events")),
        _is_named(
            audit_events,
            "actor_id",
            where=and_(
                one_of(audit_events.c.organization_id, "own_ids"),
                one_of(audit_events.c.subject_id, "own_subject_ids"),
            ),
        ),
        _is_named(
            audit_events,
            "actor_id",
            where=and_(audit_events.c.organization_id.is_(None), one_of(audit_events.c.subject_id, "own_subject_ids")),
        ),
        _is_named(
            audit_events,
            "actor_id",
            where=and_(IS_OF_REGISTRATION, _when("reviews_registrations")),
        ),
    ),
)


class PeopleQueries(DirectoryReader):
    """Queries about people."""

    async def user_id_of_login_name(self, login_name: str) -> UserId | None:
        """Return whose login name or verified e-mail address this is, whatever the case."""
        rows = await self.read(_USER_ID_OF_LOGIN_NAME, name=login_key(login_name))
        return UserId(rows[0][0]) if rows else None

    async def login_names_of(self, user_ids: Sequence[UserId]) -> Sequence[Sequence[str]]:
        """Return each user's login names as they are shown, e-mail address first; parallel to `user_ids`."""
        rows = await self.read_of(user_ids, _LOGIN_NAMES_OF)
        return [[row[1] for row in own] for own in gathered(user_ids, rows, lambda row: row[0])]

    async def users_with_email(self, emails: Sequence[str]) -> Sequence[UserRecord | None]:
        """Return whose confirmed e-mail address each of these is, whatever the case."""
        keys = [login_key(email) for email in emails]
        rows = await self.read_of(keys, _USERS_WITH_EMAIL)
        return parallel(keys, {row[0]: USERS.record(row[1:]) for row in rows})

    async def users(
        self, ids: Sequence[UserId], wanted: Wanted[UserRecord] = EVERYTHING
    ) -> Sequence[UserRecord | None]:
        """Return the users with these ids."""
        return await self.records(USERS, ids, wanted)

    async def users_as_seen(
        self,
        ids: Sequence[UserId],
        organization_ids: Sequence[OrganizationId],
        asked_ids: Sequence[OrganizationId],
        wanted: Wanted[UserRecord] = EVERYTHING,
    ) -> Sequence[UserRecord | None]:
        """Return the users as somebody sees them who may see the members of the first organizations, and who asked to
        join the second ones.

        `seen_in` is an organization that knows them; None where none does. One that has only invited them knows no
        telephone number and no language, be it that they asked to join it as well.
        """
        projection = USERS.projected(wanted)
        statement = _users_as_seen(projection)
        rows = await self.read_of(ids, statement, organization_ids=organization_ids, asked_ids=asked_ids)
        return parallel(ids, {row[0]: _as_seen(row, projection) for row in rows})

    async def named(self, ids: Sequence[UserId], to: Acquaintances) -> Collection[UserId]:
        """Return which of these people are named in what somebody may read: see `Acquaintances`."""
        rows = await self.read_of(
            ids,
            _NAMED,
            **{name: to.organization_ids.get(name, ()) for name in Acquaintances.TABLES},
            own_membership_ids=to.own_membership_ids,
            own_email_key=to.own_email_key,
            own_subject_ids=to.own_subject_ids,
            own_ids=to.own_ids,
            shown_to_invited=to.shown_to_invited,
            reviews_changes=int(to.reviews_changes),
            reviews_registrations=int(to.reviews_registrations),
        )
        return {UserId(row[0]) for row in rows}


def _as_seen(row: Row, projection: Projection[UserRecord]) -> UserRecord:
    *columns, seen_in = row
    if seen_in is None or not seen_in.startswith(_ONLY_INVITED):
        return projection.record(columns, seen_in)
    return as_invited(projection.record(columns, seen_in.removeprefix(_ONLY_INVITED)))


class PeopleChanges(Transaction):
    """Changes of people and their login names."""

    async def add_user(self, user: UserRecord) -> None:
        """Store a new person; an address that is confirmed is theirs from now on.

        Raises:
            ChangeConflict: Somebody else got the address meanwhile.
        """
        await self._add(USERS, user)

    async def move_login_name(self, name: str, user_id: UserId) -> UserId | None:
        """Let a login name denote another person from now on; return whom it denoted before, None: no such name."""
        key = {"key": login_key(name)}
        before: str | None = (await self._execute(_LOGIN_NAME, key)).scalar_one_or_none()
        if before is not None and before != user_id:
            await self._execute(_MOVE_LOGIN_NAME, {**key, "new_user": user_id})
        return UserId(before) if before is not None else None

    async def update_profile(
        self, user_id: UserId, change: ProfileChange, *, expected_version: int, now: datetime
    ) -> tuple[UserRecord, UserRecord]:
        """Change a profile and return it as it was and as it is now, with the next version.

        Raises:
            StaleVersion: The profile's version is not `expected_version`. Nothing is changed.
        """
        if unknown := change.values.keys() - _PROFILE:
            raise ValueError(f"A profile has no {', '.join(sorted(unknown))}.")
        before = await self._locked_user(user_id)
        check_version(before.profile_version, expected_version)
        values: Mapping[str, Any] = change.values
        return before, await self._store_user(replace(before, **values))

    async def add_login_name(self, name: str, user_id: UserId) -> None:
        """Let a person sign in under a name as well; somebody else's is a ChangeConflict."""
        row = {"name_key": login_key(name), "name": name, "user_id": user_id}
        await self._execute(insert(login_names), row)

    async def set_email(self, user_id: UserId, email: str) -> tuple[UserRecord, UserRecord]:
        """Make this the person's confirmed address; return the person before and after, with the next version.

        Raises:
            ChangeConflict: Somebody else has this address, confirmed.
            LookupError: There is no such person.
        """
        before = await self._locked_user(user_id)
        if before.email_verified:  # what was sent to the old address was for them
            await self._execute(_KEEP_INVITATIONS, {"old_key": login_key(before.email), "of_user": user_id})
        return before, await self._store_user(replace(before, email=email, email_verified=True))

    async def set_default_organization(self, user_id: UserId, organization_id: OrganizationId) -> None:
        """Store which organization a person looks at first."""
        await self._execute(_UPDATE_USER.values(default_organization_id=organization_id), {"of_user": user_id})

    async def _locked_user(self, user_id: UserId) -> UserRecord:
        user = await self.lock_user(user_id)
        if user is None:
            raise LookupError(f"There is no user {user_id}.")
        return user

    async def _store_user(self, user: UserRecord) -> UserRecord:
        """Store a person as they are now, with the next version, and return them as they are stored."""
        values = USERS.changed(replace(user, profile_version=user.profile_version + 1))
        return USERS.record((await self._execute(_UPDATE_USER.values(values), {"of_user": user.id})).one())
