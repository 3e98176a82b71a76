"""Who belongs to which organization."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connectors.directory.records.people import UserRecord
from connectors.ids import MembershipId, OrganizationId, UserId
from connectors.pages import SortDirection
from connectors.quick import quick
from connectors.wanted import Wanted


class MembershipStatus(StrEnum):
    """Where a person stands in an organization; permissions count only for an ACTIVE member."""

    INVITED = "INVITED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REMOVED = "REMOVED"


@quick
@dataclass(frozen=True, slots=True)
class MembershipRecord:
    """One person's membership of one organization; `user` is the person, as seen in it, where they were read along."""

    id: MembershipId
    version: int
    organization_id: OrganizationId
    user_id: UserId
    status: MembershipStatus
    joined_at: datetime | None
    job_title: str | None
    user: UserRecord | None = field(default=None, compare=False, repr=False)


WITH_PERSON = Wanted.of(MembershipRecord, lambda member: member.user)
"""Lets a list of members read the person of each along."""


@dataclass(frozen=True, slots=True)
class MembershipFilter:
    """Which memberships of a person are asked for; None means no restriction.

    `search` finds words of the organization's name and of its customer number, in any order and whatever the case.
    Without `status`, REMOVED ones are left out. With `only`, there is none but this one.
    """

    status: tuple[MembershipStatus, ...] | None = None
    search: str | None = None
    only: MembershipId | None = None


class MemberOrderField(StrEnum):
    """What members are sorted by."""

    NAME = "NAME"
    JOINED_AT = "JOINED_AT"
    STATUS = "STATUS"


@dataclass(frozen=True, slots=True)
class MemberOrder:
    """How members are sorted."""

    field: MemberOrderField = MemberOrderField.NAME
    direction: SortDirection = SortDirection.ASC


@dataclass(frozen=True, slots=True)
class MemberFilter:
    """Which members of an organization are asked for, and in which order; None means no restriction.

    `search` finds words of name and e-mail address or parts of them, in any order, whatever case and accents.
    `role_keys` keeps members who hold at least one of these roles, unexpired at `now`. Without `status`, REMOVED
    members are left out.
    """

    status: tuple[MembershipStatus, ...] | None = None
    search: str | None = None
    role_keys: tuple[str, ...] | None = None
    now: datetime | None = None
    order: MemberOrder = MemberOrder()
