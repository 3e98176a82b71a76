"""Accounts of our own: argon2id hashes in a table of their own, checked off the event loop."""

import asyncio
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import ParamSpec, TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Column, MetaData, Table, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from connectors.database import CleanText, IdText, database_errors, new_metadata
from connectors.engine import AsyncEngine
from connectors.errors import BackendUnavailable
from connectors.ids import UserId
from connectors.reading import Reader
from connectors.statements import one_of

BACKEND = "identity"
METADATA: MetaData = new_metadata()

credentials = Table(
    "identity_credentials",
    METADATA,
    Column("user_id", IdText, primary_key=True),
    Column("password_hash", CleanText, nullable=False),
)

_AT_ONCE = 2
"""An argon2 hash takes 64 MiB and some 50 ms of every core it gets: more at once would starve the requests."""

_HASH_OF = select(credentials.c.password_hash).where(credentials.c.user_id == bindparam("user_id"))
_REHASH = (
    update(credentials)
    .where(credentials.c.user_id == bindparam("id"), credentials.c.password_hash == bindparam("old"))
    .values(password_hash=bindparam("new"))
)

_FORGET = delete(credentials).where(one_of(credentials.c.user_id, "ids"))

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


class EmbeddedAccounts:
    """Accounts in a migrated SQLite or PostgreSQL database; `Accounts` says what each method promises."""

    def __init__(self, engine: AsyncEngine, hasher: Argon2Hasher | None = None) -> None:
        self._engine = engine
        self._reader = Reader(engine, BACKEND)
        self._passwords = PasswordHash((hasher or Argon2Hasher(),))
        insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        statement = insert(credentials)
        self._store = statement.on_conflict_do_update(
            index_elements=["user_id"], set_={"password_hash": statement.excluded.password_hash}
        )
        self._places = asyncio.Semaphore(_AT_ONCE)

    @property
    def password_change_url(self) -> str | None:
        """Return where people change their password: nowhere but here."""
        return None

    async def is_password_of(self, user_id: UserId | None, password: str) -> bool:
        """Return whether this is the user's password; a hash made with older parameters is replaced when it is."""
        stored = await self._hash_of(user_id)
        is_right, renewed = await self._in_thread(self._verify, password, stored)
        if user_id is None or stored is None:
            return False
        if is_right and renewed:
            async with database_errors(BACKEND), self._engine.begin() as connection:
                await connection.execute(_REHASH, {"id": user_id, "old": stored, "new": renewed})
        return is_right

    async def set_password(self, user_ids: Sequence[UserId], password: str) -> None:
        """Give each user this password, hashed once with argon2id; replaces an earlier one."""
        if not user_ids:
            return
        hashed = await self._in_thread(self._passwords.hash, _normalized(password))
        rows = [{"user_id": user_id, "password_hash": hashed} for user_id in dict.fromkeys(user_ids)]
        async with database_errors(BACKEND), self._engine.begin() as connection:
            await connection.execute(self._store, rows)

    async def forget(self, user_ids: Sequence[UserId]) -> None:
        """Delete the users' credentials, for good."""
        async with database_errors(BACKEND), self._engine.begin() as connection:
            await connection.execute(_FORGET, {"ids": list(user_ids)})

    async def healthy(self) -> bool:
        """Return whether the database answers within two seconds."""
        try:
            async with asyncio.timeout(2):
                await self._hash_of(UserId(""))
        except (BackendUnavailable, TimeoutError):
            return False
        return True

    async def _hash_of(self, user_id: UserId | None) -> str | None:
        rows = await self._reader.read(_HASH_OF, user_id=user_id or "")
        return rows[0][0] if rows else None

    def _verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        nobodys = self._nobodys_hash  # asked for either way: making it the first time takes as long as checking
        try:
            return self._passwords.verify_and_update(_normalized(password), stored or nobodys)
        except UnknownHashError:
            return False, None

    @cached_property
    def _nobodys_hash(self) -> str:
        """A hash to check a password against when there is none, so that an unknown name takes as long (D4)."""
        return self._passwords.hash(secrets.token_urlsafe())

    async def _in_thread(
        self, work: Callable[Parameters, Answer], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Answer:
        async with self._places:
            return await asyncio.to_thread(work, *args, **kwargs)


def _normalized(password: str) -> str:
    # RFC 8265, 4.2: one keyboard composes "é", another sends "e" and the accent; one has another space than another.
    # It is the same password.
    spaced = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in password)
    return unicodedata.normalize("NFC", spaced)
