"""The address book of an organization: where to send invoices and goods."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connectors.ids import AddressId, OrganizationId
from connectors.quick import quick
from connectors.values import Address


@quick
@dataclass(frozen=True, slots=True)
class AddressRecord:
    """An address in an organization's book; at most one is the default for invoices, and at most one for goods."""

    id: AddressId
    organization_id: OrganizationId
    address: Address
    is_default_billing: bool
    is_default_shipping: bool
    created_at: datetime


class AddressQueries(Protocol):
    """Queries about address books."""

    async def addresses(self, ids: Sequence[AddressId]) -> Sequence[AddressRecord | None]:
        """Return the entries with these ids."""

    async def addresses_of(self, organization_ids: Sequence[OrganizationId]) -> Sequence[Sequence[AddressRecord]]:
        """Return each organization's address book, oldest entry first."""


class AddressCommands(Protocol):
    """Changes of address books; lock the organization first."""

    async def add_address(self, entry: AddressRecord) -> None:
        """Store a new entry; a second default of one kind is a ChangeConflict."""

    async def change_address(self, entry: AddressRecord) -> None:
        """Store an entry as it is now; a second default of one kind is a ChangeConflict."""

    async def remove_address(self, id: AddressId) -> None:
        """Take an entry out of its book."""
