"""Reporting refused sign-ins: the operator by a line of the log, the person concerned by their audit log.

The name that was typed is never written down in clear, for people type their passwords there. Whom it means is looked
up by the worker, so that a refused sign-in takes the same statements and the same time for known and unknown names.
"""

import logging
from typing import Literal

from connectors.directory.records.audit import AuditEntry
from connectors.directory.records.outbox import OutboxRecord
from connectors.errors import BackendUnavailable, ConnectorError
from connectors.ids import UserId
from connectors.rate_limits.interface import Limit
from resolvers.context import RequestContext
from resolvers.rate_limiting import network_of
from resolvers.refusals import ErrorCode
from resolvers.transactions import changed

SIGN_IN_REFUSED = "SIGN_IN_REFUSED"

Reason = Literal["wrong_credentials", "too_many_attempts"]

_CODES = {"wrong_credentials": ErrorCode.INVALID_CREDENTIALS, "too_many_attempts": ErrorCode.RATE_LIMITED}
_ONCE_AN_HOUR = Limit(1, 3600)

log = logging.getLogger("forecourt.auth")


async def report_refused_sign_in(context: RequestContext, name: str, user_id: UserId | None, reason: Reason) -> None:
    """Log that somebody was not signed in, and have it put on record, once an hour for each name and network.

    Whoever was refused learns so either way, also when it cannot be put on record.
    """
    log_refused_sign_in(context, name, user_id, reason)
    backends = context.backends
    content = {"address": context.ip_address, "request": context.request_id, "reason": reason}
    try:
        if await _was_reported(context, name):
            return
        sealed = backends.seals.seal(name[:254])
        await changed(context, lambda change: change.enqueue(SIGN_IN_REFUSED, content, now=context.now, sealed=sealed))
    except ConnectorError as error:
        log.warning("refused sign-in not recorded", extra={"reason": str(error)})


def log_refused_sign_in(context: RequestContext, name: str, user_id: UserId | None, reason: Reason) -> None:
    """Write the line of the log; the name as a fingerprint, the same for the same name."""
    values = {"reason": reason, "address": context.ip_address, "login": context.backends.seals.fingerprint(name)}
    log.warning("sign-in refused", extra=values | ({"person": user_id} if user_id is not None else {}))


def log_refused_refresh(context: RequestContext, reason: str, user_id: UserId | None = None) -> None:
    """Write that a session was not continued."""
    values = {"reason": reason, "address": context.ip_address}
    log.info("refresh refused", extra=values | ({"person": user_id} if user_id is not None else {}))


async def record_refused_sign_in(context: RequestContext, item: OutboxRecord) -> None:
    """Put a refused sign-in on record for the person whose name was typed, once an hour for each network."""
    if item.sealed is None:
        return
    user_id = await context.backends.directory.user_id_of_login_name(context.backends.seals.open(item.sealed))
    if user_id is None:
        return
    address, reason = item.content["address"], item.content["reason"]
    entry = AuditEntry(
        action="session.refused",
        actor_id=None,
        subject_id=user_id,
        organization_id=None,
        request_id=item.content["request"],
        ip_address=address,
        after={"reason": reason},
        refused_with=_CODES[reason].value,
    )
    key = f"{user_id} {network_of(address)}"
    # At the instant of the attempt: an item that comes twice, or late, is still of its own hour.
    await changed(context, lambda change: change.record_hourly(entry, item.created_at, key))


async def _was_reported(context: RequestContext, name: str) -> bool:
    key = f"sign-in-refused:{network_of(context.ip_address)}:{name}"
    try:
        return await context.backends.rate_limits.hit(key, _ONCE_AN_HOUR) is not None
    except BackendUnavailable:
        return False
