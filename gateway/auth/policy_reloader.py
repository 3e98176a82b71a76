"""The policy as it stands in its file, read again while the gateway runs."""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from permissions.policy import InvalidPolicy, Policy, parse_policy

log = logging.getLogger("forecourt.policy")


class PolicyFile:
    """Holds the policy in force; each request keeps the one it began with.

    `check` raises InvalidPolicy when a policy does not go with the rest of the profile.
    """

    def __init__(self, file: Path, current: Policy, check: Callable[[Policy], Awaitable[None]]) -> None:
        self.current = current
        self._file = file
        self._check = check

    @property
    def source(self) -> str:
        """Return the name of the file, for messages."""
        return str(self._file)

    async def reload(self) -> bool:
        """Read the file again and return whether its policy counts from now on; a bad one changes nothing."""
        try:
            policy = parse_policy(self._file.read_text(encoding="utf-8"), str(self._file))
            await self._check(policy)
        except InvalidPolicy as error:
            return self._refused(str(error))
        except UnicodeDecodeError:
            return self._refused(f"{self._file} is not UTF-8.")
        except OSError as error:
            return self._refused(f"{self._file} cannot be read: {error.strerror}.")
        self.current = policy
        log.info("policy reloaded", extra={"file": str(self._file), "roles": list(policy.roles)})
        return True

    def _refused(self, problem: str) -> bool:
        log.error("policy not reloaded; the old one stays in force", extra={"problem": problem})
        return False
