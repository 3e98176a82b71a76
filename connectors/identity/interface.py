"""The identity back end as the rest of Forecourt sees it.

Exception
    CredentialsBehind       a change of the password that counts already has not arrived here
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from connectors.ids import UserId


class CredentialsBehind(Exception):
    """The back end has an older version of somebody's credentials than the one asked for; nothing was checked."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The hash of a person's password, and its position in the order in which the directory decided."""

    user_id: UserId
    version: int
    password_hash: str


class Accounts(Protocol):
    """Accounts whose passwords the gateway checks itself (the embedded default, without an OpenID provider).

    Which password counts is decided in the directory, which gives each change a version. This back end is notified of
    afterwards, perhaps more than once and perhaps out of order, so it keeps the version with the hash.
    """

    @property
    def password_change_url(self) -> str | None:
        """Return where people change their password; None when it is here, by `changePassword`."""

    async def hash(self, password: str) -> str:
        """Return the argon2id hash of a password, made off the event loop; nothing is stored."""

    async def apply(self, credentials: Sequence[Credentials]) -> None:
        """Store each person's credentials, unless there are some of the same or a later version, or they were deleted.

        So it may be called again, and an earlier change that arrives late changes nothing.
        """

    async def verify(self, user_id: UserId | None, password: str, *, at_least: int) -> int | None:
        """Return the version of the user's credentials when this is their password, else None; off the event loop.

        Takes the same time for an unknown user (None), a user without a password and a wrong password.

        Raises:
            CredentialsBehind: The credentials here are of an earlier version than `at_least`.
        """

    async def forget(self, user_ids: Sequence[UserId]) -> None:
        """Delete the users' credentials; nothing that is applied afterwards brings them back."""

    async def healthy(self) -> bool:
        """Return whether the back end answers."""
