"""Which organizations there are."""

from collections.abc import Sequence

from sqlalchemy import select

from connectors.database.dialects import one_of
from connectors.database.reader import parallel
from connectors.directory import records
from connectors.directory.interface import OrganizationRecord
from connectors.directory.sql.reader import DirectoryReader
from connectors.directory.tables import organizations, users
from connectors.ids import OrganizationId

_ORGANIZATIONS = select(*records.ORGANIZATION).where(one_of(organizations.c.id, "ids"))
_WITH_NUMBERS = select(*records.ORGANIZATION).where(one_of(organizations.c.customer_number, "ids"))
_IS_EMPTY = select(~select(users.c.id).exists() & ~select(organizations.c.id).exists())


class Organizations(DirectoryReader):
    """The directory's queries about organizations; `Directory` says what each promises."""

    async def organizations(self, ids: Sequence[OrganizationId]) -> Sequence[OrganizationRecord | None]:
        """Return the organizations with these ids."""
        rows = await self.read_of(ids, _ORGANIZATIONS)
        return parallel(ids, {row[0]: records.organization(row) for row in rows})

    async def organizations_with_numbers(self, numbers: Sequence[str]) -> Sequence[OrganizationRecord | None]:
        """Return the organization with each customer number."""
        found = map(records.organization, await self.read_of(numbers, _WITH_NUMBERS))
        return parallel(numbers, {record.customer_number: record for record in found if record.customer_number})

    async def is_empty(self) -> bool:
        """Return whether there is no user and no organization yet."""
        return bool((await self.read(_IS_EMPTY))[0][0])
