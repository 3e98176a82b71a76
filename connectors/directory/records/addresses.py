"""The address book of an organization: where to send invoices and goods."""

from dataclasses import dataclass
from datetime import datetime

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
