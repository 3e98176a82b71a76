"""What people decide about their own account: consents, new addresses and passwords, exports, its deletion."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from connectors.database.columns import UtcDateTime
from connectors.database.dialects import one_of
from connectors.database.reader import Row, gathered, parallel
from connectors.directory import mapping
from connectors.directory.lists import first_of_each
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.accounts import (
    AccountDeletionRecord,
    ConsentPurpose,
    ConsentRecord,
    CredentialsRecord,
    DataExportRecord,
    DataExportStatus,
    MailedTokenPurpose,
    MailedTokenRecord,
)
from connectors.directory.records.people import UserRecord
from connectors.directory.tables import account_deletions, consents, data_exports, mailed_tokens, users
from connectors.directory.transaction import Transaction
from connectors.ids import ConsentId, DataExportId, OrganizationId, UserId

_user, _consent, _token = users.c, consents.c, mailed_tokens.c
_export, _deletion = data_exports.c, account_deletions.c
_CONSENT = (_consent.id, _consent.user_id, _consent.purpose, _consent.granted, _consent.changed_at, _consent.source)
_TOKEN = (_token.hash, _token.purpose, _token.user_id, _token.value, _token.created_at, _token.expires_at)
_EXPORT = (_export.id, _export.user_id, _export.status, _export.requested_at, _export.expires_at)
_DELETION = (_deletion.user_id, _deletion.requested_at, _deletion.due_at)
_CREDENTIALS = (_user.id, _user.credential_version, _user.credential_item_id)
_NOW = bindparam("now", type_=UtcDateTime)


_CONSENTS_OF = first_of_each(
    _CONSENT, [_consent.user_id, _consent.purpose], [_consent.id.desc()], one_of(_consent.user_id, "ids")
)
_CONSENTS = select(*_CONSENT).where(one_of(_consent.id, "ids"))
_EXPORTS_OF = first_of_each(_EXPORT, [_export.user_id], [_export.id.desc()], one_of(_export.user_id, "ids"))
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
_LOCK_USER = select(*mapping.USER).where(_user.id == bindparam("of_user")).with_for_update()
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
_MOST = 1_000
_OLD_TOKENS = (
    select(mailed_tokens.c.hash)
    .where(mailed_tokens.c.expires_at < bindparam("before"))
    .order_by(mailed_tokens.c.expires_at)
    .limit(_MOST)
)
_FORGET_MAILED_TOKENS = delete(mailed_tokens).where(mailed_tokens.c.hash.in_(_OLD_TOKENS))


class AccountQueries(DirectoryReader):
    """Queries about what people decided."""

    async def consents_of(self, user_ids: Sequence[UserId], *, limit: int) -> Sequence[Sequence[ConsentRecord]]:
        """Return what each person decided, by purpose, the last first and at most `limit` of a purpose."""
        rows = await self.read_of(user_ids, _CONSENTS_OF, limit=limit)
        return gathered(user_ids, ((row[1], _consent_of(row)) for row in rows))

    async def consents(self, ids: Sequence[ConsentId]) -> Sequence[ConsentRecord | None]:
        """Return the decisions with these ids."""
        rows = await self.read_of(ids, _CONSENTS)
        return parallel(ids, {row[0]: _consent_of(row) for row in rows})

    async def data_exports_of(self, user_ids: Sequence[UserId], *, limit: int) -> Sequence[Sequence[DataExportRecord]]:
        """Return each person's exports, the last first, at most `limit`."""
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
        """Return the token if it counts: known, for this purpose, not used, not expired."""
        rows = await self.read(_TOKEN_THAT_COUNTS, of_hash=hash, of_purpose=purpose.value, now=now)
        return _token_of(rows[0]) if rows else None

    async def credentials_of(self, user_ids: Sequence[UserId]) -> Sequence[CredentialsRecord | None]:
        """Return which password of each person counts; None for an unknown one."""
        rows = await self.read_of(user_ids, _CREDENTIALS_OF)
        return parallel(user_ids, {row[0]: CredentialsRecord(*row) for row in rows})


class AccountChanges(Transaction):
    """Changes of what people decided; the caller writes the audit rows."""

    async def add_consent(self, consent: ConsentRecord) -> None:
        """Store what somebody decided; earlier decisions stay as their history."""
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
        """Use up a token that counts, at most once however many ask at the same time; None when it does not."""
        row = (await self._execute(_USE_TOKEN, {"of_hash": hash, "of_purpose": purpose.value, "now": now})).first()
        return _token_of(row) if row is not None else None

    async def void_mailed_tokens(self, user_id: UserId, purpose: MailedTokenPurpose, now: datetime) -> None:
        """Let no token of a person for this purpose count any more."""
        await self._execute(_VOID_TOKENS, {"of_user": user_id, "of_purpose": purpose.value, "now": now})

    async def set_credentials(self, credentials: CredentialsRecord) -> None:
        """Let the password of another version count from the commit on; the person is locked, or was added here."""
        values = {"credential_version": credentials.version, "credential_item_id": credentials.item_id}
        await self._execute(_SET_USER.values(values), {"of_user": credentials.user_id})

    async def set_email(self, user_id: UserId, email: str) -> tuple[UserRecord, UserRecord]:
        """Make this the person's confirmed address; return the person before and after, with the next version.

        Raises:
            ChangeConflict: Somebody else has this address, confirmed.
            LookupError: There is no such person.
        """
        row = (await self._execute(_LOCK_USER, {"of_user": user_id})).first()
        if row is None:
            raise LookupError(f"There is no user {user_id}.")
        before = mapping.user(row)
        after = replace(before, email=email, email_verified=True, profile_version=before.profile_version + 1)
        await self._execute(_SET_USER.values(mapping.user_values(after)), {"of_user": user_id})
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
        """Store the content of an export that is PENDING, and say that it is READY; return whether it was PENDING."""
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
        """Let the account stay, and return what was planned; None when nothing was."""
        row = (await self._execute(_CANCEL_DELETION, {"of_user": user_id})).first()
        return _deletion_of(row) if row is not None else None

    async def forget_mailed_tokens(self, *, before: datetime) -> int:
        """Throw away tokens sent by mail that could not be used any more at this instant."""
        return (await self._execute(_FORGET_MAILED_TOKENS, {"before": before})).rowcount


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
