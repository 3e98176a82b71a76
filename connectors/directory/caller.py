"""Who asks, and what they hold in which organization."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache, partial
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, literal_column, or_, select, true, union_all

from connectors.database.columns import IdText
from connectors.database.dialects import one_of
from connectors.database.engine import AsyncEngine
from connectors.database.reader import Row
from connectors.database.record_rows import MOST_PROJECTIONS
from connectors.directory.reader import NOW, DirectoryReader
from connectors.directory.records.access import GrantRecord
from connectors.directory.records.caller import CallerRecord, StandingRecord
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from connectors.directory.rows import GRANTS, ORGANIZATIONS, USERS
from connectors.directory.standings import StandingsOnDemand
from connectors.directory.tables import (
    grants,
    join_requests,
    memberships,
    organizations,
    sessions,
    users,
    vendor_permissions,
)
from connectors.ids import OrganizationId, SessionId, UserId
from connectors.wanted import NOTHING, Wanted

MOST_AT_ONCE = 20
"""In how many organizations somebody may be whose standings are all read with them."""

MOST_IN_MANY = 10_000

_OF_USER = Wanted.of(
    UserRecord,
    lambda user: (
        user.id,
        user.email,
        user.email_verified,
        user.locale,
        user.time_zone,
        user.account_kind,
        user.default_organization_id,
    ),
)
_OF_ORGANIZATION = Wanted.of(OrganizationRecord, lambda one: (one.id, one.name, one.status))
_OF_GRANT = Wanted.of(GrantRecord, lambda grant: (grant.id, grant.kind, grant.key, grant.valid_until))
"""What is read of a caller whatever an operation shows: what decisions are made of, and what those look at who ask by
`CallerRecord` and not by a field.
"""

_SESSION_RUNS = (
    select(sessions.c.id)
    .where(
        sessions.c.id == bindparam("session_id"),
        sessions.c.user_id == users.c.id,
        sessions.c.ended_at.is_(None),
        sessions.c.expires_at > NOW,
    )
    .exists()
)
_VENDOR_PERMISSIONS = (
    select(func.aggregate_strings(vendor_permissions.c.permission, "\n"))
    .where(vendor_permissions.c.user_id == users.c.id)
    .scalar_subquery()
)
_USER_ID = bindparam("user_id", type_=IdText)
_STATUSES = {status.value: status for status in MembershipStatus}


def _held(*which: ColumnElement[bool]) -> Select[Any]:
    """Return the query for the person's memberships as far as they may matter, those of `which`."""
    return select(memberships.c.id, memberships.c.status, memberships.c.organization_id, memberships.c.user_id).where(
        memberships.c.user_id == _USER_ID, memberships.c.status != MembershipStatus.REMOVED.value, *which
    )


_HELD = _held()
_HELD_IN = _held(one_of(memberships.c.organization_id, "ids"))
_DEFAULT = select(users.c.default_organization_id).where(users.c.id == _USER_ID).scalar_subquery()
_HELD_WHERE_NAMED = _held(
    or_(memberships.c.organization_id == _DEFAULT, one_of(memberships.c.organization_id, "at_once"))
)
_beside = memberships.alias()
_HELD_BESIDE = _held(
    memberships.c.organization_id.in_(
        union_all(
            select(_beside.c.organization_id).where(one_of(_beside.c.user_id, "people")),
            select(join_requests.c.organization_id).where(one_of(join_requests.c.user_id, "people")),
        )
    )
)


class _Reading:
    """How callers are read of whom these attributes are wanted: the statements, and what their rows say.

    Each row is of a grant, or of a membership without any, or of a person without memberships. It begins with the
    membership; what is the person's comes last.
    """

    def __init__(self, user: Wanted[UserRecord], organization: Wanted[OrganizationRecord], grant: Wanted[GrantRecord]):
        self.of_user, self.of_organization = user, organization
        self._of_organization = ORGANIZATIONS.columns_of(organization)
        known = (grants.c.membership_id, grants.c.organization_id)
        self._of_grant = [one for one in GRANTS.columns_of(grant) if not any(one is other for other in known)]
        self._of_user = USERS.columns_of(user)
        in_order = (grants.c.membership_id, memberships.c.status, *self._of_organization, *self._of_grant)
        at: dict[ColumnElement[Any], int] = {column: index for index, column in enumerate(in_order)}
        at[grants.c.organization_id] = at[organizations.c.id]
        self._grant_at, user_at = at[grants.c.id], len(at) - 1
        self._facts_at = user_at + len(self._of_user)
        self._user = USERS.made_from(user, {one: user_at + index for index, one in enumerate(self._of_user)})
        self._organization = ORGANIZATIONS.made_from(organization, at)
        self._grant = GRANTS.made_from(grant, at)
        self.caller = cache(self._caller)
        self.standings = cache(self._standings)

    def _caller(self, held: Select[Any], *, in_session: bool) -> Select[Any]:
        """Return the statement for a person and their standings, of the memberships that are `held`."""
        of = held.subquery("held")
        statement = (
            select(*self._columns(of), *self._of_user, _VENDOR_PERMISSIONS, users.c.access_epoch)
            .select_from(
                users.outerjoin(of, true())
                .outerjoin(organizations, organizations.c.id == of.c.organization_id)
                .outerjoin(grants, grants.c.membership_id == of.c.id)
            )
            .where(users.c.id == _USER_ID)
            .order_by(of.c.id, grants.c.kind.desc(), grants.c.key)
        )
        return statement.where(_SESSION_RUNS) if in_session else statement

    def _standings(self, held: Select[Any]) -> Select[Any]:
        """Return the statement for standings of a person, of the memberships that are `held`."""
        of = held.subquery("held")
        return (
            select(*self._columns(of))
            .select_from(
                of.join(organizations, organizations.c.id == of.c.organization_id).outerjoin(
                    grants, grants.c.membership_id == of.c.id
                )
            )
            .order_by(of.c.id, grants.c.kind.desc(), grants.c.key)
        )

    def _columns(self, held: Any) -> list[ColumnElement[Any]]:
        of_grant = [held.c.user_id if one is memberships.c.user_id else one for one in self._of_grant]
        return [held.c.id, held.c.status, *self._of_organization, *of_grant]

    def person(self, row: Row) -> tuple[UserRecord, str | None, int]:
        """Return the person, their permissions as vendor staff, a line each, and their access epoch."""
        at = self._facts_at
        return self._user(row), row[at], row[at + 1]

    def by_organization(self, rows: Iterable[Row]) -> dict[OrganizationId, StandingRecord]:
        """Return the standings, in the order of the memberships."""
        grant_at, grant = self._grant_at, self._grant
        held: dict[Any, tuple[Row, list[GrantRecord]]] = {}
        for row in rows:
            own = held.get(row[0])
            if own is None:
                own = held[row[0]] = row, []
            if row[grant_at] is not None:
                own[1].append(grant(row))
        held.pop(None, None)
        standings = {}
        for membership_id, (row, given) in held.items():
            organization = self._organization(row)
            status = _STATUSES[row[1]]
            standings[organization.id] = StandingRecord(membership_id, organization, status, tuple(given))
        return standings


@lru_cache(maxsize=MOST_PROJECTIONS)
def _reading(
    user: frozenset[str] | None, organization: frozenset[str] | None, grant: frozenset[str] | None
) -> _Reading:
    return _Reading(Wanted(user) | _OF_USER, Wanted(organization) | _OF_ORGANIZATION, Wanted(grant) | _OF_GRANT)


def _reading_of(wanted: Mapping[type, Wanted[Any]] | None) -> _Reading:
    if wanted is None:
        return _reading(None, None, None)
    return _reading(
        wanted.get(UserRecord, NOTHING).names,
        wanted.get(OrganizationRecord, NOTHING).names,
        wanted.get(GrantRecord, NOTHING).names,
    )


@cache
def _first_held(most: int) -> Select[Any]:
    # Said in the text, so that PostgreSQL knows how few rows are coming and goes by the indexes.
    return _HELD.limit(literal_column(str(most), Integer))


class CallerQueries(DirectoryReader):
    """The query that every request begins with, and those for what it leaves out."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        # Who was in many organizations when last asked, by id. It only says which of two statements is asked first,
        # each of which is right for anybody, so it may be out of date.
        self._in_many: OrderedDict[UserId, None] = OrderedDict()

    async def caller(
        self,
        user_id: UserId,
        session_id: SessionId | None,
        now: datetime,
        *,
        at_once: Sequence[OrganizationId] | None = None,
        wanted: Mapping[type, Wanted[Any]] | None = None,
    ) -> CallerRecord | None:
        """Return who asks, in one indexed read; None for an unknown or deleted user.

        With a `session_id`, None also when that session is not this user's, was ended or has expired at `now`. With
        `at_once`, the standings of somebody in many organizations are read in these and in their default one; the
        others are `StandingsOnDemand`. It takes a second read where nobody knew of the many. `wanted` says by class
        which attributes are read of the person, of their organizations and of their grants, besides those that
        decisions are made of; without it, all are.
        """
        reading = _reading_of(wanted)
        values: dict[str, Any] = {"user_id": user_id}
        in_session = session_id is not None
        if in_session:
            values |= {"session_id": session_id, "now": now}
        if at_once is None or user_id not in self._in_many:
            held = _HELD if at_once is None else _first_held(MOST_AT_ONCE + 1)
            rows = await self.read(reading.caller(held, in_session=in_session), **values)
            standings: Mapping[OrganizationId, StandingRecord] = reading.by_organization(rows)
            are_all = at_once is None or len(standings) <= MOST_AT_ONCE
        else:
            are_all = False
        if not are_all:
            self._note_in_many(user_id)
            statement = reading.caller(_HELD_WHERE_NAMED, in_session=in_session)
            rows = await self.read(statement, at_once=at_once, **values)
            standings = StandingsOnDemand(
                {**dict.fromkeys(at_once or ()), **reading.by_organization(rows)},
                partial(self._standings_in, user_id, reading),
                partial(self._standings_beside, user_id, reading),
            )
        if not rows:
            return None
        user, permissions, access_epoch = reading.person(rows[0])
        return CallerRecord(
            user,
            session_id,
            standings,
            tuple(sorted(permissions.split("\n"))) if permissions else (),
            access_epoch,
            reading.of_user,
            reading.of_organization,
        )

    def _note_in_many(self, user_id: UserId) -> None:
        self._in_many[user_id] = None
        self._in_many.move_to_end(user_id)
        if len(self._in_many) > MOST_IN_MANY:
            self._in_many.popitem(last=False)

    async def _standings_in(
        self, user_id: UserId, reading: _Reading, organization_ids: Sequence[OrganizationId] | None
    ) -> Sequence[StandingRecord]:
        """Return what somebody holds in these organizations, None for all of theirs, by the memberships' ids."""
        if organization_ids is None:
            rows = await self.read(reading.standings(_HELD), user_id=user_id)
        else:
            rows = await self.read_of(organization_ids, reading.standings(_HELD_IN), user_id=user_id)
        return list(reading.by_organization(rows).values())

    async def _standings_beside(
        self, user_id: UserId, reading: _Reading, people: Sequence[UserId]
    ) -> Sequence[StandingRecord]:
        """Return what somebody holds in the organizations that know one of these people: members, those who were or
        are to be, and those who asked to join.
        """
        rows = await self.read(reading.standings(_HELD_BESIDE), user_id=user_id, people=people) if people else ()
        return list(reading.by_organization(rows).values())
