"""What can be changed in the directory, in one transaction with its audit rows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from connectors.access_events import SessionEnded
from connectors.database.engine import AsyncConnection
from connectors.directory import records
from connectors.directory.interface import (
    Author,
    MembershipRecord,
    OrganizationChange,
    OrganizationRecord,
    ProfileChange,
    RefreshTokenReused,
    RotatedToken,
    SessionRecord,
    StaleVersion,
    UserRecord,
)
from connectors.directory.sql.access import LOCK_ORGANIZATION
from connectors.directory.sql.access_requests import AccessRequestCommands
from connectors.directory.sql.accounts import AccountCommands
from connectors.directory.sql.addresses import AddressCommands
from connectors.directory.sql.change_requests import ChangeRequestCommands
from connectors.directory.sql.housekeeping import ScheduledTaskCommands
from connectors.directory.sql.idempotency import IdempotencyCommands
from connectors.directory.sql.invitations import InvitationCommands
from connectors.directory.sql.join_requests import JoinRequestCommands
from connectors.directory.sql.outbox import OutboxCommands
from connectors.directory.sql.personal_data import PersonalDataCommands
from connectors.directory.sql.questions import TransactionQueries
from connectors.directory.sql.registrations import RegistrationCommands
from connectors.directory.tables import login_names, memberships, organizations, refresh_tokens, sessions, users
from connectors.ids import OrganizationId, SessionId, UserId

_PROFILE = frozenset({"first_name", "last_name", "phone", "locale", "address"})
_ORGANIZATION = frozenset({"name", "legal_name", "seat", "phone", "email", "website"})

_token, _session = refresh_tokens.c, sessions.c
_RUNNING = (_session.ended_at.is_(None), _session.expires_at > bindparam("now"))
_REPLACE_TOKEN = (
    update(refresh_tokens)
    .where(
        _token.hash == bindparam("old_hash"),
        _token.replaced_at.is_(None),
        _token.expires_at > bindparam("now"),
        select(_session.id).where(_session.id == _token.session_id, *_RUNNING).exists(),
    )
    .values(replaced_at=bindparam("now"), sealed_successor=bindparam("sealed"))
    .returning(_token.session_id)
)
# Locked, so that of several who come again at the same time each sees what the one before has stored.
_REPLACED_TOKEN = (
    select(_token.session_id, _session.user_id, _token.replaced_at, _token.sealed_successor)
    .join_from(refresh_tokens, sessions, _session.id == _token.session_id)
    .where(_token.hash == bindparam("old_hash"), _token.replaced_at.is_not(None))
    .with_for_update(of=refresh_tokens)
)
_KEEP_SUCCESSOR = (
    update(refresh_tokens).where(_token.hash == bindparam("old_hash")).values(sealed_successor=bindparam("sealed"))
)
_ERASE_SUCCESSORS = (
    update(refresh_tokens)
    .where(
        _token.session_id == bindparam("of_session"),
        _token.sealed_successor.is_not(None),
        _token.replaced_at <= bindparam("before"),
    )
    .values(sealed_successor=None)
)
_SEE_SESSION = (
    update(sessions)
    .where(_session.id == bindparam("session_id"), *_RUNNING)
    .values(last_seen_at=bindparam("now"))
    .returning(*records.SESSION)
)
# Whoever ends several locks the person first; the other way round, each would wait for what the other has.
_LOCK_OWNER = (
    select(users.c.id)
    .where(users.c.id == select(_session.user_id).where(_session.id == bindparam("session_id")).scalar_subquery())
    .with_for_update(key_share=True)
)
_END_SESSION = (
    update(sessions)
    .where(_session.id == bindparam("session_id"), _session.ended_at.is_(None))
    .values(ended_at=bindparam("now"))
    .returning(_session.user_id)
)
_LOGIN_NAME = select(login_names.c.user_id).where(login_names.c.name_key == bindparam("key")).with_for_update()
_MOVE_LOGIN_NAME = (
    update(login_names).where(login_names.c.name_key == bindparam("key")).values(user_id=bindparam("new_user"))
)
_USER_FOR_UPDATE = select(*records.USER).where(users.c.id == bindparam("user_id")).with_for_update()
_UPDATE_USER = update(users).where(users.c.id == bindparam("user_id")).returning(*records.USER)

_UPDATE_ORGANIZATION = (
    update(organizations).where(organizations.c.id == bindparam("organization_id")).returning(*records.ORGANIZATION)
)


class SqlChange(
    AccountCommands,
    ScheduledTaskCommands,
    PersonalDataCommands,
    AccessRequestCommands,
    IdempotencyCommands,
    InvitationCommands,
    JoinRequestCommands,
    OutboxCommands,
    ChangeRequestCommands,
    AddressCommands,
    RegistrationCommands,
):
    """The directory's commands on one open transaction; `DirectoryChange` says what each promises."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self.ask = TransactionQueries(connection)
        self.reused: list[tuple[SessionId, datetime]] = []
        """Sessions that must end even if the transaction does not come to stay."""

    async def lock_organization(self, organization_id: OrganizationId) -> OrganizationRecord | None:
        """Keep others from changing who is in the organization and what they may do there until the end."""
        row = (await self._execute(LOCK_ORGANIZATION, {"organization_id": organization_id})).first()
        return records.organization(row) if row is not None else None

    async def lock_user(self, user_id: UserId) -> UserRecord | None:
        """Keep others from changing the person until the end; None for an unknown one."""
        row = (await self._execute(_USER_FOR_UPDATE, {"user_id": user_id})).first()
        return records.user(row) if row is not None else None

    async def add_user(self, user: UserRecord) -> None:
        """Store a new person; an address that is confirmed is theirs from now on."""
        await self._execute(insert(users), records.user_row(user))

    async def add_organization(self, organization: OrganizationRecord) -> None:
        """Store a new organization."""
        await self._execute(insert(organizations), records.organization_row(organization))

    async def update_organization(
        self, organization_id: OrganizationId, change: OrganizationChange, *, expected_version: int | None = None
    ) -> tuple[OrganizationRecord, OrganizationRecord]:
        """Change an organization's data and return it as it was and as it is now, with the next version.

        Raises:
            StaleVersion: The organization's version is not `expected_version`. Nothing is changed.
            LookupError: There is no such organization.
        """
        if unknown := change.values.keys() - _ORGANIZATION:
            raise ValueError(f"An organization has no {', '.join(sorted(unknown))} to change.")
        before = await self.lock_organization(organization_id)
        if before is None:
            raise LookupError(f"There is no organization {organization_id}.")
        if expected_version not in (None, before.version):
            raise StaleVersion(before.version)
        values: Mapping[str, Any] = change.values
        after = records.organization_row(replace(before, **values, version=before.version + 1))
        statement = _UPDATE_ORGANIZATION.values(after)
        stored = (await self._execute(statement, {"organization_id": organization_id})).one()
        return before, records.organization(stored)

    async def add_membership(self, membership: MembershipRecord) -> None:
        """Store a new membership; one of the same person in the same organization is a ChangeConflict."""
        await self._execute(insert(memberships), records.membership_row(membership))

    async def move_login_name(
        self, name: str, user_id: UserId, organization_id: OrganizationId, *, by: Author, now: datetime
    ) -> bool:
        """Let a login name denote another person from now on; return whether there is such a name."""
        key = {"key": records.login_key(name)}
        before = (await self._execute(_LOGIN_NAME, key)).scalar_one_or_none()
        if before is None:
            return False
        if before != user_id:
            await self._execute(_MOVE_LOGIN_NAME, {**key, "new_user": user_id})
            entry = by.entry(
                "login_name.move", user_id, organization_id, before={"user": before}, after={"user": user_id}
            )
            await self.record(entry, now)
        return True

    async def open_session(
        self,
        session: SessionRecord,
        refresh_token_hash: bytes,
        refresh_expires_at: datetime,
        *,
        network: str | None = None,
    ) -> None:
        """Store a new session with its first refresh token (only the hash is stored), begun in this network."""
        await self._execute(insert(sessions), records.session_row(session) | {"network": network})
        await self._add_token(session.id, refresh_token_hash, session.created_at, refresh_expires_at)

    async def rotate_refresh_token(
        self,
        old_hash: bytes,
        new_hash: bytes,
        *,
        now: datetime,
        expires_at: datetime,
        sealed_successor: str | None = None,
        reuse_window: timedelta = timedelta(),
    ) -> RotatedToken | None:
        """Replace a refresh token by its successor, at most once however many ask at the same time.

        Raises:
            RefreshTokenReused: It was replaced longer ago than the window. The session is ended; that is committed.
        """
        asked = {"old_hash": old_hash, "now": now, "sealed": sealed_successor}
        row = (await self._execute(_REPLACE_TOKEN, asked)).first()
        if row is None:
            return await self._used_again(old_hash, now, reuse_window)
        seen = (await self._execute(_SEE_SESSION, {"session_id": row[0], "now": now})).first()
        if seen is None:  # signed out between the two statements
            return None
        await self._execute(_ERASE_SUCCESSORS, {"of_session": row[0], "before": now - reuse_window})
        await self._add_token(row[0], new_hash, now, expires_at)
        return RotatedToken(records.session(seen))

    async def add_successor(
        self,
        old_hash: bytes,
        new_hash: bytes,
        session_id: SessionId,
        *,
        now: datetime,
        expires_at: datetime,
        sealed_successor: str,
    ) -> None:
        """Give a token that was replaced one more successor, which is the one kept from now on."""
        await self._execute(_KEEP_SUCCESSOR, {"old_hash": old_hash, "sealed": sealed_successor})
        await self._add_token(session_id, new_hash, now, expires_at)

    async def end_session(self, session_id: SessionId, now: datetime) -> None:
        """End a session, published like a change of access; ending one that is over changes nothing."""
        await self._execute(_LOCK_OWNER, {"session_id": session_id})
        row = (await self._execute(_END_SESSION, {"session_id": session_id, "now": now})).first()
        if row is not None:
            self.events.append(SessionEnded(session_id, row[0]))
            await self._count(row[0], None)

    async def update_profile(
        self, user_id: UserId, change: ProfileChange, *, expected_version: int, now: datetime
    ) -> tuple[UserRecord, UserRecord]:
        """Change a profile and return it as it was and as it is now, with the next version.

        Raises:
            StaleVersion: The profile's version is not `expected_version`. Nothing is changed.
            LookupError: There is no such user.
        """
        if unknown := change.values.keys() - _PROFILE:
            raise ValueError(f"A profile has no {', '.join(sorted(unknown))}.")
        row = (await self._execute(_USER_FOR_UPDATE, {"user_id": user_id})).first()
        if row is None:
            raise LookupError(f"There is no user {user_id}.")
        before = records.user(row)
        if before.profile_version != expected_version:
            raise StaleVersion(before.profile_version)
        values: Mapping[str, Any] = change.values
        after = records.user_values(replace(before, **values, profile_version=before.profile_version + 1))
        stored = (await self._execute(_UPDATE_USER.values(after), {"user_id": user_id})).one()
        return before, records.user(stored)

    async def _used_again(self, hash: bytes, now: datetime, reuse_window: timedelta) -> RotatedToken | None:
        """Answer for a token that cannot be replaced: unknown, expired, or replaced before."""
        row = (await self._execute(_REPLACED_TOKEN, {"old_hash": hash})).first()
        if row is None:
            return None
        session_id = SessionId(row.session_id)
        if reuse_window and now < row.replaced_at + reuse_window:
            seen = (await self._execute(_SEE_SESSION, {"session_id": session_id, "now": now})).first()
            return RotatedToken(records.session(seen), True, row.sealed_successor) if seen is not None else None
        self.reused.append((session_id, now))
        await self.end_session(session_id, now)
        raise RefreshTokenReused(session_id, UserId(row.user_id))

    async def _add_token(self, session_id: SessionId, hash: bytes, issued_at: datetime, expires_at: datetime) -> None:
        row = {"hash": hash, "session_id": session_id, "issued_at": issued_at, "expires_at": expires_at}
        await self._execute(insert(refresh_tokens), row)
