"""What people decide about their own account: consents, new addresses and passwords, exports, its deletion."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select, update

from connectors.database.dialects import one_of
from connectors.database.lists import Listing, first_of_each
from connectors.database.reader import gathered
from connectors.directory.reader import NOW, DirectoryReader
from connectors.directory.records.accounts import (
    AccountDeletionRecord,
    ConsentRecord,
    CredentialsRecord,
    DataExportRecord,
    DataExportStatus,
    MailedTokenPurpose,
    MailedTokenRecord,
)
from connectors.directory.rows import ACCOUNT_DELETIONS, CONSENTS, CREDENTIALS, DATA_EXPORTS, MAILED_TOKENS
from connectors.directory.tables import account_deletions, consents, data_exports, mailed_tokens, users
from connectors.directory.transaction import Transaction, oldest
from connectors.ids import ConsentId, DataExportId, UserId

_consent, _token, _export, _deletion = consents.c, mailed_tokens.c, data_exports.c, account_deletions.c

_CONSENTS_OF = first_of_each(
    CONSENTS.whole, [_consent.user_id, _consent.purpose], [_consent.id.desc()], one_of(_consent.user_id, "ids")
)
_EXPORTS_OF = Listing("data exports", DATA_EXPORTS, owner=_export.user_id)
_CONTENT = select(_export.content).where(_export.id == bindparam("export_id"))
_DUE_DELETIONS = (
    ACCOUNT_DELETIONS.select.where(_deletion.due_at <= NOW).order_by(_deletion.due_at).limit(bindparam("limit"))
)
_COUNTS = (
    _token.hash == bindparam("of_hash"),
    _token.purpose == bindparam("of_purpose"),
    _token.used_at.is_(None),
    _token.expires_at > NOW,
)
_TOKEN_THAT_COUNTS = MAILED_TOKENS.select.where(*_COUNTS)
_USE_TOKEN = update(mailed_tokens).where(*_COUNTS).values(used_at=NOW).returning(*MAILED_TOKENS.columns)
_ISSUED_TOKEN = MAILED_TOKENS.select.where(
    _token.hash == bindparam("of_hash"), _token.purpose == bindparam("of_purpose")
)
_VOID_TOKENS = delete(mailed_tokens).where(
    _token.user_id == bindparam("of_user"), _token.purpose == bindparam("of_purpose"), _token.used_at.is_(None)
)
_FORGET_MAILED_TOKENS = delete(mailed_tokens).where(
    _token.hash.in_(oldest(_token.hash, _token.expires_at < bindparam("before"), order=[_token.expires_at]))
)
_SET_CREDENTIALS = update(users).where(users.c.id == bindparam("of_user"))
_FILL_EXPORT = (
    update(data_exports)
    .where(_export.id == bindparam("export_id"), _export.status == DataExportStatus.PENDING.value)
    .values(status=DataExportStatus.READY.value, content=bindparam("written"), expires_at=bindparam("until"))
)
_EXPIRE_EXPORTS = (
    update(data_exports)
    .where(_export.expires_at <= NOW, _export.status != DataExportStatus.EXPIRED.value)
    .values(status=DataExportStatus.EXPIRED.value, content=None)
)
_CANCEL_DELETION = (
    delete(account_deletions).where(_deletion.user_id == bindparam("of_user")).returning(*ACCOUNT_DELETIONS.columns)
)


class AccountQueries(DirectoryReader):
    """Queries about what people decided."""

    async def consents_of(self, user_ids: Sequence[UserId], *, limit: int) -> Sequence[Sequence[ConsentRecord]]:
        """Return what each person decided, by purpose, the last first and at most `limit` of a purpose."""
        found = CONSENTS.records(await self.read_of(user_ids, _CONSENTS_OF, limit=limit))
        found.sort(key=lambda consent: consent.purpose)
        return gathered(user_ids, found, lambda consent: consent.user_id)

    async def consents(self, ids: Sequence[ConsentId]) -> Sequence[ConsentRecord | None]:
        """Return the decisions with these ids."""
        return await self.records(CONSENTS, ids)

    async def data_exports_of(self, user_ids: Sequence[UserId], *, limit: int) -> Sequence[Sequence[DataExportRecord]]:
        """Return each person's exports, the last first, at most `limit`."""
        return await self.firsts(_EXPORTS_OF, user_ids, limit)

    async def data_exports(self, ids: Sequence[DataExportId]) -> Sequence[DataExportRecord | None]:
        """Return the exports with these ids."""
        return await self.records(DATA_EXPORTS, ids)

    async def content_of_data_export(self, id: DataExportId) -> bytes | None:
        """Return the JSON of an export; None when there is none (yet, or any more)."""
        rows = await self.read(_CONTENT, export_id=id)
        return bytes(rows[0][0]) if rows and rows[0][0] is not None else None

    async def account_deletions(self, user_ids: Sequence[UserId]) -> Sequence[AccountDeletionRecord | None]:
        """Return when each person's account is to be deleted."""
        return await self.records(ACCOUNT_DELETIONS, user_ids)

    async def due_account_deletions(self, now: datetime, *, limit: int) -> Sequence[AccountDeletionRecord]:
        """Return the accounts whose time has come, the longest overdue first."""
        return ACCOUNT_DELETIONS.records(await self.read(_DUE_DELETIONS, now=now, limit=limit))

    async def mailed_token(self, hash: bytes, purpose: MailedTokenPurpose, now: datetime) -> MailedTokenRecord | None:
        """Return the token if it counts: known, for this purpose, not used, not expired."""
        return MAILED_TOKENS.first(await self.read(_TOKEN_THAT_COUNTS, of_hash=hash, of_purpose=purpose.value, now=now))

    async def issued_token(self, hash: bytes, purpose: MailedTokenPurpose) -> MailedTokenRecord | None:
        """Return the token whether or not it counts; one that was voided is forgotten."""
        return MAILED_TOKENS.first(await self.read(_ISSUED_TOKEN, of_hash=hash, of_purpose=purpose.value))

    async def credentials_of(self, user_ids: Sequence[UserId]) -> Sequence[CredentialsRecord | None]:
        """Return which password of each person counts; None for an unknown one."""
        return await self.records(CREDENTIALS, user_ids)


class AccountChanges(Transaction):
    """Changes of what people decided; the caller writes the audit rows."""

    async def add_consent(self, consent: ConsentRecord) -> None:
        """Store what somebody decided; earlier decisions stay as their history."""
        await self._add(CONSENTS, consent)

    async def add_mailed_token(self, token: MailedTokenRecord) -> None:
        """Store a token that a mail carries."""
        await self._add(MAILED_TOKENS, token)

    async def use_mailed_token(
        self, hash: bytes, purpose: MailedTokenPurpose, now: datetime
    ) -> MailedTokenRecord | None:
        """Use up a token that counts, at most once however many ask at the same time; None when it does not."""
        return await self._first(MAILED_TOKENS, _USE_TOKEN, {"of_hash": hash, "of_purpose": purpose.value, "now": now})

    async def void_mailed_tokens(self, user_id: UserId, purpose: MailedTokenPurpose) -> None:
        """Let no token of a person for this purpose count any more; those that were not used are forgotten."""
        await self._execute(_VOID_TOKENS, {"of_user": user_id, "of_purpose": purpose.value})

    async def set_credentials(self, credentials: CredentialsRecord) -> None:
        """Let the password of another version count from the commit on; the person is locked, or was added here."""
        await self._execute(_SET_CREDENTIALS.values(CREDENTIALS.changed(credentials)), {"of_user": credentials.user_id})

    async def add_data_export(self, export: DataExportRecord) -> None:
        """Store that somebody wants an export."""
        await self._add(DATA_EXPORTS, export)

    async def fill_data_export(self, id: DataExportId, content: bytes, *, expires_at: datetime) -> bool:
        """Store the content of an export that is PENDING, and say that it is READY; return whether it was PENDING."""
        filled = await self._execute(_FILL_EXPORT, {"export_id": id, "written": content, "until": expires_at})
        return filled.rowcount > 0

    async def expire_data_exports(self, now: datetime) -> int:
        """Erase the content of exports whose time is over, and return how many."""
        return (await self._execute(_EXPIRE_EXPORTS, {"now": now})).rowcount

    async def schedule_account_deletion(self, deletion: AccountDeletionRecord) -> None:
        """Store when an account is to be deleted; another time replaces an earlier one."""
        await self.cancel_account_deletion(deletion.user_id)
        await self._add(ACCOUNT_DELETIONS, deletion)

    async def cancel_account_deletion(self, user_id: UserId) -> AccountDeletionRecord | None:
        """Let the account stay, and return what was planned; None when nothing was."""
        return await self._first(ACCOUNT_DELETIONS, _CANCEL_DELETION, {"of_user": user_id})

    async def forget_mailed_tokens(self, *, before: datetime) -> int:
        """Throw away tokens sent by mail that could not be used any more at this instant."""
        return (await self._execute(_FORGET_MAILED_TOKENS, {"before": before})).rowcount
