"""What an organization is to the vendor, and what is kept of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from connectors.ids import OrganizationId
from connectors.quick import quick
from connectors.values import Address


class OrganizationKind(StrEnum):
    """What an organization is to the vendor."""

    INSTALLER = "INSTALLER"
    RESELLER = "RESELLER"
    OPERATOR = "OPERATOR"
    LICENSEE = "LICENSEE"


class OrganizationStatus(StrEnum):
    """Where an organization stands; permissions count only in an ACTIVE one."""

    PENDING_REVIEW = "PENDING_REVIEW"
    ACTIVE = "ACTIVE"
    REJECTED = "REJECTED"
    BLOCKED = "BLOCKED"
    CLOSED = "CLOSED"


@quick
@dataclass(frozen=True, slots=True)
class OrganizationRecord:
    """An organization that buys from the vendor."""

    id: OrganizationId
    version: int
    customer_number: str | None
    name: str
    legal_name: str | None
    kind: OrganizationKind
    status: OrganizationStatus
    seat: Address | None
    vat_id: str | None
    phone: str | None = None
    email: str | None = None
    website: str | None = None


@dataclass(frozen=True, slots=True)
class OrganizationChange:
    """The parts of an organization's data to set; a part that is absent from `values` stays as it is.

    Keys: ``name``, ``legal_name``, ``phone``, ``email``, ``website`` (str or None), ``seat`` (Address or None).
    """

    values: Mapping[str, str | Address | None]
