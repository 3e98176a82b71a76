"""What a caller may be told when something is refused.

Refused                     the caller can act on it: an entry of payload.errors
    Invalid                 a value that is not allowed
    Stale                   somebody was faster
    NotAuthenticated        who somebody is could not be established
        WrongCredentials    login name and password do not fit
        SessionOver         the session cannot be continued
    TooManyAttempts         try again later
RefusedTogether             several of them at once
NotPermitted                a guard said no: the field is null
    NotSignedIn             nobody is signed in
InvalidArgument             an argument of a field that cannot be used: the field is null
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from permissions.decision import Decision
from permissions.vocabulary import DenialReason, Permission


class ErrorCode(StrEnum):
    """What is the matter, for programs to tell apart."""

    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    STALE_VERSION = "STALE_VERSION"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    SESSION_ENDED = "SESSION_ENDED"
    RATE_LIMITED = "RATE_LIMITED"
    BACKEND_UNAVAILABLE = "BACKEND_UNAVAILABLE"


class Refused(Exception):
    """Something the caller can act on; `path` leads to the part of the input that is meant."""

    code: ErrorCode

    def __init__(self, message: str, path: Sequence[str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = list(path) if path is not None else None


class Invalid(Refused):
    """A value of the input is not allowed; `constraint` names the rule it breaks."""

    code = ErrorCode.INVALID_INPUT

    def __init__(self, message: str, path: Sequence[str], constraint: str) -> None:
        super().__init__(message, path)
        self.constraint = constraint


class Stale(Refused):
    """The object was changed since the caller read it."""

    code = ErrorCode.STALE_VERSION

    def __init__(self, current_version: int, path: Sequence[str]) -> None:
        super().__init__(
            f"Somebody changed this meanwhile; it is now at version {current_version}. Read it again, look at what "
            "changed, and send your change with that version.",
            path,
        )
        self.current_version = current_version


class NotAuthenticated(Refused):
    """Who somebody is could not be established."""


class WrongCredentials(NotAuthenticated):
    """Login name and password do not fit; whether the login name exists is not said (D4)."""

    code = ErrorCode.INVALID_CREDENTIALS

    def __init__(self) -> None:
        super().__init__(
            "The login name or the password is not right. Check both; if you do not know your login name, ask the "
            "person in your company who administers the portal."
        )


class SessionOver(NotAuthenticated):
    """The session cannot be continued."""

    code = ErrorCode.SESSION_ENDED

    def __init__(self) -> None:
        super().__init__("This session is over. Sign in again.", ["refreshToken"])


class TooManyAttempts(Refused):
    """Too many attempts in a short time."""

    code = ErrorCode.RATE_LIMITED

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Too many attempts. Try again in {retry_after_seconds} seconds.")
        self.retry_after_seconds = retry_after_seconds


class RefusedTogether(Exception):
    """Several parts of one input are refused at once, so that all can be mended in one go."""

    def __init__(self, refusals: list[Refused]) -> None:
        super().__init__("; ".join(refusal.message for refusal in refusals))
        self.refusals = refusals


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A part of the schema, as GraphQL's schema coordinates write it: ``Organization.orders``.

    An input field and a value of an enum are written like a field, an argument as ``Organization.orders(placedBy:)``.
    """

    type_name: str
    field_name: str
    argument_name: str | None = None

    def __str__(self) -> str:
        field = f"{self.type_name}.{self.field_name}"
        return field if self.argument_name is None else f"{field}({self.argument_name}:)"


class NotPermitted(Exception):
    """A guard refused a field; carries all that explains it.

    One refusal stands for every object of the same organization in the same place of the answer (`aggregated`).
    `hint` names the roles that would give what is missing.
    """

    aggregated = True

    def __init__(
        self,
        coordinate: Coordinate,
        required: Sequence[Permission],
        decision: Decision,
        organization_id: str | None,
    ) -> None:
        super().__init__(_sentence(coordinate, required, decision, organization_id))
        self.coordinate = coordinate
        self.required = tuple(required)
        self.decision = decision
        self.organization_id = organization_id

    @property
    def hint(self) -> str:
        """Return a sentence on which roles would give it, empty when none would."""
        roles = self.decision.grantable_by_roles
        return f"The role{'s' if len(roles) > 1 else ''} {_any_of(roles)} would give it." if roles else ""


class NotSignedIn(NotPermitted):
    """The field needs somebody who is signed in."""


class InvalidArgument(Exception):
    """An argument of a field cannot be used; the message says what would be right."""


def _sentence(
    coordinate: Coordinate,
    required: Sequence[Permission],
    decision: Decision,
    organization_id: str | None,
) -> str:
    match decision.reason:
        case DenialReason.UNAUTHENTICATED:
            return f"{coordinate} needs somebody who is signed in: send a valid access token."
        case DenialReason.NOT_A_MEMBER if organization_id is None:
            return f"{coordinate} shows what belongs to somebody else."
        case DenialReason.NOT_A_MEMBER:
            return f"{coordinate} needs an active membership in this organization."
        case DenialReason.MEMBERSHIP_SUSPENDED:
            return f"{coordinate}: your membership in this organization is suspended; ask one of its administrators."
        case DenialReason.ORGANIZATION_NOT_ACTIVE:
            return f"{coordinate}: this organization is not active; ask the vendor."
    needed = _any_of([permission.value for permission in required])
    where = "in this organization" if organization_id is not None else "as vendor staff"
    return f"{coordinate} needs {needed} {where}."


def _any_of(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
