"""Who a person is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.ids import OrganizationId, UserId
from connectors.quick import quick
from connectors.values import AccountKind, Address


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
    seen_in: OrganizationId | None = None


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """The parts of a profile to set; a part that is absent from `values` stays as it is.

    Keys: ``first_name``, ``last_name``, ``phone``, ``locale`` (str or None), ``address`` (Address or None).
    """

    values: Mapping[str, str | Address | None]
