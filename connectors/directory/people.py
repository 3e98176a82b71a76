"""Who a person is, and under which names they sign in."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, insert, literal, or_, select, union_all, update

from connectors.database.columns import IdText
from connectors.database.dialects import one_of
from connectors.database.reader import gathered, parallel
from connectors.directory.errors import check_version
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.invitations import InvitationStatus
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.people import ProfileChange, UserRecord
from connectors.directory.rows import USERS
from connectors.directory.tables import invitations, login_names, memberships, users
from connectors.directory.transaction import Transaction
from connectors.ids import OrganizationId, UserId
from connectors.values import login_key

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
# Somebody who has an account shows themself to an organization once they have accepted its invitation.
_SHOWN = or_(
    memberships.c.status == MembershipStatus.ACTIVE.value,
    memberships.c.status == MembershipStatus.SUSPENDED.value,
    and_(memberships.c.status == MembershipStatus.INVITED.value, ~users.c.email_verified),
)
_mine = memberships.alias("mine")
_USERS_IN_COMMON = (
    select(*USERS.columns, memberships.c.organization_id)
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


class PeopleQueries(DirectoryReader):
    """Queries about people."""

    async def user_id_of_login_name(self, login_name: str) -> UserId | None:
        """Return whose login name or verified e-mail address this is, whatever the case."""
        rows = await self.read(_USER_ID_OF_LOGIN_NAME, name=login_key(login_name))
        return UserId(rows[0][0]) if rows else None

    async def login_names_of(self, user_ids: Sequence[UserId]) -> Sequence[Sequence[str]]:
        """Return each user's login names as they are shown, e-mail address first; parallel to `user_ids`."""
        rows = await self.read_of(user_ids, _LOGIN_NAMES_OF)
        return gathered(user_ids, ((row[0], row[1]) for row in rows))

    async def users_with_email(self, emails: Sequence[str]) -> Sequence[UserRecord | None]:
        """Return whose confirmed e-mail address each of these is, whatever the case."""
        keys = [login_key(email) for email in emails]
        rows = await self.read_of(keys, _USERS_WITH_EMAIL)
        return parallel(keys, {row[0]: USERS.record(row[1:]) for row in rows})

    async def users(self, ids: Sequence[UserId]) -> Sequence[UserRecord | None]:
        """Return the users with these ids."""
        return await self.records(USERS, ids)

    async def users_in_common(
        self, viewer_id: UserId, ids: Sequence[UserId]
    ) -> Sequence[Sequence[tuple[UserRecord, OrganizationId]]]:
        """Return each user once per organization where both they and the viewer have a membership not REMOVED.

        Not where they are only invited, unless the record stands for an invited person and no more. The records carry
        that organization as `seen_in`.
        """
        rows = await self.read_of(ids, _USERS_IN_COMMON, viewer_id=viewer_id)
        return gathered(ids, ((row[0], (USERS.record(row[:-1], row[-1]), row[-1])) for row in rows))


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
