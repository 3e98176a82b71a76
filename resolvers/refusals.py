"""Putting on record that somebody tried something that was refused."""

import logging

from connectors.directory.interface import AuditEntry
from connectors.errors import ConnectorError
from connectors.ids import OrganizationId
from resolvers.context import RequestContext
from resolvers.errors import Invalid, NotAuthenticated, Refused, Stale, TooManyAttempts

log = logging.getLogger("forecourt.refusals")

_SLIPS = (Invalid, Stale, TooManyAttempts, NotAuthenticated)
"""What everybody gets wrong now and then, and what is counted elsewhere."""


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
