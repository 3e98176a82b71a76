"""How an error looks to the client: known problems by one table, everything else masked with a reference.

Each code has a heading in docs/errors.md.
"""

import logging
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from connectors.errors import BackendTimeout, BackendUnavailable, ConnectorError, OutcomeUnknown
from gateway.auth.view_as import READ_ONLY
from gateway.execution import AnswerTooLarge, DeadlineExceeded, ErrorsOmitted
from gateway.pipeline.introspection.views import DISABLED, IntrospectionDisabled
from gateway.server.request_errors import MASKED, request_error, shortened
from resolvers.refusals import InvalidArgument, NotPermitted, NotSignedIn, TooManyAttempts
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
    ConnectorError: "BACKEND_ERROR",
}
"""Known problems by class; the nearest ancestor counts."""

_SETTINGS = {"objects": "max_objects", "bytes": "max_answer_bytes"}

_UNKNOWN = (
    "It was not confirmed in time that this change is stored, so it may have been carried out or not. Look before you "
    "send it again; with the idempotencyKey that it had, you can send it again at once."
)

Explained = Mapping[int, Mapping[str, Any]]
"""The message and the extensions of each refusal, by the id of its exception."""


def shown(
    errors: Sequence[GraphQLError],
    request_id: str,
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
    return [_shown(error, request_id, code, logged, explained or {}, is_mutation) for error in errors]


def directory_away(error: BackendUnavailable | TimeoutError) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of an answer to a request whose caller the directory does not name, and log it."""
    log.warning("directory away", extra={"reason": str(error) or "no answer before the deadline of the request"})
    if isinstance(error, (BackendTimeout, TimeoutError)):
        message = "The portal's directory did not answer in time, so nobody can be recognised. Try again later."
        return 504, request_error(message, CODES[BackendTimeout])
    message = "The portal's directory does not answer, so nobody can be recognised. Try again later."
    return 503, request_error(message, CODES[BackendUnavailable])


def cause_of(error: GraphQLError) -> Exception | None:
    """Return the exception behind an error, None for one that GraphQL itself found."""
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause if isinstance(cause, Exception) else None


def _shown(
    error: GraphQLError, request_id: str, code: str, logged: dict[int, str], explained: Explained, is_mutation: bool
) -> dict[str, Any]:
    formatted: dict[str, Any] = {"message": shortened(error.message)}
    if error.locations:
        formatted["locations"] = [{"line": location.line, "column": location.column} for location in error.locations]
    if error.path is not None:
        formatted["path"] = list(error.path)
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
            reference = logged[id(cause)] = f"{request_id}-{secrets.token_hex(3)}"
            log.error("unexpected error", exc_info=cause, extra={"reference": reference, "path": _dotted(error)})
        formatted["message"] = f"Unexpected error. Report this reference to the operator: {reference}."
        formatted["extensions"] = {"code": MASKED, "reference": reference}
        return formatted
    if isinstance(cause, NotPermitted):
        words = explained.get(id(cause), {})
        formatted["message"] = words.get("message", "Not permitted.")
        formatted["extensions"] = {"code": known, **words.get("extensions", {})}
        return formatted
    formatted["message"] = _UNKNOWN if known == CODES[OutcomeUnknown] else _message(cause)
    formatted["extensions"] = {"code": known, **_explanation(cause)}
    if id(cause) not in logged:
        logged[id(cause)] = known
        log.info("field failed", extra={"code": known, "path": _dotted(error), "reason": str(cause)})
    return formatted


def _message(cause: Exception) -> str:
    match cause:
        case DeadlineExceeded():
            return "This field was not answered in time. Ask for less at once, or try again later."
        case AnswerTooLarge():
            return _too_large(cause)
        case BackendTimeout(backend=backend):
            return f"The application behind this field ({backend}) did not answer in time. Try again later."
        case BackendUnavailable(backend=backend):
            return f"The application behind this field ({backend}) does not answer. Try again later."
        case ConnectorError(backend=backend):
            return f"The application behind this field ({backend}) gave an answer that cannot be used."
    return str(cause)


def _explanation(cause: Exception) -> dict[str, Any]:
    match cause:
        case ConnectorError(backend=backend):
            return {"backend": backend.upper()}
        case TooManyAttempts(retry_after_seconds=seconds):
            return {"retryAfterSeconds": seconds}
        case AnswerTooLarge(unit=unit, limit=limit, executed=executed):
            said = {"limit": limit, "setting": _SETTINGS[unit]}
            return said if executed is None else said | {"executed": executed}
        case ErrorsOmitted(number=number):
            return {"number": number}
    return {}


def _too_large(cause: AnswerTooLarge) -> str:
    if cause.executed is False:
        return "Not executed, because the answer to the mutations before it became too large. Send it again separately."
    what = (
        f"The answer would have more than {cause.limit:,} {cause.unit} (setting {_SETTINGS[cause.unit]}). "
        "Ask for less at once: smaller pages, fewer fields, or several requests."
    )
    return f"{what} The mutation was executed, and what it changed stays changed." if cause.executed else what


def _dotted(error: GraphQLError) -> str:
    return ".".join(str(part) for part in error.path or ())
