"""Address books of organizations."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, insert, select, update

from connectors.database.dialects import one_of
from connectors.database.reader import gathered, parallel
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.addresses import AddressRecord
from connectors.directory.tables import addresses
from connectors.directory.transaction import Transaction
from connectors.ids import AddressId, OrganizationId
from connectors.values import address_from

_entry = addresses.c
_COLUMNS = (
    _entry.id, _entry.organization_id, _entry.address, _entry.is_default_billing, _entry.is_default_shipping,
    _entry.created_at,
)  # fmt: skip
_WITH_IDS = select(*_COLUMNS).where(one_of(_entry.id, "ids"))
_OF = select(*_COLUMNS).where(one_of(_entry.organization_id, "ids")).order_by(_entry.organization_id, _entry.id)
_CHANGE = update(addresses).where(_entry.id == bindparam("of_id"))
_REMOVE = delete(addresses).where(_entry.id == bindparam("of_id"))


class AddressQueries(DirectoryReader):
    """Queries about address books."""

    async def addresses(self, ids: Sequence[AddressId]) -> Sequence[AddressRecord | None]:
        """Return the entries with these ids."""
        return parallel(ids, {row[0]: _record(row) for row in await self.read_of(ids, _WITH_IDS)})

    async def addresses_of(self, organization_ids: Sequence[OrganizationId]) -> Sequence[Sequence[AddressRecord]]:
        """Return each organization's address book, oldest entry first."""
        found = map(_record, await self.read_of(organization_ids, _OF))
        return gathered(organization_ids, ((entry.organization_id, entry) for entry in found))


class AddressChanges(Transaction):
    """Changes of address books; lock the organization first."""

    async def add_address(self, entry: AddressRecord) -> None:
        """Store a new entry; a second default of one kind is a ChangeConflict."""
        await self._execute(insert(addresses), _row(entry))

    async def change_address(self, entry: AddressRecord) -> None:
        """Store an entry as it is now; a second default of one kind is a ChangeConflict."""
        await self._execute(_CHANGE.values(_row(entry)), {"of_id": entry.id})

    async def remove_address(self, id: AddressId) -> None:
        """Take an entry out of its book."""
        await self._execute(_REMOVE, {"of_id": id})


def _row(entry: AddressRecord) -> dict[str, Any]:
    return {
        "id": entry.id,
        "organization_id": entry.organization_id,
        "address": orjson.dumps(entry.address).decode(),
        "is_default_billing": entry.is_default_billing,
        "is_default_shipping": entry.is_default_shipping,
        "created_at": entry.created_at,
    }


def _record(row: Sequence[Any]) -> AddressRecord:
    id, organization_id, address, billing, shipping, created_at = row
    return AddressRecord(id, organization_id, address_from(address), bool(billing), bool(shipping), created_at)
