"""Who asks, and what they hold in which organization."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from sqlalchemy import and_, bindparam, func, select

from connectors.database.reader import Row
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.caller import CallerRecord, StandingRecord
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.rows import GRANTS, ORGANIZATIONS, USERS
from connectors.directory.tables import grants, memberships, organizations, sessions, users, vendor_permissions
from connectors.ids import SessionId, UserId

_NOT_REMOVED = memberships.c.status != MembershipStatus.REMOVED.value
_VENDOR_PERMISSIONS = (
    select(func.aggregate_strings(vendor_permissions.c.permission, "\n"))
    .where(vendor_permissions.c.user_id == users.c.id)
    .scalar_subquery()
)
_KNOWN = (grants.c.membership_id, grants.c.organization_id)
_GIVEN = tuple(one for one in GRANTS.columns if one.table is grants and not any(one is known for known in _KNOWN))
_CALLER = (
    select(
        *USERS.columns,
        _VENDOR_PERMISSIONS,
        users.c.access_epoch,
        memberships.c.id,
        memberships.c.status,
        *ORGANIZATIONS.columns,
        *_GIVEN,
    )
    .select_from(
        users.outerjoin(memberships, and_(memberships.c.user_id == users.c.id, _NOT_REMOVED))
        .outerjoin(organizations, organizations.c.id == memberships.c.organization_id)
        .outerjoin(grants, grants.c.membership_id == memberships.c.id)
    )
    .where(users.c.id == bindparam("user_id"))
    .order_by(memberships.c.id, grants.c.kind.desc(), grants.c.key)
)
_CALLER_IN_SESSION = _CALLER.where(
    select(sessions.c.id)
    .where(
        sessions.c.id == bindparam("session_id"),
        sessions.c.user_id == users.c.id,
        sessions.c.ended_at.is_(None),
        sessions.c.expires_at > bindparam("now"),
    )
    .exists()
)
_PERMISSIONS = len(USERS.columns)
_MEMBERSHIP = _PERMISSIONS + 2
_ORGANIZATION = _MEMBERSHIP + 2
_GRANT = _ORGANIZATION + len(ORGANIZATIONS.columns)


class CallerQueries(DirectoryReader):
    """The query that every request begins with."""

    async def caller(self, user_id: UserId, session_id: SessionId | None, now: datetime) -> CallerRecord | None:
        """Return who asks, in one indexed read; None for an unknown or deleted user.

        With a `session_id`, None also when that session is not this user's, was ended or has expired at `now`.
        """
        if session_id is None:
            rows = await self.read(_CALLER, user_id=user_id)
        else:
            rows = await self.read(_CALLER_IN_SESSION, user_id=user_id, session_id=session_id, now=now)
        if not rows:
            return None
        permissions: str | None
        permissions, access_epoch = rows[0][_PERMISSIONS:_MEMBERSHIP]
        by_membership = groupby(rows, itemgetter(_MEMBERSHIP))
        return CallerRecord(
            user=USERS.record(rows[0][:_PERMISSIONS]),
            session_id=session_id,
            standings=tuple(_standing(list(own)) for membership_id, own in by_membership if membership_id is not None),
            vendor_permissions=tuple(sorted(permissions.split("\n"))) if permissions else (),
            access_epoch=access_epoch,
        )


def _standing(rows: Sequence[Row]) -> StandingRecord:
    """Return the standing from its rows, one for each grant, or one without."""
    membership_id, status = rows[0][_MEMBERSHIP:_ORGANIZATION]
    user_id = rows[0][0]
    organization = ORGANIZATIONS.record(rows[0][_ORGANIZATION:_GRANT])
    grants = tuple(
        GRANTS.record((row[_GRANT], membership_id, organization.id, user_id, *row[_GRANT + 1 :]))
        for row in rows
        if row[_GRANT] is not None
    )
    return StandingRecord(membership_id, organization, MembershipStatus(status), grants)
