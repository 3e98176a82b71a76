"""Who a person is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.ids import OrganizationId, UserId
from connectors.quick import quick
from connectors.values import AccountKind, Address

DELETED = "deleted"
"""What stands where a name stood."""
DELETED_ADDRESS = f"{DELETED}@{DELETED}.invalid"
"""What stands where an e-mail address stood; RFC 2606: a domain that never exists."""


@quick
@dataclass(frozen=True, slots=True)
class UserRecord:
    """A person. `seen_in` is the organization through which the record was reached, None for the person themself."""

    id: UserId
    email: str
    email_verified: bool
    first_name: str
    last_name: str
    phone: str | None
    locale: str | None
    address: Address | None
    account_kind: AccountKind
    default_organization_id: OrganizationId | None
    created_at: datetime
    profile_version: int
    time_zone: str | None = None
    seen_in: OrganizationId | None = None

    @property
    def is_deleted(self) -> bool:
        """Whether nothing is known of the person any more but that they were there."""
        return self.email == DELETED_ADDRESS


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """The parts of a profile to set; a part that is absent from `values` stays as it is.

    Keys: ``first_name``, ``last_name``, ``phone``, ``locale``, ``time_zone`` (str or None), ``address``
    (Address or None).
    """

    values: Mapping[str, str | Address | None]
