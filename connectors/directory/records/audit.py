"""The audit log: what was done and tried, by whom, to what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connectors.ids import AuditEventId, OrganizationId, UserId
from connectors.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What the audit log keeps of one change: names and values before and after, never a secret.

    `reason` is why, in the actor's own words. With `refused_with`, the code of a refusal, nothing was changed.
    """

    action: str
    actor_id: UserId | None
    subject_id: str
    organization_id: OrganizationId | None
    request_id: str
    ip_address: str | None = None
    before: Mapping[str, str | None] = field(default_factory=dict)
    after: Mapping[str, str | None] = field(default_factory=dict)
    reason: str | None = None
    refused_with: str | None = None


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something, for the audit log: the person, None for the portal itself, with which request, and why."""

    user_id: UserId | None
    request_id: str
    ip_address: str | None = None
    reason: str | None = None

    def entry(
        self,
        action: str,
        subject_id: str,
        organization_id: OrganizationId | None,
        *,
        before: Mapping[str, str | None] | None = None,
        after: Mapping[str, str | None] | None = None,
    ) -> AuditEntry:
        """Return what the audit log keeps of something that this author does."""
        return AuditEntry(
            action,
            self.user_id,
            subject_id,
            organization_id,
            self.request_id,
            self.ip_address,
            before or {},
            after or {},
            self.reason,
        )


@quick
@dataclass(frozen=True, slots=True)
class AuditEventRecord:
    """One entry of the audit log; `AuditEntry` says what its parts mean."""

    id: AuditEventId
    at: datetime
    action: str
    actor_id: UserId | None
    subject_id: str
    organization_id: OrganizationId | None
    request_id: str
    ip_address: str | None
    before: Mapping[str, str | None]
    after: Mapping[str, str | None]
    reason: str | None
    refused_with: str | None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are asked for, all conditions together; None means no restriction.

    From `since` on, and before `until`.
    """

    actions: tuple[str, ...] | None = None
    actor_id: UserId | None = None
    since: datetime | None = None
    until: datetime | None = None
