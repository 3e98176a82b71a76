"""What a member was granted."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connectors.ids import GrantId, MembershipId, OrganizationId, UserId
from connectors.quick import quick


class GrantKind(StrEnum):
    """A grant gives either a role or one permission."""

    ROLE = "ROLE"
    PERMISSION = "PERMISSION"


@quick
@dataclass(frozen=True, slots=True)
class GrantRecord:
    """A role or one permission, given to a membership; `key` is the role's key or the permission's code."""

    id: GrantId
    membership_id: MembershipId
    organization_id: OrganizationId
    user_id: UserId
    kind: GrantKind
    key: str
    granted_at: datetime
    granted_by_id: UserId | None
    valid_until: datetime | None
