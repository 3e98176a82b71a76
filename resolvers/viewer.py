"""From the directory's record of a caller to what decisions are made of."""

from collections.abc import Iterable, Iterator, Mapping

from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.caller import CallerRecord, StandingRecord
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from connectors.directory.standings import StandingsOnDemand
from connectors.ids import OrganizationId
from permissions.policy import Policy
from permissions.viewer import Grant, Standing, Viewer
from permissions.vocabulary import DenialReason, Permission, mask_of


def viewer_of(caller: CallerRecord, policy: Policy) -> Viewer:
    """Return the viewer that the caller is under this policy."""
    return Viewer(
        user_id=caller.user.id,
        standings=_standings(caller.standings, policy),
        vendor_mask=mask_of(
            Permission(code) for code in caller.vendor_permissions if code in policy.vendor_permissions
        ),
    )


def grants_under(policy: Policy, grants: Iterable[GrantRecord]) -> tuple[Grant, ...]:
    """Return what the stored grants give under this policy, parallel to them."""
    return tuple(
        policy.grant(
            grant.id,
            role_key=grant.key if grant.kind is GrantKind.ROLE else None,
            permission=grant.key if grant.kind is GrantKind.PERMISSION else None,
            until=grant.valid_until,
        )
        for grant in grants
    )


def _standings(records: Mapping[OrganizationId, StandingRecord], policy: Policy) -> Mapping[str, Standing]:
    if isinstance(records, StandingsOnDemand):
        return _Decided(records, policy)
    return {organization_id: _standing(record, policy) for organization_id, record in records.items()}


class _Decided(Mapping[str, Standing]):
    """What standings that are read on demand are under a policy; what is unread is unread here, too."""

    def __init__(self, records: Mapping[OrganizationId, StandingRecord], policy: Policy) -> None:
        self._records = records
        self._policy = policy
        self._made: dict[str, Standing] = {}

    def __getitem__(self, organization_id: str) -> Standing:
        standing = self._made.get(organization_id)
        if standing is None:
            record = self._records[OrganizationId(organization_id)]
            standing = self._made[organization_id] = _standing(record, self._policy)
        return standing

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


def _standing(record: StandingRecord, policy: Policy) -> Standing:
    return Standing(
        organization_id=record.organization_id,
        membership_id=record.membership_id,
        grants=grants_under(policy, record.grants),
        obstacle=_obstacle(record),
    )


def _obstacle(record: StandingRecord) -> DenialReason | None:
    if record.membership_status is MembershipStatus.SUSPENDED:
        return DenialReason.MEMBERSHIP_SUSPENDED
    if record.membership_status is not MembershipStatus.ACTIVE:
        return DenialReason.NOT_A_MEMBER
    if record.organization.status is not OrganizationStatus.ACTIVE:
        return DenialReason.ORGANIZATION_NOT_ACTIVE
    return None
