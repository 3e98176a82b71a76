"""The embedded default: mails stay in a table of their own, where a demo shows them and tests look for them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Column, MetaData, Table, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from connectors.database.columns import CleanText, IdText, UtcDateTime, new_metadata
from connectors.database.engine import AsyncEngine
from connectors.database.reader import Reader
from connectors.database.sql_errors import database_errors
from connectors.errors import BackendUnavailable
from connectors.ids import new_id
from connectors.mail.interface import BACKEND, KeptMail, Message, check_message

METADATA: MetaData = new_metadata()

mails = Table(
    "mailbox_mails",
    METADATA,
    Column("id", IdText, primary_key=True),
    Column("message_id", IdText, nullable=False, unique=True),
    Column("sender", CleanText, nullable=False),
    Column("sender_name", CleanText, nullable=False),
    Column("recipient", CleanText, nullable=False),
    Column("subject", CleanText, nullable=False),
    Column("text", CleanText, nullable=False),
    Column("html", CleanText, nullable=False),
    Column("locale", CleanText, nullable=False),
    Column("written_at", UtcDateTime, nullable=False, index=True),
    Column("headers", CleanText, nullable=False, doc="JSON object"),
)

_mail = mails.c
_COLUMNS = (
    _mail.id, _mail.message_id, _mail.sender, _mail.sender_name, _mail.recipient, _mail.subject, _mail.text, _mail.html,
    _mail.locale, _mail.written_at, _mail.headers,
)  # fmt: skip
_NEWEST = select(*_COLUMNS).order_by(_mail.id.desc()).limit(bindparam("most"))
_ONE = select(*_COLUMNS).where(_mail.id == bindparam("of_id"))
_FORGET = delete(mails).where(_mail.written_at < bindparam("before"))


class Mailbox:
    """A mailbox in a migrated SQLite or PostgreSQL database; `KeptMails` and `Mailer` say what each method promises."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reader = Reader(engine, BACKEND)
        insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        self._keep = insert(mails).on_conflict_do_nothing(index_elements=["message_id"])

    async def send(self, message: Message) -> None:
        """Keep the mail; one that is sent again is there already, as in a mail program."""
        check_message(message)
        row = {
            "id": new_id("mal"),
            "message_id": message.message_id,
            "sender": message.sender,
            "sender_name": message.sender_name,
            "recipient": message.to,
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "locale": message.locale,
            "written_at": message.written_at,
            "headers": orjson.dumps(dict(message.headers)).decode(),
        }
        async with database_errors(BACKEND), self._engine.begin() as connection:
            await connection.execute(self._keep, row)

    async def mails(self, *, limit: int) -> Sequence[KeptMail]:
        """Return the mails that came last, newest first."""
        return [_kept(row) for row in await self._reader.read(_NEWEST, most=limit)]

    async def mail(self, id: str) -> KeptMail | None:
        """Return one mail; None when there is no such one."""
        rows = await self._reader.read(_ONE, of_id=id)
        return _kept(rows[0]) if rows else None

    async def forget(self, *, before: datetime) -> None:
        """Throw away mails older than this."""
        async with database_errors(BACKEND), self._engine.begin() as connection:
            await connection.execute(_FORGET, {"before": before})

    async def healthy(self) -> bool:
        """Return whether the database answers within two seconds."""
        try:
            async with asyncio.timeout(2):
                await self.mail("")
        except (BackendUnavailable, TimeoutError):
            return False
        return True


def _kept(row: Any) -> KeptMail:
    id, message_id, sender, sender_name, to, subject, text, html, locale, written_at, headers = row
    return KeptMail(
        id,
        Message(message_id, sender, sender_name, to, subject, text, html, locale, written_at, orjson.loads(headers)),
    )
