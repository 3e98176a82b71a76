"""Which organizations there are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, select, update

from connectors.database.dialects import one_of
from connectors.database.reader import parallel
from connectors.directory.access import AccessChanges
from connectors.directory.errors import check_version
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.organizations import OrganizationChange, OrganizationRecord, OrganizationStatus
from connectors.directory.rows import ORGANIZATIONS
from connectors.directory.tables import organizations, users
from connectors.ids import OrganizationId
from connectors.wanted import EVERYTHING, Wanted

_ORGANIZATION = frozenset({"name", "legal_name", "seat", "phone", "email", "website"})
_UPDATE_ORGANIZATION = (
    update(organizations).where(organizations.c.id == bindparam("organization_id")).returning(*ORGANIZATIONS.columns)
)
_WITH_NUMBERS = ORGANIZATIONS.select.where(one_of(organizations.c.customer_number, "ids"))
_IS_EMPTY = select(~select(users.c.id).exists() & ~select(organizations.c.id).exists())
_SET_NUMBER = (
    update(organizations)
    .where(organizations.c.id == bindparam("of_id"))
    .values(customer_number=bindparam("number"), version=organizations.c.version + 1)
)


class OrganizationQueries(DirectoryReader):
    """Queries about organizations."""

    async def organizations(
        self, ids: Sequence[OrganizationId], wanted: Wanted[OrganizationRecord] = EVERYTHING
    ) -> Sequence[OrganizationRecord | None]:
        """Return the organizations with these ids."""
        return await self.records(ORGANIZATIONS, ids, wanted)

    async def organizations_with_numbers(self, numbers: Sequence[str]) -> Sequence[OrganizationRecord | None]:
        """Return the organization with each customer number."""
        found = ORGANIZATIONS.records(await self.read_of(numbers, _WITH_NUMBERS))
        return parallel(numbers, {record.customer_number: record for record in found if record.customer_number})

    async def is_empty(self) -> bool:
        """Return whether there is no user and no organization yet."""
        return bool((await self.read(_IS_EMPTY))[0][0])


class OrganizationChanges(AccessChanges):
    """Changes of organizations."""

    async def add_organization(self, organization: OrganizationRecord) -> None:
        """Store a new organization."""
        await self._add(ORGANIZATIONS, organization)

    async def update_organization(
        self, organization_id: OrganizationId, change: OrganizationChange, *, expected_version: int | None = None
    ) -> tuple[OrganizationRecord, OrganizationRecord]:
        """Change an organization's data and return it as it was and as it is now, with the next version; locks it.

        An unknown organization is a LookupError.

        Raises:
            StaleVersion: The organization's version is not `expected_version`. Nothing is changed.
        """
        if unknown := change.values.keys() - _ORGANIZATION:
            raise ValueError(f"An organization has no {', '.join(sorted(unknown))} to change.")
        before = await self._locked(organization_id, expected_version)
        values: Mapping[str, Any] = change.values
        return before, await self._store(replace(before, **values))

    async def set_organization_status(
        self,
        organization_id: OrganizationId,
        status: OrganizationStatus,
        *,
        expected_version: int | None = None,
    ) -> tuple[OrganizationRecord, OrganizationRecord]:
        """Set where an organization stands, and return it as it was and as it is now; concerns every member.

        Raises:
            StaleVersion: The organization's version is not `expected_version`. Nothing is changed.
        """
        before = await self._locked(organization_id, expected_version)
        if before.status is status:
            return before, before
        after = await self._store(replace(before, status=status))
        await self._count_members(organization_id)
        return before, after

    async def set_customer_number(self, organization_id: OrganizationId, number: str) -> None:
        """Give an organization its customer number; one that another organization has is a ChangeConflict."""
        await self._execute(_SET_NUMBER, {"of_id": organization_id, "number": number})

    async def _locked(self, organization_id: OrganizationId, expected_version: int | None) -> OrganizationRecord:
        before = await self.lock_organization(organization_id)
        if before is None:
            raise LookupError(f"There is no organization {organization_id}.")
        check_version(before.version, expected_version)
        return before

    async def _store(self, organization: OrganizationRecord) -> OrganizationRecord:
        """Store an organization as it is now, with the next version, and return it as it is stored."""
        values = ORGANIZATIONS.changed(replace(organization, version=organization.version + 1))
        stored = await self._execute(_UPDATE_ORGANIZATION.values(values), {"organization_id": organization.id})
        return ORGANIZATIONS.record(stored.one())
