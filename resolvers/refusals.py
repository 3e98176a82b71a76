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
from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal

from connectors.directory.records.invitations import InvitationStatus
from connectors.directory.records.memberships import MembershipRecord
from permissions.access_rules import AccessRule
from permissions.decision import Decision
from permissions.policy import Policy
from permissions.vocabulary import DenialReason
from resolvers.texts import AnyOf, Text


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

    def __init__(self, message: Text, path: Sequence[str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = list(path) if path is not None else None


class Invalid(Refused):
    """A value of the input is not allowed; `constraint` names the rule it breaks."""

    code = ErrorCode.INVALID_INPUT

    def __init__(self, message: Text, path: Sequence[str], constraint: str) -> None:
        super().__init__(message, path)
        self.constraint = constraint


What = Literal[
    "access request",
    "address",
    "application",
    "change request",
    "invitation",
    "join request",
    "member",
    "object",
    "organization",
    "person",
    "registration",
    "session",
]
"""A kind of object that may not be there."""

_NO_SUCH: Mapping[What, Text] = {
    "access request": Text("There is no such access request, or you may not see it. Please reload the list."),
    "address": Text("There is no such address, or you may not see it. Please reload the list."),
    "application": Text("There is no such application, or you may not see it. Please reload the list."),
    "change request": Text("There is no such change request, or you may not see it. Please reload the list."),
    "invitation": Text("There is no such invitation, or you may not see it. Please reload the list."),
    "join request": Text("There is no such request to join, or you may not see it. Please reload the list."),
    "member": Text("There is no such member, or you may not see them. Please reload the list."),
    "object": Text("This does not exist, or you may not see it. Please reload the list."),
    "organization": Text("There is no such organization, or you may not see it. Please reload the list."),
    "person": Text("There is no such person, or you may not see them. Please reload the list."),
    "registration": Text("There is no such registration, or you may not see it. Please reload the list."),
    "session": Text("There is no such session, or it is not yours. Please reload the list."),
}


class NotFound(Refused):
    """There is no such object, or none that the caller may know of, without a apart.

    `what` is the kind of object.
    """

    code = ErrorCode.NOT_FOUND

    def __init__(self, what: What, path: Sequence[str]) -> None:
        super().__init__(_NO_SUCH[what], path)


class Stale(Refused):
    """The object was changed since the caller read it; `node` is its record as it is now, which they may see."""

    code = ErrorCode.STALE_VERSION

    def __init__(self, current_version: int, path: Sequence[str], *, node: object | None) -> None:
        super().__init__(
            Text(
                "Somebody has changed this in the meantime; it is now at version {version}. Load it again, look at "
                "what has changed, and repeat your change.",
                version=current_version,
            ),
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
        message: Text,
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
        self, code: ErrorCode, message: Text, path: Sequence[str], status: InvitationStatus, *, can_request_new: bool
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
            Text(
                "This idempotency key was used for a different input, so nothing was done. Use a new key for a new "
                "request, and the same key only to repeat a request."
            ),
            ["idempotency_key"],
        )


class TokenInvalid(Refused):
    """The token of a link in a mail is unknown, was used, or is too old; which one is not said."""

    code = ErrorCode.TOKEN_INVALID

    def __init__(self) -> None:
        super().__init__(Text("This link is no longer valid. Please request a new e-mail."), ["token"])


class Forbidden(Refused):
    """The caller may not do this in the organization (or as vendor staff, None); `decision` explains it."""

    code = ErrorCode.FORBIDDEN

    def __init__(
        self, message: Text, decision: Decision, organization_id: str | None, path: Sequence[str] | None = None
    ) -> None:
        super().__init__(message, path)
        self.decision = decision
        self.organization_id = organization_id


class NotDelegable(Forbidden):
    """A role or direct permission that the caller may not delegate or take back."""

    code = ErrorCode.ROLE_NOT_ASSIGNABLE

    def __init__(self, message: Text, organization_id: str, path: Sequence[str] | None) -> None:
        super().__init__(message, Decision(False, DenialReason.NOT_DELEGABLE), organization_id, path)


class LastAdministrator(Refused):
    """An active organization keeps an active member with an administrative role without end.

    `candidates` are the active members to whom such a role could be given first.
    """

    code = ErrorCode.LAST_ADMINISTRATOR

    def __init__(self, candidates: Sequence[MembershipRecord], path: Sequence[str] | None = None) -> None:
        super().__init__(
            Text(
                "This organization would be left without an administrator. First give another active member an "
                "administrative role without an end date."
            ),
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
            Text(
                "The login name or the password is incorrect. Please check both. If you do not know your login name, "
                "ask an administrator of your organization."
            )
        )


class WrongPassword(NotAuthenticated):
    """The password that somebody signed in gives once more is not theirs."""

    code = ErrorCode.INVALID_CREDENTIALS

    def __init__(self, path: Sequence[str]) -> None:
        super().__init__(Text("This is not your password. If you have forgotten it, sign out and reset it."), path)


class SessionOver(NotAuthenticated):
    """The session cannot be continued."""

    code = ErrorCode.SESSION_ENDED

    def __init__(self) -> None:
        super().__init__(Text("Your session has ended. Please sign in again."), ["refresh_token"])


class TooManyAttempts(Refused):
    """Too many attempts in a short time."""

    code = ErrorCode.RATE_LIMITED

    def __init__(self, retry_after_seconds: int, path: Sequence[str] | None = None) -> None:
        wait = timedelta(seconds=retry_after_seconds)
        super().__init__(Text("Too many attempts. Please try again {wait}.", wait=wait), path)
        self.retry_after_seconds = retry_after_seconds


def excerpt(value: str, longest: int = 40) -> str:
    """Return what somebody wrote as a message quotes it: its beginning, so that no answer echoes what is long."""
    return value if len(value) <= longest else f"{value[:longest]}…"


class RefusedTogether(Exception):
    """Several parts of one input are refused at once, so that all can be fixed in one go."""

    def __init__(self, refusals: list[Refused]) -> None:
        super().__init__(refusals)
        self.refusals = refusals

    def __str__(self) -> str:
        """Return all of them in English, for logs and the command line; thousands are put into words for nobody."""
        return "; ".join(str(refusal) for refusal in self.refusals)


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
    (`aggregated`).
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
        self.message: Text = self.args[0]
        self.coordinate = coordinate
        self.required = rule.any_of
        self.decision = decision
        self.organization_id = organization_id

    def hint(self, policy: Policy) -> Text | None:
        """Return a sentence on which roles would give it, None when none would."""
        roles = AnyOf([policy.labels_of(key) for key in self.decision.grantable_by_roles])
        match len(roles.values):
            case 0:
                return None
            case 1:
                return Text("The role {role} would allow it.", role=roles)
        return Text("One of these roles would allow it: {roles}.", roles=roles)


class NotSignedIn(NotPermitted):
    """The field needs somebody who is signed in."""


class InvalidArgument(Exception):
    """An argument of a field cannot be used; the message says what would be right."""

    def __init__(self, message: Text) -> None:
        super().__init__(message)
        self.message = message


ADVICE: Mapping[DenialReason, Text] = {
    DenialReason.UNAUTHENTICATED: Text("Please sign in; your session may have ended."),
    DenialReason.MISSING_PERMISSION: Text(
        "Ask somebody who assigns roles in this organization to give you the permission."
    ),
    DenialReason.NOT_A_MEMBER: Text("Ask an administrator of this organization to invite you."),
    DenialReason.ORGANIZATION_NOT_ACTIVE: Text(
        "Your permissions apply again as soon as the organization is active; please contact the vendor."
    ),
    DenialReason.MEMBERSHIP_SUSPENDED: Text("Ask an administrator of this organization to reactivate your membership."),
    DenialReason.LAST_ADMINISTRATOR: Text("First give somebody else an administrative role."),
    DenialReason.OWN_MEMBERSHIP: Text("Ask another administrator, or leave the organization yourself."),
    DenialReason.NOT_DELEGABLE: Text("Ask somebody who may assign it."),
    DenialReason.NOT_IN_THIS_STATE: Text("Please reload; this is not possible in the current state."),
}
"""What helps, by the reason."""


NOT_PERMITTED = Text("You are not permitted to do this.")
"""All that is said where a deployment discloses nothing."""


def undisclosed(reason: DenialReason | None, *, with_advice: bool) -> Text:
    """Return how a refusal is put that must not say what is missing, with advice or without."""
    if reason is None or not with_advice:
        return NOT_PERMITTED
    return Text("{refusal} {advice}", refusal=NOT_PERMITTED, advice=ADVICE[reason])


def _sentence(
    coordinate: Coordinate,
    rule: AccessRule,
    decision: Decision,
    organization_id: str | None,
) -> Text:
    field = str(coordinate)
    match decision.reason:
        case DenialReason.UNAUTHENTICATED:
            return Text("{field} requires you to be signed in: send a valid access token.", field=field)
        case DenialReason.NOT_A_MEMBER if organization_id is None:
            return Text("{field} belongs to somebody else.", field=field)
        case DenialReason.NOT_A_MEMBER:
            return Text("{field} requires an active membership in this organization.", field=field)
        case DenialReason.MEMBERSHIP_SUSPENDED:
            return Text(
                "{field}: your membership in this organization is suspended. Please contact one of its administrators.",
                field=field,
            )
        case DenialReason.ORGANIZATION_NOT_ACTIVE:
            return Text("{field}: this organization is not active. Please contact the vendor.", field=field)
    needed = AnyOf([permission.value for permission in rule.any_of])
    if organization_id is None:
        return Text("{field} requires {permissions} as vendor staff.", field=field, permissions=needed)
    return Text("{field} requires {permissions} in this organization.", field=field, permissions=needed)
