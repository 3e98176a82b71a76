"""What can go wrong in the directory.

Exception
    StaleVersion            somebody changed the record since it was read
    RefreshTokenReused      a refresh token came twice; its session has been ended
"""

from connectors.ids import SessionId, UserId


class StaleVersion(Exception):
    """The record was changed since it was read; `current_version` is the version it has now."""

    def __init__(self, current_version: int) -> None:
        super().__init__(f"The current version is {current_version}.")
        self.current_version = current_version


def check_version(version: int, expected: int | None) -> None:
    """Return when a record has the version that is expected of it, None for any.

    Raises:
        StaleVersion: It has another.
    """
    if expected not in (None, version):
        raise StaleVersion(version)


class RefreshTokenReused(Exception):
    """A refresh token came again too late, so it was stolen or replayed; the whole session has been ended."""

    def __init__(self, session_id: SessionId, user_id: UserId) -> None:
        super().__init__("The refresh token had been replaced by another; its session has been ended.")
        self.session_id = session_id
        self.user_id = user_id
