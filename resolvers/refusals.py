"""What a caller may learn when something is refused.

Refused                     the caller can act on it: an entry of payload.errors
    Invalid                 a value that is not allowed
    NotFound                there is no such object, or none that the caller may know of
    Stale                   somebody was faster
    Conflict                what is there already is in the way
    InvitationState         the invitation is expired, revoked or used, or somebody else's
    KeyReused               an idempotency key came with another input
    TokenInvalid            the token of a link in a mail counts for nothing
    Forbidden               the caller may not, in the organization concerned
        NotDelegable        a role or right that the caller may not delegate
    LastAdministrator       the organization would be left to nobody
    NotAuthenticated        who somebody is could not be established
        WrongCredentials    login name and password do not fit
        WrongPassword       this is not the password of whoever is signed in
        SessionOver         the session cannot be continued
    TooManyAttempts         try again later
RefusedTogether             several of them at once
NotPermitted                a guard said no: the field is null
    NotSignedIn             nobody is signed in
InvalidArgument             an argument of a field that cannot be used: the field is null
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from connectors.directory.records.invitations import InvitationStatus
from connectors.directory.records.memberships import MembershipRecord
from permissions.access_rules import AccessRule
from permissions.decision import Decision
from permissions.vocabulary import DenialReason, one_of


class ErrorCode(StrEnum):
    """What is the matter, for programs to distinguish."""

    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    STALE_VERSION = "STALE_VERSION"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    SESSION_ENDED = "SESSION_ENDED"
    RATE_LIMITED = "RATE_LIMITED"
    BACKEND_UNAVAILABLE = "BACKEND_UNAVAILABLE"
    FORBIDDEN = "FORBIDDEN"
    CONFLICT = "CONFLICT"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    TOKEN_INVALID = "TOKEN_INVALID"
    ALREADY_MEMBER = "ALREADY_MEMBER"
    ALREADY_INVITED = "ALREADY_INVITED"
    INVITATION_EXPIRED = "INVITATION_EXPIRED"
    INVITATION_REVOKED = "INVITATION_REVOKED"
    INVITATION_ALREADY_USED = "INVITATION_ALREADY_USED"
    INVITATION_EMAIL_MISMATCH = "INVITATION_EMAIL_MISMATCH"
    LAST_ADMINISTRATOR = "LAST_ADMINISTRATOR"
    ROLE_NOT_ASSIGNABLE = "ROLE_NOT_ASSIGNABLE"
    PERMISSION_INHERITED_FROM_ROLE = "PERMISSION_INHERITED_FROM_ROLE"
    ORGANIZATION_ALREADY_REGISTERED = "ORGANIZATION_ALREADY_REGISTERED"


class Refused(Exception):
    """Something the caller can act on; `path` leads to the part of the input that is meant.

    `beside` are fields of the payload that are answered all the same, by name.
    """

    code: ErrorCode
    beside: Mapping[str, Any] = {}

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


class NotFound(Refused):
    """There is no such object, or none that the caller may know of, without a apart.

    `what` names the kind of object, such as ``member``.
    """

    code = ErrorCode.NOT_FOUND

    def __init__(self, what: str, path: Sequence[str]) -> None:
        super().__init__(f"There is no such {what}, or none that you may know of. Read the list again.", path)


class Stale(Refused):
    """The object was changed since the caller read it; `node` is its record as it is now, which they may see."""

    code = ErrorCode.STALE_VERSION

    def __init__(self, current_version: int, path: Sequence[str], *, node: object | None) -> None:
        super().__init__(
            f"Somebody changed this meanwhile; it is now at version {current_version}. Read it again, look at what "
            "changed, and send your change with that version.",
            path,
        )
        self.current_version = current_version
        self.node = node


class Conflict(Refused):
    """What is there already, or where an object stands, is in the way; `node` is the record that is, if it may be seen.

    `code` is one of CONFLICT, ALREADY_MEMBER, ALREADY_INVITED, PERMISSION_INHERITED_FROM_ROLE,
    ORGANIZATION_ALREADY_REGISTERED.
    """

    def __init__(
        self,
        message: str,
        path: Sequence[str] | None = None,
        *,
        code: ErrorCode = ErrorCode.CONFLICT,
        node: object | None = None,
    ) -> None:
        super().__init__(message, path)
        self.code = code
        self.node = node


class InvitationState(Refused):
    """An invitation cannot be used as it stands; `can_request_new` says whether `requestNewInvitation` makes sense.

    `code` is one of INVITATION_EXPIRED, INVITATION_REVOKED, INVITATION_ALREADY_USED, INVITATION_EMAIL_MISMATCH.
    """

    def __init__(
        self, code: ErrorCode, message: str, path: Sequence[str], status: InvitationStatus, *, can_request_new: bool
    ) -> None:
        super().__init__(message, path)
        self.code = code
        self.status = status
        self.can_request_new = can_request_new


class KeyReused(Refused):
    """An idempotency key came with another input than the first time."""

    code = ErrorCode.IDEMPOTENCY_KEY_REUSED

    def __init__(self) -> None:
        super().__init__(
            "This idempotency key was used for another input. Nothing was done now. Take a new key for a new request, "
            "and the same key only to send the same request again.",
            ["idempotency_key"],
        )


class TokenInvalid(Refused):
    """The token of a link in a mail is unknown, was used, or is too old; which one is not said."""

    code = ErrorCode.TOKEN_INVALID

    def __init__(self) -> None:
        super().__init__("This link is not valid any more. Have a new mail sent.", ["token"])


class Forbidden(Refused):
    """The caller may not do this in the organization (or as vendor staff, None); `decision` explains it."""

    code = ErrorCode.FORBIDDEN

    def __init__(
        self, message: str, decision: Decision, organization_id: str | None, path: Sequence[str] | None = None
    ) -> None:
        super().__init__(message, path)
        self.decision = decision
        self.organization_id = organization_id


class NotDelegable(Forbidden):
    """A role or direct permission that the caller may not delegate or take back."""

    code = ErrorCode.ROLE_NOT_ASSIGNABLE

    def __init__(self, what: str, organization_id: str, path: Sequence[str], remedy: str) -> None:
        super().__init__(
            f"You may not give or take {what}. {remedy}",
            Decision(False, DenialReason.NOT_DELEGABLE),
            organization_id,
            path,
        )


class LastAdministrator(Refused):
    """An active organization keeps an active member with an administrative role without end.

    `candidates` are the active members to whom such a role could be given first.
    """

    code = ErrorCode.LAST_ADMINISTRATOR

    def __init__(self, candidates: Sequence[MembershipRecord], path: Sequence[str] | None = None) -> None:
        super().__init__(
            "Nobody would be left who administers this organization. Give an administrative role without end to "
            "another active member first.",
            path,
        )
        self.candidates = tuple(candidates)


class NotAuthenticated(Refused):
    """Who somebody is could not be established."""


class WrongCredentials(NotAuthenticated):
    """Login name and password do not fit; whether the login name exists is not said."""

    code = ErrorCode.INVALID_CREDENTIALS

    def __init__(self) -> None:
        super().__init__(
            "The login name or the password is not right. Check both; if you do not know your login name, ask the "
            "person in your organization who administers the portal."
        )


class WrongPassword(NotAuthenticated):
    """The password that somebody signed in gives once more is not theirs."""

    code = ErrorCode.INVALID_CREDENTIALS

    def __init__(self, path: Sequence[str]) -> None:
        super().__init__("This is not your password. If you have forgotten it, sign out and have it reset.", path)


class SessionOver(NotAuthenticated):
    """The session cannot be continued."""

    code = ErrorCode.SESSION_ENDED

    def __init__(self) -> None:
        super().__init__("This session has ended. Sign in again.", ["refresh_token"])


class TooManyAttempts(Refused):
    """Too many attempts in a short time."""

    code = ErrorCode.RATE_LIMITED

    def __init__(self, retry_after_seconds: int, path: Sequence[str] | None = None) -> None:
        super().__init__(f"Too many attempts. Try again in {retry_after_seconds} seconds.", path)
        self.retry_after_seconds = retry_after_seconds


class RefusedTogether(Exception):
    """Several parts of one input are refused at once, so that all can be fixed in one go."""

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

    One refusal stands for every object of the same organization at the same path of the answer, list positions aside
    (`aggregated`). `hint` names the roles that would give what is missing.
    """

    aggregated = True

    def __init__(
        self,
        coordinate: Coordinate,
        rule: AccessRule,
        decision: Decision,
        organization_id: str | None,
    ) -> None:
        super().__init__(_sentence(coordinate, rule, decision, organization_id))
        self.coordinate = coordinate
        self.required = rule.any_of
        self.decision = decision
        self.organization_id = organization_id

    @property
    def hint(self) -> str:
        """Return a sentence on which roles would give it, empty when none would."""
        roles = self.decision.grantable_by_roles
        return f"The role{'s' if len(roles) > 1 else ''} {one_of(roles)} would give it." if roles else ""


class NotSignedIn(NotPermitted):
    """The field needs somebody who is signed in."""


class InvalidArgument(Exception):
    """An argument of a field cannot be used; the message says what would be right."""


def _sentence(
    coordinate: Coordinate,
    rule: AccessRule,
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
    where = "in this organization" if organization_id is not None else "as vendor staff"
    return f"{coordinate} needs {rule.needed} {where}."
