"""All that a request needs to know of whoever sends it."""

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.directory.records.access import GrantRecord
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from connectors.ids import MembershipId, OrganizationId, SessionId
from connectors.quick import quick
from connectors.wanted import EVERYTHING, Wanted


@quick
@dataclass(frozen=True, slots=True)
class StandingRecord:
    """What one person holds in one organization: the membership, the organization as it is, and every grant."""

    membership_id: MembershipId
    organization: OrganizationRecord
    membership_status: MembershipStatus
    grants: tuple[GrantRecord, ...]

    @property
    def organization_id(self) -> OrganizationId:
        """In which organization."""
        return self.organization.id


@quick
@dataclass(frozen=True, slots=True)
class CallerRecord:
    """All that a request needs to know of its caller: the person, and their standings (REMOVED ones left out).

    `standings` are by organization, in the order of the memberships' ids. Of somebody in many organizations they may be
    `StandingsOnDemand`, which raise `StandingsUnread` where a dictionary would know nothing of what was not read.
    `vendor_permissions` are codes that vendor staff hold personally, never through an organization.
    `access_epoch` counts the stored changes of all this, so that whoever keeps something made of it longer than a
    request can see that it is out of date. A grant that ends automatically changes no number.
    `read_of_user` and `read_of_organizations` are the attributes that were read of the person and of their
    organizations; all others are unset.
    """

    user: UserRecord
    session_id: SessionId | None
    standings: Mapping[OrganizationId, StandingRecord]
    vendor_permissions: tuple[str, ...]
    access_epoch: int = 0
    read_of_user: Wanted[UserRecord] = EVERYTHING
    read_of_organizations: Wanted[OrganizationRecord] = EVERYTHING
