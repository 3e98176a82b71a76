"""Refusals of single rows as a receipt keeps them, so that a repeated request is refused for the same reason."""

from collections.abc import Mapping
from typing import Any

from permissions.decision import Decision
from permissions.vocabulary import DenialReason, Permission
from resolvers.refusals import (
    Conflict,
    ErrorCode,
    Forbidden,
    Invalid,
    LastAdministrator,
    NotFound,
    Refused,
    Stale,
    TooManyAttempts,
)
from resolvers.texts import restored, stored


def written(refusal: Refused) -> dict[str, Any]:
    """Return the refusal as JSON; of a record that is in the way only the id, as ``node``."""
    text: dict[str, Any] = {"code": refusal.code.value, "message": stored(refusal.message), "path": refusal.path}
    match refusal:
        case Stale():
            text["current_version"] = refusal.current_version
        case Invalid():
            text["constraint"] = refusal.constraint
        case Conflict(node=node) if node is not None:
            text["node"] = getattr(node, "id", None)
        case TooManyAttempts():
            text["wait"] = refusal.retry_after_seconds
        case Forbidden():
            reason = refusal.decision.reason
            text["forbidden"] = {
                "reason": reason.value if reason is not None else None,
                "missing": [permission.value for permission in refusal.decision.missing],
                "organization": refusal.organization_id,
            }
    return text


def read(text: dict[str, Any], nodes: Mapping[str, object] | None = None) -> Refused:
    """Return the refusal that `written` wrote; `nodes` are the records, by id, that may be pointed to."""
    code, message, path = ErrorCode(text["code"]), restored(text["message"]), text["path"]
    if "current_version" in text:
        return Stale(text["current_version"], path or [])
    if "wait" in text:
        return TooManyAttempts(text["wait"], path)
    if "constraint" in text:
        return Invalid(message, path or [], text["constraint"])
    if (forbidden := text.get("forbidden")) is not None:
        reason = DenialReason(forbidden["reason"]) if forbidden["reason"] is not None else None
        missing = tuple(Permission(code) for code in forbidden["missing"])
        refusal = Forbidden(message, Decision(False, reason, missing), forbidden["organization"], path)
        refusal.code = code
        return refusal
    if code is ErrorCode.LAST_ADMINISTRATOR:
        return LastAdministrator((), path)
    if code is ErrorCode.NOT_FOUND:
        found = NotFound("object", path or [])
        found.message = message
        return found
    return Conflict(message, path, code=code, node=(nodes or {}).get(text.get("node", "")))
