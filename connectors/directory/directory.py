"""The directory as a whole: its queries, its changes in one transaction, and loading many records at once."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from sqlalchemy import Insert, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from connectors.access_events import AccessEvent
from connectors.database.engine import AsyncConnection, AsyncEngine
from connectors.database.reader import Row, Statement
from connectors.database.sql_errors import database_errors
from connectors.directory import tables
from connectors.directory.access import AccessQueries
from connectors.directory.accounts import AccountChanges, AccountQueries
from connectors.directory.addresses import AddressChanges, AddressQueries
from connectors.directory.approvals import ApprovalChanges, ApprovalQueries
from connectors.directory.audit import AuditChanges, AuditQueries
from connectors.directory.caller import CallerQueries
from connectors.directory.external_ids import ExternalIdChanges, ExternalIdQueries
from connectors.directory.idempotency import IdempotencyChanges
from connectors.directory.invitations import InvitationChanges, InvitationQueries
from connectors.directory.memberships import MembershipChanges, MembershipQueries
from connectors.directory.organizations import OrganizationChanges, OrganizationQueries
from connectors.directory.outbox import OutboxChanges, OutboxQueries
from connectors.directory.people import PeopleChanges, PeopleQueries
from connectors.directory.personal_data import PersonalDataChanges, PersonalDataQueries
from connectors.directory.reader import BACKEND
from connectors.directory.records.data import DirectoryData
from connectors.directory.registrations import RegistrationChanges, RegistrationQueries
from connectors.directory.rows import GRANTS, INVITATIONS, MEMBERSHIPS, ORGANIZATIONS, REGISTRATIONS, USERS
from connectors.directory.sessions import SessionChanges, SessionQueries
from connectors.errors import BackendUnavailable
from connectors.values import login_key

_NOTHING = select(1)
_CHECKS: Mapping[str, Insert] = {
    dialect: statement.on_conflict_do_update(index_elements=["id"], set_={"checked_at": statement.excluded.checked_at})
    for dialect, statement in (
        ("postgresql", postgresql.insert(tables.write_checks)),
        ("sqlite", sqlite.insert(tables.write_checks)),
    )
}
_A_MOMENT = 1.0
"""Seconds for which a change that was stored proves that the next one would be."""


class DirectoryQueries(
    AccessQueries,
    AccountQueries,
    AddressQueries,
    ApprovalQueries,
    AuditQueries,
    CallerQueries,
    ExternalIdQueries,
    InvitationQueries,
    MembershipQueries,
    OrganizationQueries,
    OutboxQueries,
    PeopleQueries,
    PersonalDataQueries,
    RegistrationQueries,
    SessionQueries,
):
    """Queries. Every list answer is parallel to the list asked with, None where there is no such record.

    Each method costs one statement however long the lists are, where nothing else is said; every method raises
    BackendUnavailable when the database does not answer.
    """


class _QueriesWithin(DirectoryQueries):
    """The queries as an open transaction sees things, its own changes included."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @property
    def database(self) -> str:
        """Return which kind of database is asked."""
        return self._connection.dialect.name

    async def read(self, statement: Statement, **values: Any) -> Sequence[Row]:
        """Return the rows, read within the transaction."""
        async with database_errors(BACKEND):
            return (await self._connection.execute(statement, values)).all()


class DirectoryChange(
    AccountChanges,
    AddressChanges,
    ApprovalChanges,
    AuditChanges,
    ExternalIdChanges,
    IdempotencyChanges,
    InvitationChanges,
    MembershipChanges,
    OrganizationChanges,
    OutboxChanges,
    PersonalDataChanges,
    PeopleChanges,
    RegistrationChanges,
    SessionChanges,
):
    """Changes, all in one transaction; `ask` answers queries as the transaction sees things.

    None writes to the audit log but `record` and its like: the command knows what happened, and why.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self.ask: DirectoryQueries = _QueriesWithin(connection)


class Directory(DirectoryQueries):
    """The directory in a migrated SQLite or PostgreSQL database: its queries, and a transaction to change it in.

    `publish` is called with the events of each transaction that changed somebody's access, after it was committed. It
    must neither wait nor fail; whoever receives nothing asks the directory anyway. So is `wake`, when there is
    something to do in the outbox.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        publish: Callable[[Sequence[AccessEvent]], None] | None = None,
        wake: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(engine)
        self._publish = publish
        self._wake = wake
        self._stored_at = -_A_MOMENT

    @asynccontextmanager
    async def change(self) -> AsyncIterator[DirectoryChange]:
        """Open one transaction; it commits when the block ends, and nothing of it stays when the block raises.

        On SQLite it waits for other writers when it begins, so that it never fails on what it has read meanwhile.

        Raises:
            ChangeConflict: PostgreSQL undid the transaction because of another one; it can be tried again as a whole.
            OutcomeUnknown: The database did not say whether it has stored the changes.
        """
        connection = self._engine.connect()
        async with database_errors(BACKEND):
            await connection.start()
        change = DirectoryChange(connection)
        is_stored = False
        try:
            async with connection:
                async with database_errors(BACKEND):
                    await connection.begin()
                yield change
                async with database_errors(BACKEND):
                    await connection.commit()
                is_stored = True
                self._stored_at = monotonic()
        except BackendUnavailable:
            self._stored_at = -_A_MOMENT
            raise
        finally:
            if is_stored and change.events and self._publish is not None:
                self._publish(change.events)
            if is_stored and change.enqueued and self._wake is not None:
                self._wake()
            if change.reused and not is_stored:
                await self._end_reused_sessions(change)

    async def load(self, data: DirectoryData) -> None:
        """Store all of these new records in one transaction, in one statement for each table."""
        names = [{"name_key": login_key(name), "name": name, "user_id": user} for name, user in data.login_names]
        vendor = [{"user_id": user, "permission": code} for user, code in data.vendor_permissions]
        invitations = [INVITATIONS.row(record) | {"token_hash": os.urandom(32)} for record in data.invitations]
        rows = (
            (tables.organizations, list(map(ORGANIZATIONS.row, data.organizations))),
            (tables.users, list(map(USERS.row, data.users))),
            (tables.login_names, names),
            (tables.memberships, list(map(MEMBERSHIPS.row, data.memberships))),
            (tables.grants, list(map(GRANTS.row, data.grants))),
            (tables.vendor_permissions, vendor),
            (tables.invitations, invitations),
            (tables.registrations, list(map(REGISTRATIONS.row, data.registrations))),
        )
        async with database_errors(BACKEND), self._engine.begin() as connection:
            for table, values in rows:
                if values:
                    await connection.execute(insert(table), values)
            if connection.dialect.name == "postgresql":  # it would plan for empty tables until it looks for itself
                await connection.exec_driver_sql(f"ANALYZE {', '.join(table.name for table, _ in rows)}")

    async def reseal(self, resealed: Callable[[str], str | None]) -> int:
        """Replace the seals of what is kept sealed, and return how many values that were; None leaves a value as it is.

        What others erase or change meanwhile stays as they left it.
        """
        number = 0
        async with database_errors(BACKEND), self._engine.begin() as connection:
            for table, key, sealed in (
                (tables.outbox, tables.outbox.c.id, tables.outbox.c.sealed),
                (tables.refresh_tokens, tables.refresh_tokens.c.hash, tables.refresh_tokens.c.sealed_successor),
            ):
                rows: Any = await connection.execute(select(key, sealed).where(sealed.is_not(None)))
                for id, old in rows.all():
                    new = resealed(old)
                    if new is not None:
                        statement = update(table).where(key == id, sealed == old).values({sealed.name: new})
                        number += (await connection.execute(statement)).rowcount
        return number

    async def healthy(self) -> bool:
        """Return whether the database answers within two seconds."""
        try:
            async with asyncio.timeout(2):
                await self.read(_NOTHING)
        except (BackendUnavailable, TimeoutError):
            return False
        return True

    async def is_writable(self) -> bool:
        """Return whether changes are stored: whether one was a moment ago, or one of no consequence is now.

        Raises:
            BackendUnavailable: They are not; it says why.
        """
        if monotonic() - self._stored_at >= _A_MOMENT:
            async with database_errors(BACKEND), self._engine.begin() as connection:
                check = {"id": 1, "checked_at": datetime.now(UTC)}
                await connection.execute(_CHECKS[connection.dialect.name], check)
        return True

    async def _end_reused_sessions(self, change: DirectoryChange) -> None:
        """End the sessions whose refresh token was reused although the block that found out has raised."""
        reused, change.reused = change.reused, []
        async with self.change() as ending:
            for session_id, now in reused:
                await ending.end_session(session_id, now)
