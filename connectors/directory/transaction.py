"""One open transaction: its statements, and the events that it publishes when it was committed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, CursorResult, Executable, Select, bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from connectors.access_events import AccessEvent
from connectors.database.engine import AsyncConnection
from connectors.database.record_rows import Rows
from connectors.database.sql_errors import ChangeConflict, database_errors, is_taken
from connectors.directory.reader import BACKEND
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from connectors.directory.rows import ORGANIZATIONS, USERS
from connectors.directory.tables import organizations, users
from connectors.ids import OrganizationId, SessionId, UserId

R = TypeVar("R")

# The organization's row is locked before anything of it is read, so that two changes of its access never overlap.
# KEY SHARE is left to others: they may meanwhile refer to the row. So it is with a person's: two who decide about one
# another in two organizations would wait for each other.
_LOCK_ORGANIZATION = ORGANIZATIONS.select.where(organizations.c.id == bindparam("organization_id")).with_for_update(
    key_share=True
)
_LOCK_USER = USERS.select.where(users.c.id == bindparam("user_id")).with_for_update(key_share=True)
_MOST_AT_ONCE = 1_000


class Transaction:
    """What every change builds on."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.events: list[AccessEvent] = []
        """What is published when it is committed, in order."""
        self.enqueued = False
        """Whether there is something to do in the outbox when it is committed."""
        self.reused: list[tuple[SessionId, datetime]] = []
        """Sessions that must end even if the transaction is not committed."""

    async def lock_organization(self, organization_id: OrganizationId) -> OrganizationRecord | None:
        """Keep others from changing who is in the organization and what they may do there until the end; None: unknown.

        What is asked afterwards stays true until the commit. Lock one organization before anything else of it.
        """
        return await self._first(ORGANIZATIONS, _LOCK_ORGANIZATION, {"organization_id": organization_id})

    async def lock_user(self, user_id: UserId) -> UserRecord | None:
        """Keep others from changing the person until the end; None for an unknown one. After the organization."""
        return await self._first(USERS, _LOCK_USER, {"user_id": user_id})

    async def _add(self, rows: Rows[R], record: R, **more: Any) -> None:
        """Store a new row: the record, and what else its table keeps."""
        await self._execute(insert(rows.table), rows.row(record) | more)

    async def _add_all(self, rows: Rows[R], records: Sequence[R]) -> None:
        """Store new rows in one statement."""
        if records:
            await self._execute(insert(rows.table), [rows.row(record) for record in records])

    async def _first(self, rows: Rows[R], statement: Executable, parameters: Mapping[str, Any]) -> R | None:
        """Return the record of the first row."""
        row = (await self._execute(statement, parameters)).first()
        return rows.record(row) if row is not None else None

    async def _execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    ) -> CursorResult[Any]:
        async with database_errors(BACKEND):
            try:
                return await self._connection.execute(statement, parameters)
            except IntegrityError as error:
                if not is_taken(error):
                    raise
                # Whoever inserts has looked before; so somebody was faster, and looking again finds what they stored.
                raise ChangeConflict("Somebody else stored the same meanwhile.") from error


def oldest(key: Column[Any], *where: ColumnElement[bool], order: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """Return the statement that selects the keys of what is thrown away at once, so that nobody waits long for it."""
    return select(key).where(*where).order_by(*order).limit(_MOST_AT_ONCE)
