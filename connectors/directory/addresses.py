"""Address books of organizations."""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, update

from connectors.database.dialects import one_of
from connectors.database.reader import gathered
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.addresses import AddressRecord
from connectors.directory.rows import ADDRESSES
from connectors.directory.tables import addresses
from connectors.directory.transaction import Transaction
from connectors.ids import AddressId, OrganizationId

_entry = addresses.c
_OF = ADDRESSES.select.where(one_of(_entry.organization_id, "ids")).order_by(_entry.organization_id, _entry.id)
_CHANGE = update(addresses).where(_entry.id == bindparam("of_id"))
_REMOVE = delete(addresses).where(_entry.id == bindparam("of_id"))


class AddressQueries(DirectoryReader):
    """Queries about address books."""

    async def addresses(self, ids: Sequence[AddressId]) -> Sequence[AddressRecord | None]:
        """Return the entries with these ids."""
        return await self.records(ADDRESSES, ids)

    async def addresses_of(self, organization_ids: Sequence[OrganizationId]) -> Sequence[Sequence[AddressRecord]]:
        """Return each organization's address book, oldest entry first."""
        found = ADDRESSES.records(await self.read_of(organization_ids, _OF))
        return gathered(organization_ids, found, lambda entry: entry.organization_id)


class AddressChanges(Transaction):
    """Changes of address books; lock the organization first."""

    async def add_address(self, entry: AddressRecord) -> None:
        """Store a new entry; a second default of one kind is a ChangeConflict."""
        await self._add(ADDRESSES, entry)

    async def change_address(self, entry: AddressRecord) -> None:
        """Store an entry as it is now; a second default of one kind is a ChangeConflict."""
        await self._execute(_CHANGE.values(ADDRESSES.changed(entry)), {"of_id": entry.id})

    async def remove_address(self, id: AddressId) -> None:
        """Take an entry out of its book."""
        await self._execute(_REMOVE, {"of_id": id})
