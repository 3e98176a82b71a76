"""What a caller can act on: the entries of `errors` in every payload."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.invitations import InvitationStatus
from connectors.directory.records.memberships import MembershipRecord
from permissions.access_rules import OPEN
from permissions.vocabulary import DenialReason, Permission, most_permissions
from resolvers import refusals as errors
from resolvers.access.capabilities import MOST_GRANTERS, granters_of_refusals
from resolvers.context import RequestContext
from resolvers.members.administrators import MOST_CANDIDATES
from resolvers.refusals import ErrorCode, Refused
from schema.graph.fields import attribute, computed, field, graph_type, listed
from schema.graph.references import LaterMembership, LaterPermission, LaterViewer
from schema.nodes import Node

MOST_ERRORS = 100
"""So many entries `errors` has at most; who sends a hundred mistakes at once begins with those."""

MOST_WARNINGS = 50


def entries(description: str) -> Any:
    """Declare the `errors` of a payload, empty unless they are given.

    They are taken to be one, of the kind that costs most: a refusal that names who could help stands alone, and instead
    of it there is room for a dozen of values that are not allowed.
    """
    return listed(at_most=MOST_ERRORS, assumed_size=1, description=description, default_factory=list)


@strawberry.interface
class UserError:
    """A problem with the input that the caller can fix."""

    code: ErrorCode = strawberry.field(description="The error code, for programs.")
    message: str = strawberry.field(description="What is wrong and what helps, for people.")
    path: list[str] | None = listed(
        at_most=20, description="The path of the part of `input` concerned; null when it is the whole input."
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """A refusal as it stands in `errors`; itself it is an exception, and one in a list means that the list failed."""

    refusal: Refused
    message: str

    @property
    def code(self) -> ErrorCode:
        """Return what is the matter, for programs."""
        return self.refusal.code

    @property
    def path(self) -> list[str] | None:
        """Return the part of the input that is meant."""
        return input_path(self.refusal.path) if self.refusal.path is not None else None


def input_path(path: Sequence[str]) -> list[str]:
    """Return the path of a refusal, which resolvers write in Python's names, in those of the graph."""
    return [to_camel_case(step) for step in path]


def entry_of(context: RequestContext, refusal: Refused) -> Entry:
    """Return the refusal as it stands in `errors`, saying no more than the deployment discloses of what is missing."""
    message = refusal.message
    if isinstance(refusal, errors.Forbidden) and context.discloses in ("none", "code"):
        message = errors.undisclosed(refusal.decision.reason, with_advice=context.discloses == "code")
    return Entry(refusal, context.in_words(message))


def _entry_type(kind: type[Refused] | tuple[type[Refused], ...]) -> Callable[[type], type]:
    return graph_type(of=Entry, when=lambda entry: isinstance(entry.refusal, kind))


@_entry_type(errors.Invalid)
class ValidationError(UserError):
    """A value is not allowed."""

    constraint: str | None = attribute("refusal.constraint", requires=OPEN, description="The rule that it breaks.")


@_entry_type(errors.NotFound)
class NotFoundError(UserError):
    """There is no such object, or none that you may know of."""


def _current_version(_context: RequestContext, entry: Entry) -> int | None:
    return entry.refusal.current_version if isinstance(entry.refusal, errors.Stale) else None


def _conflicting_node(_context: RequestContext, entry: Entry) -> Any:
    return getattr(entry.refusal, "node", None)


@_entry_type((errors.Stale, errors.Conflict, errors.KeyReused))
class ConflictError(UserError):
    """The object was changed in the meantime, or it conflicts with something that exists already."""

    current_version: int | None = computed(
        _current_version, requires=OPEN, description="The current version of the object, when yours was older."
    )
    conflicting_node: Node | None = computed(
        _conflicting_node,
        requires=OPEN,
        description="The conflicting object, if you may see it; when somebody has changed it in the meantime, "
        "as it is now.",
    )


def _reason(context: RequestContext, entry: Entry) -> DenialReason | None:
    return entry.refusal.decision.reason if context.discloses != "none" else None  # type: ignore[attr-defined]


def _missing(context: RequestContext, entry: Entry) -> Sequence[Permission]:
    return entry.refusal.decision.missing if context.discloses in ("permission", "full") else ()  # type: ignore[attr-defined]


def _is_requestable(context: RequestContext, entry: Entry) -> bool:
    return context.discloses in ("permission", "full") and entry.refusal.decision.requestable  # type: ignore[attr-defined]


async def _granters(context: RequestContext, entries: Sequence[Entry]) -> Sequence[Sequence[MembershipRecord]]:
    refusals: list[Any] = [entry.refusal for entry in entries]
    if context.discloses != "full":
        return [()] * len(entries)
    return await granters_of_refusals(context, refusals)


@_entry_type(errors.Forbidden)
class PermissionError(UserError):
    """You may not do this in the organization, or may not delegate what you wanted to."""

    reason: DenialReason | None = computed(_reason, requires=OPEN, description="Why you may not.")
    missing_permissions: list[LaterPermission] = computed(
        _missing,
        requires=OPEN,
        at_most=most_permissions,
        assumed_size=2,
        description="Permissions any one of which would be enough.",
    )
    grantable_by: list[LaterMembership] | None = field(
        _granters,
        requires=OPEN,
        at_most=MOST_GRANTERS,
        description="The members of your organization who could grant it, by name.",
    )
    access_requestable: bool = computed(
        _is_requestable, requires=OPEN, description="Whether `requestAccess` would help."
    )


@_entry_type(errors.LastAdministrator)
class LastAdministratorError(UserError):
    """The organization would be left without an administrator."""

    candidates: list[LaterMembership] = attribute(
        "refusal.candidates",
        requires=OPEN,
        at_most=MOST_CANDIDATES,
        assumed_size=5,
        description="Active members who could be given an administrative role first.",
    )


@_entry_type(errors.InvitationState)
class InvitationStateError(UserError):
    """The invitation cannot be used in its current status."""

    status: InvitationStatus = attribute("refusal.status", requires=OPEN, description="The status of the invitation.")
    can_request_new: bool = attribute(
        "refusal.can_request_new", requires=OPEN, description="Whether `requestNewInvitation` would help."
    )


@_entry_type(errors.TokenInvalid)
class TokenError(UserError):
    """The link in a mail is no longer valid."""


@_entry_type(errors.NotAuthenticated)
class AuthenticationError(UserError):
    """Your identity could not be established; the message deliberately says no more."""


@_entry_type(errors.TooManyAttempts)
class RateLimitError(UserError):
    """Too many attempts within a short time."""

    retry_after_seconds: int = attribute(
        "refusal.retry_after_seconds", requires=OPEN, description="The number of seconds after which to try again."
    )


USER_ERRORS = (
    ValidationError,
    NotFoundError,
    ConflictError,
    PermissionError,
    LastAdministratorError,
    InvitationStateError,
    TokenError,
    AuthenticationError,
    RateLimitError,
)
"""The types of what stands in `errors`."""


async def _viewer_now(context: RequestContext, payloads: Sequence[Any]) -> Sequence[CallerRecord | None]:
    return [await context.renew()] * len(payloads)


def _viewer() -> Any:
    declared = field(_viewer_now, requires=OPEN, description="You as you are now; null when you are not signed in.")
    declared.init = False
    return declared


class Payload:
    """What a mutation answers: its GraphQL type, with `viewer` and `errors` unless the class declares them itself.

    Its other fields are given as what their types read: the record of a member, say, for a Membership.
    """

    if TYPE_CHECKING:

        def __init__(self, **fields: Any) -> None: ...

    def __init_subclass__(cls) -> None:
        """Make the class a GraphQL type."""
        if "viewer" not in cls.__annotations__:
            cls.__annotations__["viewer"] = LaterViewer | None
            cls.viewer = _viewer()  # type: ignore[attr-defined]
        if "errors" not in cls.__annotations__:
            cls.__annotations__["errors"] = list[UserError]
            cls.errors = entries("Why nothing was done; empty if it was.")  # type: ignore[attr-defined]
        strawberry.type(cls)
