"""Who asks: the person and what they hold in each organization, fixed for one request."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from permissions.vocabulary import DenialReason, Permission, mask_of


class Grant(NamedTuple):  # quicker to make than a frozen dataclass: each request makes all of its caller's
    """A role or a single permission somebody was given, and what it gives: `mask` of the permissions.

    `role_key` is None for a single permission. `until` is the instant from which it no longer counts.
    """

    id: str
    role_key: str | None
    mask: int
    until: datetime | None

    def counts_at(self, now: datetime) -> bool:
        """Return whether the grant has not ended yet."""
        return self.until is None or now < self.until


class Standing(NamedTuple):
    """What one person holds in one organization; `obstacle` is why none of it counts, None when it does."""

    organization_id: str
    membership_id: str
    grants: tuple[Grant, ...]
    obstacle: DenialReason | None = None

    def held_at(self, now: datetime) -> int:
        """Return the mask of the permissions that count now: the union of all unexpired grants."""
        if self.obstacle is not None:
            return 0
        mask = 0
        for grant in self.grants:
            if grant.until is None or now < grant.until:
                mask |= grant.mask
        return mask

    def roles_at(self, now: datetime) -> frozenset[str]:
        """Return the keys of the roles that count now."""
        if self.obstacle is not None:
            return frozenset()
        return frozenset(grant.role_key for grant in self.grants if grant.role_key and grant.counts_at(now))

    def sources_at(self, now: datetime, permission: Permission) -> tuple[Grant, ...]:
        """Return the grants from which the permission comes now, none when it is not held."""
        if self.obstacle is not None:
            return ()
        wanted = mask_of([permission])
        return tuple(grant for grant in self.grants if grant.mask & wanted and grant.counts_at(now))


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person who asks, their standing in each organization (by id), and what they hold as vendor staff."""

    user_id: str
    standings: Mapping[str, Standing]
    vendor_mask: int = 0
