"""Who asks, and what they hold in which organization."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    bindparam,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    union_all,
)

from connectors.database.columns import IdText
from connectors.database.dialects import one_of
from connectors.database.reader import Row
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.caller import CallerRecord, StandingRecord
from connectors.directory.records.memberships import MembershipStatus
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

MOST_AT_ONCE = 20
"""In how many organizations somebody may be whose standings are all read with them."""

_SESSION_RUNS = (
    select(sessions.c.id)
    .where(
        sessions.c.id == bindparam("session_id"),
        sessions.c.user_id == users.c.id,
        sessions.c.ended_at.is_(None),
        sessions.c.expires_at > bindparam("now"),
    )
    .exists()
)
_VENDOR_PERMISSIONS = (
    select(func.aggregate_strings(vendor_permissions.c.permission, "\n"))
    .where(vendor_permissions.c.user_id == users.c.id)
    .scalar_subquery()
)
_USER_ID = bindparam("user_id", type_=IdText)
_KNOWN = (grants.c.membership_id, grants.c.organization_id)
_GIVEN = tuple(one for one in GRANTS.columns if one.table is grants and not any(one is known for known in _KNOWN))


def _held(*which: ColumnElement[bool]) -> Select[Any]:
    """Return the query for the person's memberships as far as they may matter, those of `which`."""
    return select(memberships.c.id, memberships.c.status, memberships.c.organization_id).where(
        memberships.c.user_id == _USER_ID, memberships.c.status != MembershipStatus.REMOVED.value, *which
    )


def _caller(are_all: ColumnElement[bool], *of: Select[Any]) -> Select[Any]:
    """Return the query for a person and their standings; `are_all` says whether these are all of them."""
    held = union_all(*of).subquery("held")
    return (
        select(
            *USERS.columns,
            _VENDOR_PERMISSIONS,
            users.c.access_epoch,
            are_all,
            held.c.id,
            held.c.status,
            *ORGANIZATIONS.columns,
            *_GIVEN,
        )
        .select_from(
            users.outerjoin(held, true())
            .outerjoin(organizations, organizations.c.id == held.c.organization_id)
            .outerjoin(grants, grants.c.membership_id == held.c.id)
        )
        .where(users.c.id == _USER_ID)
        .order_by(held.c.id, grants.c.kind.desc(), grants.c.key)
    )


def _standings(*which: ColumnElement[bool]) -> Select[Any]:
    """Return the query for standings of a person, those of `which`."""
    held = _held(*which).subquery("held")
    return (
        select(held.c.id, held.c.status, *ORGANIZATIONS.columns, *_GIVEN)
        .select_from(
            held.join(organizations, organizations.c.id == held.c.organization_id).outerjoin(
                grants, grants.c.membership_id == held.c.id
            )
        )
        .order_by(held.c.id, grants.c.kind.desc(), grants.c.key)
    )


@cache
def _caller_at_once(most: int) -> Select[Any]:
    """Return the query for a person with all of their standings if they have no more than `most` memberships; else with
    those in their default organization and in the ones bound to `at_once`.
    """
    # Said in the text, so that PostgreSQL knows how few rows are coming and goes by the indexes. Removed memberships
    # count: that way an index alone says whether there are many, and is read no further than that.
    one_too_many = (
        select(memberships.c.user_id).where(memberships.c.user_id == _USER_ID).limit(1).offset(_literal(most))
    )
    few = select(not_(one_too_many.exists()).label("are_all")).cte("few")
    are_few = select(few.c.are_all).scalar_subquery()
    default = select(users.c.default_organization_id).where(users.c.id == _USER_ID).scalar_subquery()
    organization_id = memberships.c.organization_id
    return _caller(
        are_few,
        select(_held(are_few).limit(_literal(most)).subquery()),
        _held(not_(are_few), or_(organization_id == default, one_of(organization_id, "at_once"))),
    )


def _literal(number: int) -> ColumnElement[int]:
    return literal_column(str(number), Integer)


_CALLER = _caller(true(), _held())
_STANDINGS = _standings()
_STANDINGS_IN = _standings(one_of(memberships.c.organization_id, "ids"))
_beside = memberships.alias()
_STANDINGS_BESIDE = _standings(
    memberships.c.organization_id.in_(
        union_all(
            select(_beside.c.organization_id).where(one_of(_beside.c.user_id, "people")),
            select(join_requests.c.organization_id).where(one_of(join_requests.c.user_id, "people")),
        )
    )
)


@cache
def _in_session(statement: Select[Any]) -> Select[Any]:
    return statement.where(_SESSION_RUNS)


_STATUSES = {status.value: status for status in MembershipStatus}
_PERMISSIONS = len(USERS.columns)
_STANDING = _PERMISSIONS + 3


class CallerQueries(DirectoryReader):
    """The query that every request begins with, and those for what it leaves out."""

    async def caller(
        self,
        user_id: UserId,
        session_id: SessionId | None,
        now: datetime,
        *,
        at_once: Sequence[OrganizationId] | None = None,
    ) -> CallerRecord | None:
        """Return who asks, in one indexed read; None for an unknown or deleted user.

        With a `session_id`, None also when that session is not this user's, was ended or has expired at `now`. With
        `at_once`, the standings of somebody in many organizations are read in these and in their default one; the
        others are `StandingsOnDemand`.
        """
        statement = _CALLER if at_once is None else _caller_at_once(MOST_AT_ONCE)
        values: dict[str, Any] = {} if at_once is None else {"at_once": at_once}
        if session_id is not None:
            statement, values = _in_session(statement), values | {"session_id": session_id, "now": now}
        rows = await self.read(statement, user_id=user_id, **values)
        if not rows:
            return None
        user = USERS.record(rows[0][:_PERMISSIONS])
        permissions, access_epoch, are_all = rows[0][_PERMISSIONS:_STANDING]
        standings: Mapping[OrganizationId, StandingRecord] = _by_organization(user_id, rows, _STANDING)
        if not are_all:
            standings = StandingsOnDemand(
                {**dict.fromkeys(at_once or ()), **standings},
                partial(self.standings, user_id),
                partial(self.standings_beside, user_id),
            )
        return CallerRecord(
            user=user,
            session_id=session_id,
            standings=standings,
            vendor_permissions=tuple(sorted(permissions.split("\n"))) if permissions else (),
            access_epoch=access_epoch,
        )

    async def standings(
        self, user_id: UserId, organization_ids: Sequence[OrganizationId] | None
    ) -> Sequence[StandingRecord]:
        """Return what somebody holds in these organizations, None for all of theirs, by the memberships' ids."""
        if organization_ids is None:
            rows = await self.read(_STANDINGS, user_id=user_id)
        else:
            rows = await self.read_of(organization_ids, _STANDINGS_IN, user_id=user_id)
        return list(_by_organization(user_id, rows, 0).values())

    async def standings_beside(self, user_id: UserId, people: Sequence[UserId]) -> Sequence[StandingRecord]:
        """Return what somebody holds in the organizations that know one of these people: members, those who were or
        are to be, and those who asked to join.
        """
        rows = await self.read(_STANDINGS_BESIDE, user_id=user_id, people=people) if people else ()
        return list(_by_organization(user_id, rows, 0).values())


def _by_organization(user_id: UserId, rows: Iterable[Row], at: int) -> dict[OrganizationId, StandingRecord]:
    """Return the standings from their rows, one for each grant, or one without; a row without a membership is none.

    The columns of standings begin `at` this one.
    """
    standings = (
        _standing(user_id, list(own), at) for membership_id, own in groupby(rows, itemgetter(at)) if membership_id
    )
    return {standing.organization_id: standing for standing in standings}


def _standing(user_id: UserId, rows: Sequence[Row], at: int) -> StandingRecord:
    organization_at = at + 2
    grant_at = organization_at + len(ORGANIZATIONS.columns)
    membership_id, status = rows[0][at:organization_at]
    organization = ORGANIZATIONS.record(rows[0][organization_at:grant_at])
    grants = tuple(
        GRANTS.record((row[grant_at], membership_id, organization.id, user_id, *row[grant_at + 1 :]))
        for row in rows
        if row[grant_at] is not None
    )
    return StandingRecord(membership_id, organization, _STATUSES[status], grants)
