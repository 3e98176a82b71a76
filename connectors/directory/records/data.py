"""Many records to load at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.directory.records.access import GrantRecord
from connectors.directory.records.invitations import InvitationRecord
from connectors.directory.records.memberships import MembershipRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from connectors.directory.records.registrations import RegistrationRecord
from connectors.ids import UserId


@dataclass(frozen=True, slots=True)
class DirectoryData:
    """Whole records to load at once, for demo data and imports; `login_names` are (shown as, whose) pairs.

    `vendor_permissions` are (who, permission code) pairs; `invitations` are loaded with tokens that nobody knows.
    """

    users: Sequence[UserRecord]
    login_names: Sequence[tuple[str, UserId]]
    organizations: Sequence[OrganizationRecord]
    memberships: Sequence[MembershipRecord]
    grants: Sequence[GrantRecord]
    vendor_permissions: Sequence[tuple[UserId, str]]
    invitations: Sequence[InvitationRecord] = ()
    registrations: Sequence[RegistrationRecord] = ()
