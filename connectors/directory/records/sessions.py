"""Signed-in devices."""

from dataclasses import dataclass
from datetime import datetime

from connectors.ids import SessionId, UserId
from connectors.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One signed-in device; ended sessions are refused on the next request."""

    id: SessionId
    user_id: UserId
    device_label: str
    ip_address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RotatedToken:
    """The session that a refresh token continues.

    `is_repeated` says that the token had been replaced a moment before; `sealed_successor` is then what replaced it,
    None when that was not kept.
    """

    session: SessionRecord
    is_repeated: bool = False
    sealed_successor: str | None = None
