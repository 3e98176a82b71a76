"""Who a person is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from connectors.ids import MembershipId, OrganizationId, UserId
from connectors.quick import quick
from connectors.values import AccountKind, Address
from connectors.wanted import altered

DELETED = "deleted"
"""What stands where a name stood."""
DELETED_ADDRESS = f"{DELETED}@{DELETED}.invalid"
"""What stands where an e-mail address stood; RFC 2606: a domain that never exists."""


@quick
@dataclass(frozen=True, slots=True)
class UserRecord:
    """A person. `seen_in` is an organization that knows them and through which they are seen; None for the person
    themself, and for whoever is known to none.
    """

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


@dataclass(frozen=True, slots=True)
class Acquaintances:
    """What somebody may read in which people are named: the organizations of which they read each of `TABLES`, and
    what they read because it is about them. `own_email_key` is empty without a confirmed address.
    """

    TABLES: ClassVar[tuple[str, ...]] = (
        "grants",
        "access_requests",
        "invitations",
        "join_requests",
        "change_requests",
        "audit_events",
    )

    organization_ids: Mapping[str, Sequence[OrganizationId]]
    own_ids: Sequence[OrganizationId] = ()
    own_membership_ids: Sequence[MembershipId] = ()
    own_subject_ids: Sequence[str] = ()
    own_email_key: str = ""
    shown_to_invited: Sequence[str] = ()
    reviews_changes: bool = False
    reviews_registrations: bool = False


def as_invited(user: UserRecord) -> UserRecord:
    """Return a person as an organization sees them that has only invited them: it knows the address it wrote to."""
    return altered(user, phone=None, locale=None, time_zone=None)
