"""From the directory's record of a caller to what decisions are made of."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.caller import CallerRecord, StandingRecord
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from connectors.ids import OrganizationId
from permissions.policy import Policy
from permissions.viewer import Grant, Standing, Viewer
from permissions.vocabulary import DenialReason, Permission, mask_of

_ROLE = GrantKind.ROLE


def viewer_of(caller: CallerRecord, policy: Policy) -> Viewer:
    """Return the viewer that the caller is under this policy."""
    codes = caller.vendor_permissions
    held = mask_of([Permission(code) for code in codes if code in policy.vendor_permissions]) if codes else 0
    return Viewer(caller.user.id, _Decided(caller.standings, policy), held)


def grants_under(policy: Policy, grants: Iterable[GrantRecord]) -> tuple[Grant, ...]:
    """Return what the stored grants give under this policy, parallel to them."""
    return tuple(
        [
            policy.grant(
                grant.id,
                role_key=grant.key if grant.kind is _ROLE else None,
                permission=None if grant.kind is _ROLE else grant.key,
                until=grant.valid_until,
            )
            for grant in grants
        ]
    )


class _Decided(Mapping[str, Standing]):
    """What somebody holds in each organization under a policy, decided where anybody asks; what is unread is unread
    here, too.
    """

    __slots__ = ("_made", "_policy", "_records")

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

    def get(self, organization_id: str, default: Any = None) -> Any:
        """Return the standing, or the default, as any mapping does; most often it was asked for before."""
        standing = self._made.get(organization_id)
        return standing if standing is not None else super().get(organization_id, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


def _standing(record: StandingRecord, policy: Policy) -> Standing:
    return Standing(
        record.organization.id, record.membership_id, grants_under(policy, record.grants), _obstacle(record)
    )


def _obstacle(record: StandingRecord) -> DenialReason | None:
    if record.membership_status is MembershipStatus.ACTIVE:
        is_active = record.organization.status is OrganizationStatus.ACTIVE
        return None if is_active else DenialReason.ORGANIZATION_NOT_ACTIVE
    if record.membership_status is MembershipStatus.SUSPENDED:
        return DenialReason.MEMBERSHIP_SUSPENDED
    return DenialReason.NOT_A_MEMBER
