"""All the directory's queries, sent to the database or within an open transaction."""

from collections.abc import Sequence
from typing import Any

from connectors.database.engine import AsyncConnection
from connectors.database.reader import Row, Statement
from connectors.database.sql_errors import database_errors
from connectors.directory.sql.access import Epochs
from connectors.directory.sql.access_requests import AccessRequests
from connectors.directory.sql.accounts import Accounts
from connectors.directory.sql.addresses import Addresses
from connectors.directory.sql.audit import Audit
from connectors.directory.sql.change_requests import ChangeRequests
from connectors.directory.sql.invitations import Invitations
from connectors.directory.sql.join_requests import JoinRequests
from connectors.directory.sql.memberships import Memberships
from connectors.directory.sql.organizations import Organizations
from connectors.directory.sql.outbox import Outbox
from connectors.directory.sql.people import People
from connectors.directory.sql.personal_data import PersonalDataQueries
from connectors.directory.sql.reader import BACKEND
from connectors.directory.sql.registrations import Registrations


class Queries(
    People,
    Organizations,
    Memberships,
    Epochs,
    Accounts,
    PersonalDataQueries,
    AccessRequests,
    Invitations,
    Outbox,
    ChangeRequests,
    Addresses,
    Audit,
    JoinRequests,
    Registrations,
):
    """The directory's queries; `DirectoryQueries` says what each promises."""


class TransactionQueries(Queries):
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
