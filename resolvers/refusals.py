"""Putting on record that somebody tried something that was refused."""

import logging

from connectors.directory.interface import AuditEntry
from connectors.errors import ConnectorError
from connectors.ids import OrganizationId
from resolvers.context import RequestContext
from resolvers.errors import Invalid, Refused, Stale, WrongPassword

log = logging.getLogger("forecourt.refusals")
auth_log = logging.getLogger("forecourt.auth")

_SLIPS = (Invalid, Stale)
"""What everybody gets wrong now and then. Refused sign-ins are on record elsewhere, for whoever is not signed in."""


async def record_refusal(
    context: RequestContext, action: str, refusal: Refused, *, subject_id: str, organization_id: OrganizationId | None
) -> None:
    """Put a refused mutation on record, once an hour for the same person, object and code.

    `organization_id` is the organization whose log it belongs to. A slip, such as a value that is not allowed, is not
    recorded. That the log cannot be written is logged for the operator; the caller is refused either way.
    """
    caller = context.caller
    if caller is None or isinstance(refusal, _SLIPS):
        return
    if isinstance(refusal, WrongPassword):
        values = {"address": context.ip_address, "person": caller.user.id, "action": action}
        auth_log.warning("password refused", extra=values)
    entry = AuditEntry(
        action,
        caller.user.id,
        subject_id[:100],
        organization_id,
        context.request_id,
        context.ip_address,
        refused_with=refusal.code.value,
    )
    try:
        async with context.backends.directory.change() as change:
            key = f"{caller.user.id} {subject_id} {refusal.code.value} {organization_id}"
            await change.record_hourly(entry, context.now, key)
    except ConnectorError as error:
        log.warning("refusal not recorded", extra={"action": action, "code": refusal.code.value, "reason": str(error)})
