"""The identity back end as the rest of Forecourt sees it."""

from collections.abc import Sequence
from typing import Protocol

from connectors.ids import UserId


class Accounts(Protocol):
    """Accounts whose passwords the gateway checks itself (the embedded default, without an OpenID provider)."""

    @property
    def password_change_url(self) -> str | None:
        """Return where people change their password; None when it is here, by `changePassword` (D14)."""

    async def is_password_of(self, user_id: UserId | None, password: str) -> bool:
        """Return whether this is the user's password, off the event loop.

        Takes the same time for an unknown user (None), a user without a password and a wrong password (D4).
        """

    async def set_password(self, user_ids: Sequence[UserId], password: str) -> None:
        """Give each user this password, hashed once with argon2id; replaces an earlier one."""

    async def forget(self, user_ids: Sequence[UserId]) -> None:
        """Delete the users' credentials, for good; those who have none stay without."""

    async def healthy(self) -> bool:
        """Return whether the back end answers."""
