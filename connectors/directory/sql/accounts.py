"""What people decide about their own account, in SQL."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, select, update

from connectors.access_events import SessionEnded
from connectors.database.columns import UtcDateTime
from connectors.database.dialects import one_of
from connectors.database.reader import Row, gathered, parallel
from connectors.directory import records
from connectors.directory.accounts import (
    AccountDeletionRecord,
    ConsentPurpose,
    ConsentRecord,
    CredentialsRecord,
    DataExportRecord,
    DataExportStatus,
    MailedTokenPurpose,
    MailedTokenRecord,
)
from connectors.directory.interface import SessionRecord, UserRecord
from connectors.directory.sql.access import AccessCommands
from connectors.directory.sql.reader import DirectoryReader
from connectors.directory.tables import account_deletions, consents, data_exports, mailed_tokens, sessions, users
from connectors.ids import ConsentId, DataExportId, OrganizationId, SessionId, UserId

_user, _session, _consent, _token, _export, _deletion = (
    users.c,
    sessions.c,
    consents.c,
    mailed_tokens.c,
    data_exports.c,
    account_deletions.c,
)
_CONSENT = (_consent.id, _consent.user_id, _consent.purpose, _consent.granted, _consent.changed_at, _consent.source)
_TOKEN = (_token.hash, _token.purpose, _token.user_id, _token.value, _token.created_at, _token.expires_at)
_EXPORT = (_export.id, _export.user_id, _export.status, _export.requested_at, _export.expires_at)
_DELETION = (_deletion.user_id, _deletion.requested_at, _deletion.due_at)

_CREDENTIALS = (_user.id, _user.credential_version, _user.credential_item_id)

_NOW = bindparam("now", type_=UtcDateTime)
_RUNNING = (_session.ended_at.is_(None), _session.expires_at > _NOW)


def _latest(
    columns: Sequence[ColumnElement[Any]],
    owner: Sequence[ColumnElement[Any]],
    order: Sequence[ColumnElement[Any]],
    *where: ColumnElement[bool],
) -> Select[Any]:
    """Return the statement that gives each owner's first `limit` rows, in order."""
    number = func.row_number().over(partition_by=owner, order_by=order).label("number")
    numbered = select(*columns, number).where(*where).subquery("numbered")
    shown = [numbered.c[str(column.key)] for column in columns]
    grouped = [numbered.c[str(column.key)] for column in owner]
    return select(*shown).where(numbered.c.number <= bindparam("limit")).order_by(*grouped, numbered.c.number)


_SESSIONS_OF = _latest(
    records.SESSION,
    [_session.user_id],
    [_session.last_seen_at.desc(), _session.id.desc()],
    one_of(_session.user_id, "ids"),
    *_RUNNING,
)
_SESSIONS = select(*records.SESSION).where(one_of(_session.id, "ids"), *_RUNNING)
_CONSENTS_OF = _latest(
    _CONSENT, [_consent.user_id, _consent.purpose], [_consent.id.desc()], one_of(_consent.user_id, "ids")
)
_CONSENTS = select(*_CONSENT).where(one_of(_consent.id, "ids"))
_EXPORTS_OF = _latest(_EXPORT, [_export.user_id], [_export.id.desc()], one_of(_export.user_id, "ids"))
_EXPORTS = select(*_EXPORT).where(one_of(_export.id, "ids"))
_CONTENT = select(_export.content).where(_export.id == bindparam("export_id"))
_DELETIONS = select(*_DELETION).where(one_of(_deletion.user_id, "ids"))
_DUE_DELETIONS = select(*_DELETION).where(_deletion.due_at <= _NOW).order_by(_deletion.due_at).limit(bindparam("limit"))

_CREDENTIALS_OF = select(*_CREDENTIALS).where(one_of(_user.id, "ids"))

_COUNTS = (
    _token.hash == bindparam("of_hash"),
    _token.purpose == bindparam("of_purpose"),
    _token.used_at.is_(None),
    _token.expires_at > _NOW,
)
_TOKEN_THAT_COUNTS = select(*_TOKEN).where(*_COUNTS)
_USE_TOKEN = update(mailed_tokens).where(*_COUNTS).values(used_at=_NOW).returning(*_TOKEN)
_VOID_TOKENS = (
    update(mailed_tokens)
    .where(_token.user_id == bindparam("of_user"), _token.purpose == bindparam("of_purpose"), _token.used_at.is_(None))
    .values(used_at=_NOW)
)

_END_SESSIONS = (
    update(sessions)
    .where(_session.user_id == bindparam("of_user"), _session.ended_at.is_(None), _session.id != bindparam("but"))
    .values(ended_at=_NOW)
    .returning(_session.id)
)
_END_SURPLUS = (
    update(sessions)
    .where(
        _session.id.in_(
            select(_session.id)
            .where(_session.user_id == bindparam("of_user"), *_RUNNING)
            .order_by(_session.last_seen_at.desc(), _session.id.desc())
            .offset(bindparam("most"))
        )
    )
    .values(ended_at=_NOW)
    .returning(_session.id)
)
_LOCK_USER = select(*records.USER).where(_user.id == bindparam("of_user")).with_for_update()
_SET_USER = update(users).where(_user.id == bindparam("of_user"))
_FILL_EXPORT = (
    update(data_exports)
    .where(_export.id == bindparam("export_id"), _export.status == DataExportStatus.PENDING.value)
    .values(status=DataExportStatus.READY.value, content=bindparam("written"), expires_at=bindparam("until"))
)
_EXPIRE_EXPORTS = (
    update(data_exports)
    .where(_export.expires_at <= _NOW, _export.status != DataExportStatus.EXPIRED.value)
    .values(status=DataExportStatus.EXPIRED.value, content=None)
)
_CANCEL_DELETION = delete(account_deletions).where(_deletion.user_id == bindparam("of_user")).returning(*_DELETION)


class Accounts(DirectoryReader):
    """The queries about what people decided; `AccountQueries` says what each promises."""

    async def sessions_of(
        self, user_ids: Sequence[UserId], *, now: datetime, limit: int
    ) -> Sequence[Sequence[SessionRecord]]:
        """Return each person's running sessions, seen last first."""
        rows = await self.read_of(user_ids, _SESSIONS_OF, now=now, limit=limit)
        return gathered(user_ids, ((row[1], records.session(row)) for row in rows))

    async def sessions(self, ids: Sequence[SessionId], now: datetime) -> Sequence[SessionRecord | None]:
        """Return the running sessions with these ids."""
        rows = await self.read_of(ids, _SESSIONS, now=now)
        return parallel(ids, {row[0]: records.session(row) for row in rows})

    async def consents_of(self, user_ids: Sequence[UserId], *, limit: int) -> Sequence[Sequence[ConsentRecord]]:
        """Return what each person decided, by purpose, the last first."""
        rows = await self.read_of(user_ids, _CONSENTS_OF, limit=limit)
        return gathered(user_ids, ((row[1], _consent_of(row)) for row in rows))

    async def consents(self, ids: Sequence[ConsentId]) -> Sequence[ConsentRecord | None]:
        """Return the decisions with these ids."""
        rows = await self.read_of(ids, _CONSENTS)
        return parallel(ids, {row[0]: _consent_of(row) for row in rows})

    async def data_exports_of(self, user_ids: Sequence[UserId], *, limit: int) -> Sequence[Sequence[DataExportRecord]]:
        """Return each person's exports, the last first."""
        rows = await self.read_of(user_ids, _EXPORTS_OF, limit=limit)
        return gathered(user_ids, ((row[1], _export_of(row)) for row in rows))

    async def data_exports(self, ids: Sequence[DataExportId]) -> Sequence[DataExportRecord | None]:
        """Return the exports with these ids."""
        rows = await self.read_of(ids, _EXPORTS)
        return parallel(ids, {row[0]: _export_of(row) for row in rows})

    async def content_of_data_export(self, id: DataExportId) -> bytes | None:
        """Return the JSON of an export; None when there is none (yet, or any more)."""
        rows = await self.read(_CONTENT, export_id=id)
        return bytes(rows[0][0]) if rows and rows[0][0] is not None else None

    async def account_deletions(self, user_ids: Sequence[UserId]) -> Sequence[AccountDeletionRecord | None]:
        """Return when each person's account is to be deleted."""
        rows = await self.read_of(user_ids, _DELETIONS)
        return parallel(user_ids, {row[0]: _deletion_of(row) for row in rows})

    async def due_account_deletions(self, now: datetime, *, limit: int) -> Sequence[AccountDeletionRecord]:
        """Return the accounts whose time has come, the longest overdue first."""
        return [_deletion_of(row) for row in await self.read(_DUE_DELETIONS, now=now, limit=limit)]

    async def mailed_token(self, hash: bytes, purpose: MailedTokenPurpose, now: datetime) -> MailedTokenRecord | None:
        """Return the token if it counts."""
        rows = await self.read(_TOKEN_THAT_COUNTS, of_hash=hash, of_purpose=purpose.value, now=now)
        return _token_of(rows[0]) if rows else None

    async def credentials_of(self, user_ids: Sequence[UserId]) -> Sequence[CredentialsRecord | None]:
        """Return which password of each person counts."""
        rows = await self.read_of(user_ids, _CREDENTIALS_OF)
        return parallel(user_ids, {row[0]: CredentialsRecord(*row) for row in rows})


class AccountCommands(AccessCommands):
    """Changes of what people decided; `connectors.directory.accounts` says what each promises."""

    async def end_sessions(self, user_id: UserId, now: datetime, *, but: SessionId | None = None) -> int:
        """End all of a person's sessions, except for one, each published like a change of access."""
        await self._execute(_LOCK_USER, {"of_user": user_id})
        ended = await self._execute(_END_SESSIONS, {"of_user": user_id, "but": but or "", "now": now})
        return await self._publish_end(user_id, ended.scalars().all())

    async def end_surplus_sessions(self, user_id: UserId, now: datetime, *, most: int) -> int:
        """End a person's running sessions but those seen last."""
        await self._execute(_LOCK_USER, {"of_user": user_id})
        ended = await self._execute(_END_SURPLUS, {"of_user": user_id, "most": most, "now": now})
        return await self._publish_end(user_id, ended.scalars().all())

    async def add_consent(self, consent: ConsentRecord) -> None:
        """Store what somebody decided."""
        row = {
            "id": consent.id,
            "user_id": consent.user_id,
            "purpose": consent.purpose.value,
            "granted": consent.granted,
            "changed_at": consent.changed_at,
            "source": consent.source,
        }
        await self._execute(insert(consents), row)

    async def add_mailed_token(self, token: MailedTokenRecord) -> None:
        """Store a token that a mail carries."""
        row = {
            "hash": token.hash,
            "purpose": token.purpose.value,
            "user_id": token.user_id,
            "value": token.value,
            "created_at": token.created_at,
            "expires_at": token.expires_at,
        }
        await self._execute(insert(mailed_tokens), row)

    async def use_mailed_token(
        self, hash: bytes, purpose: MailedTokenPurpose, now: datetime
    ) -> MailedTokenRecord | None:
        """Use up a token that counts, at most once however many ask at the same time."""
        row = (await self._execute(_USE_TOKEN, {"of_hash": hash, "of_purpose": purpose.value, "now": now})).first()
        return _token_of(row) if row is not None else None

    async def void_mailed_tokens(self, user_id: UserId, purpose: MailedTokenPurpose, now: datetime) -> None:
        """Let no token of a person for this purpose count any more."""
        await self._execute(_VOID_TOKENS, {"of_user": user_id, "of_purpose": purpose.value, "now": now})

    async def set_credentials(self, credentials: CredentialsRecord) -> None:
        """Let the password of another version count."""
        values = {"credential_version": credentials.version, "credential_item_id": credentials.item_id}
        await self._execute(_SET_USER.values(values), {"of_user": credentials.user_id})

    async def set_email(self, user_id: UserId, email: str) -> tuple[UserRecord, UserRecord]:
        """Make this the person's confirmed address; return the person before and after."""
        row = (await self._execute(_LOCK_USER, {"of_user": user_id})).first()
        if row is None:
            raise LookupError(f"There is no user {user_id}.")
        before = records.user(row)
        after = replace(before, email=email, email_verified=True, profile_version=before.profile_version + 1)
        await self._execute(_SET_USER.values(records.user_values(after)), {"of_user": user_id})
        return before, after

    async def set_default_organization(self, user_id: UserId, organization_id: OrganizationId) -> None:
        """Store which organization a person looks at first."""
        await self._execute(_SET_USER.values(default_organization_id=organization_id), {"of_user": user_id})

    async def add_data_export(self, export: DataExportRecord) -> None:
        """Store that somebody wants an export."""
        row = {
            "id": export.id,
            "user_id": export.user_id,
            "status": export.status.value,
            "requested_at": export.requested_at,
            "expires_at": export.expires_at,
        }
        await self._execute(insert(data_exports), row)

    async def fill_data_export(self, id: DataExportId, content: bytes, *, expires_at: datetime) -> bool:
        """Store the content of an export that is PENDING; return whether it was."""
        filled = await self._execute(_FILL_EXPORT, {"export_id": id, "written": content, "until": expires_at})
        return filled.rowcount > 0

    async def expire_data_exports(self, now: datetime) -> int:
        """Erase the content of exports whose time is over, and return how many."""
        return (await self._execute(_EXPIRE_EXPORTS, {"now": now})).rowcount

    async def schedule_account_deletion(self, deletion: AccountDeletionRecord) -> None:
        """Store when an account is to be deleted; another time replaces an earlier one."""
        await self._execute(_CANCEL_DELETION, {"of_user": deletion.user_id})
        row = {"user_id": deletion.user_id, "requested_at": deletion.requested_at, "due_at": deletion.due_at}
        await self._execute(insert(account_deletions), row)

    async def cancel_account_deletion(self, user_id: UserId) -> AccountDeletionRecord | None:
        """Let the account stay, and return what was planned."""
        row = (await self._execute(_CANCEL_DELETION, {"of_user": user_id})).first()
        return _deletion_of(row) if row is not None else None

    async def _publish_end(self, user_id: UserId, ended: Sequence[str]) -> int:
        for session_id in ended:
            self.events.append(SessionEnded(SessionId(session_id), user_id))
        if ended:
            await self._count(user_id, None)
        return len(ended)


def _consent_of(row: Row) -> ConsentRecord:
    id, user_id, purpose, granted, changed_at, source = row
    return ConsentRecord(id, user_id, ConsentPurpose(purpose), bool(granted), changed_at, source)


def _token_of(row: Row) -> MailedTokenRecord:
    hash, purpose, user_id, value, created_at, expires_at = row
    return MailedTokenRecord(bytes(hash), MailedTokenPurpose(purpose), user_id, value, created_at, expires_at)


def _export_of(row: Row) -> DataExportRecord:
    id, user_id, status, requested_at, expires_at = row
    return DataExportRecord(id, user_id, DataExportStatus(status), requested_at, expires_at)


def _deletion_of(row: Row) -> AccountDeletionRecord:
    user_id, requested_at, due_at = row
    return AccountDeletionRecord(user_id, requested_at, due_at)
