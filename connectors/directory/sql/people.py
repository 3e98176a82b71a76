"""Who a person is, and what they hold in which organization."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from sqlalchemy import and_, bindparam, func, literal, or_, select, union_all

from connectors.database.columns import CleanText, IdText, UtcDateTime
from connectors.database.dialects import one_of
from connectors.database.reader import Row, gathered, parallel
from connectors.directory import records
from connectors.directory.interface import (
    CallerRecord,
    MembershipStatus,
    StandingRecord,
    UserRecord,
)
from connectors.directory.sql.reader import DirectoryReader
from connectors.directory.tables import (
    grants,
    login_names,
    memberships,
    organizations,
    refresh_tokens,
    sessions,
    users,
    vendor_permissions,
)
from connectors.ids import OrganizationId, SessionId, UserId

_NOT_REMOVED = memberships.c.status != MembershipStatus.REMOVED.value

_VENDOR_PERMISSIONS = (
    select(func.aggregate_strings(vendor_permissions.c.permission, "\n"))
    .where(vendor_permissions.c.user_id == users.c.id)
    .scalar_subquery()
)
_GIVEN = tuple(column for column in records.GRANT if column.table is grants and column is not grants.c.membership_id)
_CALLER = (
    select(
        *records.USER,
        _VENDOR_PERMISSIONS,
        users.c.access_epoch,
        memberships.c.id,
        memberships.c.status,
        *records.ORGANIZATION,
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
_PERMISSIONS = len(records.USER)
_MEMBERSHIP = _PERMISSIONS + 2
_ORGANIZATION = _MEMBERSHIP + 2
_GRANT = _ORGANIZATION + len(records.ORGANIZATION)

_NAME = bindparam("name", type_=IdText)
_USER_ID_OF_LOGIN_NAME = (
    union_all(
        select(users.c.id, literal(0).label("rank")).where(users.c.email_key == _NAME, users.c.email_verified),
        select(login_names.c.user_id, literal(1)).where(login_names.c.name_key == _NAME),
    )
    .order_by("rank")
    .limit(1)
)
_REFRESH_TOKEN = select(refresh_tokens.c.session_id).where(refresh_tokens.c.hash == bindparam("of_hash"))
_SESSION_IN_NETWORK = (
    select(sessions.c.id)
    .where(
        sessions.c.user_id == bindparam("of_user", type_=IdText),
        sessions.c.network == bindparam("network", type_=CleanText),
        sessions.c.created_at > bindparam("since", type_=UtcDateTime),
    )
    .limit(1)
)
_LOGIN_NAMES_OF = union_all(
    select(users.c.id.label("owner"), users.c.email.label("name"), literal(0).label("rank"), literal("").label("key"))
    .where(one_of(users.c.id, "ids"), users.c.email_verified),
    select(login_names.c.user_id, login_names.c.name, literal(1), login_names.c.name_key)
    .where(one_of(login_names.c.user_id, "ids")),
).order_by("rank", "key")  # fmt: skip
_USERS_WITH_EMAIL = select(users.c.email_key, *records.USER).where(one_of(users.c.email_key, "ids"))
_USERS = select(*records.USER).where(one_of(users.c.id, "ids"))

_WHO_BELONGED = select(memberships.c.organization_id, memberships.c.user_id).where(
    one_of(memberships.c.user_id, "ids"),
    one_of(memberships.c.organization_id, "organization_ids"),
    memberships.c.status != MembershipStatus.INVITED.value,
)
_HOLDERS_OF_VENDOR_PERMISSION = (
    select(*records.USER)
    .join_from(vendor_permissions, users, users.c.id == vendor_permissions.c.user_id)
    .where(vendor_permissions.c.permission == bindparam("permission", type_=IdText))
    .order_by(users.c.id)
)

_VENDOR_STAFF = (
    select(*records.USER, func.aggregate_strings(vendor_permissions.c.permission, "\n"))
    .join_from(vendor_permissions, users, users.c.id == vendor_permissions.c.user_id)
    .group_by(*records.USER)
    .order_by(users.c.id)
    .limit(bindparam("limit"))
)

# Somebody who has an account shows themself to an organization once they have accepted its invitation.
_SHOWN = or_(
    memberships.c.status == MembershipStatus.ACTIVE.value,
    memberships.c.status == MembershipStatus.SUSPENDED.value,
    and_(memberships.c.status == MembershipStatus.INVITED.value, ~users.c.email_verified),
)
_mine = memberships.alias("mine")
_USERS_IN_COMMON = (
    select(*records.USER, memberships.c.organization_id)
    .select_from(
        _mine.join(memberships, memberships.c.organization_id == _mine.c.organization_id).join(
            users, users.c.id == memberships.c.user_id
        )
    )
    .where(
        _mine.c.user_id == bindparam("viewer_id"),
        _mine.c.status != MembershipStatus.REMOVED.value,
        one_of(memberships.c.user_id, "ids"),
        _SHOWN,
    )
    .order_by(memberships.c.organization_id)
)


class People(DirectoryReader):
    """The directory's queries about persons; `Directory` says what each promises."""

    async def caller(self, user_id: UserId, session_id: SessionId | None, now: datetime) -> CallerRecord | None:
        """Return who asks, in one indexed read; None for an unknown user or a session that is over."""
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
            user=records.user(rows[0][:_PERMISSIONS]),
            session_id=session_id,
            standings=tuple(_standing(list(own)) for membership_id, own in by_membership if membership_id is not None),
            vendor_permissions=tuple(sorted(permissions.split("\n"))) if permissions else (),
            access_epoch=access_epoch,
        )

    async def user_id_of_login_name(self, login_name: str) -> UserId | None:
        """Return whose login name or verified e-mail address this is; an address wins over a name."""
        rows = await self.read(_USER_ID_OF_LOGIN_NAME, name=login_name)
        return UserId(rows[0][0]) if rows else None

    async def has_signed_in_from(self, user_id: UserId | None, network: str | None, *, since: datetime) -> bool:
        """Return whether the person began a session in this network since then."""
        rows = await self.read(_SESSION_IN_NETWORK, of_user=user_id or "", network=network or "", since=since)
        return bool(rows)

    async def knows_refresh_token(self, hash: bytes) -> bool:
        """Return whether a session has, or had, the refresh token with this hash."""
        return bool(await self.read(_REFRESH_TOKEN, of_hash=hash))

    async def login_names_of(self, user_ids: Sequence[UserId]) -> Sequence[Sequence[str]]:
        """Return each user's login names as they are shown, the verified e-mail address first."""
        rows = await self.read_of(user_ids, _LOGIN_NAMES_OF)
        return gathered(user_ids, ((row[0], row[1]) for row in rows))

    async def users_with_email(self, emails: Sequence[str]) -> Sequence[UserRecord | None]:
        """Return whose confirmed e-mail address each of these is, whatever the case."""
        keys = [records.login_key(email) for email in emails]
        rows = await self.read_of(keys, _USERS_WITH_EMAIL)
        return parallel(keys, {row[0]: records.user(row[1:]) for row in rows})

    async def users(self, ids: Sequence[UserId]) -> Sequence[UserRecord | None]:
        """Return the users with these ids."""
        rows = await self.read_of(ids, _USERS)
        return parallel(ids, {row[0]: records.user(row) for row in rows})

    async def users_in_common(
        self, viewer_id: UserId, ids: Sequence[UserId]
    ) -> Sequence[Sequence[tuple[UserRecord, OrganizationId]]]:
        """Return each user once per organization that they share with the viewer."""
        rows = await self.read_of(ids, _USERS_IN_COMMON, viewer_id=viewer_id)
        return gathered(ids, ((row[0], (records.user(row[:-1], seen_in=row[-1]), row[-1])) for row in rows))

    async def who_belonged(
        self, organization_ids: Sequence[OrganizationId], user_ids: Sequence[UserId]
    ) -> Collection[tuple[OrganizationId, UserId]]:
        """Return which of these people belong, or once belonged, to which of these organizations."""
        rows = await self.read_of(user_ids, _WHO_BELONGED, organization_ids=organization_ids)
        return {(row[0], row[1]) for row in rows}

    async def holders_of_vendor_permission(self, permission: str) -> Sequence[UserRecord]:
        """Return the vendor's staff who hold this permission, by id."""
        return [records.user(row) for row in await self.read(_HOLDERS_OF_VENDOR_PERMISSION, permission=permission)]

    async def vendor_staff(self, *, limit: int) -> Sequence[tuple[UserRecord, tuple[str, ...]]]:
        """Return who holds permissions of the vendor's, and which (their codes), by id."""
        rows = await self.read(_VENDOR_STAFF, limit=limit)
        return [(records.user(row[:-1]), tuple(sorted(row[-1].split("\n")))) for row in rows]


def _standing(rows: Sequence[Row]) -> StandingRecord:
    """Return the standing from its rows, one for each grant, or one without."""
    membership_id, status = rows[0][_MEMBERSHIP:_ORGANIZATION]
    user_id = rows[0][0]
    organization = records.organization(rows[0][_ORGANIZATION:_GRANT])
    grants = tuple(
        records.grant((row[_GRANT], membership_id, organization.id, user_id, *row[_GRANT + 1 :]))
        for row in rows
        if row[_GRANT] is not None
    )
    return StandingRecord(membership_id, organization, records.MEMBERSHIP_STATUSES[status], grants)
