"""How an error looks to the client: known problems by one table, everything else masked with a reference.

Each code has a heading in docs/errors.md.
"""

import logging
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from connectors.errors import (
    BackendTimeout,
    BackendUnavailable,
    ConnectorError,
    NotMapped,
    OutcomeUnknown,
    how_to_map,
)
from connectors.wanted import unread
from gateway.auth.view_as import READ_ONLY
from gateway.execution import PATH_COUNT, PATH_PATTERN, AnswerTooLarge, DeadlineExceeded, ErrorsOmitted, raised_at
from gateway.pipeline.introspection.views import DISABLED, IntrospectionDisabled
from gateway.server.request_errors import MASKED, request_error, shortened, unexpected
from resolvers.context import RequestContext
from resolvers.languages import Reader
from resolvers.refusals import NOT_PERMITTED, InvalidArgument, NotPermitted, NotSignedIn, Refused, TooManyAttempts
from resolvers.texts import Text
from resolvers.view_as import ViewIsReadOnly

log = logging.getLogger("forecourt.graphql")

CODES: dict[type[Exception], str] = {
    NotSignedIn: "UNAUTHENTICATED",
    NotPermitted: "UNAUTHORIZED_FIELD_OR_TYPE",
    InvalidArgument: "BAD_USER_INPUT",
    TooManyAttempts: "RATE_LIMITED",
    ViewIsReadOnly: READ_ONLY,
    IntrospectionDisabled: DISABLED,
    OutcomeUnknown: "OUTCOME_UNKNOWN",
    BackendTimeout: "GATEWAY_TIMEOUT",
    DeadlineExceeded: "GATEWAY_TIMEOUT",
    AnswerTooLarge: "COST_ACTUAL_TOO_EXPENSIVE",
    ErrorsOmitted: "ERRORS_OMITTED",
    BackendUnavailable: "BACKEND_UNAVAILABLE",
    NotMapped: "NOT_MAPPED",
    ConnectorError: "BACKEND_ERROR",
}
"""Known problems by class; the nearest ancestor counts."""

_SETTINGS = {"objects": "max_objects", "bytes": "max_answer_bytes"}

_UNKNOWN = Text(
    "We could not confirm in time whether this change was stored. Please check before you repeat it; with the same "
    "idempotencyKey you can repeat it at once."
)

Explained = Mapping[int, Mapping[str, Any]]
"""The message and the extensions of each refusal, by the id of its exception."""


def shown(
    errors: Sequence[GraphQLError],
    context: RequestContext,
    *,
    code: str = "BAD_USER_INPUT",
    explained: Explained | None = None,
    is_mutation: bool = False,
) -> list[dict[str, Any]]:
    """Return the errors as the client sees them, and log each cause once.

    `code` is that of errors that GraphQL itself found. A refusal that is not `explained` (see
    authorization_report.py) says only that it is one. Of a change that was cut off at the deadline nobody knows whether
    it was carried out.
    """
    logged: dict[int, str] = {}
    return [_shown(error, context, code, logged, explained or {}, is_mutation) for error in errors]


def directory_away(error: BackendUnavailable | TimeoutError, reader: Reader) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of an answer to a request whose caller the directory does not name, and log it."""
    log.warning("directory away", extra={"reason": str(error) or "no answer before the deadline of the request"})
    if isinstance(error, (BackendTimeout, TimeoutError)):
        message = Text("We could not verify in time who you are. Please try again later.")
        return 504, request_error(message.to(reader), CODES[BackendTimeout])
    message = Text("We cannot verify who you are at the moment. Please try again later.")
    return 503, request_error(message.to(reader), CODES[BackendUnavailable])


def cause_of(error: GraphQLError) -> Exception | None:
    """Return the exception behind an error, None for one that GraphQL itself found."""
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause if isinstance(cause, Exception) else None


def _shown(
    error: GraphQLError,
    context: RequestContext,
    code: str,
    logged: dict[int, str],
    explained: Explained,
    is_mutation: bool,
) -> dict[str, Any]:
    formatted: dict[str, Any] = {"message": shortened(error.message)}
    if error.locations:
        formatted["locations"] = [{"line": location.line, "column": location.column} for location in error.locations]
    if error.path is not None:
        formatted["path"] = list(error.path)
    formatted |= _explained(error, context, code, logged, explained, is_mutation)
    stands_at = error.extensions or {}
    if PATH_PATTERN in stands_at:
        formatted["extensions"] |= {name: stands_at[name] for name in (PATH_PATTERN, PATH_COUNT)}
    return formatted


def _explained(
    error: GraphQLError,
    context: RequestContext,
    code: str,
    logged: dict[int, str],
    explained: Explained,
    is_mutation: bool,
) -> dict[str, Any]:
    """Return the message and the extensions of an error."""
    formatted: dict[str, Any] = {"message": error.message}
    cause = cause_of(error)
    if cause is None:
        formatted["extensions"] = {"code": code}
        return formatted
    known = next((CODES[kind] for kind in type(cause).__mro__ if kind in CODES), None)
    if is_mutation and isinstance(cause, DeadlineExceeded) and cause.is_begun and len(error.path or ()) <= 1:
        known = CODES[OutcomeUnknown]
    if known is None:
        reference = logged.get(id(cause))
        if reference is None:
            reference = logged[id(cause)] = f"{context.request_id}-{secrets.token_hex(3)}"
            if (where := raised_at(cause)) and cause.__traceback__ is None:
                cause.add_note(f"Raised at, most recent call last:\n{where}")
            if advice := unread(cause):
                cause.add_note(advice)
            log.error("unexpected error", exc_info=cause, extra={"reference": reference, "path": _dotted(error)})
        formatted["message"] = context.in_words(unexpected(reference))
        formatted["extensions"] = {"code": MASKED, "reference": reference}
        return formatted
    if isinstance(cause, NotPermitted):
        words = explained.get(id(cause), {})
        formatted["message"] = words.get("message") or context.in_words(NOT_PERMITTED)
        formatted["extensions"] = {"code": known, **words.get("extensions", {})}
        return formatted
    formatted["message"] = context.in_words(_UNKNOWN if known == CODES[OutcomeUnknown] else _message(cause))
    formatted["extensions"] = {"code": known, **_explanation(cause, context)}
    if id(cause) not in logged:
        logged[id(cause)] = known
        log.info("field failed", extra={"code": known, "path": _dotted(error), "reason": str(cause)})
    return formatted


def _message(cause: Exception) -> Text | str:
    """Return what the client learns; what is for developers alone is no Text, and in English."""
    match cause:
        case InvalidArgument() | Refused() | ViewIsReadOnly():
            return cause.message
        case ErrorsOmitted(number=number):
            return Text("{number} more errors are not listed.", number=number)
        case DeadlineExceeded():
            return Text("This field was not answered in time. Please ask for less at once, or try again later.")
        case AnswerTooLarge():
            return _too_large(cause)
        case BackendTimeout(backend=backend):
            return Text(
                "The application behind this field ({backend}) did not answer in time. Please try again later.",
                backend=backend,
            )
        case BackendUnavailable(backend=backend):
            return Text(
                "The application behind this field ({backend}) is not available. Please try again later.",
                backend=backend,
            )
        case NotMapped(owner_id=owner_id) if owner_id.startswith("usr_"):
            return Text("The application behind this field does not know this person yet. Please contact the vendor.")
        case NotMapped():
            return Text(
                "The application behind this field does not know this organization yet. Please contact the vendor."
            )
        case ConnectorError(backend=backend):
            return Text("The application behind this field ({backend}) gave an unusable answer.", backend=backend)
    return str(cause)


def _explanation(cause: Exception, context: RequestContext) -> dict[str, Any]:
    match cause:
        case NotMapped(backend=backend, owner_id=owner_id):
            if context.discloses != "full":  # what to map is for whoever runs this, and stands in the log
                return {}
            return {"backend": backend.upper(), "notMapped": owner_id, "howToMap": how_to_map(backend, owner_id)}
        case ConnectorError(backend=backend):
            return {"backend": backend.upper()}
        case TooManyAttempts(retry_after_seconds=seconds):
            return {"retryAfterSeconds": seconds}
        case AnswerTooLarge(unit=unit, limit=limit, executed=executed):
            said = {"limit": limit} | ({"setting": _SETTINGS[unit]} if unit in _SETTINGS else {})
            return said if executed is None else said | {"executed": executed}
        case ErrorsOmitted(number=number):
            return {"number": number}
    return {}


def _too_large(cause: AnswerTooLarge) -> Text:
    if cause.executed is False:
        return Text(
            "Not executed, because the answer to the mutations before it became too large. Send it again on its own."
        )
    if cause.unit not in _SETTINGS:
        return Text(
            "This list has more than {limit} entries. Please ask for a part of it, where the field allows that.",
            limit=cause.limit,
        )
    setting = _SETTINGS[cause.unit]
    what = Text(
        "The answer would have more than {limit} objects (setting {setting}). Please ask for less at once: smaller "
        "pages, fewer fields, or several requests.",
        limit=cause.limit,
        setting=setting,
    )
    if cause.unit == "bytes":
        what = Text(
            "The answer would have more than {limit} bytes (setting {setting}). Please ask for less at once: smaller "
            "pages, fewer fields, or several requests.",
            limit=cause.limit,
            setting=setting,
        )
    if not cause.executed:
        return what
    return Text(
        "{refusal} {advice}",
        refusal=what,
        advice=Text("The mutation was executed, and its changes were stored."),
    )


def _dotted(error: GraphQLError) -> str:
    return ".".join(str(part) for part in error.path or ())
