"""Accounts of our own: argon2id hashes in a table of their own, checked off the event loop."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import ParamSpec, TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import BigInteger, Column, MetaData, Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from connectors.database.columns import CleanText, IdText, new_metadata
from connectors.database.engine import AsyncEngine
from connectors.database.reader import Reader
from connectors.database.sql_errors import database_errors
from connectors.errors import BackendUnavailable
from connectors.identity.interface import Credentials, CredentialsBehind
from connectors.identity.opaque_string import opaque_string
from connectors.ids import UserId

BACKEND = "identity"
METADATA: MetaData = new_metadata()

credentials = Table(
    "identity_credentials",
    METADATA,
    Column("user_id", IdText, primary_key=True),
    Column("password_hash", CleanText, doc="empty once the credentials were deleted, which is for ever"),
    Column("version", BigInteger, nullable=False, server_default="0", doc="that of the change in the directory"),
)

_AT_ONCE = 2
"""An argon2 hash takes 64 MiB and some 50 ms of every core it gets: more at once would starve the requests."""

_STORED = select(credentials.c.password_hash, credentials.c.version).where(
    credentials.c.user_id == bindparam("user_id")
)
_REHASH = (
    update(credentials)
    .where(credentials.c.user_id == bindparam("id"), credentials.c.password_hash == bindparam("old"))
    .values(password_hash=bindparam("new"))
)

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


class EmbeddedAccounts:
    """Accounts in a migrated SQLite or PostgreSQL database; `Accounts` says what each method promises."""

    def __init__(self, engine: AsyncEngine, hasher: Argon2Hasher | None = None) -> None:
        self._engine = engine
        self._reader = Reader(engine, BACKEND)
        self._passwords = PasswordHash((hasher or Argon2Hasher(),))
        insert = (postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert)(credentials)
        new, kept = insert.excluded, credentials.c
        self._apply = insert.on_conflict_do_update(
            index_elements=["user_id"],
            set_={"password_hash": new.password_hash, "version": new.version},
            where=(kept.version < new.version) & kept.password_hash.is_not(None),
        )
        # A row without a hash stays: a change that is still on its way finds that there is nothing to replace.
        self._forget = insert.on_conflict_do_update(index_elements=["user_id"], set_={"password_hash": None})
        self._slots = asyncio.Semaphore(_AT_ONCE)

    @property
    def password_change_url(self) -> str | None:
        """Return where people change their password: nowhere but here."""
        return None

    async def hash(self, password: str) -> str:
        """Return the argon2id hash of a password; nothing is stored."""
        return await self._in_thread(self._passwords.hash, opaque_string(password))

    async def apply(self, credentials: Sequence[Credentials]) -> None:
        """Store each person's credentials, unless there are some of this or a later version, or they were deleted."""
        rows = [
            {"user_id": one.user_id, "password_hash": one.password_hash, "version": one.version} for one in credentials
        ]
        if rows:
            async with database_errors(BACKEND), self._engine.begin() as connection:
                await connection.execute(self._apply, rows)

    async def verify(self, user_id: UserId | None, password: str, *, at_least: int) -> int | None:
        """Return the version of the user's credentials when this is their password, else None.

        A hash made with older parameters is replaced when the password is right.

        Raises:
            CredentialsBehind: The credentials here are of an earlier version than `at_least`.
        """
        stored, version = await self._stored(user_id)
        if version < at_least:
            raise CredentialsBehind
        is_right, renewed = await self._in_thread(self._verify, password, stored)
        if user_id is None or stored is None or not is_right:
            return None
        if renewed:
            async with database_errors(BACKEND), self._engine.begin() as connection:
                await connection.execute(_REHASH, {"id": user_id, "old": stored, "new": renewed})
        return version

    async def forget(self, user_ids: Sequence[UserId]) -> None:
        """Delete the users' credentials; nothing that is applied afterwards brings them back."""
        rows = [{"user_id": user_id, "password_hash": None, "version": 0} for user_id in user_ids]
        if rows:
            async with database_errors(BACKEND), self._engine.begin() as connection:
                await connection.execute(self._forget, rows)

    async def healthy(self) -> bool:
        """Return whether the database answers within two seconds."""
        try:
            async with asyncio.timeout(2):
                await self._stored(None)
        except (BackendUnavailable, TimeoutError):
            return False
        return True

    async def _stored(self, user_id: UserId | None) -> tuple[str | None, int]:
        rows = await self._reader.read(_STORED, user_id=user_id or "")
        return (rows[0][0], rows[0][1]) if rows else (None, 0)

    def _verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        nobodys = self._nobodys_hash  # asked for either way: making it the first time takes as long as checking
        try:
            return self._passwords.verify_and_update(opaque_string(password), stored or nobodys)
        except UnknownHashError:
            return False, None

    @cached_property
    def _nobodys_hash(self) -> str:
        """A hash to check a password against when there is none, so that an unknown name takes as long."""
        return self._passwords.hash(secrets.token_urlsafe())

    async def _in_thread(
        self, work: Callable[Parameters, Answer], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Answer:
        async with self._slots:
            return await asyncio.to_thread(work, *args, **kwargs)
