"""What a change of access is called when one back end notifies another; whoever receives it looks the rest up."""

from dataclasses import dataclass

from connectors.ids import OrganizationId, SessionId, UserId


@dataclass(frozen=True, slots=True)
class AccessChanged:
    """What somebody may do has changed; `epoch` is the number that counts such changes, after this one.

    With a `user_id`, that person's, and `organization_id` says in which organization (None: as vendor staff). Without
    one, that of every member of the organization, and the epoch is the organization's.
    """

    epoch: int
    user_id: UserId | None = None
    organization_id: OrganizationId | None = None


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """A session is over; its tokens are refused from now on."""

    session_id: SessionId
    user_id: UserId


AccessEvent = AccessChanged | SessionEnded
